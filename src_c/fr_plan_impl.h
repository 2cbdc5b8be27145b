/* What a pass works on: sizes, the place of every array in the buffers, and who does what.
 *
 * A slot is one step of one row that counts: masked steps have none. It holds what the step reads,
 * and the step writes its states into the slot of the row's next step, or into its final slot.
 *   A      (slots, sub-rows, stride)  [x | 1 | h], what the weights multiply, bias included
 *   c      (slots, padded units)      c before the step, LSTM
 *   saved  (steps, values, padded)    what the backward pass needs of the step's gates
 * Slots stand step by step when they are saved; else each row has two that take turns.
 * One sub-row serves all gates, but for the candidate of the GRU, whose h is r·h, and where each
 * gate has a dropout mask of its own.
 */

typedef struct {
    int32_t b, slot, next;
} FN(fr_row);

struct FN(fr_cell_spec);

typedef struct FN(fr_plan) {
    const fr_rnn *r;
    const struct FN(fr_cell_spec) * cell;
    fr_barrier *barrier;
    int size;     /* threads of this pass */
    int by_units; /* they share the units of each step, with a barrier; else they share the rows */
    int gated;
    int in_place; /* the weights are read where they stand, not packed */
    ptrdiff_t B, T, F, H, G;
    ptrdiff_t terms;   /* K = F + 1 + H */
    ptrdiff_t vectors; /* of units */
    ptrdiff_t padded;  /* units, up to whole vectors */
    int dense;         /* column vectors of the last vector of units, whose gates share them; or 0 */
    ptrdiff_t sub_rows, gate_stride, a_stride;
    ptrdiff_t steps; /* slots but for the final ones: steps that count, or 2·B if not saved */
    ptrdiff_t h_stride;
    ptrdiff_t d_stride; /* a row of dz */
    ptrdiff_t chunk;    /* steps whose dz is kept at once */
    /* workspace */
    REAL *A, *h, *c, *saved;
    int32_t *slot_of;   /* (T, B): slot or -1 */
    int32_t *next;      /* (steps,) */
    int32_t *source;    /* (steps,): b·T + time, the row of x */
    int32_t *first;     /* (B,): first step that counts, or T */
    int32_t *offset;    /* (T + 1,): first slot of a step */
    /* scratch, forward */
    FN(fr_row) * lists; /* (size, 2, B) */
    uint8_t *parity;    /* (size, B) */
    REAL *packed;       /* see fr_pack_impl.h */
    REAL *input_part;   /* (chunk·B, vectors, G, LANES): bias + x·W of a chunk of steps, or NULL */
    REAL *chunk_x;      /* (chunk·B, F + 1) */
    /* scratch, forward on quantized weights */
    uint8_t *quantized;      /* (size, rows, stride): rows in 8 bits, see fr_quantized_impl.h */
    float *quantized_scales; /* (size, rows) */
    /* scratch, backward */
    REAL *dh, *dc, *dinner; /* (B, padded) */
    REAL *dz;               /* (rows of a chunk, d_stride) */
    REAL *d_weights;        /* tiles of the weight gradients, see fr_gradients_impl.h */
    REAL *packed_dh, *packed_dx;
} FN(fr_plan);

/* The rows of one step that count, and the vectors of units that this thread computes. */
typedef struct {
    const FN(fr_plan) * p;
    int rank; /* of this thread */
    ptrdiff_t t;
    const FN(fr_row) * rows;
    ptrdiff_t count;
    ptrdiff_t first_vector, end_vector;
} FN(fr_step);

/* What distinguishes one cell from another; the equations stand in cells/. */
typedef struct FN(fr_cell_spec) {
    int gates, has_c;
    int sub_rows; /* without dropout masks for each gate */
    int saved;    /* vectors of each step that the backward pass reads */
    int d_gates;  /* blocks of H numbers in a row of dz */
    /* Gates of a step that are multiplied together, and for how many vectors of units at once. */
    int phases;
    struct {
        int first_gate, gates, vectors, sub_row;
    } phase[2];
    /* Apply the gates of `phase` to the sums in `tile`, for n rows and one vector of units. Row r
     * starts at tile[r·columns]; `inputs` are the sums of the input side alone, where kept apart. */
    void (*forward)(const FN(fr_step) * step, int phase, ptrdiff_t first_row, int n, ptrdiff_t v,
                    const V *tile, int columns, const V *inputs);
    /* dh, dc and the saved gates -> a row of dz, and the direct part of dh for the step before. */
    void (*backward)(const FN(fr_step) * step, const FN(fr_row) * row, ptrdiff_t v, REAL *dz);
} FN(fr_cell_spec);

static const FN(fr_cell_spec) FN(cell_specs)[FR_CELL_COUNT];
static int FN(reads_in_place)(const fr_rnn *r);
static int FN(hoists)(const FN(fr_plan) * p);
static size_t FN(packed_numbers)(const FN(fr_plan) * p);
static int FN(dense_columns)(const FN(fr_plan) * p);
static ptrdiff_t FN(weight_gradient_numbers)(const FN(fr_plan) * p);
static ptrdiff_t FN(feature_vectors)(const FN(fr_plan) * p);

/* Hands out aligned pieces of a buffer, or only adds up their sizes where the buffer is NULL. */
typedef struct {
    char *base;
    size_t used;
    int overflow;
} FN(fr_pieces);

static void *FN(take)(FN(fr_pieces) * pieces, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 4) {
        pieces->overflow = 1;
        return NULL;
    }
    const size_t start = pieces->used;
    pieces->used += (bytes + 63) / 64 * 64;
    pieces->overflow |= pieces->used > SIZE_MAX / 4;
    return pieces->base ? pieces->base + start : NULL;
}

#define TAKE(pieces, count, type) ((type *)FN(take)(&(pieces), (size_t)(count), sizeof(type)))

/* A row length that is whole vectors and does not map all rows onto the same cache sets. */
static ptrdiff_t FN(row_stride)(ptrdiff_t n)
{
    const ptrdiff_t stride = (n + LANES - 1) / LANES * LANES;
    return stride * (ptrdiff_t)sizeof(REAL) % 512 ? stride : stride + LANES;
}

static ptrdiff_t FN(count_steps)(const fr_rnn *r)
{
    if (!r->mask)
        return r->batch * r->timesteps;
    ptrdiff_t count = 0;
    for (ptrdiff_t k = 0; k < r->batch * r->timesteps; k++)
        count += r->mask[k] != 0;
    return count;
}

static ptrdiff_t FN(time_of)(const fr_rnn *r, ptrdiff_t t)
{
    return r->go_backwards ? r->timesteps - 1 - t : t;
}

static int FN(counts)(const fr_rnn *r, ptrdiff_t t, ptrdiff_t b)
{
    return !r->mask || r->mask[b * r->timesteps + FN(time_of)(r, t)];
}

static void FN(plan_sizes)(FN(fr_plan) * p, const fr_rnn *r)
{
    memset(p, 0, sizeof *p);
    p->r = r;
    p->cell = &FN(cell_specs)[r->cell];
    p->B = r->batch, p->T = r->timesteps, p->F = r->features, p->H = r->units;
    p->G = p->cell->gates;
    p->terms = p->F + 1 + p->H;
    p->vectors = (p->H + LANES - 1) / LANES;
    p->padded = p->vectors * LANES;
    p->in_place = FN(reads_in_place)(r);
    p->gated = r->recurrent_dropout != NULL || r->input_dropout_gates > 1;
    p->dense = FN(dense_columns)(p);
    p->sub_rows = p->gated ? p->G : p->cell->sub_rows;
    p->gate_stride = FN(row_stride)(p->F + 1 + p->padded + FR_MAX_ROWS);
    p->a_stride = p->sub_rows * p->gate_stride;
    p->steps = r->save ? FN(count_steps)(r) : 2 * p->B;
    p->d_stride = FN(row_stride)(p->cell->d_gates * p->H + FR_MAX_COLUMNS * LANES);
    const ptrdiff_t rows = 192;
    p->chunk = rows / p->B > 1 ? rows / p->B : 1;
    if (p->chunk > p->T)
        p->chunk = p->T;
}

static void FN(place_workspace)(FN(fr_plan) * p, FN(fr_pieces) * w)
{
    const ptrdiff_t slots = p->steps + (p->r->save ? p->B : 0);
    p->A = TAKE(*w, slots * p->a_stride, REAL);
    p->h = p->A ? p->A + p->F + 1 : NULL;
    p->h_stride = p->a_stride;
    if (p->gated) {
        p->h = TAKE(*w, slots * p->padded, REAL);
        p->h_stride = p->padded;
    }
    if (p->cell->has_c)
        p->c = TAKE(*w, slots * p->padded, REAL);
    if (p->r->save || p->cell->phases > 1) /* the second phase reads what the first one saved */
        p->saved = TAKE(*w, p->steps * p->cell->saved * p->padded, REAL);
    if (!p->r->save)
        return;
    p->slot_of = TAKE(*w, p->T * p->B, int32_t);
    p->next = TAKE(*w, p->steps, int32_t);
    p->source = TAKE(*w, p->steps, int32_t);
    p->first = TAKE(*w, p->B, int32_t);
    p->offset = TAKE(*w, p->T + 1, int32_t);
}

static void FN(place_forward_scratch)(FN(fr_plan) * p, FN(fr_pieces) * s, int threads)
{
    p->lists = TAKE(*s, (ptrdiff_t)threads * 2 * p->B, FN(fr_row));
    p->parity = TAKE(*s, (ptrdiff_t)threads * p->B, uint8_t);
    p->packed = TAKE(*s, FN(packed_numbers)(p), REAL);
    if (FN(hoists)(p)) {
        p->input_part = TAKE(*s, p->chunk * p->B * p->vectors * p->G * LANES, REAL);
        p->chunk_x = TAKE(*s, p->chunk * p->B * (p->F + 1), REAL);
    }
}

static void FN(place_backward_scratch)(FN(fr_plan) * p, FN(fr_pieces) * s, int threads)
{
    p->lists = TAKE(*s, (ptrdiff_t)threads * 2 * p->B, FN(fr_row));
    p->dh = TAKE(*s, p->B * p->padded, REAL);
    p->dc = TAKE(*s, p->B * p->padded, REAL);
    p->dinner = TAKE(*s, p->B * p->padded, REAL);
    p->dz = TAKE(*s, p->chunk * p->B * p->d_stride, REAL);
    p->d_weights = TAKE(*s, FN(weight_gradient_numbers)(p), REAL);
    p->packed_dh = TAKE(*s, p->vectors * p->G * p->H * LANES, REAL);
    p->packed_dx = TAKE(*s, FN(feature_vectors)(p) * p->G * p->H * LANES, REAL);
}

/* Which steps count: slots, the next slot of each, and the rows of x. */
static void FN(index_steps)(FN(fr_plan) * p)
{
    int32_t slot = 0;
    for (ptrdiff_t t = 0; t < p->T; t++) {
        p->offset[t] = slot;
        for (ptrdiff_t b = 0; b < p->B; b++) {
            const int counts = FN(counts)(p->r, t, b);
            if (counts)
                p->source[slot] = (int32_t)(b * p->T + FN(time_of)(p->r, t));
            p->slot_of[t * p->B + b] = counts ? slot++ : -1;
        }
    }
    p->offset[p->T] = slot;
    for (ptrdiff_t b = 0; b < p->B; b++) {
        int32_t next = (int32_t)(p->steps + b);
        p->first[b] = (int32_t)p->T;
        for (ptrdiff_t t = p->T - 1; t >= 0; t--) {
            const int32_t own = p->slot_of[t * p->B + b];
            if (own < 0)
                continue;
            p->next[own] = next;
            p->first[b] = (int32_t)t;
            next = own;
        }
    }
}

static FR_INLINE ptrdiff_t FN(count_blocks)(ptrdiff_t rows)
{
    return (rows + FR_MAX_ROWS - 1) / FR_MAX_ROWS;
}

/* How many rows the next block of `left` rows takes: blocks of two rows or more, much alike. */
static FR_INLINE int FN(block_rows)(ptrdiff_t left)
{
    const ptrdiff_t blocks = FN(count_blocks)(left);
    return (int)((left + blocks - 1) / blocks);
}

/* The share of `rank` in n things. */
static FR_INLINE ptrdiff_t FN(share)(ptrdiff_t n, int rank, int size)
{
    return n * rank / size;
}
