# The backward pass of the blas engine; part of engine.pyx.

cdef class BackwardPass:
    """The arrays of one backward pass over a ``Pass``, which it does not change."""

    cdef char *dh  # (B, H)
    cdef char *dc  # (B, H), LSTM
    cdef char *dz  # (T, B, W): of bias + x·W + h·U; GRU reset_after: of the input part
    cdef char *dr  # (T, B, W): of the recurrent part, GRU reset_after; elsewhere dz itself
    cdef char *scratch  # (B, H)
    cdef char *dropped  # (T, B, max(F, H)) where a dropout mask stands for one gate alone
    cdef const char *d_outputs  # or NULL
    cdef char *ones  # (T·B,)
    cdef char *dinputs  # (T, B, F) in the order of processing
    cdef char *dx  # or NULL where it is not wanted
    cdef char *dkernel
    cdef char *drecurrent_kernel
    cdef char *dbias  # input row, or NULL
    cdef char *drecurrent_bias  # or NULL
    cdef list arrays
    cdef object dx_array  # of dx, or None
    cdef dict d_weights
    cdef list dstates

    def __cinit__(self, Pass p, d_outputs, d_states):
        cdef Py_ssize_t T = p.T, B = p.B, F = p.F, H = p.H, W = p.W
        call = p.call
        dtype = call.x.dtype
        self.arrays = []
        self.d_weights = {}
        if d_outputs is not None:
            if d_outputs.shape != p.output_array.shape or d_outputs.dtype != dtype:
                raise ValueError(f"d_outputs {d_outputs.shape} {d_outputs.dtype} does not fit the "
                                 f"outputs {p.output_array.shape} {dtype}")
            self.d_outputs = self._own(np.require(d_outputs, requirements="CA"))
        self.dstates = []
        for d_state, _ in zip(d_states, call.initial_state, strict=True):
            array = np.zeros((B, H), dtype)
            if d_state is not None:
                array += d_state
            self.dstates.append(array)
        self.dh = self._own(self.dstates[0])
        if p.cell == LSTM:
            self.dc = self._own(self.dstates[1])
        self.dz = self._own(np.empty((T, B, W), dtype))
        self.dr = self._own(np.empty((T, B, W), dtype)) if p.cell == GRU_RESET_AFTER else self.dz
        self.scratch = self._own(np.empty((B, H), dtype))
        if p.dropout_gates > 1 or p.recurrent_dropout != NULL:
            self.dropped = self._own(np.empty((T, B, max(F, H)), dtype))
        self.ones = self._own(np.ones(T * B, dtype))
        if call.input_gradient:
            self.dx_array = np.empty_like(call.x, order="C")
            self.dx = self._own(self.dx_array)
            self.dinputs = self._own(np.empty((T, B, F), dtype))
        self.dkernel = self._gradient(p, "kernel")
        self.drecurrent_kernel = self._gradient(p, "recurrent_kernel")
        if call.weights.get("bias") is not None:
            self.dbias = self._gradient(p, "bias")
            if p.cell == GRU_RESET_AFTER:
                self.drecurrent_bias = self.dbias + W * <Py_ssize_t>dtype.itemsize

    cdef char *_own(self, object array) except NULL:
        self.arrays.append(array)
        cdef size_t address = array.ctypes.data
        return <char *>address

    cdef char *_gradient(self, Pass p, str name) except NULL:
        of = p.call.weights[name]
        self.d_weights[name] = np.empty(of.shape, of.dtype)
        return self._own(self.d_weights[name])


def backward(Pass saved not None, d_outputs, d_states):
    """Compute ``contract.RecurrentGradients`` of the pass ``saved``."""
    cdef BackwardPass d = BackwardPass(saved, d_outputs, d_states)
    with nogil:
        if saved.single:
            run_backward(<float *>d.dz, saved, d)
        else:
            run_backward(<double *>d.dz, saved, d)
    return RecurrentGradients(d.dx_array, d.d_weights, tuple(d.dstates))


cdef void run_backward(floating *dz, Pass p, BackwardPass d) noexcept nogil:
    cdef Py_ssize_t t
    for t in range(p.T - 1, -1, -1):
        add_output_gradient(<floating *>d.dh, p, d, t)
        step_backward(dz + t * p.B * p.W, p, d, t)
    input_gradients(dz, p, d)
    recurrent_kernel_gradient(<floating *>d.dr, p, d)
    if d.dbias != NULL:
        column_sums(dz, <floating *>d.dbias, p, d)
    if d.drecurrent_bias != NULL:
        column_sums(<floating *>d.dr, <floating *>d.drecurrent_bias, p, d)


cdef void add_output_gradient(floating *dh, Pass p, BackwardPass d, Py_ssize_t t) noexcept nogil:
    # dh (B, H) += the gradient of the outputs that are h_t.
    cdef const floating *d_outputs = <const floating *>d.d_outputs
    cdef const floating *source
    cdef Py_ssize_t b, j
    if d_outputs == NULL or not (p.return_sequences or t == p.T - 1):
        return
    for b in range(p.B):
        if p.emit != NULL and not p.emit[t * p.B + b]:
            continue
        source = d_outputs + (b * p.T + t if p.return_sequences else b) * p.H
        for j in range(p.H):
            dh[b * p.H + j] += source[j]


cdef void step_backward(floating *dz, Pass p, BackwardPass d, Py_ssize_t t) noexcept nogil:
    # dz (B, W): out. dh and dc: in, dLoss/d(states after step t); out, dLoss/d(states before it).
    # A masked row hands its states' gradients through and has dz = 0.
    cdef Py_ssize_t B = p.B, H = p.H, W = p.W, n = p.B * p.H, b
    cdef const floating *gates = <const floating *>p.gates + t * B * W
    cdef const floating *pre = <const floating *>p.pre + t * B * W if p.pre != NULL else NULL
    cdef const floating *h_prev = <const floating *>p.h + t * n
    cdef const floating *c_prev = <const floating *>p.c + t * n if p.cell == LSTM else NULL
    cdef const floating *inner = <const floating *>p.inner + t * n if p.inner != NULL else NULL
    cdef floating *dh = <floating *>d.dh
    cdef floating *dr = <floating *>d.dr + t * B * W
    for b in range(B):
        if is_masked(p, t, b):
            memset(dz + b * W, 0, W * sizeof(floating))
            memset(dr + b * W, 0, W * sizeof(floating))
        elif p.cell == SIMPLE_RNN:
            memcpy(dz + b * W, dh + b * H, H * sizeof(floating))
            memset(dh + b * H, 0, H * sizeof(floating))
            multiply_slopes(p.activation, dz + b * W, const_row(pre, b * W), gates + b * W, 1, H)
        elif p.cell == LSTM:
            lstm_row_backward(gates + b * W, const_row(pre, b * W), c_prev + b * H, inner + b * H,
                              dh + b * H, <floating *>d.dc + b * H, dz + b * W,
                              <floating *>d.scratch + b * H, p)
        else:
            gru_mix_backward(gates + b * W, h_prev + b * H, dh + b * H, dz + b * W, H)
            multiply_slopes(p.activation, dz + b * W + 2 * H, const_row(pre, b * W + 2 * H),
                            gates + b * W + 2 * H, 1, H)
            if p.cell == GRU_RESET_AFTER:
                gru_reset_after_row_backward(gates + b * W, const_row(pre, b * W), inner + b * H,
                                             dz + b * W, dr + b * W, p)
    if p.cell == GRU:
        gru_reset_backward(gates, pre, h_prev, dh, dz, <floating *>d.scratch, p, t)
        add_recurrent_gradient(dz, dh, 2, p, d)
    else:
        add_recurrent_gradient(dr, dh, p.G, p, d)


cdef inline const floating *const_row(const floating *array, Py_ssize_t offset) noexcept nogil:
    return array + offset if array != NULL else NULL


cdef void lstm_row_backward(
    const floating *y, const floating *pre, const floating *c_prev, const floating *inner,
    floating *dh, floating *dc, floating *dz, floating *dc_output, Pass p,
) noexcept nogil:
    # inner = act(c_t), and c_t stands one step after c_prev. h_t = o·inner.
    cdef Py_ssize_t H = p.H
    cdef const floating *c = c_prev + p.B * H
    multiply(dh, inner, dz + 3 * H, H)
    multiply(dh, y + 3 * H, dc_output, H)
    multiply_slopes(p.activation, dc_output, c, inner, 1, H)
    lstm_carry_backward(y, c_prev, dc_output, dc, dz, H)
    memset(dh, 0, H * sizeof(floating))
    multiply_slopes(p.recurrent_activation, dz, pre, y, 2, H)
    multiply_slopes(p.activation, dz + 2 * H, const_row(pre, 2 * H), y + 2 * H, 1, H)
    multiply_slopes(p.recurrent_activation, dz + 3 * H, const_row(pre, 3 * H), y + 3 * H, 1, H)


cdef void gru_reset_after_row_backward(
    const floating *y, const floating *pre, const floating *inner, floating *dz, floating *dr,
    Pass p,
) noexcept nogil:
    # The candidate's pre-activation is x·W_h + r·inner: dz_r from r, dr_h from inner.
    cdef Py_ssize_t j, H = p.H
    multiply(dz + 2 * H, inner, dz + H, H)
    multiply_slopes(p.recurrent_activation, dz, pre, y, 2, H)
    memcpy(dr, dz, 2 * H * sizeof(floating))
    multiply(dz + 2 * H, y + H, dr + 2 * H, H)


cdef void gru_reset_backward(
    const floating *gates, const floating *pre, const floating *h_prev, floating *dh, floating *dz,
    floating *dinner, Pass p, Py_ssize_t t,
) noexcept nogil:
    # inner = r·h_{t-1}·dropout enters the candidate through U_h: dinner = dz_h·U_h^T.
    cdef const floating *factors = <const floating *>p.recurrent_dropout
    cdef Py_ssize_t b, j, B = p.B, H = p.H, W = p.W
    product(False, True, B, H, H, dz + 2 * H, W, <const floating *>p.recurrent_kernel + 2 * H, W,
            <floating>0, dinner, H)
    for b in range(B):
        if is_masked(p, t, b):
            continue
        if factors != NULL:
            multiply(dinner + b * H, factors + (2 * B + b) * H, dinner + b * H, H)
        multiply(dinner + b * H, h_prev + b * H, dz + b * W + H, H)
        for j in range(H):
            dh[b * H + j] += dinner[b * H + j] * gates[b * W + H + j]
        multiply_slopes(p.recurrent_activation, dz + b * W, const_row(pre, b * W), gates + b * W, 2,
                        H)


cdef void add_recurrent_gradient(
    const floating *dr, floating *dh, Py_ssize_t gates, Pass p, BackwardPass d
) noexcept nogil:
    # dh (B, H) += dr·U^T over the first `gates` gates, with the dropout mask of each.
    cdef const floating *kernel = <const floating *>p.recurrent_kernel
    cdef const floating *factors = <const floating *>p.recurrent_dropout
    cdef floating *dropped = <floating *>d.dropped
    cdef Py_ssize_t g, j, n = p.B * p.H
    if factors == NULL:
        product(False, True, p.B, p.H, gates * p.H, dr, p.W, kernel, p.W, <floating>1, dh, p.H)
        return
    for g in range(gates):
        product(False, True, p.B, p.H, p.H, dr + g * p.H, p.W, kernel + g * p.H, p.W, <floating>0,
                dropped, p.H)
        for j in range(n):
            dh[j] += dropped[j] * factors[g * n + j]


cdef void input_gradients(const floating *dz, Pass p, BackwardPass d) noexcept nogil:
    # dkernel = inputs^T·dz and dinputs = dz·W^T over all steps, then dinputs -> dx (B, T, F).
    cdef const floating *inputs = <const floating *>p.inputs
    cdef const floating *kernel = <const floating *>p.kernel
    cdef const floating *factors = <const floating *>p.input_dropout
    cdef floating *dinputs = <floating *>d.dinputs
    cdef floating *dkernel = <floating *>d.dkernel
    cdef floating *dropped = <floating *>d.dropped
    cdef Py_ssize_t rows = p.T * p.B, n = p.B * p.F, F = p.F, H = p.H, W = p.W, g, t, b, j
    if p.dropout_gates <= 1:
        product(True, False, F, W, rows, inputs, F, dz, W, <floating>0, dkernel, W)
        if d.dx == NULL:
            return
        product(False, True, rows, F, W, dz, W, kernel, W, <floating>0, dinputs, F)
        if p.dropout_gates == 1:
            multiply_steps(dinputs, factors, dinputs, p.T, n)
    else:
        if d.dx != NULL:
            memset(dinputs, 0, rows * F * sizeof(floating))
        for g in range(p.G):
            multiply_steps(inputs, factors + g * n, dropped, p.T, n)
            product(True, False, F, H, rows, dropped, F, dz + g * H, W, <floating>0,
                    dkernel + g * H, W)
            if d.dx == NULL:
                continue
            product(False, True, rows, F, H, dz + g * H, W, kernel + g * H, W, <floating>0,
                    dropped, F)
            for t in range(p.T):
                for j in range(n):
                    dinputs[t * n + j] += dropped[t * n + j] * factors[g * n + j]
    if d.dx == NULL:
        return
    for t in range(p.T):
        j = p.T - 1 - t if p.backwards else t
        for b in range(p.B):
            memcpy(<floating *>d.dx + (b * p.T + j) * F, dinputs + (t * p.B + b) * F,
                   F * sizeof(floating))


cdef void recurrent_kernel_gradient(const floating *dr, Pass p, BackwardPass d) noexcept nogil:
    # dU = h_{t-1}^T·dr over all steps; the candidate of the GRU has inner for h_{t-1}.
    cdef const floating *h_prev = <const floating *>p.h
    cdef const floating *factors = <const floating *>p.recurrent_dropout
    cdef floating *out = <floating *>d.drecurrent_kernel
    cdef floating *dropped = <floating *>d.dropped
    cdef Py_ssize_t rows = p.T * p.B, n = p.B * p.H, H = p.H, W = p.W, g
    cdef Py_ssize_t gates = 2 if p.cell == GRU else p.G
    if factors == NULL:
        product(True, False, H, gates * H, rows, h_prev, H, dr, W, <floating>0, out, W)
    else:
        for g in range(gates):
            multiply_steps(h_prev, factors + g * n, dropped, p.T, n)
            product(True, False, H, H, rows, dropped, H, dr + g * H, W, <floating>0, out + g * H, W)
    if p.cell == GRU:
        product(True, False, H, H, rows, <const floating *>p.inner, H, dr + 2 * H, W, <floating>0,
                out + 2 * H, W)


cdef void column_sums(const floating *rows, floating *out, Pass p, BackwardPass d) noexcept nogil:
    # out (W,) = sum over T·B rows, as a product with ones: BLAS sums in blocks, which rounds less.
    product(False, False, 1, p.W, p.T * p.B, <const floating *>d.ones, p.T * p.B, rows, p.W,
            <floating>0, out, p.W)
