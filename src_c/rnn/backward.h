/* The backward pass: step by step dz and dh, then chunk by chunk dx and the weight gradients. */
#ifndef FR_RNN_BACKWARD_H
#define FR_RNN_BACKWARD_H

#include "rnn/cells/gru.h"
#include "rnn/forward.h"
#include "rnn/gradients.h"

static void pack_backward(const fr_plan *p, int rank)
{
    const ptrdiff_t features = feature_vectors(p);
    const int first = p->r->cell == FR_GRU_RESET_AFTER ? 2 : 0;
    pack_transposed(p, p->r->recurrent_kernel, p->H, first, p->packed_dh,
                    share(p->vectors, rank, p->size), share(p->vectors, rank + 1, p->size));
    if (p->r->dx)
        pack_transposed(p, p->r->kernel, p->F, 0, p->packed_dx, share(features, rank, p->size),
                        share(features, rank + 1, p->size));
}

/* Gradients of the final states of rows [begin, end), and that of the last output alone. */
static void start_gradients(const fr_plan *p, ptrdiff_t begin, ptrdiff_t end)
{
    const fr_rnn *r = p->r;
    const REAL *d_h = r->d_final_h, *d_c = r->d_final_c;
    const REAL *d_outputs = r->return_sequences ? NULL : r->d_outputs;
    for (ptrdiff_t b = begin; b < end; b++) {
        const int put_out =
            r->zero_output_for_mask ? is_valid_step(r, p->T - 1, b) : p->first[b] < p->T;
        for (ptrdiff_t v = 0; v < p->vectors; v++) {
            const ptrdiff_t n = lanes_at(p, v), at = b * p->H + v * LANES;
            V dh = d_h ? load_part(d_h + at, n) : SPLAT(0);
            if (d_outputs && put_out)
                dh += load_part(d_outputs + at, n);
            store(p->dh + b * p->padded + v * LANES, dh);
            store(p->dc + b * p->padded + v * LANES, d_c ? load_part(d_c + at, n) : SPLAT(0));
        }
    }
}

/* Masked steps that repeat an output hand its gradient to the state that they repeat. */
static void add_repeated_outputs(const fr_step *s, ptrdiff_t begin, ptrdiff_t end)
{
    const fr_plan *p = s->p;
    const fr_rnn *r = p->r;
    if (!r->mask || !r->d_outputs || !r->return_sequences || r->zero_output_for_mask)
        return;
    for (ptrdiff_t b = begin; b < end; b++) {
        if (is_valid_step(r, s->t, b) || p->first[b] > s->t)
            continue;
        const REAL *d = (const REAL *)r->d_outputs + (b * p->T + s->t) * p->H;
        for (ptrdiff_t v = s->first_vector; v < s->end_vector; v++) {
            REAL *dh = p->dh + b * p->padded + v * LANES;
            store(dh, load(dh) + load_part(d + v * LANES, lanes_at(p, v)));
        }
    }
}

static FR_INLINE REAL *dz_at(const fr_step *s, const fr_sample *sample)
{
    const ptrdiff_t begin = s->t / s->p->chunk * s->p->chunk;
    return s->p->dz + (sample->row - s->p->offset[begin]) * s->p->d_stride;
}

/* out (B, padded) += dz[:, block·H : (block + blocks)·H] times the same rows of U^T. With dropout of
 * h, `gate` is the first block's, and each block's product meets its own mask. */
static void multiply_by_transpose(const fr_step *s, int block, int blocks, int gate, int masked,
                                  REAL *out)
{
    const fr_plan *p = s->p;
    const ptrdiff_t panel = p->G * p->H * LANES;
    V tile[TILE_VECTORS];
    for (ptrdiff_t v = s->first_vector; v < s->end_vector; v += FR_MAX_COLUMNS) {
        const ptrdiff_t left = s->end_vector - v;
        const int vectors = (int)(left < FR_MAX_COLUMNS ? left : FR_MAX_COLUMNS);
        for (ptrdiff_t i = 0, n; i < s->count; i += n) {
            n = block_rows(s->count - i);
            const int kernel_rows = rows_to_multiply(p, (int)n);
            const int parts = masked ? blocks : 1;
            for (int part = 0; part < parts; part++) {
                const ptrdiff_t first = (block + part) * p->H;
                fr_operands o = {.a_step = 1,
                                 .b = p->packed_dh + v * panel + first * LANES,
                                 .b_step = LANES,
                                 .b_column = panel,
                                 .terms = blocks / parts * p->H};
                for (int r = 0; r < kernel_rows; r++)
                    o.a[r] = dz_at(s, &s->rows[i + (r < n ? r : 0)]) + first;
                product(kernel_rows, vectors, &o, tile);
                for (int r = 0; r < n; r++) {
                    const int32_t b = s->rows[i + r].b;
                    for (int u = 0; u < vectors; u++) {
                        V d = tile[r * vectors + u];
                        if (masked)
                            d *= recurrent_factors(p, (gate + part) % (int)p->G, b, v + u);
                        REAL *at = out + b * p->padded + (v + u) * LANES;
                        store(at, load(at) + d);
                    }
                }
            }
        }
    }
}

/* The GRU's second way back: d(r·h) through U_h, then r's gradient. */
static void gru_reset(const fr_step *s)
{
    const fr_plan *p = s->p;
    for (ptrdiff_t i = 0; i < s->count; i++)
        memset(p->dinner + s->rows[i].b * p->padded + s->first_vector * LANES, 0,
               (size_t)((s->end_vector - s->first_vector) * LANES) * sizeof(REAL));
    multiply_by_transpose(s, 2, 1, 2, 0, p->dinner);
    for (ptrdiff_t i = 0; i < s->count; i++)
        for (ptrdiff_t v = s->first_vector; v < s->end_vector; v++)
            gru_reset_backward(p, &s->rows[i], v, dz_at(s, &s->rows[i]));
    wait(p);
}

/* dh and dc after step t -> dz of step t, dh and dc before it. */
static void backward_step(const fr_step *s, ptrdiff_t begin, ptrdiff_t end)
{
    const fr_plan *p = s->p;
    const int masked = p->r->recurrent_dropout != NULL;
    add_repeated_outputs(s, begin, end);
    for (ptrdiff_t i = 0; i < s->count; i++)
        for (ptrdiff_t v = s->first_vector; v < s->end_vector; v++)
            p->cell->backward(s, &s->rows[i], v, dz_at(s, &s->rows[i]));
    wait(p);
    if (p->r->cell == FR_GRU) {
        gru_reset(s);
        multiply_by_transpose(s, 0, 2, 0, masked, p->dh);
    } else {
        const int gate = p->r->cell == FR_GRU_RESET_AFTER ? 2 : 0;
        multiply_by_transpose(s, 0, (int)p->G, gate, masked, p->dh);
    }
}

/* dx of the workspace rows [first, last): dz of the input operand times W^T, and the dropout masks of x. */
static void input_gradients(const fr_plan *p, ptrdiff_t base, ptrdiff_t first, ptrdiff_t last)
{
    const fr_rnn *r = p->r;
    const REAL *factors = r->input_dropout;
    const ptrdiff_t panel = p->G * p->H * LANES, vectors_of_x = feature_vectors(p);
    const ptrdiff_t input_side = (p->cell->d_gates - p->G) * p->H;
    const int parts = r->input_dropout_gates > 1 ? r->input_dropout_gates : 1;
    V tile[TILE_VECTORS], total[TILE_VECTORS];
    for (ptrdiff_t v = 0; v < vectors_of_x; v += FR_MAX_COLUMNS) {
        const ptrdiff_t left = vectors_of_x - v;
        const int vectors = (int)(left < FR_MAX_COLUMNS ? left : FR_MAX_COLUMNS);
        for (ptrdiff_t i = first, n; i < last; i += n) {
            n = block_rows(last - i);
            const int kernel_rows = n == 1 ? 2 : (int)n;
            memset(total, 0, sizeof total);
            for (int part = 0; part < parts; part++) {
                const ptrdiff_t term = part * p->H;
                fr_operands o = {.a_step = 1,
                                 .b = p->packed_dx + v * panel + term * LANES,
                                 .b_step = LANES,
                                 .b_column = panel,
                                 .terms = p->G / parts * p->H};
                for (int k = 0; k < kernel_rows; k++)
                    o.a[k] = p->dz + (i - base + (k < n ? k : 0)) * p->d_stride + input_side + term;
                product(kernel_rows, vectors, &o, tile);
                for (int k = 0; k < n; k++) {
                    const ptrdiff_t b = p->source[i + k] / p->T;
                    for (int u = 0; u < vectors; u++) {
                        V d = tile[k * vectors + u];
                        const ptrdiff_t at = (part * p->B + b) * p->F + (v + u) * LANES;
                        if (factors)
                            d *= load_part(factors + at, p->F - (v + u) * LANES);
                        total[k * vectors + u] += d;
                    }
                }
            }
            for (int k = 0; k < n; k++) {
                REAL *dx = (REAL *)r->dx + p->source[i + k] * p->F;
                for (int u = 0; u < vectors; u++)
                    store_part(dx + (v + u) * LANES, total[k * vectors + u],
                               p->F - (v + u) * LANES);
            }
        }
    }
}

static void backward_thread(const fr_plan *p, int rank)
{
    const ptrdiff_t own_begin = share(p->B, rank, p->size);
    const ptrdiff_t own_end = share(p->B, rank + 1, p->size);
    const ptrdiff_t begin = p->by_units ? 0 : own_begin, end = p->by_units ? p->B : own_end;
    fr_sample *rows = p->lists + (ptrdiff_t)rank * 2 * p->B;
    fr_step s = {.p = p, .rows = rows, .end_vector = p->vectors};
    if (p->by_units) {
        s.first_vector = share(p->vectors, rank, p->size);
        s.end_vector = share(p->vectors, rank + 1, p->size);
    }
    pack_backward(p, rank);
    clear_weight_gradients(p, rank);
    start_gradients(p, own_begin, own_end);
    if (p->r->dx && p->r->mask)
        memset((REAL *)p->r->dx + own_begin * p->T * p->F, 0,
               (size_t)((own_end - own_begin) * p->T * p->F) * sizeof(REAL));
    barrier(p);
    for (ptrdiff_t t = (p->T - 1) / p->chunk * p->chunk; t >= 0; t -= p->chunk) {
        const ptrdiff_t stop = t + p->chunk < p->T ? t + p->chunk : p->T;
        for (s.t = stop - 1; s.t >= t; s.t--) {
            s.count = list_rows(p, s.t, begin, end, NULL, rows);
            backward_step(&s, begin, end);
        }
        barrier(p);
        const ptrdiff_t first = p->offset[t], last = p->offset[stop];
        add_weight_gradients(p, rank, first, last);
        if (p->r->dx)
            input_gradients(p, first, first + share(last - first, rank, p->size),
                            first + share(last - first, rank + 1, p->size));
        barrier(p);
    }
    write_weight_gradients(p, rank);
    for (ptrdiff_t b = own_begin; b < own_end; b++) {
        const size_t row_bytes = (size_t)p->H * sizeof(REAL);
        memcpy((REAL *)p->r->dinitial_h + b * p->H, p->dh + b * p->padded, row_bytes);
        if (p->c)
            memcpy((REAL *)p->r->dinitial_c + b * p->H, p->dc + b * p->padded, row_bytes);
    }
}

#endif
