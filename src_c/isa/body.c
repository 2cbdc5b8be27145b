/* The whole engine for one instruction set and one REAL type: compiled once for each, with what
 * setup.py takes from isa/isas.h (FR_ISA, FR_ISA_CODE, FR_VECTOR_BYTES, FR_MAX_ROWS) and FR_REAL_BITS. */
#include "gemm/matrix.h"
#include "isa/engine.h"
#include "isa/peak.h"
#include "optim/adam.h"
#include "rnn/run.h"
#include "stream/steps.h"

const fr_engine FR_ENGINE(FR_ISA, FR_REAL_BITS) = {
    .lanes = LANES,
    .sizes = sizes_of_pass,
    .forward = run_forward,
    .backward = run_backward,
    .matrix_scratch = matrix_scratch,
    .multiply = multiply_matrices,
    .adam = run_adam,
    .fma_loop = fma_loop,
    .stream = {stream_size, stream_make, stream_share, stream_pack, stream_step, stream_read_state,
               stream_write_state, stream_reset_row},
};
