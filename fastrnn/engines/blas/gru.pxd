# GRU, gates z r h: h = z·h_{t-1} + (1 - z)·g, where g is the gate block h.

from cython cimport floating
from libc.string cimport memcpy

from fastrnn.engines.blas.row cimport Row, activate, derive, multiply


cdef inline void mix(floating real, Row *r) noexcept nogil:
    # The candidate activated; h.
    cdef Py_ssize_t H = r.H, j
    cdef floating *y = <floating *>r.y
    cdef floating *h = <floating *>r.h
    cdef const floating *h_prev = <const floating *>r.h_prev
    activate(real, r.activation, r.y, r.pre, 2, 1, H)
    for j in range(H):
        h[j] = y[j] * h_prev[j] + (1 - y[j]) * y[2 * H + j]


cdef inline void mix_backward(floating real, Row *r) noexcept nogil:
    # d of the candidate; in the block of z, dLoss/dz before the activation's derivative.
    cdef Py_ssize_t H = r.H, j
    cdef const floating *y = <const floating *>r.y
    cdef const floating *h_prev = <const floating *>r.h_prev
    cdef floating *d = <floating *>r.d
    cdef floating *dh = <floating *>r.dh
    for j in range(H):
        d[j] = dh[j] * (h_prev[j] - y[2 * H + j])
        d[2 * H + j] = dh[j] * (1 - y[j])
        dh[j] = dh[j] * y[j]
    derive(real, r.activation, r.d, r.pre, r.y, 2, 1, H)


# ---- reset before the product. Kept: r·h_{t-1}, which the candidate multiplies ----


cdef inline void gru_operand(floating real, Row *r) noexcept nogil:
    activate(real, r.recurrent_activation, r.y, r.pre, 0, 2, r.H)
    multiply(<floating *>r.y + r.H, <const floating *>r.h_prev, <floating *>r.kept, r.H)


cdef inline void gru_forward(floating real, Row *r) noexcept nogil:
    mix(real, r)


cdef inline void gru_backward(floating real, Row *r) noexcept nogil:
    mix_backward(real, r)


cdef inline void gru_operand_backward(floating real, Row *r) noexcept nogil:
    # scratch = dLoss/d(r·h_{t-1}).
    cdef Py_ssize_t H = r.H, j
    cdef const floating *through = <const floating *>r.scratch
    cdef const floating *y = <const floating *>r.y
    cdef floating *dh = <floating *>r.dh
    multiply(through, <const floating *>r.h_prev, <floating *>r.d + H, H)
    for j in range(H):
        dh[j] += through[j] * y[H + j]
    derive(real, r.recurrent_activation, r.d, r.pre, r.y, 0, 2, H)


# ---- reset after the product. Kept: the candidate's recurrent sum, before r ----


cdef inline void gru_reset_after_forward(floating real, Row *r) noexcept nogil:
    reset_after(real, r, <const floating *>r.recurrent, <floating *>r.kept)


cdef inline void reset_after(
    floating real, Row *r, const floating *recurrent, floating *inner
) noexcept nogil:
    # `recurrent` (3·H,) is what comes of h_{t-1}; its candidate block is copied to `inner`.
    cdef Py_ssize_t H = r.H, j
    cdef floating *y = <floating *>r.y
    for j in range(2 * H):
        y[j] += recurrent[j]
    activate(real, r.recurrent_activation, r.y, r.pre, 0, 2, H)
    memcpy(inner, recurrent + 2 * H, H * sizeof(floating))
    for j in range(H):
        y[2 * H + j] += y[H + j] * inner[j]
    mix(real, r)


cdef inline void gru_reset_after_backward(floating real, Row *r) noexcept nogil:
    reset_after_backward(real, r, <const floating *>r.kept)


cdef inline void reset_after_backward(
    floating real, Row *r, const floating *inner
) noexcept nogil:
    # The candidate's pre-activation is x·W_h + r·inner: d of r from r, d_recurrent from inner.
    cdef Py_ssize_t H = r.H
    cdef floating *d = <floating *>r.d
    cdef floating *d_recurrent = <floating *>r.d_recurrent
    mix_backward(real, r)
    multiply(d + 2 * H, inner, d + H, H)
    derive(real, r.recurrent_activation, r.d, r.pre, r.y, 0, 2, H)
    memcpy(d_recurrent, d, 2 * H * sizeof(floating))
    multiply(d + 2 * H, <floating *>r.y + H, d_recurrent + 2 * H, H)
