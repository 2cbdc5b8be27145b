/* The gradients of the weights: A^T·dz over the workspace rows of a chunk of steps, added up in tiles.
 *
 * A job is a block of columns of dz and the part of a input row of A that those gates multiply; its
 * tiles of FR_MAX_ROWS rows by FR_MAX_COLUMNS vectors stand one after the other, column by column.
 * Threads share the tiles, never the workspace rows: each sum runs in one order whatever their number is.
 */
#ifndef FR_RNN_GRADIENTS_H
#define FR_RNN_GRADIENTS_H

#include "base/share.h"
#include "gemm/kernel.h"
#include "rnn/rows.h"

#include <string.h>

#define ROWS_AT_ONCE 64 /* of dz: as many as stay in the first-level cache beside those of A */
#define MAX_JOBS 8

typedef struct {
    int input_row;
    ptrdiff_t row, rows;       /* of [W; b; U] */
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

/* Blocks of dz: those of the recurrent operand, then (if others) those of the input operand. */
static int make_jobs(const fr_plan *p, fr_job *jobs)
{
    const ptrdiff_t H = p->H;
    const int groups = p->per_gate ? (int)p->G : 1;
    const ptrdiff_t columns = p->G * H / groups;
    int n = 0;
    for (int g = 0; g < groups; g++) {
        if (p->r->cell == FR_GRU_RESET_AFTER) {
            const int gate_row =
                p->per_gate ? (g + 2) % 3 : 0; /* dz begins with q, the candidate's */
            jobs[n++] = (fr_job){gate_row, p->F, 1 + H, g * H, columns, 0};
            jobs[n++] = (fr_job){g, 0, p->F + 1, (1 + g) * H, columns, 0};
        } else if (p->r->cell == FR_GRU && !p->per_gate) {
            jobs[n++] = (fr_job){0, 0, p->terms, 0, 2 * H, 0};
            jobs[n++] = (fr_job){1, 0, p->terms, 2 * H, H, 0};
        } else {
            jobs[n++] = (fr_job){g, 0, p->terms, g * H, columns, 0};
        }
    }
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
    const REAL *A = input_row(p, 0, job->input_row) + job->row;
    fr_operands o = {.a_step = p->a_stride, .b_step = p->d_stride, .b_column = LANES, .add = 1};
    for (ptrdiff_t row = first; row < last; row += ROWS_AT_ONCE) {
        o.terms = last - row < ROWS_AT_ONCE ? last - row : ROWS_AT_ONCE;
        o.b = p->dz + (row - first) * p->d_stride + job->column + column;
        for (ptrdiff_t block = begin; block < end; block++) {
            V *tile =
                (V *)p->d_weights + (job->tile + panel * row_blocks(job) + block) * TILE_VECTORS;
            for (int r = 0; r < FR_MAX_ROWS; r++)
                o.a[r] = A + row * p->a_stride + block * FR_MAX_ROWS + r;
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
    REAL *bias = p->r->dbias;
    if (k < p->F)
        return (REAL *)p->r->dkernel + k * width;
    if (k == p->F)
        return bias ? bias + (recurrent ? width : 0) : NULL;
    return (REAL *)p->r->drecurrent_kernel + (k - p->F - 1) * width;
}

/* One row of a tile: columns [column, column + n) of dz, gate by gate. */
static void write_gradient_row(const fr_plan *p, REAL *out, ptrdiff_t column, ptrdiff_t n,
                               const REAL *from)
{
    const int after = p->r->cell == FR_GRU_RESET_AFTER;
    while (n > 0) {
        const ptrdiff_t block = column / p->H, within = column % p->H;
        const ptrdiff_t most = p->H - within, length = n < most ? n : most;
        /* dz of the GRU with reset_after: q, z, r, candidate. */
        const ptrdiff_t gate = after ? (block + 2) % 3 : block;
        memcpy(out + gate * p->H + within, from, (size_t)length * sizeof(REAL));
        column += length, from += length, n -= length;
    }
}

/* d_weights -> dkernel, drecurrent_kernel and dbias: the tiles of this thread's share. */
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
        for (ptrdiff_t r = 0; r < FR_MAX_ROWS && row + r < job->rows; r++) {
            REAL *out = gradient_row(p, job->row + row + r, job->row > 0);
            if (out)
                write_gradient_row(p, out, job->column + column, left < most ? left : most,
                                   from + r * vectors * LANES);
        }
    }
}

#endif
