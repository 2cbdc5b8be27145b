/* What each variant offers; indexed by enum fr_real. */
#ifndef FR_ENGINE_H
#define FR_ENGINE_H

#include "fr_stream.h"

typedef struct fr_engine {
    ptrdiff_t lanes; /* floats in a vector */
    fr_sizes (*sizes[2])(const fr_rnn *rnn);
    void (*forward[2])(const fr_rnn *rnns, int count);
    void (*backward[2])(const fr_rnn *rnns, int count);
    size_t (*matrix_scratch[2])(const fr_matrix_product *product);
    void (*multiply[2])(const fr_matrix_product *product);
    void (*adam[2])(const fr_adam *update);
    double (*fma_loop[2])(long turns);
    /* On quantized weights. */
    fr_sizes (*quantized_sizes)(const fr_rnn *rnn);
    void (*quantized_forward)(const fr_rnn *rnns, int count);
    fr_stream_functions stream[2];
} fr_engine;

extern const fr_engine fr_engine_generic, fr_engine_avx2, fr_engine_avx512, fr_engine_neon;

#endif
