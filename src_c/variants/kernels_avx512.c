/* AVX-512: 16 floats a vector, 32 registers. */
#define FR_VARIANT avx512
#define FR_VECTOR_BYTES 64
#define FR_MAX_ROWS 6
#if !defined(__AVX512F__) || !defined(__AVX512DQ__)
#error "compile this file with the flags of its variant"
#endif
#include "../fr_kernels.h"
