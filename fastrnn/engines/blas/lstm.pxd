# LSTM, gates i f c o: c = f·c_{t-1} + i·g, h = o·act(c), where g is the gate block c. And with
# peepholes. Kept: act(c).

from cython cimport floating
from libc.string cimport memcpy, memset

from fastrnn.engines.blas.row cimport Row, activate, add_products, derive, multiply, sum_products

cdef enum:
    PEEPHOLE = 3  # (3, H), rows i f o


cdef inline void update_carry(floating real, Row *r) noexcept nogil:
    # i, f and g activated; c.
    cdef Py_ssize_t H = r.H, j
    cdef floating *y = <floating *>r.y
    cdef floating *c = <floating *>r.c
    cdef const floating *c_prev = <const floating *>r.c_prev
    activate(real, r.recurrent_activation, r.y, r.pre, 0, 2, H)
    activate(real, r.activation, r.y, r.pre, 2, 1, H)
    for j in range(H):
        c[j] = y[H + j] * c_prev[j] + y[j] * y[2 * H + j]


cdef inline void update_carry_backward(floating real, Row *r) noexcept nogil:
    # dc: in, dLoss/dc but for the way through h, which scratch holds; out, dLoss/dc_{t-1}.
    # d of i, f and g.
    cdef Py_ssize_t H = r.H, j
    cdef const floating *y = <const floating *>r.y
    cdef const floating *c_prev = <const floating *>r.c_prev
    cdef const floating *through_h = <const floating *>r.scratch
    cdef floating *dc = <floating *>r.dc
    cdef floating *d = <floating *>r.d
    cdef floating total
    for j in range(H):
        total = dc[j] + through_h[j]
        d[j] = total * y[2 * H + j]
        d[H + j] = total * c_prev[j]
        d[2 * H + j] = total * y[j]
        dc[j] = total * y[H + j]
    derive(real, r.recurrent_activation, r.d, r.pre, r.y, 0, 2, H)
    derive(real, r.activation, r.d, r.pre, r.y, 2, 1, H)


cdef inline void give_output(floating real, Row *r) noexcept nogil:
    # o activated; h = o·act(c).
    cdef Py_ssize_t H = r.H
    cdef floating *inner = <floating *>r.kept
    activate(real, r.recurrent_activation, r.y, r.pre, 3, 1, H)
    memcpy(inner, r.c, H * sizeof(floating))
    activate(real, r.activation, r.kept, NULL, 0, 1, H)
    multiply(<floating *>r.y + 3 * H, inner, <floating *>r.h, H)


cdef inline void give_output_backward(floating real, Row *r) noexcept nogil:
    # d of o; scratch = dLoss/dc through h. Nothing of h_{t-1} gets past the products.
    cdef Py_ssize_t H = r.H
    cdef floating *dh = <floating *>r.dh
    multiply(dh, <floating *>r.kept, <floating *>r.d + 3 * H, H)
    multiply(dh, <floating *>r.y + 3 * H, <floating *>r.scratch, H)
    derive(real, r.activation, r.scratch, r.c, r.kept, 0, 1, H)
    derive(real, r.recurrent_activation, r.d, r.pre, r.y, 3, 1, H)
    memset(dh, 0, H * sizeof(floating))


cdef inline void lstm_forward(floating real, Row *r) noexcept nogil:
    update_carry(real, r)
    give_output(real, r)


cdef inline void lstm_backward(floating real, Row *r) noexcept nogil:
    give_output_backward(real, r)
    update_carry_backward(real, r)


# ---- peepholes: i and f see c_{t-1}, o sees c ----


cdef inline void peephole_lstm_forward(floating real, Row *r) noexcept nogil:
    cdef Py_ssize_t H = r.H
    cdef const floating *p = <const floating *>r.weights[PEEPHOLE]
    cdef const floating *c_prev = <const floating *>r.c_prev
    add_products(p, c_prev, <floating *>r.y, H)
    add_products(p + H, c_prev, <floating *>r.y + H, H)
    update_carry(real, r)
    add_products(p + 2 * H, <const floating *>r.c, <floating *>r.y + 3 * H, H)
    give_output(real, r)


cdef inline void peephole_lstm_backward(floating real, Row *r) noexcept nogil:
    cdef Py_ssize_t H = r.H
    cdef const floating *p = <const floating *>r.weights[PEEPHOLE]
    cdef const floating *c_prev = <const floating *>r.c_prev
    cdef const floating *d = <const floating *>r.d
    cdef double *dp = r.d_weights[PEEPHOLE]
    give_output_backward(real, r)
    add_products(d + 3 * H, p + 2 * H, <floating *>r.scratch, H)
    update_carry_backward(real, r)
    add_products(d, p, <floating *>r.dc, H)
    add_products(d + H, p + H, <floating *>r.dc, H)
    sum_products(d, c_prev, dp, H)
    sum_products(d + H, c_prev, dp + H, H)
    sum_products(d + 3 * H, <const floating *>r.c, dp + 2 * H, H)
