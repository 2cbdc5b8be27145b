/* Products of matrices for the layers beside the recurrent ones: out = a·b + bias.
 *
 * b is packed a panel of FR_MAX_COLUMNS vectors at a time, TERMS_AT_ONCE of its rows, which stay in
 * the second-level cache while all rows of a pass over them. `out` holds the sums between the
 * passes. Threads share matrices, rows or panels, never the terms of a sum.
 */
#ifndef FR_GEMM_MATRIX_H
#define FR_GEMM_MATRIX_H

#include "api/fr_api.h"
#include "base/pool.h"
#include "base/share.h"
#include "gemm/blocks.h"
#include "gemm/kernel.h"
#include "isa/engine.h"

#define PANEL (FR_MAX_COLUMNS * LANES)
#define TERMS_AT_ONCE 512
#define ROWS_OF_A_THREAD 64 /* for fewer, packing a panel costs more than its share of rows */

/* A panel for each thread. */
static size_t matrix_scratch(const fr_matrix_product *m)
{
    return sizeof(REAL) * PANEL * TERMS_AT_ONCE * (size_t)m->threads;
}

/* panel (terms, vectors, LANES) = the columns of b from `column`, the terms [first, last). */
static void pack_panel(const fr_matrix_product *m, const REAL *b, ptrdiff_t column,
                       ptrdiff_t vectors, ptrdiff_t first, ptrdiff_t last, REAL *panel)
{
    const ptrdiff_t width = vectors * LANES, left = m->columns - column;
    const ptrdiff_t n = left < width ? left : width, term = m->b_term, step = m->b_column;
    b += column * step;
    if (step == 1) {
        for (ptrdiff_t k = first; k < last; k++, panel += width)
            for (ptrdiff_t j = 0; j < width; j += LANES)
                store(panel + j, load_part(b + k * term + j, n - j));
        return;
    }
    /* In square blocks: every line of memory is read once, and written while in the cache. */
    for (ptrdiff_t block = first; block < last; block += LANES) {
        const ptrdiff_t end = block + LANES < last ? block + LANES : last;
        for (ptrdiff_t j = 0; j < width; j++)
            for (ptrdiff_t k = block; k < end; k++)
                panel[(k - first) * width + j] = j < n ? b[k * term + j * step] : 0;
    }
}

/* The sums of one row over the terms so far. */
static void start_row(const fr_matrix_product *m, const REAL *out, ptrdiff_t column,
                      ptrdiff_t vectors, int begun, V *tile)
{
    const REAL *from = begun ? out : m->bias;
    for (ptrdiff_t v = 0; v < vectors; v++, column += LANES)
        tile[v] = from ? load_part(from + column, m->columns - column) : SPLAT(0);
}

/* The terms from `first` on of the rows [begin, end), for the columns of one panel. */
static void multiply_panel(const fr_matrix_product *m, const REAL *a, REAL *out, ptrdiff_t begin,
                           ptrdiff_t end, ptrdiff_t column, ptrdiff_t vectors, ptrdiff_t first,
                           ptrdiff_t last, const REAL *panel)
{
    fr_operands o = {.a_step = m->a_term,
                     .b = panel,
                     .b_step = vectors * LANES,
                     .b_column = LANES,
                     .terms = last - first,
                     .add = 1};
    V tile[TILE_VECTORS];
    for (ptrdiff_t i = begin, n; i < end; i += n) {
        n = block_rows(end - i);
        const int rows = kernel_rows(n, 0);
        for (int r = 0; r < rows; r++) {
            const ptrdiff_t row = source_row(i, r, n);
            o.a[r] = a + row * m->a_row + first * m->a_term;
            start_row(m, out + row * m->columns, column, vectors, first > 0, tile + r * vectors);
        }
        product(rows, (int)vectors, &o, tile);
        for (ptrdiff_t r = 0; r < n; r++)
            for (ptrdiff_t v = 0, at = column; v < vectors; v++, at += LANES)
                store_part(out + (i + r) * m->columns + at, tile[r * vectors + v], m->columns - at);
    }
}

typedef struct {
    const fr_matrix_product *product;
    int threads;
} fr_matrix_run;

/* The share of one thread: some of the matrices, or of the rows or the panels of each. */
static void multiply_thread(void *context, int rank)
{
    const fr_matrix_run *run = context;
    const fr_matrix_product *m = run->product;
    const int size = run->threads;
    const ptrdiff_t panels = (m->columns + PANEL - 1) / PANEL;
    const int by_count = m->count >= size;
    const int by_rows = m->rows >= ROWS_OF_A_THREAD * size || panels < size;
    ptrdiff_t matrix[2] = {0, m->count}, row[2] = {0, m->rows}, part[2] = {0, panels};
    ptrdiff_t *shared = by_count ? matrix : by_rows ? row : part;
    const ptrdiff_t all = shared[1];
    shared[0] = share(all, rank, size), shared[1] = share(all, rank + 1, size);
    REAL *panel = (REAL *)m->scratch + (ptrdiff_t)rank * PANEL * TERMS_AT_ONCE;
    for (ptrdiff_t i = matrix[0]; i < matrix[1]; i++) {
        const REAL *a = (const REAL *)m->a + i * m->a_matrix;
        const REAL *b = (const REAL *)m->b + i * m->b_matrix;
        REAL *out = (REAL *)m->out + i * m->rows * m->columns;
        for (ptrdiff_t column = part[0] * PANEL; column < part[1] * PANEL; column += PANEL) {
            const ptrdiff_t left = (m->columns - column + LANES - 1) / LANES;
            const ptrdiff_t vectors = left < FR_MAX_COLUMNS ? left : FR_MAX_COLUMNS;
            for (ptrdiff_t first = 0; first < m->terms && row[0] < row[1]; first += TERMS_AT_ONCE) {
                const ptrdiff_t most = first + TERMS_AT_ONCE;
                const ptrdiff_t last = most < m->terms ? most : m->terms;
                pack_panel(m, b, column, vectors, first, last, panel);
                multiply_panel(m, a, out, row[0], row[1], column, vectors, first, last, panel);
            }
        }
    }
}

static void multiply_matrices(const fr_matrix_product *m)
{
    const double flop =
        2.0 * (double)m->count * (double)m->rows * (double)m->columns * (double)m->terms;
    const double useful = flop / THREAD_FLOP;
    const int wanted = useful < m->threads && !fr_forced_sharing() ? (int)useful : m->threads;
    fr_matrix_run run = {m, fr_pool_acquire(wanted > 1 ? wanted : 1)};
    fr_pool_run(run.threads, multiply_thread, &run);
    fr_pool_release(run.threads);
}

#endif
