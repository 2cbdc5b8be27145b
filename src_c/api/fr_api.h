/* The fused engine, as Cython sees it: one argument struct, sizes of buffers, and the two passes;
 * products of matrices, and steps of Adam.
 *
 * Sizes: B batch, T timesteps, F features, H units, G gates. Arrays are C-contiguous and of one
 * REAL type, float or double. The caller owns every buffer; nothing is allocated here, nothing is
 * checked but what a size could overflow, and nothing is kept after a call but the thread pool.
 */
#ifndef FR_API_H
#define FR_API_H

#include "isa/isas.h"

#include <stddef.h>
#include <stdint.h>

enum fr_cell { FR_SIMPLE_RNN, FR_LSTM, FR_GRU, FR_GRU_RESET_AFTER, FR_CELL_COUNT };
enum fr_activation { FR_LINEAR, FR_TANH, FR_SIGMOID, FR_RELU, FR_HARD_SIGMOID };
enum fr_real { FR_FLOAT, FR_DOUBLE };
enum fr_weight_format { FR_REAL_WEIGHTS, FR_INT8_WEIGHTS, FR_BF16_WEIGHTS };

#define FR_ISA_CODE_(name, NAME, ...) FR_##NAME,
enum fr_isa { FR_ISAS(FR_ISA_CODE_) FR_ISA_COUNT };
enum fr_capability { FR_CAPABILITIES(FR_ISA_CODE_) FR_CAPABILITY_COUNT };

/* Quantized weights of one operand, packed as quant/forward.h says, aligned to 64 bytes. */
typedef struct fr_packed_operand {
    /* 4 numbers of 8 bits in the order of memory, or 2 of 16 bits, the low one first. */
    const uint32_t *words;
    const float *scale;   /* of each column; 8 bits */
    const float *bias;    /* the recurrent operand has one in the GRU reset_after, else NULL */
    const int32_t *first; /* -128 times the sum of each column; 8 bits */
} fr_packed_operand;

typedef struct fr_rnn {
    enum fr_cell cell;
    enum fr_real real;
    enum fr_activation activation, recurrent_activation;
    ptrdiff_t batch, timesteps, features, units;
    int go_backwards, return_sequences, zero_output_for_mask;
    int save;                /* forward leaves in `workspace` what backward needs */
    int input_dropout_gates; /* 0 none, 1 one mask for all gates, G one for each */
    int threads;             /* at most; results do not depend on it */

    /* Given. NULL where a pointer says so. */
    const void *x;                 /* (B, T, F) */
    const void *kernel;            /* (F, G·H) */
    const void *recurrent_kernel;  /* (H, G·H) */
    const void *bias;              /* (G·H,), GRU reset_after (2, 3·H); or NULL */
    const void *initial_h;         /* (B, H); or NULL for zeros */
    const void *initial_c;         /* (B, H), LSTM; or NULL for zeros */
    const uint8_t *mask;           /* (B, T), 1 where a step counts; or NULL */
    const void *input_dropout;     /* (input_dropout_gates, B, F); or NULL */
    const void *recurrent_dropout; /* (G, B, H); or NULL */

    /* Unless FR_REAL_WEIGHTS, these stand for kernel, recurrent_kernel and bias: forward alone, of
     * floats, without `save` and dropout. */
    enum fr_weight_format weight_format;
    fr_packed_operand packed_inputs, packed_recurrent;

    /* Buffers, aligned to 64 bytes, of the sizes that fr_sizes_of gives. */
    void *workspace; /* written forward, read backward */
    void *scratch;   /* dead when a pass returns */

    /* Forward: written. */
    void *outputs; /* (B, T, H), or (B, H) without return_sequences */
    void *final_h; /* (B, H) */
    void *final_c; /* (B, H), LSTM */

    /* Backward: given; NULL means zero. */
    const void *d_outputs; /* of the shape of outputs */
    const void *d_final_h; /* (B, H) */
    const void *d_final_c; /* (B, H) */
    /* Backward: written. */
    void *dx;                /* (B, T, F); or NULL where it is not wanted */
    void *dkernel;           /* (F, G·H) */
    void *drecurrent_kernel; /* (H, G·H) */
    void *dbias;             /* as bias; or NULL */
    void *dinitial_h;        /* (B, H) */
    void *dinitial_c;        /* (B, H), LSTM */
} fr_rnn;

/* Bytes; SIZE_MAX where they do not fit into the address space. */
typedef struct fr_sizes {
    size_t workspace, forward_scratch, backward_scratch;
} fr_sizes;

const char *fr_isa_name(enum fr_isa isa);
/* Whether this build has the instruction set and this machine runs it. */
int fr_isa_usable(enum fr_isa isa);
/* The most capable usable one. */
enum fr_isa fr_best_isa(void);
/* A bit for each enum fr_capability that this machine has beside the instruction set. No result
 * depends on them. */
unsigned fr_isa_capabilities(enum fr_isa isa);
/* Floats in a vector of the instruction set, as `fr_packed_operand` wants to know. */
ptrdiff_t fr_lanes(enum fr_isa isa);

/* `mask`, the sizes and the options are read. */
fr_sizes fr_sizes_of(enum fr_isa isa, const fr_rnn *rnn);
/* Run `count` passes operand by operand on the threads. All of one isa. */
void fr_forward(enum fr_isa isa, const fr_rnn *rnns, int count);
void fr_backward(enum fr_isa isa, const fr_rnn *rnns, int count);

/* out[i] = a[i]·b[i] + bias for `count` matrices: a (rows, terms), b (terms, columns), out (rows,
 * columns). Distances count numbers; those of a and b may be any, so each may be a transpose or a
 * part of another array. No size is 0. */
typedef struct fr_matrix_product {
    enum fr_real real;
    ptrdiff_t count, rows, columns, terms;
    ptrdiff_t a_matrix, a_row, a_term;
    ptrdiff_t b_matrix, b_term, b_column;
    const void *a, *b;
    const void *bias; /* (columns,); or NULL */
    void *out;        /* (count, rows, columns), C-contiguous */
    void *scratch;    /* aligned to 64 bytes, of fr_matrix_scratch bytes */
    int threads;      /* as in fr_rnn */
} fr_matrix_product;

size_t fr_matrix_scratch(enum fr_isa isa, const fr_matrix_product *product);
void fr_multiply(enum fr_isa isa, const fr_matrix_product *product);

/* One step of Adam on arrays of `size` numbers, changed in place. */
typedef struct fr_adam {
    enum fr_real real;
    ptrdiff_t size;
    const void *gradient;
    void *value, *m, *v;
    void *v_hat; /* amsgrad's; or NULL */
    double beta_1, beta_2, epsilon, alpha;
    int threads;
} fr_adam;

void fr_adam_update(enum fr_isa isa, const fr_adam *update);

/* Multiply and add in registers alone, to measure the peak; returns the operations done. */
double fr_fma_loop(enum fr_isa isa, enum fr_real real, long turns);

#endif
