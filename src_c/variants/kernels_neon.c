/* NEON on 64-bit ARM: 4 floats a vector, 32 registers. */
#define FR_VARIANT neon
#define FR_VECTOR_BYTES 16
#define FR_MAX_ROWS 6
#if !defined(__aarch64__)
#error "compile this file for its variant"
#endif
#include "../fr_kernels.h"
