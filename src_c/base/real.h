/* REAL, the type of all numbers of this instance of the code: float or double, by FR_REAL_BITS. */
#ifndef FR_BASE_REAL_H
#define FR_BASE_REAL_H

#include <stddef.h>
#include <stdint.h>

#ifndef FR_REAL_BITS
#define FR_REAL_BITS 32
#endif

#if FR_REAL_BITS == 32

#define REAL float
#define REAL_INT int32_t
#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127
#define SQUARE_ROOT __builtin_sqrtf /* of one number */

#else

#define REAL double
#define REAL_INT int64_t
#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
#define SQUARE_ROOT __builtin_sqrt

#endif

/* ln 2 in two parts, of which the first times a small whole number is exact. */
#if FR_REAL_BITS == 32
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW 0x1.7f7d1cp-20f
#define EXP_LOWEST (-104.0f)  /* exp is 0 below */
#define TANH_SATURATION 10.0f /* tanh is 1 above */
#else
#define LN2_HIGH 0x1.62e42fefa38p-1
#define LN2_LOW 0x1.ef35793c7673p-45
#define EXP_LOWEST (-746.0)
#define TANH_SATURATION 22.0
#endif

#endif
