/* Activation functions of recurrent cells, row by row, and their gradients.
 *
 * A row is `n` contiguous numbers: one gate of one sample. Elementwise activations may be given
 * several gates at once; the others (softmax and its kin) work over the row as one vector.
 */
#ifndef FR_ACTIVATIONS_H
#define FR_ACTIVATIONS_H

#include <stddef.h>

#define FR_DECLARE_ACTIVATION(REAL)                                                                \
    typedef struct {                                                                               \
        const char *name;                                                                          \
        int elementwise;                                                                           \
        /* y: in, pre-activations; out, activations. */                                            \
        void (*forward)(REAL * y, ptrdiff_t n);                                                    \
        /* d: in, dLoss/dy; out, dLoss/dx. x: pre-activations, not read unless needs_input.      \
         * y: activations. No two of the three may overlap. */ \
        void (*gradient)(REAL * d, const REAL *x, const REAL *y, ptrdiff_t n);                     \
        int needs_input;                                                                           \
    } fr_activation_##REAL;                                                                        \
    /* The activation of this name (a row of the table in blas/activations_impl.h), or NULL. */    \
    const fr_activation_##REAL *fr_find_activation_##REAL(const char *name)

FR_DECLARE_ACTIVATION(float);
FR_DECLARE_ACTIVATION(double);

#endif
