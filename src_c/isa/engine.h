/* What the engine of one instruction set and one REAL type offers. */
#ifndef FR_ISA_ENGINE_H
#define FR_ISA_ENGINE_H

#include "api/fr_stream.h"
#include "gemm/int8.h"

typedef struct fr_engine {
    ptrdiff_t lanes; /* numbers in a vector */
    fr_sizes (*sizes)(const fr_rnn *rnn);
    void (*forward)(const fr_rnn *rnns, int count);
    void (*backward)(const fr_rnn *rnns, int count);
    size_t (*matrix_scratch)(const fr_matrix_product *product);
    void (*multiply)(const fr_matrix_product *product);
    void (*adam)(const fr_adam *update);
    double (*fma_loop)(long turns);
    fr_stream_functions stream;
} fr_engine;

#define FR_ENGINE_(isa, bits) fr_engine_##isa##_##bits
#define FR_ENGINE(isa, bits) FR_ENGINE_(isa, bits)

/* The 8-bit products of a capability that this CPU has beside the instruction set; or NULL. */
const fr_int8_kernels *fr_faster_int8(enum fr_isa isa);
/* How passes share their work in spite of its size, see api/fr_testing.h. */
int fr_forced_sharing(void);

#endif
