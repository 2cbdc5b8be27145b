/* Which variants this build has and this machine runs. */
#include "fr_engine.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

/* XCR0: which registers the operating system saves. */
static uint64_t saved_registers(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

#define ALL(bits, wanted) (((bits) & (wanted)) == (wanted))

static int has_avx(enum fr_isa isa)
{
    const uint32_t osxsave_fma = 1u << 27 | 1u << 12;
    const uint32_t avx2 = 1u << 5, avx512_f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    const uint64_t ymm = 0x6, zmm = 0xe6;
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !ALL(c, osxsave_fma))
        return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !ALL(b, avx2))
        return 0;
    if (isa == FR_AVX512)
        return ALL(b, avx512_f_dq_bw_vl) && ALL(saved_registers(), zmm);
    return ALL(saved_registers(), ymm);
}

int fr_vnni_usable(void)
{
    uint32_t a, b, c, d;
    return has_avx(FR_AVX512) && __get_cpuid_count(7, 0, &a, &b, &c, &d) && ALL(c, 1u << 11);
}

static const fr_engine *const engines[FR_ISA_COUNT] = {
    [FR_GENERIC] = &fr_engine_generic,
    [FR_AVX2] = &fr_engine_avx2,
    [FR_AVX512] = &fr_engine_avx512,
};

#elif defined(__aarch64__)

static const fr_engine *const engines[FR_ISA_COUNT] = {
    [FR_GENERIC] = &fr_engine_generic,
    [FR_NEON] = &fr_engine_neon, /* part of every 64-bit ARM */
};

#else

static const fr_engine *const engines[FR_ISA_COUNT] = {
    [FR_GENERIC] = &fr_engine_generic,
};

#endif

#if !defined(__x86_64__) && !defined(__i386__)
int fr_vnni_usable(void)
{
    return 0;
}
#endif

ptrdiff_t fr_lanes(enum fr_isa isa)
{
    return engines[isa]->lanes;
}

int fr_isa_usable(enum fr_isa isa)
{
    if ((int)isa < 0 || isa >= FR_ISA_COUNT || !engines[isa])
        return 0;
#if defined(__x86_64__) || defined(__i386__)
    if (isa != FR_GENERIC)
        return has_avx(isa);
#endif
    return 1;
}

enum fr_isa fr_best_isa(void)
{
    enum fr_isa best = FR_GENERIC;
    for (int isa = FR_GENERIC; isa < FR_ISA_COUNT; isa++)
        if (fr_isa_usable((enum fr_isa)isa))
            best = (enum fr_isa)isa;
    return best;
}

fr_sizes fr_sizes_of(enum fr_isa isa, const fr_rnn *rnn)
{
    return rnn->weights ? engines[isa]->quantized_sizes(rnn) : engines[isa]->sizes[rnn->real](rnn);
}

void fr_forward(enum fr_isa isa, const fr_rnn *rnns, int count)
{
    if (rnns[0].weights)
        engines[isa]->quantized_forward(rnns, count);
    else
        engines[isa]->forward[rnns[0].real](rnns, count);
}

void fr_backward(enum fr_isa isa, const fr_rnn *rnns, int count)
{
    engines[isa]->backward[rnns[0].real](rnns, count);
}

size_t fr_matrix_scratch(enum fr_isa isa, const fr_matrix_product *product)
{
    return engines[isa]->matrix_scratch[product->real](product);
}

void fr_multiply(enum fr_isa isa, const fr_matrix_product *product)
{
    engines[isa]->multiply[product->real](product);
}

void fr_adam_update(enum fr_isa isa, const fr_adam *update)
{
    engines[isa]->adam[update->real](update);
}

const fr_stream_functions *fr_stream_functions_of(enum fr_isa isa, enum fr_real real)
{
    return &engines[isa]->stream[real];
}

double fr_fma_loop(enum fr_isa isa, enum fr_real real, long turns)
{
    return engines[isa]->fma_loop[real](turns);
}
