/* What a pass works on: sizes, the place of every array in the buffers, and who does what.
 *
 * A workspace row is one valid step of one sequence: masked steps have none. It holds what the step
 * reads, and the step writes its states into the workspace row of the sequence's next step, or into its
 * final one.
 *   A       (rows, input rows, stride)  [x | 1 | h], what the weights multiply, bias included
 *   states  (rows, padded)              states before the step; h stands in A, where it can
 *   saved   (steps, values, padded)     what later phases and the backward pass need of the step
 * Rows stand step by step when they are saved; else each sequence has two that take turns.
 * One input row serves all gates, but for the candidate of the GRU, whose h is r·h, and where each
 * gate has a dropout mask of its own.
 */
#ifndef FR_RNN_PLAN_H
#define FR_RNN_PLAN_H

#include "api/fr_api.h"
#include "base/pool.h"
#include "base/simd.h"

/* One sequence at one step: its number, the workspace row that it reads, and where its states go. */
typedef struct {
    int32_t b, row, next;
} fr_sample;

/* A state in the workspace, and its gradient in scratch. */
typedef struct {
    REAL *at;
    ptrdiff_t stride; /* between workspace rows */
    ptrdiff_t size;   /* H or P */
    ptrdiff_t padded; /* up to whole vectors */
    REAL *gradient;   /* (B, padded) */
    REAL *direct;     /* (B, padded): the share of the gradient that zoneout hands past the cell */
    int zoneout;
} fr_state;

struct fr_cell_spec;
struct fr_quantized;

typedef struct fr_plan {
    const fr_rnn *r;
    const struct fr_cell_spec *cell;
    fr_barrier *barrier;
    int size;     /* threads of this pass */
    int by_units; /* they share the units of each step, with a barrier; else they share the rows */
    int per_gate; /* dropout with masks for each gate: an input row for each */
    int in_place; /* the weights are read where they stand, not packed here */
    int in_order; /* a batch of one row sums its input operand in order, as steps of a chunk do */
    ptrdiff_t B, T, F, H, P, G;
    ptrdiff_t K;              /* F + 1 + P: what the weights of the gates multiply */
    ptrdiff_t vectors;        /* of units */
    ptrdiff_t padded;         /* units, up to whole vectors */
    ptrdiff_t output_vectors; /* of P */
    int tail; /* column vectors of the last vector of units, whose gates share them; or 0 */
    ptrdiff_t input_rows, gate_stride, a_stride;
    ptrdiff_t steps;    /* rows but for the final ones: valid steps, or 2·B if not saved */
    ptrdiff_t d_stride; /* a row of dz */
    ptrdiff_t chunk;    /* steps whose dz is kept at once */
    /* workspace */
    REAL *A, *saved, *numbers;
    int values; /* vectors in `saved`, for each row */
    fr_state state[FR_MAX_STATES];
    int32_t *row_of; /* (T, B): workspace row or -1 */
    int32_t *next;   /* (steps,) */
    int32_t *source; /* (steps,): b·T + time, the row of x */
    int32_t *first;  /* (B,): first valid step, or T */
    int32_t *offset; /* (T + 1,): first workspace row of a step */
    /* scratch, forward */
    fr_sample *lists;        /* (size, 2, B) */
    uint8_t *parity;         /* (size, B) */
    REAL *packed;            /* see rnn/pack.h */
    REAL *packed_projection; /* (output vectors, H, LANES) */
    REAL *input_part; /* (chunk·B, vectors, G, LANES): bias + x·W of a chunk of steps, or NULL */
    REAL *chunk_x;    /* (chunk·B, F + 1) */
    /* scratch, forward on quantized weights */
    uint8_t *quantized;      /* (size, rows, stride): rows in 8 bits, see quant/operand.h */
    float *quantized_scales; /* (size, rows) */
    /* scratch, backward */
    REAL *d_inner;   /* (B, padded): gradient of what a later phase multiplied */
    REAL *dz;        /* (rows of a chunk, d_stride) */
    REAL *d_weights; /* tiles of the weight gradients, see rnn/gradients.h */
    REAL *d_own;     /* gradients of the cell's own weights, in rows of `padded` */
    REAL *packed_dh, *packed_dx, *packed_d_projection;
} fr_plan;

/* The valid samples of one step, and which share of it this thread computes. */
typedef struct {
    const fr_plan *p;
    int rank; /* of this thread */
    ptrdiff_t t;
    const fr_sample *samples;
    ptrdiff_t count;
    const struct fr_quantized *quantized; /* of this thread, on quantized weights; else NULL */
} fr_step;

/* A row length that is whole vectors and does not map all rows onto the same cache sets. */
static ptrdiff_t row_stride(ptrdiff_t n)
{
    const ptrdiff_t stride = (n + LANES - 1) / LANES * LANES;
    return stride * (ptrdiff_t)sizeof(REAL) % 512 ? stride : stride + LANES;
}

static ptrdiff_t time_of(const fr_rnn *r, ptrdiff_t t)
{
    return r->go_backwards ? r->timesteps - 1 - t : t;
}

static int is_valid_step(const fr_rnn *r, ptrdiff_t t, ptrdiff_t b)
{
    return !r->mask || r->mask[b * r->timesteps + time_of(r, t)];
}

static ptrdiff_t vectors_of(ptrdiff_t n)
{
    return (n + LANES - 1) / LANES;
}

#endif
