# The C interface of the fused engine; src_c/api/fr_api.h documents every field.

from libc.stdint cimport int32_t, uint8_t, uint32_t

cdef extern from "api/fr_api.h" nogil:
    cdef enum fr_cell:
        FR_CELL_COUNT

    enum:
        FR_MAX_WEIGHTS
        FR_MAX_STATES

    cdef enum fr_activation:
        FR_LINEAR
        FR_TANH
        FR_SIGMOID
        FR_RELU
        FR_HARD_SIGMOID

    cdef enum fr_real:
        FR_FLOAT
        FR_DOUBLE

    cdef enum fr_isa:
        FR_AVX512
        FR_ISA_COUNT

    cdef enum fr_capability:
        FR_VNNI

    cdef enum fr_weight_format:
        FR_REAL_WEIGHTS
        FR_INT8_WEIGHTS
        FR_BF16_WEIGHTS

    ctypedef struct fr_packed_operand:
        const uint32_t *words
        const float *scale
        const float *bias
        const int32_t *first

    ctypedef struct fr_rnn:
        fr_cell cell
        fr_real real
        fr_activation activation
        fr_activation recurrent_activation
        Py_ssize_t batch
        Py_ssize_t timesteps
        Py_ssize_t features
        Py_ssize_t units
        Py_ssize_t projection
        bint go_backwards
        bint return_sequences
        bint zero_output_for_mask
        bint save
        int input_dropout_gates
        int threads
        const void *x
        const void *weights[8]
        const void *initial_states[2]
        const uint8_t *mask
        const void *input_dropout
        const void *recurrent_dropout
        const void *zoneout[2]
        double zoneout_rates[2]
        double epsilon
        fr_weight_format weight_format
        fr_packed_operand packed_inputs
        fr_packed_operand packed_recurrent
        void *workspace
        void *scratch
        void *outputs
        void *final_states[2]
        const void *d_outputs
        const void *d_final_states[2]
        void *dx
        void *d_weights[8]
        void *d_initial_states[2]

    ctypedef struct fr_sizes:
        size_t workspace
        size_t forward_scratch
        size_t backward_scratch

    ctypedef struct fr_matrix_product:
        fr_real real
        Py_ssize_t count
        Py_ssize_t rows
        Py_ssize_t columns
        Py_ssize_t terms
        Py_ssize_t a_matrix
        Py_ssize_t a_row
        Py_ssize_t a_term
        Py_ssize_t b_matrix
        Py_ssize_t b_term
        Py_ssize_t b_column
        const void *a
        const void *b
        const void *bias
        void *out
        void *scratch
        int threads

    size_t fr_matrix_scratch(fr_isa isa, const fr_matrix_product *product)
    void fr_multiply(fr_isa isa, const fr_matrix_product *product)
    ctypedef struct fr_adam:
        fr_real real
        Py_ssize_t size
        const void *gradient
        void *value
        void *m
        void *v
        void *v_hat
        double beta_1
        double beta_2
        double epsilon
        double alpha
        int threads

    void fr_adam_update(fr_isa isa, const fr_adam *update)
    bint fr_isa_usable(fr_isa isa)
    fr_isa fr_best_isa()
    unsigned int fr_isa_capabilities(fr_isa isa)
    const char *fr_cell_name(fr_cell cell)
    const char *fr_isa_name(fr_isa isa)
    Py_ssize_t fr_lanes(fr_isa isa)
    fr_sizes fr_sizes_of(fr_isa isa, const fr_rnn *rnn)
    void fr_forward(fr_isa isa, const fr_rnn *rnns, int count)
    void fr_backward(fr_isa isa, const fr_rnn *rnns, int count)
    double fr_fma_loop(fr_isa isa, fr_real real, long turns)

cdef extern from "api/fr_testing.h" nogil:
    cdef enum fr_sharing:
        FR_SHARE_BY_SIZE

    void fr_force_parallel(fr_sharing sharing)
    void fr_allow_capability(fr_capability capability, int allowed)

# Streams; src_c/api/fr_stream.h documents every field.

cdef extern from "base/team.h" nogil:
    ctypedef struct fr_team

    size_t fr_team_size()
    int fr_team_start(fr_team *team, int helpers)
    void fr_team_stop(fr_team *team)

cdef extern from "api/fr_stream.h" nogil:
    cdef enum fr_stage_kind:
        FR_STAGE_RECURRENT
        FR_STAGE_DENSE
        FR_STAGE_SCALE
        FR_STAGE_NORMALIZE
        FR_STAGE_ACTIVATE
        FR_STAGE_SOFTMAX
        FR_STAGE_EMBED

    enum:
        FR_STREAM_DONE
        FR_STREAM_BAD_ID

    ctypedef struct fr_stage:
        fr_stage_kind kind
        fr_cell cell
        fr_activation activation
        fr_activation recurrent_activation
        Py_ssize_t inputs
        Py_ssize_t outputs
        double epsilon
        Py_ssize_t units
        const void *weights[8]
        const void *mean
        const void *rate
        const void *gamma
        const void *beta

    ctypedef struct fr_stream_functions:
        size_t (*size)(const fr_stage *stages, int count, Py_ssize_t batch) noexcept nogil
        void (*make)(
            void *stream, const fr_stage *stages, int count, Py_ssize_t batch
        ) noexcept nogil
        void (*share)(void *stream, fr_team *team) noexcept nogil
        void (*pack)(void *stream, const fr_stage *stages) noexcept nogil
        int (*step)(
            void *stream, const void *x, void *y, Py_ssize_t step, Py_ssize_t steps
        ) noexcept nogil
        void (*read_state)(const void *stream, int index, void *out) noexcept nogil
        void (*write_state)(void *stream, int index, const void *state) noexcept nogil
        void (*reset_row)(void *stream, Py_ssize_t row) noexcept nogil

    const fr_stream_functions *fr_stream_functions_of(fr_isa isa, fr_real real)
