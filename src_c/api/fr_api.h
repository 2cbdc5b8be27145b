/* The fused engine, as Cython sees it: one argument struct, sizes of buffers, and the two passes;
 * products of matrices, and steps of Adam.
 *
 * Sizes: B batch, T timesteps, F features, H units, P outputs, G gates. Arrays are C-contiguous and of one
 * REAL type, float or double. The caller owns every buffer; nothing is allocated here, nothing is
 * checked but what a size could overflow, and nothing is kept after a call but the thread pool.
 */
#ifndef FR_API_H
#define FR_API_H

#include "isa/isas.h"
#include "rnn/cells/list.h"

#include <stddef.h>
#include <stdint.h>

enum fr_activation { FR_LINEAR, FR_TANH, FR_SIGMOID, FR_RELU, FR_HARD_SIGMOID };
enum fr_real { FR_FLOAT, FR_DOUBLE };
enum fr_weight_format { FR_REAL_WEIGHTS, FR_INT8_WEIGHTS, FR_BF16_WEIGHTS };

#define FR_CODE_(name, NAME, ...) FR_##NAME,
enum fr_cell { FR_CELLS(FR_CODE_) FR_CELL_COUNT };
enum fr_isa { FR_ISAS(FR_CODE_) FR_ISA_COUNT };
enum fr_capability { FR_CAPABILITIES(FR_CODE_) FR_CAPABILITY_COUNT };

/* Quantized weights of one operand, packed as quant/operand.h says, aligned to 64 bytes. */
typedef struct fr_packed_operand {
    /* 4 numbers of 8 bits in the order of memory, or 2 of 16 bits, the low one first. */
    const uint32_t *words;
    const float *scale;   /* of each column; 8 bits */
    const float *bias;    /* the recurrent operand has one in the GRU reset_after, else NULL */
    const int32_t *first; /* -128 times the sum of each column; 8 bits */
} fr_packed_operand;

/* The first weights of every cell; those of its own follow, as its row of rnn/cells/table.h says. */
enum { FR_KERNEL, FR_RECURRENT_KERNEL, FR_BIAS, FR_OWN_WEIGHTS };
#define FR_MAX_WEIGHTS 8
#define FR_MAX_STATES 2

/* One pass. The struct is read during a call and not kept. Its pointers need to live as long as the
 * call; `workspace` and all that is "read backward" from the forward call to the end of the last
 * backward call. What is written overlaps nothing else; what is read may overlap what is read. Arrays
 * are aligned as their numbers are, the buffers to 64 bytes.
 *
 * P is the length of the first state, which is the output: H, but for a cell with a projection. Each
 * state k has S_k numbers: P or H.
 */
typedef struct fr_rnn {
    enum fr_cell cell;
    enum fr_real real;
    enum fr_activation activation, recurrent_activation;
    ptrdiff_t batch, timesteps, features, units;
    ptrdiff_t projection; /* P of a cell with a projection; else 0 */
    int go_backwards, return_sequences, zero_output_for_mask;
    int save;                /* forward leaves in `workspace` what backward needs */
    int input_dropout_gates; /* 0 none, 1 one mask for all gates, G one for each */
    int threads;             /* at most; results do not depend on it */

    /* Given, read forward and backward. */
    const void *x; /* (B, T, F) */
    /* Kernel (F, G·H), recurrent kernel (P, G·H), bias (G·H,) or (2, G·H) or NULL, and the cell's own;
     * not read with quantized weights. */
    const void *weights[FR_MAX_WEIGHTS];
    const void *initial_states[FR_MAX_STATES]; /* (B, S_k); or NULL for zeros. Read forward alone */
    const uint8_t *mask;                       /* (B, T), 1 where a step is valid; or NULL */
    const void *input_dropout;                 /* (input_dropout_gates, B, F); or NULL */
    const void *recurrent_dropout;             /* (G, B, P); or NULL */
    /* s_t = s_{t-1} + k·(s~ - s_{t-1}), with s~ what the cell gives: k for each number and step in the
     * order of processing, (T, B, S_k), where not NULL; else `zoneout_rates[k]` is 1 - k, 0 for none. */
    const void *zoneout[FR_MAX_STATES];
    double zoneout_rates[FR_MAX_STATES];
    double epsilon; /* added to variances, where the cell normalises */

    /* Unless FR_REAL_WEIGHTS, these stand for the weights: forward alone, of floats, without `save`,
     * dropout and weights of the cell's own. */
    enum fr_weight_format weight_format;
    fr_packed_operand packed_inputs, packed_recurrent;

    /* The caller's buffers, of the sizes that fr_sizes_of gives for the same options. */
    void *workspace; /* written forward, read backward: not to be moved, nor changed in between */
    void *scratch;   /* dead when a pass returns; another one may be given backward */

    /* Forward: written. */
    void *outputs;                     /* (B, T, P), or (B, P) without return_sequences */
    void *final_states[FR_MAX_STATES]; /* (B, S_k) */

    /* Backward: given; NULL means zero. */
    const void *d_outputs;                     /* of the shape of outputs */
    const void *d_final_states[FR_MAX_STATES]; /* (B, S_k) */
    /* Backward: written. */
    void *dx;                              /* (B, T, F); or NULL where it is not wanted */
    void *d_weights[FR_MAX_WEIGHTS];       /* as the weights; NULL where there is none */
    void *d_initial_states[FR_MAX_STATES]; /* (B, S_k) */
} fr_rnn;

/* Bytes; SIZE_MAX where they do not fit into the address space. */
typedef struct fr_sizes {
    size_t workspace, forward_scratch, backward_scratch;
} fr_sizes;

const char *fr_cell_name(enum fr_cell cell);
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
    const void *a, *b; /* read; may overlap each other */
    const void *bias;  /* (columns,), read; or NULL */
    void *out;         /* (count, rows, columns), C-contiguous, written; overlaps nothing */
    void *scratch;     /* aligned to 64 bytes, of fr_matrix_scratch bytes; dead on return */
    int threads;       /* as in fr_rnn */
} fr_matrix_product;

size_t fr_matrix_scratch(enum fr_isa isa, const fr_matrix_product *product);
void fr_multiply(enum fr_isa isa, const fr_matrix_product *product);

/* One step of Adam on arrays of `size` numbers, changed in place. */
typedef struct fr_adam {
    enum fr_real real;
    ptrdiff_t size;
    const void *gradient; /* read */
    void *value, *m, *v;  /* read and written; no two of the arrays overlap */
    void *v_hat;          /* amsgrad's; or NULL */
    double beta_1, beta_2, epsilon, alpha;
    int threads;
} fr_adam;

void fr_adam_update(enum fr_isa isa, const fr_adam *update);

/* Multiply and add in registers alone, to measure the peak; returns the operations done. */
double fr_fma_loop(enum fr_isa isa, enum fr_real real, long turns);

#endif
