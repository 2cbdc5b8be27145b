/* What a pass works on: sizes, the place of every array in the buffers, and who does what.
 *
 * A row is one step of one row that counts: masked steps have none. It holds what the step reads,
 * and the step writes its states into the row of the row's next step, or into its final row.
 *   A      (workspace rows, input rows, stride)  [x | 1 | h], what the weights multiply, bias included
 *   c      (workspace rows, padded units)      c before the step, LSTM
 *   saved  (steps, values, padded)    what the backward pass needs of the step's gates
 * Slots stand step by step when they are saved; else each row has two that take turns.
 * One input row serves all gates, but for the candidate of the GRU, whose h is r·h, and where each
 * gate has a dropout mask of its own.
 */
#ifndef FR_RNN_PLAN_H
#define FR_RNN_PLAN_H

#include "api/fr_api.h"
#include "base/pool.h"
#include "base/simd.h"

typedef struct {
    int32_t b, row, next;
} fr_sample;

struct fr_cell_spec;

typedef struct fr_plan {
    const fr_rnn *r;
    const struct fr_cell_spec *cell;
    fr_barrier *barrier;
    int size;     /* threads of this pass */
    int by_units; /* they share the units of each step, with a barrier; else they share the rows */
    int per_gate;
    int in_place; /* the weights are read where they stand, not packed */
    ptrdiff_t B, T, F, H, G;
    ptrdiff_t terms;   /* K = F + 1 + H */
    ptrdiff_t vectors; /* of units */
    ptrdiff_t padded;  /* units, up to whole vectors */
    int dense; /* column vectors of the last vector of units, whose gates share them; or 0 */
    ptrdiff_t input_rows, gate_stride, a_stride;
    ptrdiff_t steps; /* workspace rows but for the final ones: valid steps, or 2·B if not saved */
    ptrdiff_t h_stride;
    ptrdiff_t d_stride; /* a row of dz */
    ptrdiff_t chunk;    /* steps whose dz is kept at once */
    /* workspace */
    REAL *A, *h, *c, *saved;
    int32_t *row_of; /* (T, B): row or -1 */
    int32_t *next;   /* (steps,) */
    int32_t *source; /* (steps,): b·T + time, the row of x */
    int32_t *first;  /* (B,): first valid step, or T */
    int32_t *offset; /* (T + 1,): first row of a step */
    /* scratch, forward */
    fr_sample *lists; /* (size, 2, B) */
    uint8_t *parity;  /* (size, B) */
    REAL *packed;     /* see rnn/pack.h */
    REAL *input_part; /* (chunk·B, vectors, G, LANES): bias + x·W of a chunk of steps, or NULL */
    REAL *chunk_x;    /* (chunk·B, F + 1) */
    /* scratch, forward on quantized weights */
    uint8_t *quantized;      /* (size, rows, stride): rows in 8 bits, see quant/forward.h */
    float *quantized_scales; /* (size, rows) */
    /* scratch, backward */
    REAL *dh, *dc, *dinner; /* (B, padded) */
    REAL *dz;               /* (rows of a chunk, d_stride) */
    REAL *d_weights;        /* tiles of the weight gradients, see rnn/gradients.h */
    REAL *packed_dh, *packed_dx;
} fr_plan;

/* The rows of one step that count, and the vectors of units that this thread computes. */
typedef struct {
    const fr_plan *p;
    int rank; /* of this thread */
    ptrdiff_t t;
    const fr_sample *rows;
    ptrdiff_t count;
    ptrdiff_t first_vector, end_vector;
} fr_step;

/* What distinguishes one cell from another; the equations stand in cells/. */
typedef struct fr_cell_spec {
    int gates, has_c;
    int input_rows; /* without dropout masks for each gate */
    int saved;      /* vectors of each step that the backward pass reads */
    int d_gates;    /* blocks of H numbers in a row of dz */
    /* Gates of a step that are multiplied together, and for how many vectors of units at once. */
    int phases;
    struct {
        int first_gate, gates, vectors, input_row;
    } phase[2];
    /* Apply the gates of `phase` to the sums in `tile`, for n rows and one vector of units. Row r
     * starts at tile[r·columns]; `inputs` are the sums of the input operand alone, where kept apart. */
    void (*forward)(const fr_step *step, int phase, ptrdiff_t first_row, int n, ptrdiff_t v,
                    const V *tile, int columns, const V *inputs);
    /* dh, dc and the saved gates -> a row of dz, and the direct part of dh for the step before. */
    void (*backward)(const fr_step *step, const fr_sample *sample, ptrdiff_t v, REAL *dz);
} fr_cell_spec;

/* A row length that is whole vectors and does not map all rows onto the same cache sets. */
static ptrdiff_t row_stride(ptrdiff_t n)
{
    const ptrdiff_t stride = (n + LANES - 1) / LANES * LANES;
    return stride * (ptrdiff_t)sizeof(REAL) % 512 ? stride : stride + LANES;
}

static ptrdiff_t count_steps(const fr_rnn *r)
{
    if (!r->mask)
        return r->batch * r->timesteps;
    ptrdiff_t count = 0;
    for (ptrdiff_t k = 0; k < r->batch * r->timesteps; k++)
        count += r->mask[k] != 0;
    return count;
}

static ptrdiff_t time_of(const fr_rnn *r, ptrdiff_t t)
{
    return r->go_backwards ? r->timesteps - 1 - t : t;
}

static int is_valid_step(const fr_rnn *r, ptrdiff_t t, ptrdiff_t b)
{
    return !r->mask || r->mask[b * r->timesteps + time_of(r, t)];
}

static ptrdiff_t feature_vectors(const fr_plan *p)
{
    return (p->F + LANES - 1) / LANES;
}

#endif
