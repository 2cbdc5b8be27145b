# The gates of one row (one sample, one step) of each cell, between activations; part of engine.pyx.
#
# Blocks of H numbers: y = gates of the row in the cell's order, d = gradients of the same blocks.
# On entry d[...] is nothing; on exit it is dLoss/d(activated gate), which the caller multiplies by
# the activation's slope. dh enters as dLoss/dh_t and leaves as the part of dLoss/dh_{t-1} that does
# not go through the recurrent product.


# ---- LSTM (i f c o): c_t = f·c_{t-1} + i·g, h_t = o·act(c_t), where g is the gate block c ----

cdef void lstm_carry(const floating *y, const floating *c_prev, floating *c, Py_ssize_t H) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(H):
        c[j] = y[H + j] * c_prev[j] + y[j] * y[2 * H + j]


cdef void multiply(const floating *a, const floating *b, floating *out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        out[j] = a[j] * b[j]


cdef void lstm_carry_backward(
    const floating *y, const floating *c_prev, const floating *dc_output, floating *dc, floating *d,
    Py_ssize_t H,
) noexcept nogil:
    # dc: in, dLoss/dc_t but for the way through h_t, which dc_output holds; out, dLoss/dc_{t-1}.
    cdef Py_ssize_t j
    cdef floating total
    for j in range(H):
        total = dc[j] + dc_output[j]
        d[j] = total * y[2 * H + j]
        d[H + j] = total * c_prev[j]
        d[2 * H + j] = total * y[j]
        dc[j] = total * y[H + j]


# ---- GRU (z r h): h_t = z·h_{t-1} + (1 - z)·g, where g is the gate block h ----

cdef void gru_mix(const floating *y, const floating *h_prev, floating *h, Py_ssize_t H) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(H):
        h[j] = y[j] * h_prev[j] + (1 - y[j]) * y[2 * H + j]


cdef void gru_mix_backward(
    const floating *y, const floating *h_prev, floating *dh, floating *d, Py_ssize_t H
) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(H):
        d[j] = dh[j] * (h_prev[j] - y[2 * H + j])
        d[2 * H + j] = dh[j] * (1 - y[j])
        dh[j] = dh[j] * y[j]


# ---- products, rows and activations ----

cdef void product(
    bint transpose_a, bint transpose_b, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const floating *a, Py_ssize_t lda, const floating *b, Py_ssize_t ldb,
    floating beta, floating *c, Py_ssize_t ldc,
) noexcept nogil:
    # C (m, n) = op(A)·op(B) + beta·C, all row-major. BLAS is column-major: it sees the transposes,
    # so the operands change places.
    cdef char ta = b"T" if transpose_a else b"N"
    cdef char tb = b"T" if transpose_b else b"N"
    cdef int im = <int>m, in_ = <int>n, ik = <int>k
    cdef int ia = <int>lda, ib = <int>ldb, ic = <int>ldc
    cdef floating one = 1
    if floating is float:
        sgemm(&tb, &ta, &in_, &im, &ik, &one, <float *>b, &ib, <float *>a, &ia, &beta, c, &ic)
    else:
        dgemm(&tb, &ta, &in_, &im, &ik, &one, <double *>b, &ib, <double *>a, &ia, &beta, c, &ic)


cdef void fill_rows(floating *out, const floating *row, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    # Every row becomes `row`, or zero where that is NULL.
    cdef Py_ssize_t b
    if row == NULL:
        memset(out, 0, rows * n * sizeof(floating))
        return
    for b in range(rows):
        memcpy(out + b * n, row, n * sizeof(floating))


cdef void multiply_steps(
    const floating *a, const floating *factors, floating *out, Py_ssize_t steps, Py_ssize_t n
) noexcept nogil:
    # out (steps, n) = a (steps, n) · factors (n,)
    cdef Py_ssize_t t
    for t in range(steps):
        multiply(a + t * n, factors, out + t * n, n)


cdef void activate(
    const void *activation, floating *y, floating *pre, Py_ssize_t gates, Py_ssize_t H
) noexcept nogil:
    # y (gates·H): in, pre-activations, copied to `pre` unless it is NULL; out, activations.
    cdef const fr_activation_float *single = <const fr_activation_float *>activation
    cdef const fr_activation_double *double_ = <const fr_activation_double *>activation
    cdef Py_ssize_t pieces = 1 if single.elementwise else gates
    cdef Py_ssize_t n = gates * H // pieces
    cdef Py_ssize_t k
    if pre != NULL:
        memcpy(pre, y, gates * H * sizeof(floating))
    for k in range(pieces):
        if floating is float:
            single.forward(y + k * n, n)
        else:
            double_.forward(y + k * n, n)


cdef void multiply_slopes(
    const void *activation, floating *d, const floating *pre, const floating *y, Py_ssize_t gates,
    Py_ssize_t H,
) noexcept nogil:
    # d (gates·H): in, gradients of the activations y; out, of the pre-activations.
    cdef const fr_activation_float *single = <const fr_activation_float *>activation
    cdef const fr_activation_double *double_ = <const fr_activation_double *>activation
    cdef Py_ssize_t pieces = 1 if single.elementwise else gates
    cdef Py_ssize_t n = gates * H // pieces
    cdef Py_ssize_t k
    for k in range(pieces):
        if floating is float:
            single.gradient(d + k * n, pre + k * n if pre != NULL else NULL, y + k * n, n)
        else:
            double_.gradient(d + k * n, pre + k * n if pre != NULL else NULL, y + k * n, n)
