# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""The blas engine: time loops without the GIL over BLAS products, for every CPU.

Sizes: B batch, T timesteps, F features, H units, G gates, W = G·H columns of all gates.

Inside, steps stand in the order of processing, time first: step t of ``go_backwards`` is the input
step T-1-t. The input products of many steps are one matrix product; each step adds one more,
h_{t-1}·U, and then applies the gates row by row. The backward pass fills dz, the gradient of all
pre-activations, step by step, and takes the weight gradients as large products at its end.

What one cell does differently from another stands in ``step_forward``, ``step_backward`` and
``recurrent_kernel_gradient``; masks, dropout, direction and states are the business of the loops.
"""

from cython cimport floating
from libc.limits cimport INT_MAX
from libc.string cimport memcpy, memset
from scipy.linalg.cython_blas cimport dgemm, sgemm

import numpy as np

from fastrnn.engines.contract import RecurrentGradients, check_call

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

cdef enum Cell:
    SIMPLE_RNN
    LSTM
    GRU
    GRU_RESET_AFTER

cdef dict CELL_CODES = {
    "simple_rnn": SIMPLE_RNN,
    "lstm": LSTM,
    "gru": GRU,
    "gru_reset_after": GRU_RESET_AFTER,
}

# Inference computes the input products of so many numbers at a time, to stay in the cache.
cdef Py_ssize_t CHUNK_NUMBERS = 1 << 18


cdef class Pass:
    """One forward pass: its sizes, its arrays, and pointers to them. Saved, it is the workspace.

    Arrays that the backward pass needs hold all T steps when ``save`` is set, and are reused from
    step to step when not.
    """

    cdef object call
    cdef Cell cell
    cdef bint save, backwards, return_sequences
    cdef Py_ssize_t B, T, F, H, G, W
    cdef Py_ssize_t chunk  # steps whose input products are computed at once
    cdef Py_ssize_t dropout_gates  # 0: no input dropout; 1: shared; G: one mask for each gate
    cdef const void *activation
    cdef const void *recurrent_activation
    cdef bint needs_input
    # Given arrays.
    cdef const char *x
    cdef const char *kernel
    cdef const char *recurrent_kernel
    cdef const char *bias
    cdef const char *recurrent_bias
    cdef const char *input_dropout
    cdef const char *recurrent_dropout
    # uint8 (T, B) or NULL: the step counts; the step's output is h_t (else it is zero).
    cdef const unsigned char *keep
    cdef const unsigned char *emit
    # Own arrays. Leading axis: steps.
    cdef char *inputs  # (·, B, F), masked steps zero, shared input dropout applied
    cdef char *gates  # (·, B, W), activated
    cdef char *pre  # (·, B, W) pre-activations, or NULL where no slope needs them
    cdef char *h  # (· + 1, B, H); slot t holds h_{t-1}
    cdef char *c  # (· + 1, B, H), LSTM
    # (·, B, H). LSTM: activation(c_t). GRU: r·h_{t-1}, dropout applied. GRU reset_after: its
    # recurrent product of the candidate, before r.
    cdef char *inner
    cdef char *product  # (B, W), GRU reset_after: recurrent product of all gates
    cdef char *dropped  # scratch for x or h times a per-gate dropout mask
    cdef char *outputs
    cdef readonly object output_array
    cdef list arrays  # keeps everything above alive
    cdef list states  # arrays of h, and c
    cdef bint single  # float32

    def __cinit__(self, call):
        check_call(call)
        self.call = call
        self.arrays = []
        self.cell = CELL_CODES[call.cell]
        self.save = call.save
        self.single = call.x.dtype == np.float32
        if not self.single and call.x.dtype != np.float64:
            raise ValueError(f"inputs have dtype {call.x.dtype}, expected float32 or float64")
        self.backwards = call.go_backwards
        self.return_sequences = call.return_sequences
        self.B, self.T, self.F = call.x.shape
        self.H = call.units
        self.G = len(call.spec.gates)
        self.W = self.G * self.H
        if max(self.B * self.T, self.F, self.W) > INT_MAX:
            raise ValueError(f"inputs of shape {call.x.shape} are too large for one call: "
                             "split the batch or the sequences.")
        self._find_activations()
        self._take_arguments()
        self._allocate()

    cdef _find_activations(self):
        act = self.call.activation.name.encode()
        rec = self.call.recurrent_activation.name.encode()
        if self.single:
            self.activation = fr_find_activation_float(act)
            self.recurrent_activation = fr_find_activation_float(rec)
        else:
            self.activation = fr_find_activation_double(act)
            self.recurrent_activation = fr_find_activation_double(rec)
        if self.activation == NULL or self.recurrent_activation == NULL:
            raise ValueError(f"the blas engine has no activation {act!r} or {rec!r}")
        # The two tables differ in the types behind their function pointers alone.
        self.needs_input = (
            (<const fr_activation_float *>self.activation).needs_input
            or (<const fr_activation_float *>self.recurrent_activation).needs_input)

    cdef char *_own(self, object array) except NULL:
        self.arrays.append(array)
        cdef size_t address = array.ctypes.data
        return <char *>address

    cdef const char *_given(self, object array) except? NULL:
        if array is None:
            return NULL
        return self._own(np.require(array, requirements="CA"))

    cdef _take_arguments(self):
        call = self.call
        self.x = self._given(call.x)
        self.kernel = self._given(call.weights["kernel"])
        self.recurrent_kernel = self._given(call.weights["recurrent_kernel"])
        bias = call.weights.get("bias")
        if self.cell == GRU_RESET_AFTER and bias is not None:
            self.bias, self.recurrent_bias = self._given(bias[0]), self._given(bias[1])
        else:
            self.bias = self._given(bias)
        self.dropout_gates = 0 if call.input_dropout is None else call.input_dropout.shape[0]
        self.input_dropout = self._given(call.input_dropout)
        self.recurrent_dropout = self._given(call.recurrent_dropout)
        if call.mask is None:
            return
        steps = call.mask.T[::-1] if self.backwards else call.mask.T
        emit = steps if call.zero_output_for_mask else np.logical_or.accumulate(steps, axis=0)
        self.keep = <const unsigned char *>self._given(steps.astype(np.uint8))
        self.emit = <const unsigned char *>self._given(emit.astype(np.uint8))

    cdef _allocate(self):
        cdef Py_ssize_t B = self.B, T = self.T, F = self.F, H = self.H, W = self.W
        dtype = self.call.x.dtype
        fit = max(CHUNK_NUMBERS // (B * (W + F)), 1)
        self.chunk = T if self.save else min(T, fit)
        cdef Py_ssize_t steps = T if self.save else 1
        self.inputs = self._own(np.empty((self.chunk, B, F), dtype))
        self.gates = self._own(np.empty((self.chunk, B, W), dtype))
        if self.save and self.needs_input:
            self.pre = self._own(np.empty((T, B, W), dtype))
        self.states = [np.empty((steps + 1, B, H), dtype) for _ in self.call.initial_state]
        for array, initial in zip(self.states, self.call.initial_state):
            array[0] = initial
        self.h = self._own(self.states[0])
        if self.cell == LSTM:
            self.c = self._own(self.states[1])
        if self.cell != SIMPLE_RNN:
            self.inner = self._own(np.empty((steps, B, H), dtype))
        if self.cell == GRU_RESET_AFTER:
            self.product = self._own(np.empty((B, W), dtype))
        if self.recurrent_dropout != NULL or self.dropout_gates > 1:
            self.dropped = self._own(np.empty(max(self.chunk * B * F, B * H), dtype))
        self.output_array = np.empty((B, T, H)[:: 1 if self.return_sequences else 2], dtype)
        self.outputs = self._own(self.output_array)

    cdef tuple final_states(self):
        last = self.T if self.save else self.T % 2
        return tuple(array[last].copy() for array in self.states)


include "cells.pxi"


# ---- forward -------------------------------------------------------------------------------


def forward(call):
    """Compute ``outputs, states, workspace`` of a ``contract.RecurrentCall``."""
    cdef Pass p = Pass(call)
    with nogil:
        if p.single:
            run_forward(<float *>p.outputs, p)
        else:
            run_forward(<double *>p.outputs, p)
    return p.output_array, p.final_states(), p if p.save else None


cdef void run_forward(floating *outputs, Pass p) noexcept nogil:
    cdef Py_ssize_t start = 0, t, steps
    while start < p.T:
        steps = min(p.chunk, p.T - start)
        load_inputs(<floating *>p.inputs, p, start, steps)
        project_inputs(<floating *>p.gates, p, steps)
        for t in range(start, start + steps):
            step_forward(<floating *>p.gates + (t - start) * p.B * p.W, p, t)
            write_outputs(outputs, p, t)
        start += steps


cdef void load_inputs(floating *inputs, Pass p, Py_ssize_t start, Py_ssize_t steps) noexcept nogil:
    # x (B, T, F) -> inputs (steps, B, F) in the order of processing; masked steps become zero.
    cdef const floating *x = <const floating *>p.x
    cdef Py_ssize_t t, b, source
    for t in range(start, start + steps):
        source = p.T - 1 - t if p.backwards else t
        for b in range(p.B):
            if p.keep != NULL and not p.keep[t * p.B + b]:
                memset(inputs, 0, p.F * sizeof(floating))
            elif p.dropout_gates == 1:
                multiply(x + (b * p.T + source) * p.F,
                         <const floating *>p.input_dropout + b * p.F, inputs, p.F)
            else:
                memcpy(inputs, x + (b * p.T + source) * p.F, p.F * sizeof(floating))
            inputs += p.F


cdef void project_inputs(floating *gates, Pass p, Py_ssize_t steps) noexcept nogil:
    # gates (steps, B, W) = bias + inputs·W, gate by gate where each has its own dropout mask.
    cdef const floating *inputs = <const floating *>p.inputs
    cdef const floating *kernel = <const floating *>p.kernel
    cdef floating *dropped = <floating *>p.dropped
    cdef Py_ssize_t g, rows = steps * p.B
    fill_rows(gates, <const floating *>p.bias, rows, p.W)
    if p.dropout_gates <= 1:
        product(False, False, rows, p.W, p.F, inputs, p.F, kernel, p.W, <floating>1, gates, p.W)
        return
    for g in range(p.G):
        multiply_steps(inputs, <const floating *>p.input_dropout + g * p.B * p.F, dropped, steps,
                       p.B * p.F)
        product(False, False, rows, p.H, p.F, dropped, p.F, kernel + g * p.H, p.W, <floating>1,
                gates + g * p.H, p.W)


cdef void add_recurrent_product(
    const floating *h, floating *out, Py_ssize_t gates, Pass p
) noexcept nogil:
    # out (B, W) += h·U for the first `gates` gates, with the dropout mask of each.
    cdef const floating *kernel = <const floating *>p.recurrent_kernel
    cdef const floating *factors = <const floating *>p.recurrent_dropout
    cdef floating *dropped = <floating *>p.dropped
    cdef Py_ssize_t g, n = p.B * p.H
    if factors == NULL:
        product(False, False, p.B, gates * p.H, p.H, h, p.H, kernel, p.W, <floating>1, out, p.W)
        return
    for g in range(gates):
        multiply(h, factors + g * n, dropped, n)
        product(False, False, p.B, p.H, p.H, dropped, p.H, kernel + g * p.H, p.W, <floating>1,
                out + g * p.H, p.W)


cdef inline bint is_masked(Pass p, Py_ssize_t t, Py_ssize_t b) noexcept nogil:
    return p.keep != NULL and not p.keep[t * p.B + b]


cdef inline Py_ssize_t slot(Pass p, Py_ssize_t t) noexcept nogil:
    # Where the states before step t stand.
    return t if p.save else t % 2


cdef void step_forward(floating *gates, Pass p, Py_ssize_t t) noexcept nogil:
    # gates (B, W): in, bias + x_t·W; out, activated gates. States of slot t -> states of slot t + 1.
    cdef Py_ssize_t B = p.B, H = p.H, W = p.W, n = p.B * p.H, b
    cdef const floating *h_prev = <const floating *>p.h + slot(p, t) * n
    cdef floating *h = <floating *>p.h + slot(p, t + 1) * n
    cdef const floating *c_prev = <const floating *>p.c + slot(p, t) * n if p.cell == LSTM else NULL
    cdef floating *c = <floating *>p.c + slot(p, t + 1) * n if p.cell == LSTM else NULL
    cdef floating *pre = <floating *>p.pre + t * B * W if p.pre != NULL else NULL
    cdef floating *inner = <floating *>p.inner
    if inner != NULL and p.save:
        inner += t * n
    if p.cell == GRU_RESET_AFTER:
        fill_rows(<floating *>p.product, <const floating *>p.recurrent_bias, B, W)
        add_recurrent_product(h_prev, <floating *>p.product, 3, p)
    elif p.cell == GRU:
        gru_reset(gates, h_prev, inner, pre, p)
    else:
        add_recurrent_product(h_prev, gates, p.G, p)
    for b in range(B):
        if is_masked(p, t, b):
            memcpy(h + b * H, h_prev + b * H, H * sizeof(floating))
            if c != NULL:
                memcpy(c + b * H, c_prev + b * H, H * sizeof(floating))
        elif p.cell == SIMPLE_RNN:
            activate(p.activation, gates + b * W, row(pre, b * W), 1, H)
            memcpy(h + b * H, gates + b * W, H * sizeof(floating))
        elif p.cell == LSTM:
            lstm_row(gates + b * W, row(pre, b * W), c_prev + b * H, c + b * H, inner + b * H,
                     h + b * H, p)
        else:
            if p.cell == GRU_RESET_AFTER:
                gru_reset_after_row(gates + b * W, row(pre, b * W),
                                    <const floating *>p.product + b * W, inner + b * H, p)
            activate(p.activation, gates + b * W + 2 * H, row(pre, b * W + 2 * H), 1, H)
            gru_mix(gates + b * W, h_prev + b * H, h + b * H, H)


cdef inline floating *row(floating *array, Py_ssize_t offset) noexcept nogil:
    return array + offset if array != NULL else NULL


cdef void lstm_row(
    floating *y, floating *pre, const floating *c_prev, floating *c, floating *inner, floating *h,
    Pass p,
) noexcept nogil:
    cdef Py_ssize_t H = p.H
    activate(p.recurrent_activation, y, pre, 2, H)
    activate(p.activation, y + 2 * H, row(pre, 2 * H), 1, H)
    activate(p.recurrent_activation, y + 3 * H, row(pre, 3 * H), 1, H)
    lstm_carry(y, c_prev, c, H)
    memcpy(inner, c, H * sizeof(floating))
    activate(p.activation, inner, <floating *>NULL, 1, H)
    multiply(y + 3 * H, inner, h, H)


cdef void gru_reset_after_row(
    floating *y, floating *pre, const floating *recurrent, floating *inner, Pass p
) noexcept nogil:
    # z and r activated; the candidate's pre-activation becomes x·W_h + r·inner.
    cdef Py_ssize_t j, H = p.H
    for j in range(2 * H):
        y[j] += recurrent[j]
    activate(p.recurrent_activation, y, pre, 2, H)
    memcpy(inner, recurrent + 2 * H, H * sizeof(floating))
    for j in range(H):
        y[2 * H + j] += y[H + j] * inner[j]


cdef void gru_reset(
    floating *gates, const floating *h_prev, floating *inner, floating *pre, Pass p
) noexcept nogil:
    # z and r activated; inner = r·h_{t-1}, dropped out; its product joins the candidate's
    # pre-activation. Masked rows of inner are zero: they enter a weight gradient.
    cdef const floating *factors = <const floating *>p.recurrent_dropout
    cdef Py_ssize_t b, B = p.B, H = p.H, W = p.W
    add_recurrent_product(h_prev, gates, 2, p)
    for b in range(B):
        activate(p.recurrent_activation, gates + b * W, row(pre, b * W), 2, H)
        multiply(gates + b * W + H, h_prev + b * H, inner + b * H, H)
        if factors != NULL:
            multiply(inner + b * H, factors + (2 * B + b) * H, inner + b * H, H)
    product(False, False, B, H, H, inner, H, <const floating *>p.recurrent_kernel + 2 * H, W,
            <floating>1, gates + 2 * H, W)


cdef void write_outputs(floating *outputs, Pass p, Py_ssize_t t) noexcept nogil:
    # outputs (B, T, H), or (B, H) from the last step alone.
    cdef const floating *h = <const floating *>p.h + slot(p, t + 1) * p.B * p.H
    cdef Py_ssize_t b, steps = p.T if p.return_sequences else 1
    if not p.return_sequences:
        if t < p.T - 1:
            return
        t = 0
    cdef const unsigned char *emit = p.emit
    if emit != NULL and not p.return_sequences:
        emit += (p.T - 1) * p.B
    for b in range(p.B):
        if emit == NULL or emit[t * p.B + b]:
            memcpy(outputs + (b * steps + t) * p.H, h + b * p.H, p.H * sizeof(floating))
        else:
            memset(outputs + (b * steps + t) * p.H, 0, p.H * sizeof(floating))


include "backward.pxi"
