/* The 8-bit products of AVX-512 on a CPU that also has VNNI. */
#if !defined(__AVX512VNNI__)
#error "compile this file with the flags of its capability"
#endif
#include "gemm/int8_kernel.h"

const fr_int8_kernels fr_int8_vnni = {.zero = INT8_ZERO, .product = INT8_PRODUCTS};
