# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""The fused engine: the C kernels of src_c, with packed weights, vectors and threads.

This module turns a ``contract.RecurrentCall`` into the engine's argument struct: it repeats every
check of a shape, owns every buffer, and releases the GIL. What is computed stands in src_c.
"""

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS,
    PyBUF_FORMAT,
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree, PyMem_RawMalloc
from libc.limits cimport INT_MAX
from libc.stdint cimport SIZE_MAX

cimport numpy as cnp

import os
import threading

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.engines.cells import CELLS
from fastrnn.engines.contract import RecurrentGradients, check_call

cnp.import_array()

cdef object np_empty = np.empty, np_ndarray = np.ndarray

# Calls of fewer rows and fewer steps take the fast path from Python, `Inference`.
cdef Py_ssize_t SMALL_ROWS = 65

cdef dict CELL_CODES = {
    fr_cell_name(<fr_cell>k).decode("ascii"): k for k in range(FR_CELL_COUNT)
}
cdef dict ACTIVATION_CODES = {
    "linear": FR_LINEAR,
    "tanh": FR_TANH,
    "sigmoid": FR_SIGMOID,
    "relu": FR_RELU,
    "hard_sigmoid": FR_HARD_SIGMOID,
}
cdef dict ISA_CODES = {fr_isa_name(<fr_isa>k).decode("ascii"): k for k in range(FR_ISA_COUNT)}


# Found once: to ask the CPU again costs more than a small call, under a hypervisor much more.
cdef tuple USABLE = tuple([name for name, code in ISA_CODES.items() if fr_isa_usable(code)])
cdef str BEST = USABLE[len(USABLE) - 1]


def cells() -> frozenset[str]:
    """Return the names of the cells that the engine has."""
    return frozenset(CELL_CODES)


def usable_isas() -> tuple[str, ...]:
    """Return the names of the instruction sets that this machine runs, the best one last."""
    return USABLE


def isa() -> str:
    """Return the name of the instruction set in use: the best one, or the one that is set.

    Raises:
        ValueError: this machine does not run the one that is set.
    """
    name = config.isa()
    if name == "auto":
        return BEST
    if name not in USABLE:
        raise ValueError(errors.not_one_of("FASTRNN_ISA", name, ("auto", *USABLE)))
    return name


def set_force_parallel(int value) -> None:
    """For tests: use all threads however small the work is; share rows (1), units (2)."""
    fr_force_parallel(<fr_sharing>value)


cdef bint has_vnni = fr_isa_capabilities(FR_AVX512) >> FR_VNNI & 1


def set_vnni(bint value) -> bool:
    """For tests: use VNNI where the CPU has it, or not; return whether it is used."""
    fr_allow_capability(FR_VNNI, value)
    return value and has_vnni


def lanes() -> int:
    """Return the number of floats in a vector of the instruction set in use."""
    return fr_lanes(ISA_CODES[isa()])


include "buffers.pxi"


# ---- one pass ------------------------------------------------------------------------------


cdef class Pass:
    """One forward pass: its argument struct and the arrays behind it. The workspace, if saved."""

    cdef fr_rnn rnn
    cdef fr_sizes sizes
    cdef fr_isa isa
    cdef object call
    cdef list arrays  # keeps the struct's pointers alive
    cdef object workspace
    cdef readonly object outputs
    cdef readonly tuple states

    def __cinit__(self, call):
        check_call(call)
        self.call = call
        self.arrays = []
        self.isa = ISA_CODES[isa()]
        self._set_options()
        self._set_arrays()
        if call.quantized is not None:
            self._set_quantized()
        self.sizes = fr_sizes_of(self.isa, &self.rnn)
        self.workspace = take_buffer(self.sizes.workspace)
        self.rnn.workspace = aligned(self.workspace)

    def __dealloc__(self):
        give_back(self.workspace)

    cdef _set_options(self):
        call = self.call
        dtype = call.x.dtype
        if dtype != np.float32 and dtype != np.float64:
            raise ValueError(f"inputs have dtype {dtype}, expected float32 or float64")
        for activation in (call.activation, call.recurrent_activation):
            if not activation.builtin or activation.name not in ACTIVATION_CODES:
                raise ValueError(f"the fused engine has no activation {activation.name!r}")
        self.rnn.cell = CELL_CODES[call.cell]
        self.rnn.real = FR_FLOAT if dtype == np.float32 else FR_DOUBLE
        self.rnn.activation = ACTIVATION_CODES[call.activation.name]
        self.rnn.recurrent_activation = ACTIVATION_CODES[call.recurrent_activation.name]
        self.rnn.batch, self.rnn.timesteps, self.rnn.features = call.x.shape
        self.rnn.units = call.units
        self.rnn.projection = call.outputs if call.spec.has_projection else 0
        self.rnn.epsilon = call.epsilon
        rows = self.rnn.batch * (self.rnn.timesteps + 1)
        columns = len(call.spec.gates) * self.rnn.units
        if max(rows, self.rnn.features, columns) > INT_MAX // 4:
            raise ValueError(f"inputs of shape {call.x.shape} are too large for one call: "
                             "split the batch or the sequences.")
        self.rnn.go_backwards = call.go_backwards
        self.rnn.return_sequences = call.return_sequences
        self.rnn.zero_output_for_mask = call.zero_output_for_mask
        self.rnn.save = call.save
        self.rnn.threads = config.num_threads()

    cdef _set_arrays(self):
        call, rnn = self.call, &self.rnn
        rnn.x = self._given(call.x)
        for k, weight in enumerate(call.spec.weights):
            rnn.weights[k] = self._given(call.weights.get(weight.name))
        for k, state in enumerate(call.initial_state):
            rnn.initial_states[k] = self._given(state)
        for k, share in enumerate(call.zoneout):
            if isinstance(share, np.ndarray):
                rnn.zoneout[k] = self._given(share)
            elif share is not None:
                rnn.zoneout_rates[k] = 1 - share
        if call.mask is not None:
            rnn.mask = <const uint8_t *>self._given(call.mask.view(np.uint8))
        if call.input_dropout is not None:
            rnn.input_dropout = self._given(call.input_dropout)
            rnn.input_dropout_gates = call.input_dropout.shape[0]
        rnn.recurrent_dropout = self._given(call.recurrent_dropout)
        self.outputs = np.empty(call.output_shape, call.x.dtype)
        self.states = tuple([np.empty(s.shape, call.x.dtype) for s in call.initial_state])
        rnn.outputs = self._own(self.outputs)
        for k, state in enumerate(self.states):
            rnn.final_states[k] = self._own(state)

    cdef _set_quantized(self):
        call, rnn = self.call, &self.rnn
        inputs, recurrent = call.quantized.packed(fr_lanes(self.isa))
        rnn.weight_format = FR_INT8_WEIGHTS if call.quantized.mode == "int8" else FR_BF16_WEIGHTS
        self._set_operand(&rnn.packed_inputs, inputs)
        self._set_operand(&rnn.packed_recurrent, recurrent)

    cdef _set_operand(self, fr_packed_operand *operand, packed):
        operand.words = <const uint32_t *>self._given(packed.words)
        operand.scale = <const float *>self._given(packed.scale)
        operand.bias = <const float *>self._given(packed.bias)
        operand.first = <const int32_t *>self._given(packed.first)

    cdef void *_own(self, object array) except NULL:
        self.arrays.append(array)
        return address_of(array)

    cdef const void *_given(self, object array) except? NULL:
        if array is None:
            return NULL
        return self._own(in_place(array))


def forward(call):
    """Compute ``outputs, states, workspace`` of a ``contract.RecurrentCall``."""
    return forward_concurrently((call,))[0]


def forward_concurrently(calls):
    """Compute several calls, at most 8, at the same time; a list of what ``forward`` returns."""
    cdef fr_rnn rnns[8]
    cdef int k, count = len(calls)
    cdef Pass p
    if not 0 < count <= 8:
        raise ValueError(f"{count} calls: from 1 to 8 run side by side")
    passes = [Pass(call) for call in calls]
    buffers = []
    for k in range(count):
        p = passes[k]
        scratch = take_buffer(p.sizes.forward_scratch)
        buffers.append(scratch)
        rnns[k] = p.rnn
        rnns[k].scratch = aligned(scratch)
    _check_alike(passes)
    cdef fr_isa isa = p.isa
    with nogil:
        fr_forward(isa, rnns, count)
    for buffer in buffers:
        give_back(buffer)
    return [(q.outputs, q.states, q if call.save else None) for q, call in zip(passes, calls)]


cdef _check_alike(list passes):
    cdef Pass first = passes[0], p
    for p in passes:
        if p.isa != first.isa or p.rnn.real != first.rnn.real:
            raise ValueError("calls that run side by side have one dtype and one instruction set")
        if (p.rnn.weight_format == FR_REAL_WEIGHTS) != (first.rnn.weight_format == FR_REAL_WEIGHTS):
            raise ValueError("calls that run side by side are all quantized, or none")


def backward(Pass saved not None, d_outputs, d_states):
    """Compute ``contract.RecurrentGradients`` of the pass ``saved``."""
    return backward_concurrently(((saved, d_outputs, d_states),))[0]


def backward_concurrently(arguments):
    """Compute several backward passes, at most 8, at the same time: the arguments of each."""
    cdef fr_rnn rnns[8]
    cdef int k, count = len(arguments)
    cdef Pass p
    if not 0 < count <= 8:
        raise ValueError(f"{count} passes: from 1 to 8 run side by side")
    passes, buffers, results, kept = [], [], [], []
    for k in range(count):
        p, d_outputs, d_states = arguments[k]
        passes.append(p)
        scratch = take_buffer(p.sizes.backward_scratch)
        buffers.append(scratch)
        rnns[k] = p.rnn
        rnns[k].scratch = aligned(scratch)
        results.append(_set_gradients(&rnns[k], p, d_outputs, d_states, kept))
    _check_alike(passes)
    cdef fr_isa isa = p.isa
    with nogil:
        fr_backward(isa, rnns, count)
    for buffer in buffers:
        give_back(buffer)
    return results


cdef object _set_gradients(fr_rnn *rnn, Pass p, object d_outputs, object d_states, list kept):
    call = p.call
    dtype = call.x.dtype
    rnn.d_outputs = _gradient_of(p.outputs, d_outputs, dtype, "d_outputs", kept)
    d_states = list(d_states)
    if len(d_states) != len(p.states):
        raise ValueError(f"{len(d_states)} d_states for {len(p.states)} states")
    for k in range(len(p.states)):
        rnn.d_final_states[k] = _gradient_of(p.states[k], d_states[k], dtype, "d_states", kept)
    dx = np.empty(call.x.shape, dtype) if call.input_gradient else None
    rnn.dx = address_of(dx)
    d_weights = {}
    for k, weight in enumerate(call.spec.weights):
        array = call.weights.get(weight.name)
        if array is not None:
            d_weights[weight.name] = np.empty(array.shape, dtype)
            rnn.d_weights[k] = address_of(d_weights[weight.name])
    d_initial = tuple([np.empty(s.shape, dtype) for s in p.states])
    for k, d_state in enumerate(d_initial):
        rnn.d_initial_states[k] = address_of(d_state)
    return RecurrentGradients(dx, d_weights, d_initial)


cdef const void *_gradient_of(
    object of, object given, object dtype, str name, list kept
) except? NULL:
    if given is None:
        return NULL
    if given.shape != of.shape or given.dtype != dtype:
        raise ValueError(f"{name} {given.shape} {given.dtype} does not fit {of.shape} {dtype}")
    array = in_place(given)
    kept.append(array)
    return address_of(array)


# ---- small calls ---------------------------------------------------------------------------


cdef inline Py_ssize_t outputs_of(const fr_rnn *rnn) noexcept:
    """P, the length of the outputs."""
    return rnn.projection if rnn.projection else rnn.units


cdef class Inference:
    """A recurrent layer ready to be run on arrays: what is known of a call before its inputs.

    The cost of a call that does little is Python's: this one looks up nothing that the layer knows
    already. It computes what ``forward`` does for zero initial states, no mask and no gradients.

    Args:
        call: a call of the layer; its inputs' batch and timesteps do not matter.
    """

    cdef fr_rnn rnn
    cdef fr_isa isa
    cdef object dtype
    cdef tuple arrays  # the weights, whose addresses `rnn` has
    cdef bint single

    def __cinit__(self, call):
        cdef Pass p = Pass(call)
        if any([isinstance(share, np_ndarray) for share in call.zoneout]):
            raise ValueError("zoneout of other inputs has other masks")
        self.rnn = p.rnn
        self.isa = p.isa
        self.dtype = call.x.dtype
        self.single = p.rnn.real == FR_FLOAT
        for k in range(FR_MAX_STATES):
            self.rnn.initial_states[k] = NULL
        self.rnn.workspace = NULL
        self.rnn.save = False
        weights = tuple(call.weights.values())
        self.arrays = (*weights, call.quantized)  # which keeps what is packed
        for array in weights:
            if array is not None and not (array.flags.c_contiguous and array.flags.aligned):
                raise ValueError("the weights must be C-contiguous")

    def __call__(self, x):
        """Return the outputs for ``x`` (B, T, F), or ``None`` where it needs another way.

        That is: unless it is a C-contiguous array of the layer's dtype and features that is not
        empty, and not too large.
        """
        cdef Py_buffer view
        cdef fr_rnn rnn = self.rnn
        if type(x) is not np_ndarray:
            return None
        try:
            PyObject_GetBuffer(x, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
        except (BufferError, ValueError):
            return None
        try:
            if not self._takes(&view):
                return None
            rnn.batch, rnn.timesteps = view.shape[0], view.shape[1]
            rnn.x = view.buf
            rnn.threads = config.num_threads()
            if rnn.return_sequences:
                outputs = np_empty((rnn.batch, rnn.timesteps, outputs_of(&rnn)), self.dtype)
            else:
                outputs = np_empty((rnn.batch, outputs_of(&rnn)), self.dtype)
            self._run(&rnn, outputs)
            return outputs
        finally:
            PyBuffer_Release(&view)

    cdef bint _takes(self, Py_buffer *view) noexcept:
        cdef const char *kind = view.format
        if view.ndim != 3 or view.shape[2] != self.rnn.features or kind == NULL:
            return False
        if kind[0] != (c'f' if self.single else c'd') or kind[1] != 0:
            return False
        if <size_t>view.buf % view.itemsize != 0:
            return False
        return 0 < view.shape[0] < SMALL_ROWS and 0 < view.shape[1] < SMALL_ROWS

    cdef _run(self, fr_rnn *rnn, object outputs):
        cdef Py_buffer view
        cdef fr_sizes sizes = fr_sizes_of(self.isa, rnn)
        cdef Py_ssize_t widest = max(rnn.units, outputs_of(rnn))
        cdef size_t state = (rnn.batch * widest * sizeof(double) + 63) // 64 * 64
        cdef size_t states = FR_MAX_STATES * state
        cdef size_t total = sizes.workspace + sizes.forward_scratch + states + 64
        cdef char *memory = <char *>PyMem_RawMalloc(total)
        cdef char *base
        cdef int k
        if memory == NULL:
            raise MemoryError()
        try:
            PyObject_GetBuffer(outputs, &view, PyBUF_WRITABLE)
        except BaseException:
            PyMem_RawFree(memory)
            raise
        base = <char *>((<size_t>memory + 63) // 64 * 64)
        rnn.outputs = view.buf
        for k in range(FR_MAX_STATES):
            rnn.final_states[k] = base + k * state
        rnn.workspace = base + states
        rnn.scratch = base + states + sizes.workspace
        with nogil:
            fr_forward(self.isa, rnn, 1)
        PyBuffer_Release(&view)
        PyMem_RawFree(memory)


include "matrix.pxi"
include "adam.pxi"
include "stream.pxi"
include "step.pxi"


def fma_loop(str dtype, long turns) -> float:
    """Multiply and add in registers alone, without the GIL; return the operations done."""
    cdef fr_isa code = ISA_CODES[isa()]
    cdef fr_real real = FR_FLOAT if dtype == "float32" else FR_DOUBLE
    cdef double operations
    with nogil:
        operations = fr_fma_loop(code, real, turns)
    return operations
