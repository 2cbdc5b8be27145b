/* What distinguishes one cell from another; the equations stand in cells/.
 *
 * A step forward is a list of phases, done one after the other; so is a step backward. The drivers
 * know kinds of phases and no cell.
 */
#ifndef FR_RNN_SPEC_H
#define FR_RNN_SPEC_H

#include "rnn/plan.h"

#define MAX_PHASES 3
#define MAX_BACK_PHASES 4
#define MAX_BLOCKS 16

enum {
    /* Sums of some gates: an input row times their weights. `units` is called for n samples and one
     * vector of units. Sample r starts at tile[r·columns]; `inputs` are the sums of the input operand
     * alone, in the same places, for the gates of `apart`. */
    GATES_PHASE,
    /* saved[value] (H numbers) times the weight FR_OWN_WEIGHTS (H, P). `units` is called likewise, for
     * vectors of P. */
    PROJECTION_PHASE,
    /* `row` is called for each sample: what needs whole rows, as statistics do. */
    ROW_PHASE,
};

typedef void (*fr_tile_function)(const fr_step *step, ptrdiff_t first, int n, ptrdiff_t v,
                                 const V *tile, int columns, const V *inputs);

typedef struct {
    int kind;
    int first_gate, gates;
    int vectors; /* of units that are multiplied at once: 1, but where there is one gate */
    int input_row;
    int value; /* PROJECTION_PHASE */
    fr_tile_function units;
    void (*row)(const fr_step *step, const fr_sample *sample);
} fr_phase;

enum {
    /* `units` is called for each sample and each vector of units: it reads states' gradients and what
     * was saved, and writes dz. */
    UNITS_BACK,
    /* Some blocks of dz times those rows of U^T: added to the gradient of h, or put into d_inner. With
     * dropout of h each block's product meets its own mask, unless it goes into d_inner. */
    PRODUCT_BACK,
    /* The gradient of h (P numbers), which becomes a row's last block of dz, times W_p^T: d_inner. */
    PROJECTION_BACK,
    /* `row` is called for each sample. */
    ROW_BACK,
};

typedef struct {
    int kind;
    int block, blocks, inner; /* PRODUCT_BACK; `inner`: into d_inner */
    void (*units)(const fr_step *step, const fr_sample *sample, ptrdiff_t v, REAL *dz);
    void (*row)(const fr_step *step, const fr_sample *sample, REAL *dz);
} fr_back_phase;

typedef struct fr_cell_spec {
    int gates, states;
    int biases; /* rows of the bias that the sums contain: 1, 2 (of the recurrent sum too), or 0 */
    unsigned apart; /* a bit for each gate whose recurrent sum does not begin with the input sum */
    int input_rows; /* without dropout masks for each gate */
    int saved;      /* vectors of each step that later phases or the backward pass read */
    int saved_with_zoneout; /* and as many more */
    int numbers;            /* and numbers of each row, as statistics are */
    int phases;
    fr_phase phase[MAX_PHASES];
    /* A row of dz: blocks of H numbers, each the gradient of a gate's sum, or of what else the cell
     * keeps there behind them. G blocks from 0 on are of the recurrent sums, G blocks from
     * `input_block` on of the input sums: the same ones, if it is 0. */
    int blocks, input_block;
    int gate_of[MAX_BLOCKS];
    int back_phases;
    fr_back_phase back[MAX_BACK_PHASES];
    /* Weights of the cell's own that no product has: from `first_own` on (the bias, if no sum contains
     * it), of `own_rows` times H numbers. Their gradients are sums over workspace rows, in order:
     * `own_gradients` adds those of the rows [first, last), with which dz begins, for one vector of
     * units. */
    int projection; /* whether FR_OWN_WEIGHTS is one; own rows come behind it */
    int first_own, own_weights;
    int own_rows[FR_MAX_WEIGHTS];
    void (*own_gradients)(const fr_plan *p, ptrdiff_t first, ptrdiff_t last, const REAL *dz,
                          ptrdiff_t v);
} fr_cell_spec;

/* Rows of H numbers of all the cell's own weights before number `weight` of them. */
static inline int own_rows_before(const fr_cell_spec *cell, int weight)
{
    int rows = 0;
    for (int k = 0; k < weight; k++)
        rows += cell->own_rows[k];
    return rows;
}

#endif
