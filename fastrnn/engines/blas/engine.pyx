# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""The blas engine: time loops without the GIL over BLAS products, for every CPU.

Sizes: B batch, T timesteps, F features, H units, P outputs, G gates, W = G·H columns of all gates.

Inside, steps stand in the order of processing, time first: step t of ``go_backwards`` is the input
step T-1-t. The input products of many steps are one matrix product; each step adds one more,
h_{t-1}·U, and then applies the gates row by row. The backward pass fills dz, the gradient of all
input sums, step by step, and takes the weight gradients as large products at its end.

This module owns the arrays. What one cell does differently from another stands in its functions
and in the facts of ``cells.pxd``; masks, dropout, zoneout, direction and states are the business of
``forward.pxd`` and ``backward.pxd``, and ``plan.pxd`` names every array that they work on.
"""

from libc.limits cimport INT_MAX
from libc.string cimport memset

from fastrnn.engines.blas.backward cimport run_backward
from fastrnn.engines.blas.cells cimport find_cell
from fastrnn.engines.blas.forward cimport run_forward
from fastrnn.engines.blas.plan cimport Gradients, Plan
from fastrnn.engines.blas.row cimport (
    BIAS,
    fr_activation_float,
    fr_find_activation_double,
    fr_find_activation_float,
)

import numpy as np

from fastrnn.engines.contract import RecurrentGradients, check_call

# Inference computes the input products of so many numbers at a time, to stay in the cache.
cdef Py_ssize_t CHUNK_NUMBERS = 1 << 18


cdef class Arrays:
    """Keeps the arrays alive that a struct points to."""

    cdef list arrays

    def __cinit__(self, *arguments):
        self.arrays = []

    cdef void *own(self, object array) except NULL:
        self.arrays.append(array)
        cdef size_t address = array.ctypes.data
        return <void *>address

    cdef void *new(self, tuple shape, object dtype) except NULL:
        return self.own(np.empty(shape, dtype))

    cdef const void *given(self, object array) except? NULL:
        if array is None:
            return NULL
        return self.own(np.require(array, requirements="CA"))


cdef class Pass(Arrays):
    """One forward pass. Saved, it is the workspace.

    Arrays that the backward pass needs hold all T steps when ``save`` is set, and are reused from
    step to step when not.
    """

    cdef Plan plan
    cdef object call
    cdef readonly object output_array
    cdef list states
    cdef bint single  # float32

    def __cinit__(self, call):
        check_call(call)
        memset(&self.plan, 0, sizeof(Plan))
        self.call = call
        self.single = call.x.dtype == np.float32
        if not self.single and call.x.dtype != np.float64:
            raise ValueError(f"inputs have dtype {call.x.dtype}, expected float32 or float64")
        self._set_facts()
        self._set_sizes()
        self._set_activations()
        self._set_weights()
        self._set_options()
        self._allocate()

    cdef _set_facts(self):
        spec = self.call.spec
        cell = &self.plan.cell
        find_cell(self.call.cell, cell)
        cell.carries = len(spec.states) > 1
        cell.projects = spec.has_projection
        cell.groups = len(spec.normalized)
        for k, (_, end) in enumerate(spec.normalized):
            cell.group_ends[k] = end

    cdef _set_sizes(self):
        call, p = self.call, &self.plan
        p.B, p.T, p.F = call.x.shape
        p.H, p.P, p.G = call.units, call.outputs, len(call.spec.gates)
        p.W = p.G * p.H
        p.K = p.cell.kept_blocks * p.H + p.cell.kept_numbers
        p.sizes[0], p.sizes[1] = p.P, p.H
        if max(p.B * p.T, p.F, p.W) > INT_MAX:
            raise ValueError(f"inputs of shape {call.x.shape} are too large for one call: "
                             "split the batch or the sequences.")

    cdef _set_activations(self):
        p = &self.plan
        act = self.call.activation.name.encode()
        rec = self.call.recurrent_activation.name.encode()
        if self.single:
            p.activation = fr_find_activation_float(act)
            p.recurrent_activation = fr_find_activation_float(rec)
        else:
            p.activation = fr_find_activation_double(act)
            p.recurrent_activation = fr_find_activation_double(rec)
        if p.activation == NULL or p.recurrent_activation == NULL:
            raise ValueError(f"the blas engine has no activation {act!r} or {rec!r}")

    cdef bint _needs_input(self) noexcept:
        # The tables of the two types differ in what stands behind their function pointers alone.
        return (
            (<const fr_activation_float *>self.plan.activation).needs_input
            or (<const fr_activation_float *>self.plan.recurrent_activation).needs_input)

    cdef _set_weights(self):
        call, p = self.call, &self.plan
        cdef Py_ssize_t row = p.W * <Py_ssize_t>call.x.dtype.itemsize
        for k, weight in enumerate(call.spec.weights):
            p.weights[k] = self.given(call.weights.get(weight.name))
            if weight.name == "kernel_gain":
                p.gain = p.weights[k]
            elif weight.name == "projection_kernel":
                p.projection = p.weights[k]
        p.bias = p.weights[BIAS]
        if call.spec.has_recurrent_bias and p.bias != NULL and not p.cell.groups:
            p.recurrent_bias = <const char *>p.bias + row

    cdef _set_options(self):
        call, p = self.call, &self.plan
        p.save, p.backwards = call.save, call.go_backwards
        p.return_sequences, p.epsilon = call.return_sequences, call.epsilon
        p.x = self.given(call.x)
        p.dropout_gates = 0 if call.input_dropout is None else call.input_dropout.shape[0]
        p.input_dropout = self.given(call.input_dropout)
        p.recurrent_dropout = self.given(call.recurrent_dropout)
        for s, share in enumerate(call.zoneout):
            p.zoned[s] = share is not None
            if isinstance(share, np.ndarray):
                p.share_masks[s] = self.given(share)
            elif share is not None:
                p.shares[s] = share
        if call.mask is None:
            return
        steps = call.mask.T[::-1] if p.backwards else call.mask.T
        emit = steps if call.zero_output_for_mask else np.logical_or.accumulate(steps, axis=0)
        p.keep = <const unsigned char *>self.given(steps.astype(np.uint8))
        p.emit = <const unsigned char *>self.given(emit.astype(np.uint8))

    cdef _allocate(self):
        call, p = self.call, &self.plan
        cdef Py_ssize_t B = p.B, T = p.T, H = p.H
        dtype = call.x.dtype
        fit = max(CHUNK_NUMBERS // (B * (p.W + p.F)), 1)
        p.chunk = T if p.save else min(T, fit)
        cdef Py_ssize_t steps = T if p.save else 1
        p.inputs = self.new((p.chunk, B, p.F), dtype)
        p.gates = self.new((p.chunk, B, p.W), dtype)
        if p.save and self._needs_input():
            p.pre = self.new((T, B, p.W), dtype)
        if p.cell.groups:
            p.normal = self.new((p.chunk, B, p.W), dtype)
            p.rates = self.new((p.chunk, B, p.cell.groups), dtype)
        self.states = [np.empty((steps + 1, *s.shape), dtype) for s in call.initial_state]
        for s, initial in enumerate(call.initial_state):
            self.states[s][0] = initial
            p.states[s] = self.own(self.states[s])
        if p.zoned[1]:
            p.fresh_c = self.new((steps, B, H), dtype)
        if p.cell.projects:
            p.hidden = self.new((steps, B, H), dtype)
        if p.K:
            p.kept = self.new((steps, B, p.K), dtype)
        if p.cell.apart:
            p.recurrent = self.new((B, p.W), dtype)
        if p.recurrent_dropout != NULL or p.dropout_gates > 1:
            p.dropped = self.new((max(p.chunk * B * p.F, B * p.P),), dtype)
        self.output_array = np.empty(call.output_shape, dtype)
        p.outputs = self.own(self.output_array)

    cdef tuple final_states(self):
        last = self.plan.T if self.plan.save else self.plan.T % 2
        return tuple(array[last].copy() for array in self.states)


def forward(call):
    """Compute ``outputs, states, workspace`` of a ``contract.RecurrentCall``."""
    cdef Pass p = Pass(call)
    with nogil:
        if p.single:
            run_forward(<float>0, &p.plan)
        else:
            run_forward(<double>0, &p.plan)
    return p.output_array, p.final_states(), p if p.plan.save else None


cdef class BackwardPass(Arrays):
    """The arrays of one backward pass over a ``Pass``, which it does not change."""

    cdef Gradients gradients
    cdef object dx
    cdef dict d_weights
    cdef list d_states

    def __cinit__(self, Pass p, d_outputs, d_states):
        memset(&self.gradients, 0, sizeof(Gradients))
        self.d_weights = {}
        dtype = p.call.x.dtype
        if d_outputs is not None:
            if d_outputs.shape != p.output_array.shape or d_outputs.dtype != dtype:
                raise ValueError(f"d_outputs {d_outputs.shape} {d_outputs.dtype} does not fit the "
                                 f"outputs {p.output_array.shape} {dtype}")
            self.gradients.d_outputs = self.given(d_outputs)
        self.d_states = []
        for d_state, state in zip(d_states, p.call.initial_state, strict=True):
            array = np.zeros(state.shape, dtype)
            if d_state is not None:
                array += d_state
            self.d_states.append(array)
        self._allocate(p)
        self._add_results(p)

    cdef _allocate(self, Pass p):
        plan, d = &p.plan, &self.gradients
        dtype = p.call.x.dtype
        rows = (plan.T, plan.B)
        for s, array in enumerate(self.d_states):
            d.d_states[s] = self.own(array)
            if plan.zoned[s]:
                d.d_old[s] = self.new((plan.B, plan.sizes[s]), dtype)
        d.dz = self.new((*rows, plan.W), dtype)
        d.dr = self.new((*rows, plan.W), dtype) if plan.cell.apart else d.dz
        d.scratch = self.new((plan.B, plan.H), dtype)
        if plan.cell.projects:
            d.d_hidden = self.new((plan.B, plan.H), dtype)
            d.d_projected = self.new((*rows, plan.P), dtype)
        if plan.dropout_gates > 1 or plan.recurrent_dropout != NULL:
            d.dropped = self.new((*rows, max(plan.F, plan.P)), dtype)
        d.ones = self.own(np.ones(plan.T * plan.B, dtype))
        if p.call.input_gradient:
            self.dx = np.empty(p.call.x.shape, dtype)
            d.dx = self.own(self.dx)
            d.dinputs = self.new((*rows, plan.F), dtype)

    cdef _add_results(self, Pass p):
        plan, d = &p.plan, &self.gradients
        dtype = p.call.x.dtype
        cdef Py_ssize_t row = plan.W * <Py_ssize_t>dtype.itemsize
        for k, weight in enumerate(p.call.spec.weights):
            given = p.call.weights.get(weight.name)
            if given is None:
                continue
            by_rows = k > BIAS or (k == BIAS and plan.cell.groups)
            if by_rows and weight.name != "projection_kernel":
                # Sums over all rows, one after the other: in float64, which does not round them.
                self.d_weights[weight.name] = np.zeros(given.shape)
                d.d_weights[k] = <double *>self.own(self.d_weights[weight.name])
            else:
                self.d_weights[weight.name] = np.empty(given.shape, dtype)
                self.own(self.d_weights[weight.name])
        d.dkernel = self._address("kernel")
        d.drecurrent_kernel = self._address("recurrent_kernel")
        d.d_projection = self._address("projection_kernel")
        if not plan.cell.groups:
            d.dbias = self._address("bias")
        if plan.recurrent_bias != NULL:
            d.drecurrent_bias = <char *>d.dbias + row

    cdef void *_address(self, str name) except? NULL:
        if name not in self.d_weights:
            return NULL
        cdef size_t address = self.d_weights[name].ctypes.data
        return <void *>address


def backward(Pass saved not None, d_outputs, d_states):
    """Compute ``contract.RecurrentGradients`` of the pass ``saved``."""
    cdef BackwardPass d = BackwardPass(saved, d_outputs, d_states)
    with nogil:
        if saved.single:
            run_backward(<float>0, &saved.plan, &d.gradients)
        else:
            run_backward(<double>0, &saved.plan, &d.gradients)
    dtype = saved.call.x.dtype
    d_weights = {name: a.astype(dtype, copy=False) for name, a in d.d_weights.items()}
    return RecurrentGradients(d.dx, d_weights, tuple(d.d_states))
