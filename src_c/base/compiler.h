/* What every part of the engine asks of the compiler, and for what it is compiled.
 *
 * isa/body.c is compiled for one instruction set and one REAL type; the macros that say for which
 * have defaults, so that every header compiles alone.
 */
#ifndef FR_BASE_COMPILER_H
#define FR_BASE_COMPILER_H

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define FR_INLINE inline __attribute__((always_inline))
#define FR_UNROLL _Pragma("GCC unroll 8")
#define FR_UNROLL_ALL _Pragma("GCC unroll 16")

#ifndef FR_ISA
#define FR_ISA generic
#define FR_ISA_CODE FR_GENERIC
#endif
#ifndef FR_VECTOR_BYTES
#define FR_VECTOR_BYTES 16
#endif
/* The largest tile of the micro-kernel. */
#ifndef FR_MAX_ROWS
#define FR_MAX_ROWS 3
#endif
#define FR_MAX_COLUMNS 4

#endif
