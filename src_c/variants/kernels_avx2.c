/* AVX2 and FMA: 8 floats a vector, 16 registers. */
#define FR_VARIANT avx2
#define FR_VECTOR_BYTES 32
#define FR_MAX_ROWS 3
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with the flags of its variant"
#endif
#include "../fr_kernels.h"
