# Layer-normalised LSTM and GRU: LN(v) = (v - mean)/sqrt(variance + epsilon).

from cython cimport floating
from libc.math cimport sqrt
from libc.string cimport memcpy, memset

from fastrnn.engines.blas.gru cimport reset_after, reset_after_backward
from fastrnn.engines.blas.lstm cimport update_carry, update_carry_backward
from fastrnn.engines.blas.row cimport BIAS, Row, activate, derive, multiply, sum_products, sum_rows

cdef enum:
    KERNEL_GAIN = 3  # (G·H,)
    RECURRENT_GAIN = 4  # (G·H,)
    STATE_GAIN = 5  # (H,), LSTM
    STATE_BIAS = 6  # (H,), LSTM


cdef inline floating normalize(
    floating real, const floating *v, floating *out, Py_ssize_t n, double epsilon
) noexcept nogil:
    # out (n,) = LN(v); 1/sqrt(variance + epsilon).
    cdef Py_ssize_t j
    cdef double mean = 0, variance = 0, rate
    for j in range(n):
        mean += v[j]
    mean /= n
    for j in range(n):
        variance += (v[j] - mean) * (v[j] - mean)
    rate = 1 / sqrt(variance / n + epsilon)
    for j in range(n):
        out[j] = <floating>((v[j] - mean) * rate)
    return <floating>rate


cdef inline void normalize_backward(
    const floating *normal, floating rate, const floating *d, floating *dv, Py_ssize_t n
) noexcept nogil:
    # dv (n,) for d (n,) = dLoss/dLN(v): the mean and the variance depend on v too. dv may be d.
    cdef Py_ssize_t j
    cdef double mean = 0, along = 0
    for j in range(n):
        mean += d[j]
        along += d[j] * normal[j]
    mean /= n
    along /= n
    for j in range(n):
        dv[j] = <floating>(rate * (d[j] - mean - normal[j] * along))


cdef inline void normalize_groups(
    floating real, const floating *v, floating *out, floating *rates, Py_ssize_t H, int groups,
    const int *ends, double epsilon,
) noexcept nogil:
    # The sums of each group of gates as one row.
    cdef Py_ssize_t first = 0, end
    cdef int k
    for k in range(groups):
        end = ends[k] * H
        rates[k] = normalize(real, v + first, out + first, end - first, epsilon)
        first = end


cdef inline void sums_backward(
    floating real, Row *r, const floating *normal_h, const floating *rates_h, int groups,
    const int *ends, int gates,
) noexcept nogil:
    # d and d_recurrent: in, gradients of LN(sums)·gain + bias; out, of the sums.
    cdef Py_ssize_t H = r.H, W = gates * r.H, first = 0, end
    cdef int k
    cdef const floating *normal_x = <const floating *>r.normal
    cdef const floating *rates_x = <const floating *>r.rates
    cdef floating *d = <floating *>r.d
    cdef floating *d_recurrent = <floating *>r.d_recurrent
    sum_products(d, normal_x, r.d_weights[KERNEL_GAIN], W)
    sum_products(d_recurrent, normal_h, r.d_weights[RECURRENT_GAIN], W)
    multiply(d, <const floating *>r.weights[KERNEL_GAIN], d, W)
    multiply(d_recurrent, <const floating *>r.weights[RECURRENT_GAIN], d_recurrent, W)
    for k in range(groups):
        end = ends[k] * H
        normalize_backward(normal_x + first, rates_x[k], d + first, d + first, end - first)
        normalize_backward(
            normal_h + first, rates_h[k], d_recurrent + first, d_recurrent + first, end - first
        )
        first = end


# ---- LSTM. Kept: LN(h·U) (4·H), LN(c), m = LN(c)·gain + bias, act(m), and the two rates ----


cdef inline void layer_norm_lstm_forward(floating real, Row *r) noexcept nogil:
    cdef Py_ssize_t H = r.H, j
    cdef int[1] ends = [4]
    cdef floating *y = <floating *>r.y
    cdef floating *normal_h = <floating *>r.kept
    cdef floating *normal_c = normal_h + 4 * H
    cdef floating *m = normal_h + 5 * H
    cdef floating *inner = normal_h + 6 * H
    cdef floating *rates = normal_h + 7 * H
    cdef const floating *gain = <const floating *>r.weights[RECURRENT_GAIN]
    cdef const floating *state_gain = <const floating *>r.weights[STATE_GAIN]
    cdef const floating *state_bias = <const floating *>r.weights[STATE_BIAS]
    normalize_groups(
        real, <const floating *>r.recurrent, normal_h, rates, H, 1, ends, r.epsilon
    )
    for j in range(4 * H):
        y[j] += normal_h[j] * gain[j]
    update_carry(real, r)
    rates[1] = normalize(real, <const floating *>r.c, normal_c, H, r.epsilon)
    for j in range(H):
        m[j] = normal_c[j] * state_gain[j] + (state_bias[j] if state_bias != NULL else 0)
    memcpy(inner, m, H * sizeof(floating))
    activate(real, r.activation, inner, NULL, 0, 1, H)
    activate(real, r.recurrent_activation, r.y, r.pre, 3, 1, H)
    multiply(y + 3 * H, inner, <floating *>r.h, H)


cdef inline void layer_norm_lstm_backward(floating real, Row *r) noexcept nogil:
    cdef Py_ssize_t H = r.H
    cdef int[1] ends = [4]
    cdef const floating *normal_h = <const floating *>r.kept
    cdef const floating *normal_c = normal_h + 4 * H
    cdef const floating *inner = normal_h + 6 * H
    cdef const floating *rates = normal_h + 7 * H
    cdef floating *dh = <floating *>r.dh
    cdef floating *d = <floating *>r.d
    cdef floating *dm = <floating *>r.scratch
    multiply(dh, inner, d + 3 * H, H)
    derive(real, r.recurrent_activation, r.d, r.pre, r.y, 3, 1, H)
    multiply(dh, <const floating *>r.y + 3 * H, dm, H)
    memset(dh, 0, H * sizeof(floating))
    derive(real, r.activation, dm, normal_h + 5 * H, inner, 0, 1, H)
    sum_products(dm, normal_c, r.d_weights[STATE_GAIN], H)
    sum_rows(dm, r.d_weights[STATE_BIAS], H)
    multiply(dm, <const floating *>r.weights[STATE_GAIN], dm, H)
    normalize_backward(normal_c, rates[1], dm, dm, H)
    update_carry_backward(real, r)
    sum_rows(d, r.d_weights[BIAS], 4 * H)
    memcpy(r.d_recurrent, d, 4 * H * sizeof(floating))
    sums_backward(real, r, normal_h, rates, 1, ends, 4)


# ---- GRU, reset after the product. Kept: LN(h·U) (3·H), the candidate's recurrent part, rates ----


cdef inline void layer_norm_gru_forward(floating real, Row *r) noexcept nogil:
    cdef Py_ssize_t H = r.H, j
    cdef int[2] ends = [2, 3]
    cdef floating *recurrent = <floating *>r.recurrent
    cdef floating *normal_h = <floating *>r.kept
    cdef const floating *gain = <const floating *>r.weights[RECURRENT_GAIN]
    cdef const floating *bias = <const floating *>r.weights[BIAS]
    normalize_groups(
        real, recurrent, normal_h, normal_h + 4 * H, H, 2, ends, r.epsilon
    )
    for j in range(3 * H):
        recurrent[j] = normal_h[j] * gain[j] + (bias[3 * H + j] if bias != NULL else 0)
    reset_after(real, r, recurrent, normal_h + 3 * H)


cdef inline void layer_norm_gru_backward(floating real, Row *r) noexcept nogil:
    cdef Py_ssize_t H = r.H
    cdef int[2] ends = [2, 3]
    cdef const floating *normal_h = <const floating *>r.kept
    cdef double *d_bias = r.d_weights[BIAS]
    reset_after_backward(real, r, normal_h + 3 * H)
    sum_rows(<floating *>r.d, d_bias, 3 * H)
    sum_rows(<floating *>r.d_recurrent, d_bias + 3 * H if d_bias != NULL else NULL, 3 * H)
    sums_backward(real, r, normal_h, normal_h + 4 * H, 2, ends, 3)
