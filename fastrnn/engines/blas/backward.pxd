# The backward pass: step by step from the last one, then the weight gradients as large products.

from cython cimport floating
from libc.string cimport memcpy, memset

from fastrnn.engines.blas.plan cimport Gradients, Plan, is_masked, row_at
from fastrnn.engines.blas.products cimport multiply_steps, product
from fastrnn.engines.blas.row cimport KERNEL, MAX_WEIGHTS, RECURRENT_KERNEL, Row, call, multiply


cdef inline void run_backward(floating real, Plan *p, Gradients *d) noexcept nogil:
    cdef Py_ssize_t t
    for t in range(p.T - 1, -1, -1):
        add_output_gradient(<floating *>d.d_states[0], p, d, t)
        step_backward(real, p, d, t)
    input_gradients(<const floating *>d.dz, p, d)
    recurrent_kernel_gradient(<const floating *>d.dr, p, d)
    if p.hidden != NULL:
        product(True, False, p.H, p.P, p.T * p.B, <const floating *>p.hidden, p.H,
                <const floating *>d.d_projected, p.P, <floating>0, <floating *>d.d_projection, p.P)
    if d.dbias != NULL:
        column_sums(<const floating *>d.dz, <floating *>d.dbias, p, d)
    if d.drecurrent_bias != NULL:
        column_sums(<const floating *>d.dr, <floating *>d.drecurrent_bias, p, d)


cdef inline void add_output_gradient(
    floating *dh, Plan *p, Gradients *d, Py_ssize_t t
) noexcept nogil:
    # dh (B, P) += the gradient of the outputs that are h_t.
    cdef const floating *d_outputs = <const floating *>d.d_outputs
    cdef const floating *source
    cdef Py_ssize_t b, j
    if d_outputs == NULL or not (p.return_sequences or t == p.T - 1):
        return
    for b in range(p.B):
        if p.emit != NULL and not p.emit[t * p.B + b]:
            continue
        source = d_outputs + (b * p.T + t if p.return_sequences else b) * p.P
        for j in range(p.P):
            dh[b * p.P + j] += source[j]


cdef inline Row row_backward(
    floating real, Plan *p, Gradients *d, Py_ssize_t t, Py_ssize_t b
) noexcept nogil:
    # Sample b of step t with its gradients.
    cdef Row r = row_at(real, p, t, t, b)
    cdef int k
    r.d = <floating *>d.dz + (t * p.B + b) * p.W
    r.d_recurrent = <floating *>d.dr + (t * p.B + b) * p.W
    r.dh = <floating *>(d.d_states[0] if p.hidden == NULL else d.d_hidden) + b * p.H
    if p.cell.carries:
        r.dc = <floating *>d.d_states[1] + b * p.H
    r.scratch = <floating *>d.scratch + b * p.H
    for k in range(MAX_WEIGHTS):
        r.d_weights[k] = d.d_weights[k]
    return r


cdef inline void step_backward(
    floating real, Plan *p, Gradients *d, Py_ssize_t t
) noexcept nogil:
    # dz (B, W): out. d_states: in, of the states after step t; out, of those before it. A masked
    # row hands its states' gradients through and has dz = 0.
    cdef Py_ssize_t b, W = p.W
    cdef floating *dh = <floating *>d.d_states[0]
    cdef floating *dz = <floating *>d.dz + t * p.B * W
    cdef floating *dr = <floating *>d.dr + t * p.B * W
    cdef Row r
    zone_out_backward(real, p, d, t)
    if p.hidden != NULL:
        project_backward(dh, p, d, t)
    for b in range(p.B):
        if is_masked(p, t, b):
            memset(dz + b * W, 0, W * sizeof(floating))
            memset(dr + b * W, 0, W * sizeof(floating))
            continue
        r = row_backward(real, p, d, t, b)
        call(real, &p.cell.backward, &r)
    if p.cell.late:
        late_backward(dz, p, d, t)
    add_recurrent_gradient(dr, dh, p.G - p.cell.late, p, d)
    add_old_states(real, p, d, t)


cdef inline void zone_out_backward(
    floating real, Plan *p, Gradients *d, Py_ssize_t t
) noexcept nogil:
    # s = k·new + (1 - k)·old: d_states become those of the new states, d_old has the rest.
    cdef Py_ssize_t b, j, n
    cdef const floating *shares
    cdef floating *d_state
    cdef floating *d_old
    cdef floating share
    cdef int s
    for s in range(1 + p.cell.carries):
        if not p.zoned[s]:
            continue
        n = p.sizes[s]
        shares = <const floating *>p.share_masks[s]
        for b in range(p.B):
            if is_masked(p, t, b):
                continue
            d_state = <floating *>d.d_states[s] + b * n
            d_old = <floating *>d.d_old[s] + b * n
            share = <floating>p.shares[s]
            for j in range(n):
                if shares != NULL:
                    share = shares[(t * p.B + b) * n + j]
                d_old[j] = (1 - share) * d_state[j]
                d_state[j] = share * d_state[j]


cdef inline void add_old_states(floating real, Plan *p, Gradients *d, Py_ssize_t t) noexcept nogil:
    # The states before the step get what zoneout handed past it.
    cdef Py_ssize_t b, j, n
    cdef floating *d_state
    cdef const floating *d_old
    cdef int s
    for s in range(1 + p.cell.carries):
        n = p.sizes[s]
        for b in range(p.B):
            if p.zoned[s] and not is_masked(p, t, b):
                d_state = <floating *>d.d_states[s] + b * n
                d_old = <const floating *>d.d_old[s] + b * n
                for j in range(n):
                    d_state[j] += d_old[j]


cdef inline void project_backward(
    floating *dh, Plan *p, Gradients *d, Py_ssize_t t
) noexcept nogil:
    # h = hidden·R: d_hidden = dh·R^T. Of a step that counts, nothing of dh gets past the products.
    cdef floating *projected = <floating *>d.d_projected + t * p.B * p.P
    cdef Py_ssize_t b, P = p.P
    product(False, True, p.B, p.H, P, dh, P, <const floating *>p.projection, P, <floating>0,
            <floating *>d.d_hidden, p.H)
    for b in range(p.B):
        if is_masked(p, t, b):
            memset(projected + b * P, 0, P * sizeof(floating))
        else:
            memcpy(projected + b * P, dh + b * P, P * sizeof(floating))
            memset(dh + b * P, 0, P * sizeof(floating))


cdef inline void late_backward(floating *dz, Plan *p, Gradients *d, Py_ssize_t t) noexcept nogil:
    # The operand of the last gate enters through U: its gradient is dz·U^T of that gate.
    cdef const floating *factors = <const floating *>p.recurrent_dropout
    cdef const floating *kernel = <const floating *>p.weights[RECURRENT_KERNEL]
    cdef floating *d_operand = <floating *>d.scratch
    cdef Py_ssize_t b, g = p.G - 1, B = p.B, H = p.H, W = p.W
    cdef Row r
    product(False, True, B, H, H, dz + g * H, W, kernel + g * H, W, <floating>0, d_operand, H)
    for b in range(B):
        if is_masked(p, t, b):
            continue
        if factors != NULL:
            multiply(d_operand + b * H, factors + (g * B + b) * H, d_operand + b * H, H)
        r = row_backward(<floating>0, p, d, t, b)
        call(<floating>0, &p.cell.operand_backward, &r)


cdef inline void add_recurrent_gradient(
    const floating *dr, floating *dh, Py_ssize_t gates, Plan *p, Gradients *d
) noexcept nogil:
    # dh (B, P) += dr·U^T over the first `gates` gates, with the dropout mask of each.
    cdef const floating *kernel = <const floating *>p.weights[RECURRENT_KERNEL]
    cdef const floating *factors = <const floating *>p.recurrent_dropout
    cdef floating *dropped = <floating *>d.dropped
    cdef Py_ssize_t g, j, P = p.P, n = p.B * p.P
    if factors == NULL:
        product(False, True, p.B, P, gates * p.H, dr, p.W, kernel, p.W, <floating>1, dh, P)
        return
    for g in range(gates):
        product(False, True, p.B, P, p.H, dr + g * p.H, p.W, kernel + g * p.H, p.W, <floating>0,
                dropped, P)
        for j in range(n):
            dh[j] += dropped[j] * factors[g * n + j]


cdef inline void input_gradients(const floating *dz, Plan *p, Gradients *d) noexcept nogil:
    # dkernel = inputs^T·dz and dinputs = dz·W^T over all steps, then dinputs -> dx (B, T, F).
    cdef const floating *inputs = <const floating *>p.inputs
    cdef const floating *kernel = <const floating *>p.weights[KERNEL]
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


cdef inline void recurrent_kernel_gradient(
    const floating *dr, Plan *p, Gradients *d
) noexcept nogil:
    # dU = h_{t-1}^T·dr over all steps; a late gate has its operand in the place of h_{t-1}.
    cdef const floating *h_prev = <const floating *>p.states[0]
    cdef const floating *factors = <const floating *>p.recurrent_dropout
    cdef floating *out = <floating *>d.drecurrent_kernel
    cdef floating *dropped = <floating *>d.dropped
    cdef Py_ssize_t rows = p.T * p.B, n = p.B * p.P, H = p.H, P = p.P, W = p.W, g
    cdef Py_ssize_t gates = p.G - p.cell.late
    if factors == NULL:
        product(True, False, P, gates * H, rows, h_prev, P, dr, W, <floating>0, out, W)
    else:
        for g in range(gates):
            multiply_steps(h_prev, factors + g * n, dropped, p.T, n)
            product(True, False, P, H, rows, dropped, P, dr + g * H, W, <floating>0, out + g * H, W)
    if p.cell.late:
        product(True, False, H, H, rows, <const floating *>p.kept, H, dr + gates * H, W,
                <floating>0, out + gates * H, W)


cdef inline void column_sums(
    const floating *rows, floating *out, Plan *p, Gradients *d
) noexcept nogil:
    # out (W,) = sum over T·B rows, as a product with ones: BLAS sums in blocks, which rounds less.
    product(False, False, 1, p.W, p.T * p.B, <const floating *>d.ones, p.T * p.B, rows, p.W,
            <floating>0, out, p.W)
