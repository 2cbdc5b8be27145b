/* The forward pass: slots and their inputs, the products of a step, its outputs. */

/* List the rows of step t that count among [begin, end). */
static ptrdiff_t FN(list_rows)(const FN(fr_plan) * p, ptrdiff_t t, ptrdiff_t begin, ptrdiff_t end,
                               uint8_t *parity, FN(fr_row) * rows)
{
    ptrdiff_t n = 0;
    for (ptrdiff_t b = begin; b < end; b++) {
        if (!FN(counts)(p->r, t, b))
            continue;
        FN(fr_row) *row = &rows[n++];
        row->b = (int32_t)b;
        if (p->r->save) {
            row->slot = p->slot_of[t * p->B + b];
            row->next = p->next[row->slot];
        } else {
            row->slot = (int32_t)(parity[b] * p->B + b);
            parity[b] ^= 1;
            row->next = (int32_t)(parity[b] * p->B + b);
        }
    }
    return n;
}

/* The states before the first step of rows [begin, end). */
static void FN(start_rows)(const FN(fr_plan) * p, ptrdiff_t begin, ptrdiff_t end)
{
    const REAL *h0 = p->r->initial_h, *c0 = p->r->initial_c;
    for (ptrdiff_t b = begin; b < end; b++) {
        int32_t slot = (int32_t)b;
        if (p->r->save)
            slot = p->first[b] < p->T ? p->slot_of[p->first[b] * p->B + b] : (int32_t)(p->steps + b);
        for (ptrdiff_t v = 0; v < p->vectors; v++) {
            const ptrdiff_t at = b * p->H + v * LANES, n = FN(lanes_at)(p, v);
            FN(store)(FN(h_at)(p, slot, v), h0 ? FN(load_part)(h0 + at, n) : SPLAT(0));
            if (p->c)
                FN(store)(FN(c_at)(p, slot, v), c0 ? FN(load_part)(c0 + at, n) : SPLAT(0));
        }
    }
}

static void FN(multiply)(REAL *out, const REAL *a, const REAL *factors, ptrdiff_t n)
{
    for (ptrdiff_t j = 0; j < n; j++)
        out[j] = a[j] * factors[j];
}

/* [x | 1] of the rows' sub-rows, and where each gate has masks of its own, h times them. */
static void FN(fill_inputs)(const FN(fr_plan) * p, ptrdiff_t t, const FN(fr_row) * rows, ptrdiff_t n)
{
    const REAL *input_factors = p->r->input_dropout, *factors = p->r->recurrent_dropout;
    const ptrdiff_t time = FN(time_of)(p->r, t);
    for (ptrdiff_t i = 0; i < n; i++) {
        const FN(fr_row) *row = &rows[i];
        const REAL *x = (const REAL *)p->r->x + (row->b * p->T + time) * p->F;
        for (int g = 0; g < p->sub_rows; g++) {
            REAL *a = FN(sub_row)(p, row->slot, g);
            const ptrdiff_t mask = p->r->input_dropout_gates > 1 ? g : 0;
            if (input_factors)
                FN(multiply)(a, x, input_factors + (mask * p->B + row->b) * p->F, p->F);
            else
                memcpy(a, x, (size_t)p->F * sizeof(REAL));
            a[p->F] = 1;
            if (!p->gated)
                continue;
            const REAL *h = FN(h_at)(p, row->slot, 0);
            if (factors)
                FN(multiply)(a + p->F + 1, h, factors + (g * p->B + row->b) * p->H, p->H);
            else
                memcpy(a + p->F + 1, h, (size_t)p->H * sizeof(REAL));
        }
    }
}

/* Whether x·W is taken for many steps at once: with so few rows, a step reads every weight for
 * little work, and half of that can be had for less. */
static int FN(hoists)(const FN(fr_plan) * p)
{
    return p->B <= 2 && p->T >= 4 && !p->gated && !p->in_place;
}

/* One row of a batch of more is multiplied twice over: the kernel for one row sums otherwise. */
static FR_INLINE int FN(kernel_rows)(const FN(fr_plan) * p, int n)
{
    return n == 1 && p->B > 1 ? 2 : n;
}

/* Sums of the input side, computed before by `project_inputs`, become the first sums. */
static void FN(load_input_part)(const FN(fr_step) * s, int phase, ptrdiff_t first_row, int n,
                                ptrdiff_t v, int vectors, V *tile)
{
    const FN(fr_plan) *p = s->p;
    const int gates = p->cell->phase[phase].gates;
    for (int r = 0; r < n; r++) {
        const ptrdiff_t step = (s->t % p->chunk) * p->B + s->rows[first_row + r].b;
        for (int u = 0; u < vectors; u++) {
            const ptrdiff_t at = (step * p->vectors + v + u) * p->G + p->cell->phase[phase].first_gate;
            for (int g = 0; g < gates; g++)
                *tile++ = FN(load)(p->input_part + (at + g) * LANES);
        }
    }
}

/* dense[r] holds the sums of all gates of `units` units without gaps -> a vector for each gate. */
static void FN(spread)(const FN(fr_plan) * p, int rows, ptrdiff_t units, const V *dense, V *tile)
{
    REAL sums[FR_MAX_COLUMNS * LANES];
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < p->dense; c++)
            FN(store)(sums + c * LANES, dense[r * p->dense + c]);
        for (int g = 0; g < p->G; g++)
            tile[r * p->G + g] = FN(load_part)(sums + g * units, units);
    }
}

/* The candidate's recurrent sum is kept apart, since r multiplies it: the sums of the input side
 * become `inputs`, a vector for each gate, and that of the candidate begins again. */
static void FN(part_candidate)(const FN(fr_plan) * p, int rows, int dense, ptrdiff_t units, V *tile,
                               V *inputs)
{
    if (!dense) {
        memcpy(inputs, tile, sizeof(V) * (size_t)(rows * p->G));
        for (int r = 0; r < rows; r++)
            tile[r * p->G + 2] = SPLAT(0);
        return;
    }
    FN(spread)(p, rows, units, tile, inputs);
    REAL sums[FR_MAX_COLUMNS * LANES];
    for (int r = 0; r < rows; r++, tile += p->dense) {
        for (int c = 0; c < p->dense; c++)
            FN(store)(sums + c * LANES, tile[c]);
        memset(sums + 2 * units, 0, (size_t)units * sizeof(REAL));
        for (int c = 0; c < p->dense; c++)
            tile[c] = FN(load)(sums + c * LANES);
    }
}

/* One phase of a step, for a block of rows and some vectors of units. */
static void FN(step_block)(const FN(fr_step) * s, int phase, ptrdiff_t first_row, int n,
                           ptrdiff_t v, int vectors)
{
    const FN(fr_plan) *p = s->p;
    const int gates = p->cell->phase[phase].gates, dense = FN(is_dense)(p, v);
    const int columns = dense ? p->dense : gates * vectors;
    const int kernel_rows = FN(kernel_rows)(p, n);
    const int sub_row = p->gated ? p->cell->phase[phase].first_gate : p->cell->phase[phase].sub_row;
    FN(fr_segment) segments[MAX_SEGMENTS];
    int recurrent;
    const int count = FN(list_segments)(p, phase, v, segments, &recurrent);
    V tile[TILE_VECTORS], inputs[TILE_VECTORS];
    FN(fr_operands) o = {.a_step = 1, .a_gate = p->gated && gates > 1 ? p->gate_stride : 0};
    FN(set_weight_steps)(p, phase, v, &o);
    const REAL *a[FR_MAX_ROWS];
    for (int r = 0; r < kernel_rows; r++)
        a[r] = FN(sub_row)(p, s->rows[first_row + (r < n ? r : 0)].slot, sub_row);
    if (p->input_part) {
        FN(load_input_part)(s, phase, first_row, n, v, vectors, tile);
        o.add = 1;
    }
    for (int k = p->input_part ? recurrent : 0; k < count; k++) {
        if (k == recurrent && p->r->cell == FR_GRU_RESET_AFTER)
            FN(part_candidate)(p, kernel_rows, dense, FN(lanes_at)(p, v), tile, inputs);
        for (int r = 0; r < kernel_rows; r++)
            o.a[r] = a[r] + segments[k].a;
        o.b = segments[k].b;
        o.terms = segments[k].terms;
        FN(product)(kernel_rows, columns, &o, tile);
        o.add = 1;
    }
    if (dense) {
        V sums[TILE_VECTORS];
        memcpy(sums, tile, sizeof(V) * (size_t)(n * columns));
        FN(spread)(p, n, FN(lanes_at)(p, v), sums, tile);
    }
    for (int u = 0; u < vectors; u++)
        p->cell->forward(s, phase, first_row, n, v + u, tile + u * gates, gates * vectors, inputs);
}

/* All threads of the pass; `wait` where they depend on one another within a step. */
static void FN(barrier)(const FN(fr_plan) * p)
{
    if (p->size > 1)
        fr_barrier_wait(p->barrier);
}

static void FN(wait)(const FN(fr_plan) * p)
{
    if (p->by_units)
        fr_barrier_wait(p->barrier);
}

/* All phases of a step, for this thread's share. Where the threads share units and one vector of
 * them is multiplied at a time, a vector that does not come out even is shared by blocks of rows. */
static void FN(compute_step)(const FN(fr_step) * s)
{
    const FN(fr_plan) *p = s->p;
    const int size = p->by_units ? p->size : 1, rank = p->by_units ? s->rank : 0;
    for (int phase = 0; phase < p->cell->phases; phase++) {
        const ptrdiff_t most = p->cell->phase[phase].vectors;
        const ptrdiff_t blocks = most == 1 ? FN(count_blocks)(s->count) : 1;
        const ptrdiff_t begin = FN(share)(p->vectors * blocks, rank, size);
        const ptrdiff_t end = FN(share)(p->vectors * blocks, rank + 1, size);
        if (phase)
            FN(wait)(p);
        for (ptrdiff_t v = blocks ? begin / blocks : 0; v * blocks < end; v += most) {
            const ptrdiff_t left = end - v, vectors = left < most ? left : most;
            const ptrdiff_t before = begin - v * blocks, after = end - v * blocks;
            const ptrdiff_t first = before > 0 ? FN(share)(s->count, (int)before, (int)blocks) : 0;
            const ptrdiff_t last =
                after < blocks ? FN(share)(s->count, (int)after, (int)blocks) : s->count;
            for (ptrdiff_t i = first, n; i < last; i += n) {
                n = FN(block_rows)(last - i);
                FN(step_block)(s, phase, i, (int)n, v, (int)vectors);
            }
        }
    }
}

/* input_part = [x | 1]·[W; b] of the steps [t, end), for the vectors of units of this thread. */
static void FN(project_inputs)(const FN(fr_step) * s, ptrdiff_t t, ptrdiff_t end)
{
    const FN(fr_plan) *p = s->p;
    const ptrdiff_t rows = (end - t) * p->B;
    V tile[TILE_VECTORS];
    for (int phase = 0; phase < p->cell->phases; phase++) {
        const int first_gate = p->cell->phase[phase].first_gate;
        const int gates = p->cell->phase[phase].gates;
        for (ptrdiff_t v = s->first_vector; v < s->end_vector; v++) {
            for (ptrdiff_t i = 0, n; i < rows; i += n) {
                n = FN(block_rows)(rows - i);
                FN(fr_operands) o = {.a_step = 1, .b = FN(packed_at)(p, phase, v),
                                     .terms = p->F + 1};
                FN(set_weight_steps)(p, phase, v, &o);
                const int kernel_rows = n == 1 ? 2 : (int)n;
                for (int r = 0; r < kernel_rows; r++)
                    o.a[r] = p->chunk_x + (i + (r < n ? r : 0)) * (p->F + 1);
                FN(product)(kernel_rows, gates, &o, tile);
                for (int r = 0; r < n; r++) {
                    const ptrdiff_t at = ((i + r) * p->vectors + v) * p->G + first_gate;
                    for (int g = 0; g < gates; g++)
                        FN(store)(p->input_part + (at + g) * LANES, tile[r * gates + g]);
                }
            }
        }
    }
}

/* chunk_x = [x | 1] of the steps [t, end): those of this thread's share. */
static void FN(gather_chunk)(const FN(fr_plan) * p, ptrdiff_t t, ptrdiff_t end, int rank)
{
    const ptrdiff_t rows = (end - t) * p->B;
    const int size = p->by_units ? p->size : 1;
    const REAL *factors = p->r->input_dropout;
    if (!p->by_units)
        rank = 0;
    for (ptrdiff_t i = FN(share)(rows, rank, size); i < FN(share)(rows, rank + 1, size); i++) {
        const ptrdiff_t b = i % p->B, time = FN(time_of)(p->r, t + i / p->B);
        const REAL *x = (const REAL *)p->r->x + (b * p->T + time) * p->F;
        REAL *out = p->chunk_x + i * (p->F + 1);
        if (factors)
            FN(multiply)(out, x, factors + b * p->F, p->F);
        else
            memcpy(out, x, (size_t)p->F * sizeof(REAL));
        out[p->F] = 1;
    }
}

/* What masked steps put out, and the last output and the final states, of rows [begin, end). */
static void FN(finish_rows)(const FN(fr_plan) * p, ptrdiff_t begin, ptrdiff_t end,
                            const uint8_t *parity)
{
    const fr_rnn *r = p->r;
    const size_t row_bytes = (size_t)p->H * sizeof(REAL);
    for (ptrdiff_t b = begin; b < end; b++) {
        const int32_t slot = (int32_t)(r->save ? p->steps + b : parity[b] * p->B + b);
        const REAL *h = FN(h_at)(p, slot, 0);
        REAL *y = (REAL *)r->outputs + b * (r->return_sequences ? p->T : 1) * p->H;
        int any = 0;
        for (ptrdiff_t t = 0; t < p->T; t++) {
            const int counts = FN(counts)(r, t, b);
            any |= counts;
            if (counts || !r->return_sequences)
                continue;
            if (t == 0 || r->zero_output_for_mask)
                memset(y + t * p->H, 0, row_bytes);
            else
                memcpy(y + t * p->H, y + (t - 1) * p->H, row_bytes);
        }
        if (!r->return_sequences) {
            if (r->zero_output_for_mask ? FN(counts)(r, p->T - 1, b) : any)
                memcpy(y, h, row_bytes);
            else
                memset(y, 0, row_bytes);
        }
        memcpy((REAL *)r->final_h + b * p->H, h, row_bytes);
        if (p->c)
            memcpy((REAL *)r->final_c + b * p->H, FN(c_at)(p, slot, 0), row_bytes);
    }
}

/* Give the inputs of the listed rows to their slots; threads that share units share the rows. */
static void FN(fill_share)(const FN(fr_step) * s, int rank)
{
    const FN(fr_plan) *p = s->p;
    const int size = p->by_units ? p->size : 1;
    if (!p->by_units)
        rank = 0;
    const ptrdiff_t begin = FN(share)(s->count, rank, size);
    FN(fill_inputs)(p, s->t, s->rows + begin, FN(share)(s->count, rank + 1, size) - begin);
}

static void FN(forward_thread)(const FN(fr_plan) * p, int rank)
{
    /* Rows and vectors of units that this thread computes. */
    const ptrdiff_t begin = p->by_units ? 0 : FN(share)(p->B, rank, p->size);
    const ptrdiff_t end = p->by_units ? p->B : FN(share)(p->B, rank + 1, p->size);
    const ptrdiff_t own_begin = FN(share)(p->B, rank, p->size);
    const ptrdiff_t own_end = FN(share)(p->B, rank + 1, p->size);
    uint8_t *parity = p->parity + rank * p->B;
    FN(fr_row) *lists[2] = {p->lists + (ptrdiff_t)rank * 2 * p->B,
                            p->lists + ((ptrdiff_t)rank * 2 + 1) * p->B};
    FN(fr_step) s = {.p = p, .rank = rank, .rows = lists[0], .end_vector = p->vectors};
    if (p->by_units) {
        s.first_vector = FN(share)(p->vectors, rank, p->size);
        s.end_vector = FN(share)(p->vectors, rank + 1, p->size);
    }
    memset(parity, 0, (size_t)p->B);
    if (!p->in_place) {
        FN(pack)(p, FN(share)(p->vectors, rank, p->size), FN(share)(p->vectors, rank + 1, p->size));
        FN(barrier)(p);
    }
    FN(start_rows)(p, own_begin, own_end);
    s.count = FN(list_rows)(p, 0, begin, end, parity, lists[0]);
    if (p->gated)
        FN(wait)(p);
    FN(fill_share)(&s, rank);
    for (ptrdiff_t t = 0; t < p->T; t++) {
        if (p->input_part && t % p->chunk == 0) {
            const ptrdiff_t chunk_end = t + p->chunk < p->T ? t + p->chunk : p->T;
            FN(gather_chunk)(p, t, chunk_end, rank);
            FN(wait)(p);
            FN(project_inputs)(&s, t, chunk_end);
        }
        FN(wait)(p);
        FN(compute_step)(&s);
        if (t + 1 == p->T)
            break;
        FN(fr_step) next = s;
        next.t = t + 1;
        next.rows = lists[(t + 1) % 2];
        next.count = FN(list_rows)(p, t + 1, begin, end, parity, lists[(t + 1) % 2]);
        if (p->gated)
            FN(wait)(p);
        FN(fill_share)(&next, rank);
        s = next;
    }
    FN(wait)(p);
    FN(finish_rows)(p, own_begin, own_end, parity);
}
