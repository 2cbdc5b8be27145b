/* AVX-512: 16 floats a vector, 32 registers. */
#define FR_VARIANT avx512
#define FR_VECTOR_BYTES 64
#define FR_MAX_ROWS 6
#define FR_INT8_TWIN fr_int8_avx512_vnni /* the 8-bit products where the CPU has VNNI */
#if !defined(__AVX512F__) || !defined(__AVX512DQ__)
#error "compile this file with the flags of its variant"
#endif
#include "../fr_kernels.h"
