/* Which instruction sets this build has and this machine runs, and the calls of the API. */
#include "api/fr_testing.h"
#include "isa/engine.h"

#include <stdatomic.h>

#define DECLARE(name, ...) extern const fr_engine FR_ENGINE(name, 32), FR_ENGINE(name, 64);
FR_ISAS(DECLARE)

typedef struct {
    const char *name;
    const fr_engine *real[2]; /* by enum fr_real; NULL in a build for another machine */
} isa_entry;

#define HAVE_any 1
#define HAVE_x86 0
#define HAVE_arm 0
#if defined(__x86_64__) || defined(__i386__)
#undef HAVE_x86
#define HAVE_x86 1
#elif defined(__aarch64__)
#undef HAVE_arm
#define HAVE_arm 1
#endif

#define ENTRY_1(name)                                                                              \
    {                                                                                              \
        #name,                                                                                     \
        {                                                                                          \
            &FR_ENGINE(name, 32), &FR_ENGINE(name, 64)                                             \
        }                                                                                          \
    }
#define ENTRY_0(name)                                                                              \
    {                                                                                              \
        #name,                                                                                     \
        {                                                                                          \
            NULL, NULL                                                                             \
        }                                                                                          \
    }
#define ENTRY_OF(have, name) ENTRY_##have(name)
#define ENTRY_IF(have, name) ENTRY_OF(have, name)
#define ENTRY(name, NAME, machine, ...) [FR_##NAME] = ENTRY_IF(HAVE_##machine, name),

static const isa_entry isas[FR_ISA_COUNT] = {FR_ISAS(ENTRY)};

/* ---- the CPU ---- */

#if HAVE_x86
#include <cpuid.h>

/* XCR0: which registers the operating system saves. */
static uint64_t saved_registers(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

#define ALL(bits, wanted) (((bits) & (wanted)) == (wanted))

static int cpu_has(enum fr_isa isa)
{
    const uint32_t osxsave_fma = 1u << 27 | 1u << 12;
    const uint32_t avx2 = 1u << 5, avx512_f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    const uint64_t ymm = 0x6, zmm = 0xe6;
    uint32_t a, b, c, d;
    if (isa == FR_GENERIC)
        return 1;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !ALL(c, osxsave_fma))
        return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !ALL(b, avx2))
        return 0;
    if (isa == FR_AVX512)
        return ALL(b, avx512_f_dq_bw_vl) && ALL(saved_registers(), zmm);
    return ALL(saved_registers(), ymm);
}

static int cpu_has_vnni(void)
{
    uint32_t a, b, c, d;
    return cpu_has(FR_AVX512) && __get_cpuid_count(7, 0, &a, &b, &c, &d) && ALL(c, 1u << 11);
}

#else

static int cpu_has(enum fr_isa isa)
{
    (void)isa; /* NEON is part of every 64-bit ARM */
    return 1;
}

static int cpu_has_vnni(void)
{
    return 0;
}

#endif

/* ---- instruction sets and their capabilities ---- */

#define CELL_NAME(name, ...) #name,

const char *fr_cell_name(enum fr_cell cell)
{
    static const char *const names[FR_CELL_COUNT] = {FR_CELLS(CELL_NAME)};
    return names[cell];
}

const char *fr_isa_name(enum fr_isa isa)
{
    return isas[isa].name;
}

int fr_isa_usable(enum fr_isa isa)
{
    return (int)isa >= 0 && isa < FR_ISA_COUNT && isas[isa].real[FR_FLOAT] && cpu_has(isa);
}

enum fr_isa fr_best_isa(void)
{
    enum fr_isa best = FR_GENERIC;
    for (int isa = FR_GENERIC; isa < FR_ISA_COUNT; isa++)
        if (fr_isa_usable((enum fr_isa)isa))
            best = (enum fr_isa)isa;
    return best;
}

static atomic_uint forbidden; /* bits of enum fr_capability */

unsigned fr_isa_capabilities(enum fr_isa isa)
{
    /* Asked for once: under a hypervisor the answer takes long. */
    static atomic_int vnni = -1;
    int has = atomic_load_explicit(&vnni, memory_order_relaxed);
    if (has < 0)
        atomic_store_explicit(&vnni, has = cpu_has_vnni(), memory_order_relaxed);
    const unsigned able = isa == FR_AVX512 && has ? 1u << FR_VNNI : 0;
    return able & ~atomic_load_explicit(&forbidden, memory_order_relaxed);
}

const fr_int8_kernels *fr_faster_int8(enum fr_isa isa)
{
#if HAVE_x86
    if (fr_isa_capabilities(isa) & 1u << FR_VNNI)
        return &fr_int8_vnni;
#else
    (void)isa;
#endif
    return NULL;
}

/* ---- hooks for tests ---- */

static atomic_int sharing;

void fr_force_parallel(enum fr_sharing forced)
{
    atomic_store_explicit(&sharing, (int)forced, memory_order_relaxed);
}

int fr_forced_sharing(void)
{
    return atomic_load_explicit(&sharing, memory_order_relaxed);
}

void fr_allow_capability(enum fr_capability capability, int allowed)
{
    if (allowed)
        atomic_fetch_and(&forbidden, ~(1u << capability));
    else
        atomic_fetch_or(&forbidden, 1u << capability);
}

/* ---- calls ---- */

static const fr_engine *engine_of(enum fr_isa isa, enum fr_real real)
{
    return isas[isa].real[real];
}

ptrdiff_t fr_lanes(enum fr_isa isa)
{
    return engine_of(isa, FR_FLOAT)->lanes;
}

fr_sizes fr_sizes_of(enum fr_isa isa, const fr_rnn *rnn)
{
    return engine_of(isa, rnn->real)->sizes(rnn);
}

void fr_forward(enum fr_isa isa, const fr_rnn *rnns, int count)
{
    engine_of(isa, rnns[0].real)->forward(rnns, count);
}

void fr_backward(enum fr_isa isa, const fr_rnn *rnns, int count)
{
    engine_of(isa, rnns[0].real)->backward(rnns, count);
}

size_t fr_matrix_scratch(enum fr_isa isa, const fr_matrix_product *product)
{
    return engine_of(isa, product->real)->matrix_scratch(product);
}

void fr_multiply(enum fr_isa isa, const fr_matrix_product *product)
{
    engine_of(isa, product->real)->multiply(product);
}

void fr_adam_update(enum fr_isa isa, const fr_adam *update)
{
    engine_of(isa, update->real)->adam(update);
}

const fr_stream_functions *fr_stream_functions_of(enum fr_isa isa, enum fr_real real)
{
    return &engine_of(isa, real)->stream;
}

double fr_fma_loop(enum fr_isa isa, enum fr_real real, long turns)
{
    return engine_of(isa, real)->fma_loop(turns);
}
