/* The gradients of the weights: A^T·dz over the workspace rows of a chunk of steps, added up in tiles.
 *
 * A job is a block of columns of dz and the part of an input row of A that those gates multiply; its
 * tiles of FR_MAX_ROWS rows by FR_MAX_COLUMNS vectors stand one after the other, column by column.
 * Threads share the tiles, never the workspace rows: each sum runs in one order whatever their number is.
 */
#ifndef FR_RNN_GRADIENTS_H
#define FR_RNN_GRADIENTS_H

#include "base/share.h"
#include "gemm/kernel.h"
#include "rnn/rows.h"

#include <string.h>

/* Workspace rows whose dz stays in the first-level cache beside those of A. */
#define ROWS_AT_ONCE 64
#define MAX_JOBS 9

typedef struct {
    const REAL *a; /* of workspace row 0 */
    ptrdiff_t a_stride;
    int projection;            /* the gradient of the projection; else of [W; b; U]: */
    ptrdiff_t row, rows;       /* of [W; b; U], or of the projection */
    ptrdiff_t column, columns; /* of dz */
    ptrdiff_t tile;            /* number of the first tile */
} fr_job;

static ptrdiff_t row_blocks(const fr_job *j)
{
    return (j->rows + FR_MAX_ROWS - 1) / FR_MAX_ROWS;
}

static ptrdiff_t panels(const fr_job *j)
{
    return (j->columns + FR_MAX_COLUMNS * LANES - 1) / (FR_MAX_COLUMNS * LANES);
}

static ptrdiff_t tiles(const fr_job *j)
{
    return row_blocks(j) * panels(j);
}

static fr_job gate_job(const fr_plan *p, int gate_row, ptrdiff_t row, ptrdiff_t rows,
                       ptrdiff_t block, ptrdiff_t blocks)
{
    return (fr_job){.a = p->A + gate_row * p->gate_stride,
                    .a_stride = p->a_stride,
                    .row = row,
                    .rows = rows,
                    .column = block * p->H,
                    .columns = blocks * p->H};
}

/* A job for the gates that have an input row in common, or two where the operands' blocks differ. */
static int make_jobs(const fr_plan *p, fr_job *jobs)
{
    const fr_cell_spec *cell = p->cell;
    const int groups = p->per_gate ? (int)p->G : 1, blocks = (int)p->G / groups;
    int n = 0;
    if (cell->input_block) {
        /* The recurrent operand has a bias of its own, or none. */
        const ptrdiff_t first = p->F + (cell->biases < 2);
        for (int g = 0; g < groups; g++) {
            const int input = cell->input_block + g;
            const int rows[2] = {p->per_gate ? cell->gate_of[g] : 0,
                                 p->per_gate ? cell->gate_of[input] : 0};
            jobs[n++] = gate_job(p, rows[0], first, p->K - first, g, blocks);
            jobs[n++] = gate_job(p, rows[1], 0, p->F + 1, input, blocks);
        }
    } else if (p->per_gate) {
        for (int g = 0; g < groups; g++)
            jobs[n++] = gate_job(p, g, 0, p->K, g, 1);
    } else {
        for (int k = 0; k < cell->phases; k++)
            if (cell->phase[k].kind == GATES_PHASE)
                jobs[n++] = gate_job(p, cell->phase[k].input_row, 0, p->K,
                                     cell->phase[k].first_gate, cell->phase[k].gates);
    }
    for (int k = 0; k < cell->phases; k++)
        if (cell->phase[k].kind == PROJECTION_PHASE)
            jobs[n++] = (fr_job){.a = p->saved + cell->phase[k].value * p->padded,
                                 .a_stride = p->values * p->padded,
                                 .projection = 1,
                                 .rows = p->H,
                                 .column = cell->blocks * p->H,
                                 .columns = p->P};
    for (int k = 1; k < n; k++)
        jobs[k].tile = jobs[k - 1].tile + tiles(&jobs[k - 1]);
    return n;
}

static ptrdiff_t weight_gradient_numbers(const fr_plan *p)
{
    fr_job jobs[MAX_JOBS];
    const int n = make_jobs(p, jobs);
    return (jobs[n - 1].tile + tiles(&jobs[n - 1])) * TILE_VECTORS * LANES;
}

/* Those row blocks of one panel whose tiles lie in [begin, end), for the workspace rows [first, last). */
static void add_panel(const fr_plan *p, const fr_job *job, ptrdiff_t panel, ptrdiff_t begin,
                      ptrdiff_t end, ptrdiff_t first, ptrdiff_t last)
{
    const ptrdiff_t column = panel * FR_MAX_COLUMNS * LANES;
    const ptrdiff_t vectors = (job->columns - column + LANES - 1) / LANES;
    const int columns = (int)(vectors < FR_MAX_COLUMNS ? vectors : FR_MAX_COLUMNS);
    const REAL *A = job->a + job->row;
    fr_operands o = {.a_step = job->a_stride, .b_step = p->d_stride, .b_column = LANES, .add = 1};
    for (ptrdiff_t row = first; row < last; row += ROWS_AT_ONCE) {
        o.terms = last - row < ROWS_AT_ONCE ? last - row : ROWS_AT_ONCE;
        o.b = p->dz + (row - first) * p->d_stride + job->column + column;
        for (ptrdiff_t block = begin; block < end; block++) {
            V *tile =
                (V *)p->d_weights + (job->tile + panel * row_blocks(job) + block) * TILE_VECTORS;
            for (int r = 0; r < FR_MAX_ROWS; r++)
                o.a[r] = A + row * job->a_stride + block * FR_MAX_ROWS + r;
            product(FR_MAX_ROWS, columns, &o, tile);
        }
    }
}

/* d_weights += A^T·dz over the workspace rows [first, last), with which dz begins. */
static void add_weight_gradients(const fr_plan *p, int rank, ptrdiff_t first, ptrdiff_t last)
{
    fr_job jobs[MAX_JOBS];
    const int n = make_jobs(p, jobs);
    const ptrdiff_t count = jobs[n - 1].tile + tiles(&jobs[n - 1]);
    ptrdiff_t tile = share(count, rank, p->size);
    const ptrdiff_t end = share(count, rank + 1, p->size);
    while (tile < end) {
        int k = n - 1;
        while (jobs[k].tile > tile)
            k--;
        const ptrdiff_t blocks = row_blocks(&jobs[k]), at = tile - jobs[k].tile;
        const ptrdiff_t panel = at / blocks, block = at % blocks;
        const ptrdiff_t stop = block + end - tile < blocks ? block + end - tile : blocks;
        add_panel(p, &jobs[k], panel, block, stop, first, last);
        tile += stop - block;
    }
}

static void clear_weight_gradients(const fr_plan *p, int rank)
{
    const ptrdiff_t tiles = weight_gradient_numbers(p) / (TILE_VECTORS * LANES);
    const ptrdiff_t begin = share(tiles, rank, p->size) * TILE_VECTORS;
    const ptrdiff_t end = share(tiles, rank + 1, p->size) * TILE_VECTORS;
    memset((V *)p->d_weights + begin, 0, (size_t)(end - begin) * sizeof(V));
}

/* Where row k of [W; b; U] goes, or NULL where it is not wanted. `recurrent`: of the rows that the
 * recurrent operand has of its own, the bias. */
static REAL *gradient_row(const fr_plan *p, ptrdiff_t k, int recurrent)
{
    const ptrdiff_t width = p->G * p->H;
    REAL *const *out = (REAL *const *)p->r->d_weights;
    if (k < p->F)
        return out[FR_KERNEL] + k * width;
    if (k == p->F)
        return p->cell->biases && out[FR_BIAS] ? out[FR_BIAS] + (recurrent ? width : 0) : NULL;
    return out[FR_RECURRENT_KERNEL] + (k - p->F - 1) * width;
}

/* One row of a tile: columns [column, column + n) of dz, block by block. */
static void write_gradient_row(const fr_plan *p, REAL *out, ptrdiff_t column, ptrdiff_t n,
                               const REAL *from)
{
    while (n > 0) {
        const ptrdiff_t block = column / p->H, within = column % p->H;
        const ptrdiff_t most = p->H - within, length = n < most ? n : most;
        memcpy(out + p->cell->gate_of[block] * p->H + within, from, (size_t)length * sizeof(REAL));
        column += length, from += length, n -= length;
    }
}

/* One row of a tile, of row k of the job: n columns from `column` of the job on. */
static void write_tile_row(const fr_plan *p, const fr_job *job, ptrdiff_t k, ptrdiff_t column,
                           ptrdiff_t n, const REAL *from)
{
    if (job->projection) {
        REAL *out = p->r->d_weights[FR_OWN_WEIGHTS];
        memcpy(out + k * p->P + column, from, (size_t)n * sizeof(REAL));
        return;
    }
    REAL *out = gradient_row(p, job->row + k, job->row > 0);
    if (out)
        write_gradient_row(p, out, job->column + column, n, from);
}

/* The tiles of this thread's share -> the gradients of the weights. */
static void write_weight_gradients(const fr_plan *p, int rank)
{
    fr_job jobs[MAX_JOBS];
    const int n = make_jobs(p, jobs);
    const ptrdiff_t count = jobs[n - 1].tile + tiles(&jobs[n - 1]);
    for (ptrdiff_t tile = share(count, rank, p->size); tile < share(count, rank + 1, p->size);
         tile++) {
        int k = n - 1;
        while (jobs[k].tile > tile)
            k--;
        const fr_job *job = &jobs[k];
        const ptrdiff_t blocks = row_blocks(job), at = tile - job->tile;
        const ptrdiff_t column = at / blocks * FR_MAX_COLUMNS * LANES;
        const ptrdiff_t row = at % blocks * FR_MAX_ROWS;
        const ptrdiff_t left = job->columns - column, most = FR_MAX_COLUMNS * LANES;
        const ptrdiff_t vectors = ((left < most ? left : most) + LANES - 1) / LANES;
        const REAL *from = p->d_weights + tile * TILE_VECTORS * LANES;
        for (ptrdiff_t r = 0; r < FR_MAX_ROWS && row + r < job->rows; r++)
            write_tile_row(p, job, row + r, column, left < most ? left : most,
                           from + r * vectors * LANES);
    }
}

/* ---- the cell's own weights ---- */

static int own_weight_rows(const fr_plan *p)
{
    return own_rows_before(p->cell, p->cell->own_weights);
}

/* Threads share the vectors of units, never the workspace rows. */
static void clear_own_gradients(const fr_plan *p, int rank)
{
    const ptrdiff_t begin = share(p->vectors, rank, p->size),
                    end = share(p->vectors, rank + 1, p->size);
    for (int k = 0; k < own_weight_rows(p); k++)
        memset(p->d_own + k * p->padded + begin * LANES, 0,
               (size_t)((end - begin) * LANES) * sizeof(REAL));
}

/* d_own += those of the workspace rows [first, last), with which dz begins. */
static void add_own_gradients(const fr_plan *p, int rank, ptrdiff_t first, ptrdiff_t last)
{
    if (!p->cell->own_weights)
        return;
    const ptrdiff_t end = share(p->vectors, rank + 1, p->size);
    for (ptrdiff_t v = share(p->vectors, rank, p->size); v < end; v++)
        p->cell->own_gradients(p, first, last, p->dz, v);
}

static void write_own_gradients(const fr_plan *p, int rank)
{
    const fr_cell_spec *cell = p->cell;
    const ptrdiff_t begin = share(p->vectors, rank, p->size),
                    end = share(p->vectors, rank + 1, p->size);
    const REAL *from = p->d_own;
    for (int k = 0; k < cell->own_weights; k++) {
        REAL *out = p->r->d_weights[cell->first_own + k];
        for (int row = 0; row < cell->own_rows[k]; row++, from += p->padded)
            for (ptrdiff_t v = begin; out && v < end; v++)
                store_part(out + row * p->H + v * LANES, load(from + v * LANES), lanes_at(p, v));
    }
}

#endif
