/* What cells with layer normalisation have in common: LN(v) = (v - mean)/sqrt(variance + epsilon), over
 * the H numbers each of several gates as one row, or over those of c.
 *
 * The sums of x·W and of h·U of all gates are saved as they are, and the statistics of each row beside
 * them: LN(v) is computed of those wherever it is wanted.
 */
#ifndef FR_RNN_CELLS_LAYER_NORM_H
#define FR_RNN_CELLS_LAYER_NORM_H

#include "rnn/rows.h"

/* Of one row; pairs of the workspace row's `numbers`. rate = 1/sqrt(variance + epsilon) */
typedef struct {
    REAL mean, rate;
} fr_statistics;

/* Gates whose sums v are normalised as one row: LN(v)·gain. */
typedef struct {
    int first_gate, gates;
    int value;      /* of the first gate's sums in `saved` */
    int statistics; /* of the workspace row */
    int gain;       /* the weight, a row for each gate of the cell */
    int d, d_sums;  /* blocks of dz: gradients of LN(v)·gain, of the first gate, and those of v */
} fr_norm_group;

static FR_INLINE fr_statistics *statistics_at(const fr_plan *p, int32_t row)
{
    return (fr_statistics *)numbers_at(p, row);
}

/* Lanes are added in pairs, in one order. */
static FR_INLINE REAL sum_of_lanes(V x)
{
    REAL sums[FR_VECTOR_BYTES / sizeof(REAL)];
    store(sums, x);
    FR_UNROLL
    for (int width = (int)LANES / 2; width > 0; width /= 2) {
        FR_UNROLL
        for (int l = 0; l < width; l++)
            sums[l] += sums[l + width];
    }
    return sums[0];
}

static FR_INLINE V sum_of_vectors(const V *x, const int n)
{
    V sum = x[0];
    FR_UNROLL
    for (int k = 1; k < n; k++)
        sum += x[k];
    return sum;
}

/* The statistics of `parts` times H numbers as one row; parts stand `padded` numbers apart. */
static FR_INLINE fr_statistics row_statistics(const fr_plan *p, const REAL *row, const int parts)
{
    const ptrdiff_t padded = p->padded;
    const REAL count = (REAL)(parts * p->H);
    V sums[FR_MAX_COLUMNS] = {{0}}, squares[FR_MAX_COLUMNS] = {{0}};
    for (ptrdiff_t v = 0; v < p->vectors; v++) {
        FR_UNROLL
        for (int k = 0; k < parts; k++)
            sums[k] += units_alone(p, v, load(row + k * padded + v * LANES));
    }
    const REAL mean = sum_of_lanes(sum_of_vectors(sums, parts)) / count;
    for (ptrdiff_t v = 0; v < p->vectors; v++) {
        FR_UNROLL
        for (int k = 0; k < parts; k++) {
            const V d = load(row + k * padded + v * LANES) - SPLAT(mean);
            const V own = units_alone(p, v, d);
            squares[k] = fma_(own, own, squares[k]);
        }
    }
    const REAL variance = sum_of_lanes(sum_of_vectors(squares, parts)) / count;
    return (fr_statistics){mean, 1 / SQUARE_ROOT(variance + (REAL)p->r->epsilon)};
}

/* What LN(v)·gain of one row reads, in registers: behind every store, the plan would be read again. */
typedef struct {
    const REAL *v;           /* parts of `padded` numbers */
    const REAL *gain, *bias; /* parts of H numbers; bias or NULL */
    REAL mean, rate;
    ptrdiff_t padded, H;
} fr_norm_row;

static FR_INLINE fr_norm_row norm_row(const fr_plan *p, const fr_statistics *s, const REAL *v,
                                      const REAL *gain, const REAL *bias)
{
    return (fr_norm_row){v, gain, bias, s->mean, s->rate, p->padded, p->H};
}

/* That of a group; with a row of the cell's bias for each gate, or NULL. */
static FR_INLINE fr_norm_row group_row(const fr_plan *p, const fr_norm_group *g, int32_t row,
                                       const REAL *bias)
{
    const REAL *gain = p->r->weights[g->gain];
    return norm_row(p, &statistics_at(p, row)[g->statistics], saved_at(p, row, g->value, 0),
                    gain + g->first_gate * p->H, bias);
}

/* LN(v) of part k. */
static FR_INLINE V normalized(const fr_norm_row *r, int k, ptrdiff_t v)
{
    return (load(r->v + k * r->padded + v * LANES) - SPLAT(r->mean)) * SPLAT(r->rate);
}

static FR_INLINE V part_of_gain(const fr_norm_row *r, int k, ptrdiff_t v)
{
    return load_part(r->gain + k * r->H + v * LANES, r->H - v * LANES);
}

static FR_INLINE V part_of_bias(const fr_norm_row *r, int k, ptrdiff_t v)
{
    return r->bias ? load_part(r->bias + k * r->H + v * LANES, r->H - v * LANES) : SPLAT(0);
}

/* LN(v)·gain + bias of part k. */
static FR_INLINE V scaled(const fr_norm_row *r, int k, ptrdiff_t v)
{
    return fma_(normalized(r, k, v), part_of_gain(r, k, v), part_of_bias(r, k, v));
}

/* In `saved`: x·W of each gate, then h·U of each. */
static void layer_norm_sums(const fr_step *s, ptrdiff_t first, int n, ptrdiff_t v, const V *tile,
                            int columns, const V *inputs)
{
    const fr_plan *p = s->p;
    const int gates = (int)p->G;
    for (int i = 0; i < n; i++) {
        const int32_t row = s->samples[first + i].row;
        for (int g = 0; g < gates; g++) {
            store(saved_at(p, row, g, v), inputs[i * columns + g]);
            store(saved_at(p, row, gates + g, v), tile[i * columns + g]);
        }
    }
}

static FR_INLINE void group_statistics(const fr_plan *p, const fr_norm_group *g, int32_t row)
{
    statistics_at(p, row)[g->statistics] =
        row_statistics(p, saved_at(p, row, g->value, 0), g->gates);
}

/* ---- backward ---- */

/* For n = LN(v) and its gradient dn: dv = rate·(dn - mean(dn) - n·mean(dn·n)). */
typedef struct {
    REAL d, dn;
} fr_norm_means;

static FR_INLINE V norm_back(const fr_norm_row *r, fr_norm_means means, V dn, V n)
{
    return SPLAT(r->rate) * (dn - SPLAT(means.d) - n * SPLAT(means.dn));
}

/* The gradients of the sums of a group, from those of LN(v)·gain. */
static FR_INLINE void group_back(const fr_plan *p, const fr_norm_group *g, int32_t row, REAL *dz)
{
    const fr_norm_row r = group_row(p, g, row, NULL);
    const REAL *d = dz + g->d * r.H, count = (REAL)(g->gates * r.H);
    REAL *d_sums = dz + g->d_sums * r.H;
    const ptrdiff_t vectors = p->vectors;
    V all_d[FR_MAX_COLUMNS] = {{0}}, all_dn[FR_MAX_COLUMNS] = {{0}};
    for (ptrdiff_t v = 0; v < vectors; v++) {
        FR_UNROLL
        for (int k = 0; k < g->gates; k++) {
            const V dn =
                load_part(d + k * r.H + v * LANES, r.H - v * LANES) * part_of_gain(&r, k, v);
            all_d[k] += dn;
            all_dn[k] = fma_(dn, normalized(&r, k, v), all_dn[k]);
        }
    }
    const fr_norm_means means = {sum_of_lanes(sum_of_vectors(all_d, g->gates)) / count,
                                 sum_of_lanes(sum_of_vectors(all_dn, g->gates)) / count};
    for (ptrdiff_t v = 0; v < vectors; v++) {
        FR_UNROLL
        for (int k = 0; k < g->gates; k++) {
            const V dn =
                load_part(d + k * r.H + v * LANES, r.H - v * LANES) * part_of_gain(&r, k, v);
            const V d_v = norm_back(&r, means, dn, normalized(&r, k, v));
            store_part(d_sums + k * r.H + v * LANES, d_v, r.H - v * LANES);
        }
    }
}

/* The gradient of a group's gain. */
static FR_INLINE void add_gain_gradients(const fr_plan *p, const fr_norm_group *g, ptrdiff_t first,
                                         ptrdiff_t last, const REAL *dz, ptrdiff_t v)
{
    V sums[FR_MAX_COLUMNS];
    load_own_gradients(p, g->gain, g->first_gate, g->gates, v, sums);
    for (ptrdiff_t row = first; row < last; row++, dz += p->d_stride) {
        const fr_norm_row r = group_row(p, g, (int32_t)row, NULL);
        FR_UNROLL
        for (int k = 0; k < g->gates; k++)
            sums[k] = fma_(get_dz(p, dz, g->d + k, v), normalized(&r, k, v), sums[k]);
    }
    store_own_gradients(p, g->gain, g->first_gate, g->gates, v, sums);
}

/* Rows of a bias from `own_row` on: the gradients are sums of `rows` blocks of dz. */
static FR_INLINE void add_bias_gradients(const fr_plan *p, int weight, int own_row, const int rows,
                                         int block, ptrdiff_t count, const REAL *dz, ptrdiff_t v)
{
    V sums[FR_MAX_COLUMNS];
    load_own_gradients(p, weight, own_row, rows, v, sums);
    for (ptrdiff_t i = 0; i < count; i++, dz += p->d_stride) {
        FR_UNROLL
        for (int k = 0; k < rows; k++)
            sums[k] += get_dz(p, dz, block + k, v);
    }
    store_own_gradients(p, weight, own_row, rows, v, sums);
}

#endif
