/* Streams: a chain of layers run one step at a time, with states that are kept.
 *
 * A stream lives in one piece of memory that its owner gives: the packed weights, the states and the
 * numbers between the layers. A step allocates nothing, takes no lock and makes no thread;
 * streams have nothing in common. Arrays are C-contiguous and of the stream's REAL type.
 */
#ifndef FR_STREAM_H
#define FR_STREAM_H

#include "api/fr_api.h"
#include "base/team.h"

enum fr_stage_kind {
    FR_STAGE_RECURRENT,
    FR_STAGE_DENSE,     /* activation(x·kernel + bias) */
    FR_STAGE_SCALE,     /* ((x - mean)·rate)·gamma + beta */
    FR_STAGE_NORMALIZE, /* the same, with mean and rate of the row itself */
    FR_STAGE_ACTIVATE,
    FR_STAGE_SOFTMAX,
    FR_STAGE_EMBED, /* the row of kernel for each id; the first stage alone */
    FR_STAGE_KIND_COUNT
};

/* One layer. A pointer that the kind does not name is not read; what the others point to is read
 * while a function of the stream is called with the struct, and copied. */
typedef struct fr_stage {
    enum fr_stage_kind kind;
    enum fr_cell cell;
    enum fr_activation activation, recurrent_activation;
    ptrdiff_t inputs, outputs; /* numbers in a row; for EMBED, inputs is the number of ids */
    double epsilon;            /* NORMALIZE, and RECURRENT as in fr_rnn: added to the variance */

    ptrdiff_t units; /* RECURRENT: H; outputs is P */

    /* RECURRENT: as in fr_rnn. DENSE: kernel (inputs, outputs) and bias (outputs,) or NULL. EMBED: kernel
     * (inputs, outputs). */
    const void *weights[FR_MAX_WEIGHTS];
    /* SCALE and NORMALIZE, (outputs,): */
    const void *mean, *rate;  /* SCALE: both, or NULL */
    const void *gamma, *beta; /* or NULL */
} fr_stage;

enum { FR_STREAM_DONE, FR_STREAM_BAD_ID };

/* What a instruction set does with streams of one REAL type; `stream` is the memory, aligned to 64 bytes. */
typedef struct fr_stream_functions {
    /* Bytes of memory; SIZE_MAX where a size is not positive, a stage does not take what the one
     * before it gives, or the memory does not fit into the address space. */
    size_t (*size)(const fr_stage *stages, int count, ptrdiff_t batch);
    /* Lay the memory out: states of zero, weights packed. The stages are not needed afterwards. */
    void (*make)(void *stream, const fr_stage *stages, int count, ptrdiff_t batch);
    /* Let helpers take part in large steps; NULL for none. Results have the same bits. */
    void (*share)(void *stream, fr_team *team);
    /* Pack the weights anew, from stages of the sizes and kinds that the stream was made for. */
    void (*pack)(void *stream, const fr_stage *stages);
    /* Step `step` of `steps`: x (batch, steps, inputs), or int64 ids (batch, steps) for EMBED, to
     * y (batch, steps, outputs). FR_STREAM_BAD_ID, and nothing done, where an id is none. */
    int (*step)(void *stream, const void *x, void *y, ptrdiff_t step, ptrdiff_t steps);
    /* State `index` of all: h, or h and c, of each recurrent stage in turn. (batch, outputs) */
    void (*read_state)(const void *stream, int index, void *out);
    void (*write_state)(void *stream, int index, const void *state);
    /* Zero the states of the row. */
    void (*reset_row)(void *stream, ptrdiff_t row);
} fr_stream_functions;

/* Of a usable instruction set. */
const fr_stream_functions *fr_stream_functions_of(enum fr_isa isa, enum fr_real real);

#endif
