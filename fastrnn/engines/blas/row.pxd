# Row: one sample at one step, as the functions of the cells see it; and the loops that they share.
#
# Functions take a number of the pass's type, `real`, which says what the pointers point to.

from cython cimport floating
from libc.string cimport memcpy, memset

cdef extern from "blas/activations.h" nogil:
    ctypedef struct fr_activation_float:
        int elementwise
        void (*forward)(float *y, Py_ssize_t n) noexcept nogil
        void (*gradient)(float *d, const float *x, const float *y, Py_ssize_t n) noexcept nogil
        int needs_input

    ctypedef struct fr_activation_double:
        int elementwise
        void (*forward)(double *y, Py_ssize_t n) noexcept nogil
        void (*gradient)(double *d, const double *x, const double *y, Py_ssize_t n) noexcept nogil
        int needs_input

    const fr_activation_float *fr_find_activation_float(const char *name)
    const fr_activation_double *fr_find_activation_double(const char *name)

cdef enum:
    MAX_WEIGHTS = 8
    MAX_STATES = 2
    MAX_GROUPS = 2
    # Where the weights stand that every cell has; the cells' own follow.
    KERNEL = 0
    RECURRENT_KERNEL = 1
    BIAS = 2

cdef struct Row:
    Py_ssize_t H
    const void *activation
    const void *recurrent_activation
    double epsilon
    const void *weights[MAX_WEIGHTS]  # in the order of the cell's spec; NULL where there is none
    # Gates, blocks of H in the order of the cell.
    void *y  # (G·H,): in, bias + input sums, and recurrent sums unless they stand apart; out, gates
    void *pre  # (G·H,): out, pre-activations; or NULL
    void *recurrent  # (G·H,): recurrent sums, where they stand apart
    void *kept  # what the cell leaves for its backward function, of the length that its facts say
    const void *normal  # (G·H,): LN of the input sums, where the cell normalises
    const void *rates  # 1/sqrt(var + epsilon) of each group of them
    const void *h_prev
    const void *c_prev
    void *h  # (H,): out; before the projection, where there is one
    void *c
    # Backward.
    void *d  # (G·H,): out, dLoss/d(input sums)
    void *d_recurrent  # (G·H,): out, dLoss/d(recurrent sums), where they stand apart
    void *dh  # (H,): in, dLoss/dh; out, dLoss/dh_{t-1} but for the way through the products
    void *dc  # the same of c
    void *scratch  # (H,)
    double *d_weights[MAX_WEIGHTS]  # of weights that meet no matrix product: sums over the rows


ctypedef void (*RowFloat)(float real, Row *r) noexcept nogil
ctypedef void (*RowDouble)(double real, Row *r) noexcept nogil

cdef struct RowFunction:
    RowFloat single
    RowDouble double_

cdef struct Cell:
    # Facts, which the loops go by.
    bint carries  # a second state, c
    bint apart  # the recurrent sums stand apart from the input sums
    # The last gate multiplies another operand than h_{t-1}, which `operand` makes of the others.
    bint late
    bint projects  # h is a product of what the forward function gives
    int kept_blocks, kept_numbers  # length of `kept`: kept_blocks·H + kept_numbers
    int groups  # of gates whose sums are normalised as one row each; 0 if they are not
    int group_ends[MAX_GROUPS]  # in gates
    RowFunction forward
    RowFunction backward
    RowFunction operand
    RowFunction operand_backward


cdef inline void call(floating real, RowFunction *function, Row *r) noexcept nogil:
    if floating is float:
        function.single(real, r)
    else:
        function.double_(real, r)


cdef inline floating *at(floating real, void *array, Py_ssize_t offset) noexcept nogil:
    return <floating *>array + offset if array != NULL else NULL


cdef inline void multiply(
    const floating *a, const floating *b, floating *out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        out[j] = a[j] * b[j]


cdef inline void add_products(
    const floating *a, const floating *b, floating *out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        out[j] += a[j] * b[j]


cdef inline void sum_rows(const floating *d, double *total, Py_ssize_t n) noexcept nogil:
    # total (n,) += d (n,); a NULL is no gradient that is wanted.
    cdef Py_ssize_t j
    if total != NULL:
        for j in range(n):
            total[j] += d[j]


cdef inline void sum_products(
    const floating *d, const floating *x, double *total, Py_ssize_t n
) noexcept nogil:
    # total (n,) += d (n,) · x (n,)
    cdef Py_ssize_t j
    for j in range(n):
        total[j] += d[j] * x[j]


cdef inline void activate(
    floating real, const void *activation, void *y, void *pre, Py_ssize_t first, Py_ssize_t gates,
    Py_ssize_t H,
) noexcept nogil:
    # Gates `first` and on of y: in, pre-activations, copied to `pre` unless that is NULL; out,
    # activations.
    cdef const fr_activation_float *single = <const fr_activation_float *>activation
    cdef const fr_activation_double *double_ = <const fr_activation_double *>activation
    cdef floating *out = <floating *>y + first * H
    cdef Py_ssize_t pieces = 1 if single.elementwise else gates
    cdef Py_ssize_t n = gates * H // pieces
    cdef Py_ssize_t k
    if pre != NULL:
        memcpy(<floating *>pre + first * H, out, gates * H * sizeof(floating))
    for k in range(pieces):
        if floating is float:
            single.forward(out + k * n, n)
        else:
            double_.forward(out + k * n, n)


cdef inline void derive(
    floating real, const void *activation, void *d, const void *pre, const void *y,
    Py_ssize_t first, Py_ssize_t gates, Py_ssize_t H,
) noexcept nogil:
    # Gates `first` and on of d: in, gradients of the activations y; out, of the pre-activations.
    cdef const fr_activation_float *single = <const fr_activation_float *>activation
    cdef const fr_activation_double *double_ = <const fr_activation_double *>activation
    cdef Py_ssize_t pieces = 1 if single.elementwise else gates
    cdef Py_ssize_t n = gates * H // pieces
    cdef Py_ssize_t k, offset
    cdef const floating *x
    for k in range(pieces):
        offset = first * H + k * n
        x = <const floating *>pre + offset if pre != NULL else NULL
        if floating is float:
            single.gradient(<floating *>d + offset, x, <const floating *>y + offset, n)
        else:
            double_.gradient(<floating *>d + offset, x, <const floating *>y + offset, n)
