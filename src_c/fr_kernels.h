/* The whole engine for one variant: included once by each file of variants/, which sets FR_VARIANT
 * (its name), FR_VECTOR_BYTES and FR_MAX_ROWS. Bodies are compiled once for float, once for double.
 */
#include "fr_api.h"
#include "fr_engine.h"
#include "fr_pool.h"

#include "fr_compiler.h"

#include "fr_int8_impl.h"

#define REAL float
#define REAL_BITS 32
#define REAL_INT int32_t
#define FN(name) name##_float
#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127
#define LN2_HIGH 0x1.62e4p-1f
#define LN2_LOW 0x1.7f7d1cp-20f
#define EXP_LOWEST (-104.0f)
#define TANH_SATURATION 10.0f
#define EXP_TERMS 5
#define EXP_COEFFICIENTS exp_coefficients_float
static const float exp_coefficients_float[EXP_TERMS] = {
    0.5f, 0.16666573381900846f, 0.041666550110305124f, 0.0083637738744055735f,
    0.0013926926614021906f,
};
#if defined(__aarch64__)
#define INTRINSIC(name) name##f32
#else
#define INTRINSIC(name) name##ps
#endif
#include "fr_body.h"

#define REAL double
#define REAL_BITS 64
#define REAL_INT int64_t
#define FN(name) name##_double
#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
#define LN2_HIGH 0x1.62e42fefa38p-1
#define LN2_LOW 0x1.ef35793c7673p-45
#define EXP_LOWEST (-746.0)
#define TANH_SATURATION 22.0
#define EXP_TERMS 10
#define EXP_COEFFICIENTS exp_coefficients_double
static const double exp_coefficients_double[EXP_TERMS] = {
    0.5000000000000001128,      0.16666666666666667534,     0.041666666666620638584,
    0.0083333333333297934996,   0.0013888888918939167785,   0.00019841269864380513295,
    0.000024801518641395993583, 2.7557266418612303703e-6,   2.76213386691429238e-7,
    2.5101346928350340198e-8,
};
#if defined(__aarch64__)
#define INTRINSIC(name) name##f64
#else
#define INTRINSIC(name) name##pd
#endif
#include "fr_body.h"

#define STREAM_FUNCTIONS(type)                                                                     \
    {                                                                                              \
        stream_size_##type, stream_make_##type, stream_share_##type, stream_pack_##type,           \
            stream_step_##type, stream_read_state_##type, stream_write_state_##type, stream_reset_row_##type           \
    }
#define TABLE2(variant) fr_engine_##variant
#define TABLE1(variant) TABLE2(variant)
const fr_engine TABLE1(FR_VARIANT) = {
    .lanes = FR_VECTOR_BYTES / sizeof(float),
    .sizes = {sizes_float, sizes_double},
    .forward = {run_forward_float, run_forward_double},
    .backward = {run_backward_float, run_backward_double},
    .matrix_scratch = {matrix_scratch_float, matrix_scratch_double},
    .multiply = {multiply_matrices_float, multiply_matrices_double},
    .adam = {run_adam_float, run_adam_double},
    .fma_loop = {fma_loop_float, fma_loop_double},
    .quantized_sizes = quantized_sizes,
    .quantized_forward = run_quantized,
    .stream = {STREAM_FUNCTIONS(float), STREAM_FUNCTIONS(double)},
};
