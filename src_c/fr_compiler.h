/* What every file of variants/ asks of the compiler. */
#ifndef FR_COMPILER_H
#define FR_COMPILER_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define FR_INLINE inline __attribute__((always_inline))
#define FR_UNROLL _Pragma("GCC unroll 8")
#define FR_UNROLL_ALL _Pragma("GCC unroll 16")
#define FR_MAX_COLUMNS 4

#endif
