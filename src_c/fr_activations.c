/* The activation tables for float and double, from one body. */
#include "fr_activations.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define REAL float
#define REAL_BITS uint32_t
#define FN(name) name##_float
#define LIBM(name) name##f
#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW 0x1.7f7d1cp-20f
#define EXP_LOWEST (-104.0f)
#define EXP_HIGHEST 89.0f
#define TANH_SATURATION 10.0f
#define EXP_TERMS 7
#include "fr_activations_impl.h"

#define REAL double
#define REAL_BITS uint64_t
#define FN(name) name##_double
#define LIBM(name) name
#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
#define LN2_HIGH 0x1.62e42fefa38p-1
#define LN2_LOW 0x1.ef35793c7673p-45
#define EXP_LOWEST (-746.0)
#define EXP_HIGHEST 710.0
#define TANH_SATURATION 22.0
#define EXP_TERMS 13
#include "fr_activations_impl.h"
