/* The 8-bit products of AVX-512 on a CPU that also has VNNI; all else is the variant avx512. */
#define FR_VECTOR_BYTES 64
#define FR_MAX_ROWS 6
#if !defined(__AVX512VNNI__)
#error "compile this file with the flags of its variant"
#endif
#include "../fr_int8_impl.h"

const fr_int8_kernels fr_int8_avx512_vnni = {.zero = INT8_ZERO, .product = INT8_PRODUCTS};
