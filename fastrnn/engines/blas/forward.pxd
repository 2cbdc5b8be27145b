# The forward pass: input products of many steps at once, then step by step.

from cython cimport floating
from libc.string cimport memcpy, memset

from fastrnn.engines.blas.layer_norm cimport normalize_groups
from fastrnn.engines.blas.plan cimport Plan, is_masked, kept_at, row_at, state_at
from fastrnn.engines.blas.products cimport fill_rows, multiply_steps, product
from fastrnn.engines.blas.row cimport KERNEL, RECURRENT_KERNEL, Row, call, multiply


cdef inline void run_forward(floating real, Plan *p) noexcept nogil:
    cdef Py_ssize_t start = 0, t, steps
    while start < p.T:
        steps = min(p.chunk, p.T - start)
        load_inputs(<floating *>p.inputs, p, start, steps)
        project_inputs(<floating *>p.gates, p, steps)
        if p.cell.groups:
            normalize_inputs(<floating *>p.gates, p, steps * p.B)
        for t in range(start, start + steps):
            step_forward(real, p, t, t - start)
            write_outputs(<floating *>p.outputs, p, t)
        start += steps


cdef inline void load_inputs(
    floating *inputs, Plan *p, Py_ssize_t start, Py_ssize_t steps
) noexcept nogil:
    # x (B, T, F) -> inputs (steps, B, F) in the order of processing; masked steps become zero.
    cdef const floating *x = <const floating *>p.x
    cdef Py_ssize_t t, b, source
    for t in range(start, start + steps):
        source = p.T - 1 - t if p.backwards else t
        for b in range(p.B):
            if is_masked(p, t, b):
                memset(inputs, 0, p.F * sizeof(floating))
            elif p.dropout_gates == 1:
                multiply(x + (b * p.T + source) * p.F,
                         <const floating *>p.input_dropout + b * p.F, inputs, p.F)
            else:
                memcpy(inputs, x + (b * p.T + source) * p.F, p.F * sizeof(floating))
            inputs += p.F


cdef inline void project_inputs(floating *gates, Plan *p, Py_ssize_t steps) noexcept nogil:
    # gates (steps, B, W) = bias + inputs·W, gate by gate where each has its own dropout mask.
    cdef const floating *inputs = <const floating *>p.inputs
    cdef const floating *kernel = <const floating *>p.weights[KERNEL]
    cdef floating *dropped = <floating *>p.dropped
    cdef Py_ssize_t g, rows = steps * p.B
    fill_rows(gates, <const floating *>(NULL if p.cell.groups else p.bias), rows, p.W)
    if p.dropout_gates <= 1:
        product(False, False, rows, p.W, p.F, inputs, p.F, kernel, p.W, <floating>1, gates, p.W)
        return
    for g in range(p.G):
        multiply_steps(inputs, <const floating *>p.input_dropout + g * p.B * p.F, dropped, steps,
                       p.B * p.F)
        product(False, False, rows, p.H, p.F, dropped, p.F, kernel + g * p.H, p.W, <floating>1,
                gates + g * p.H, p.W)


cdef inline void normalize_inputs(floating *gates, Plan *p, Py_ssize_t rows) noexcept nogil:
    # gates (rows, W): in, x·W; out, bias + LN(x·W)·gain, of each group of gates.
    cdef const floating *gain = <const floating *>p.gain
    cdef const floating *bias = <const floating *>p.bias
    cdef floating *normal = <floating *>p.normal
    cdef floating *rates = <floating *>p.rates
    cdef Py_ssize_t b, j, W = p.W
    for b in range(rows):
        normalize_groups(<floating>0, gates + b * W, normal + b * W, rates + b * p.cell.groups,
                         p.H, p.cell.groups, p.cell.group_ends, p.epsilon)
        for j in range(W):
            gates[b * W + j] = normal[b * W + j] * gain[j] + (bias[j] if bias != NULL else 0)


cdef inline void add_recurrent_product(
    const floating *h, floating *out, Py_ssize_t gates, Plan *p
) noexcept nogil:
    # out (B, W) += h·U for the first `gates` gates, with the dropout mask of each.
    cdef const floating *kernel = <const floating *>p.weights[RECURRENT_KERNEL]
    cdef const floating *factors = <const floating *>p.recurrent_dropout
    cdef floating *dropped = <floating *>p.dropped
    cdef Py_ssize_t g, n = p.B * p.P
    if factors == NULL:
        product(False, False, p.B, gates * p.H, p.P, h, p.P, kernel, p.W, <floating>1, out, p.W)
        return
    for g in range(gates):
        multiply(h, factors + g * n, dropped, n)
        product(False, False, p.B, p.H, p.P, dropped, p.P, kernel + g * p.H, p.W, <floating>1,
                out + g * p.H, p.W)


cdef inline void step_forward(
    floating real, Plan *p, Py_ssize_t t, Py_ssize_t k
) noexcept nogil:
    # gates (B, W): in, what the inputs give; out, activated gates. States before -> after step t.
    cdef Py_ssize_t B = p.B, b
    cdef floating *gates = <floating *>p.gates + k * B * p.W
    cdef floating *recurrent = <floating *>p.recurrent
    cdef const floating *h_prev = state_at(real, p, 0, t)
    cdef Row r
    if p.cell.apart:
        fill_rows(recurrent, <const floating *>p.recurrent_bias, B, p.W)
        add_recurrent_product(h_prev, recurrent, p.G, p)
    else:
        add_recurrent_product(h_prev, gates, p.G - p.cell.late, p)
    if p.cell.late:
        add_late_product(gates, p, t, k)
    for b in range(B):
        r = row_at(real, p, t, k, b)
        if not is_masked(p, t, b):
            call(real, &p.cell.forward, &r)
        elif p.hidden != NULL:  # it enters a product
            memset(r.h, 0, p.H * sizeof(floating))
    if p.hidden != NULL:
        product(False, False, B, p.P, p.H, kept_at(real, p, p.hidden, t, p.H), p.H,
                <const floating *>p.projection, p.P, <floating>0, state_at(real, p, 0, t + 1), p.P)
    finish_states(real, p, t)


cdef inline void add_late_product(
    floating *gates, Plan *p, Py_ssize_t t, Py_ssize_t k
) noexcept nogil:
    # The last gate's product, of the operand that the others give. Masked rows of it are zero.
    cdef const floating *factors = <const floating *>p.recurrent_dropout
    cdef const floating *kernel = <const floating *>p.weights[RECURRENT_KERNEL]
    cdef floating *operand = kept_at(<floating>0, p, p.kept, t, p.K)
    cdef Py_ssize_t b, g = p.G - 1, B = p.B, H = p.H, W = p.W
    cdef Row r
    for b in range(B):
        r = row_at(<floating>0, p, t, k, b)
        if is_masked(p, t, b):
            memset(r.kept, 0, H * sizeof(floating))
            continue
        call(<floating>0, &p.cell.operand, &r)
        if factors != NULL:
            multiply(operand + b * H, factors + (g * B + b) * H, operand + b * H, H)
    product(False, False, B, H, H, operand, H, kernel + g * H, W, <floating>1, gates + g * H, W)


cdef inline void finish_states(floating real, Plan *p, Py_ssize_t t) noexcept nogil:
    # A masked row keeps its states; zoneout mixes the new ones with the old ones.
    cdef Py_ssize_t b, j, n
    cdef const floating *old
    cdef const floating *fresh
    cdef const floating *shares
    cdef floating *new
    cdef floating share
    cdef int s
    for s in range(1 + p.cell.carries):
        n = p.sizes[s]
        for b in range(p.B):
            old = state_at(real, p, s, t) + b * n
            new = state_at(real, p, s, t + 1) + b * n
            if is_masked(p, t, b):
                memcpy(new, old, n * sizeof(floating))
            elif p.zoned[s]:
                fresh = new
                if s == 1:
                    fresh = kept_at(real, p, p.fresh_c, t, n) + b * n
                shares = <const floating *>p.share_masks[s]
                share = <floating>p.shares[s]
                for j in range(n):
                    if shares != NULL:
                        share = shares[(t * p.B + b) * n + j]
                    new[j] = share * fresh[j] + (1 - share) * old[j]


cdef inline void write_outputs(floating *outputs, Plan *p, Py_ssize_t t) noexcept nogil:
    # outputs (B, T, P), or (B, P) from the last step alone.
    cdef const floating *h = state_at(<floating>0, p, 0, t + 1)
    cdef Py_ssize_t b, steps = p.T if p.return_sequences else 1
    cdef Py_ssize_t position = t if p.return_sequences else 0
    cdef floating *out
    if not p.return_sequences and t < p.T - 1:
        return
    for b in range(p.B):
        out = outputs + (b * steps + position) * p.P
        if p.emit == NULL or p.emit[t * p.B + b]:
            memcpy(out, h + b * p.P, p.P * sizeof(floating))
        else:
            memset(out, 0, p.P * sizeof(floating))
