/* Everything for one REAL type, in the order of dependence. */
#include "fr_simd.h"

#include "fr_vmath_impl.h"

#include "fr_product_impl.h"

#include "fr_plan_impl.h"

#include "fr_rows_impl.h"

#include "fr_cells_impl.h"

#include "fr_pack_impl.h"

#include "fr_forward_impl.h"

#include "fr_gradients_impl.h"

#include "fr_backward_impl.h"

#include "fr_run_impl.h"

#include "fr_matrix_impl.h"

#include "fr_adam_impl.h"

#if REAL_BITS == 32
#include "fr_bf16_impl.h"

#include "fr_quantized_impl.h"
#endif

#include "fr_stream_impl.h"

#include "fr_stream_steps_impl.h"

#undef REAL
#undef REAL_BITS
#undef REAL_INT
#undef FN
#undef MANTISSA_BITS
#undef EXPONENT_BIAS
#undef LN2_HIGH
#undef LN2_LOW
#undef EXP_LOWEST
#undef TANH_SATURATION
#undef EXP_TERMS
#undef EXP_COEFFICIENTS
#undef INTRINSIC
#undef LANES
#undef V
#undef VI
#undef SPLAT
#undef SIGN_BIT
#undef ROUNDING_SHIFT
#undef FIRST_LANES
#undef fma_
#undef at_least
#undef at_most
#undef if_negative
#undef divide
#undef scale_by
#undef TILE_VECTORS
#undef TAKE
#undef FOR_ACTIVATIONS
#undef SLOTS_AT_ONCE
#undef MAX_JOBS
#undef MAX_SEGMENTS
#undef PACKED_ROWS
#undef MAX_PASSES
#undef THREAD_FLOP
#undef BARRIER_FLOP
#undef SHARED_WEIGHTS
#undef PANEL
#undef TERMS_AT_ONCE
#undef ROWS_OF_A_THREAD
#undef NUMBERS_OF_A_THREAD
#undef LONG_PASS
#undef SHARED_STEP
#undef SQUARE_ROOT
#undef FOR_VECTORS
