/* The one list of instruction sets, in order of preference: enum, table and names are made of it here,
 * and setup.py reads its lines.
 *
 *     ISA(name, NAME, machine, bytes of a vector, rows of the micro-kernel, flags)
 *
 * machine: x86, arm or any. flags: of the compiler, beside those of setup.py; products are fused with
 * sums where the source says so and nowhere else, so that every instance of the code rounds alike.
 * On ARM, GCC would load all rows' numbers before the first product of a step, which leaves too few
 * registers for the sums: neon does without that scheduling (the CPU reorders by itself).
 */
#ifndef FR_ISA_ISAS_H
#define FR_ISA_ISAS_H

#define FR_ISAS(ISA)                                                                               \
    ISA(generic, GENERIC, any, 16, 3, "-DFR_GENERIC_VECTORS")                                      \
    ISA(avx2, AVX2, x86, 32, 3, "-mavx2 -mfma")                                                    \
    ISA(avx512, AVX512, x86, 64, 6, "-mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma")            \
    ISA(neon, NEON, arm, 16, 6, "-fno-schedule-insns")

/* What some CPUs of an instruction set can do beside it: isa/NAME.c has the code, compiled once.
 *
 *     CAPABILITY(name, NAME, machine, bytes of a vector, rows of the micro-kernel, flags)
 */
#define FR_CAPABILITIES(CAPABILITY)                                                                \
    CAPABILITY(vnni, VNNI, x86, 64, 6, "-mavx512f -mavx512bw -mavx512vnni")

#endif
