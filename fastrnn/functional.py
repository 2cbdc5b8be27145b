"""The door to computation: checks a call, picks its engine by a rule, runs it.

Sizes: B batch, T timesteps, F features, H units, G gates (see ``cells``).
An engine is a module with two functions:

- ``forward(call) -> (outputs, states, workspace)`` and
- ``backward(workspace, d_outputs, d_states) -> RecurrentGradients``.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastrnn import config, errors
from fastrnn.activations import NOT_FOR_CELLS, Activation
from fastrnn.cells import CELLS
from fastrnn.quantization import QuantizedWeights

Array = npt.NDArray[Any]

_ENGINE_MODULES = {
    "reference": "fastrnn.reference",
    "blas": "fastrnn._blas",
    "fused": "fastrnn._fused",
}
# The activations that the fused engine has; blas has every one of Keras's.
FUSED_ACTIVATIONS = frozenset({"linear", "tanh", "sigmoid", "relu", "hard_sigmoid"})


@dataclass(frozen=True, slots=True)
class RecurrentCall:
    """One pass of one recurrent cell over a batch of sequences: everything an engine needs.

    All arrays are C-contiguous and native, of one float dtype, but for the mask.

    Attributes:
        cell: name of the cell in ``CELLS``.
        activation, recurrent_activation: see ``fastrnn.activations``; SimpleRNN uses the first.
        x: inputs, (B, T, F).
        kernel: (F, G·H).
        recurrent_kernel: (H, G·H).
        bias: (G·H,), or (2, G·H) with a recurrent bias (input row, recurrent row); or ``None``.
        initial_state: one (B, H) array for each state of the cell.
        mask: bool, (B, T), True where a step counts; or ``None``. A masked step copies every
            state through, and its output repeats the previous output (zeros before the first step
            that counts). What stands in ``x`` under a mask, NaN too, has no effect on anything.
        input_dropout: multipliers of x, (1, B, F), or (G, B, F) with one for each gate; or
            ``None``. The same for all time steps.
        recurrent_dropout: multipliers of h_{t-1} in the recurrent products, (G, B, H); or ``None``.
        go_backwards: process x and mask from the last step to the first; outputs stand in the
            order of processing.
        return_sequences: outputs are (B, T, H), else those of the last processed step, (B, H).
        zero_output_for_mask: the output of a masked step is zero instead.
        save: keep what ``backward`` needs; else the workspace is ``None``.
        input_gradient: whether ``backward`` computes ``dx``.
        quantized: the weights, quantized, which the engine computes with then, in the place of
            kernel, recurrent kernel and bias; or ``None``. Without dropout and ``save``.
    """

    cell: str
    activation: Activation
    recurrent_activation: Activation
    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    initial_state: tuple[Array, ...]
    mask: Array | None = None
    input_dropout: Array | None = None
    recurrent_dropout: Array | None = None
    go_backwards: bool = False
    return_sequences: bool = False
    zero_output_for_mask: bool = False
    save: bool = False
    input_gradient: bool = True
    quantized: QuantizedWeights | None = None


class RecurrentGradients(NamedTuple):
    """Gradients, each of the shape of what it is the gradient of; ``None`` where it has none."""

    dx: Array | None
    dkernel: Array
    drecurrent_kernel: Array
    dbias: Array | None
    dinitial_state: tuple[Array, ...]


class Workspace(NamedTuple):
    """What a forward pass leaves for its backward pass. Owned by the call, not by the layer."""

    engine: str
    saved: Any


def choose_engine(call: RecurrentCall) -> str:
    """Return the name of the engine that computes ``call``.

    The rule: a forced engine (``config.set_engine``) if there is one; else ``fused`` if it has
    both activations, ``blas`` if they are Keras's, and ``reference`` for a user's own. ``blas`` has
    no quantized weights.

    Raises:
        ValueError: the forced engine cannot compute the call.
    """
    forced = config.engine()
    able = [name for name in ("fused", "blas", "reference") if _has_activations(name, call)]
    if forced == "auto":
        return able[0]
    if forced not in able and call.quantized is not None and forced == "blas":
        expected = "reference, fused or auto, for quantized weights"
        raise ValueError(errors.bad_argument("engine", forced, expected))
    if forced not in able:
        raise ValueError(
            errors.bad_argument(
                "activation",
                (call.activation.name, call.recurrent_activation.name),
                f"activations that the {forced} engine has",
                "Call fastrnn.config.set_engine('auto').",
            )
        )
    return forced


def _has_activations(engine: str, call: RecurrentCall) -> bool:
    """Whether the engine is part of this build and computes both activations of ``call``."""
    pair = (call.activation, call.recurrent_activation)
    if engine == "reference":
        return True
    if engine == "blas":
        return call.quantized is None and all(a.builtin for a in pair)
    return _is_built("fused") and all(a.builtin and a.name in FUSED_ACTIVATIONS for a in pair)


@functools.cache
def _is_built(engine: str) -> bool:
    return importlib.util.find_spec(_ENGINE_MODULES[engine]) is not None


Forward = tuple[Array, tuple[Array, ...], Workspace | None]
Backward = tuple[Workspace, Array | None, Sequence[Array | None]]


def rnn_forward(call: RecurrentCall) -> Forward:
    """Run a recurrent cell over a batch of sequences.

    Returns:
        ``outputs, states, workspace``: outputs (B, T, H) or (B, H), the final states, (B, H) each,
        and the workspace for ``rnn_backward``, or ``None`` where ``call.save`` is false.

    Raises:
        ValueError: a shape or a dtype does not fit the others.
    """
    return rnn_forward_side_by_side((call,))[0]


def rnn_forward_side_by_side(calls: Sequence[RecurrentCall]) -> list[Forward]:
    """Run several calls that do not wait for each other, as ``rnn_forward`` runs each.

    The fused engine computes them at the same time, on the threads that there are.
    """
    engines = [choose_engine(call) for call in calls]
    dtypes = {call.x.dtype for call in calls}
    quantized = {call.quantized is not None for call in calls}
    if set(engines) == {"fused"} and len(dtypes) == 1 and len(quantized) == 1:
        results = _engine("fused").forward_side_by_side(calls)
    else:
        results = [_engine(e).forward(call) for e, call in zip(engines, calls, strict=True)]
    return [
        (outputs, states, Workspace(engine, saved) if call.save else None)
        for engine, call, (outputs, states, saved) in zip(engines, calls, results, strict=True)
    ]


def rnn_inference(call: RecurrentCall) -> Callable[[Array], Array | None] | None:
    """Return a quick way to the outputs of calls that differ from ``call`` in their inputs alone.

    Returns:
        A function of inputs (B, T, F) that gives the outputs, or ``None`` for inputs that need
        ``rnn_forward``; or ``None`` where the engine of the call has no such way. It computes
        without mask, with initial states of zero, and on the weights as they then are.
    """
    if choose_engine(call) != "fused" or call.mask is not None or call.save:
        return None
    inference: Callable[[Array], Array | None] = _engine("fused").Inference(call)
    return inference


Step = tuple[Array, list[Array]]


def step_inference(call: RecurrentCall) -> Callable[[Array, Any], Step | None] | None:
    """Return a quick way to single steps of the cell of ``call``, whose inputs do not matter.

    Returns:
        A function of inputs (B, F) and a list of states (B, H), which gives the output and the list
        of new states, or ``None`` for arguments that need ``rnn_forward``; or ``None`` where the
        engine of the call has no such way. It computes on the weights as they then are.
    """
    if choose_engine(call) != "fused" or call.save or call.input_dropout is not None:
        return None
    inference: Callable[[Array, Any], Step | None] = _engine("fused").StepInference(call)
    return inference


def rnn_backward(
    workspace: Workspace, d_outputs: Array | None, d_states: Sequence[Array | None]
) -> RecurrentGradients:
    """Carry gradients back through the pass that made ``workspace``.

    Args:
        workspace: from ``rnn_forward``; may be used more than once.
        d_outputs: gradient of the outputs, of their shape; ``None`` means zero.
        d_states: gradient of each final state, (B, H); ``None`` means zero.
    """
    return rnn_backward_side_by_side([(workspace, d_outputs, d_states)])[0]


def rnn_backward_side_by_side(passes: Sequence[Backward]) -> list[RecurrentGradients]:
    """Carry gradients back through several passes: the arguments of ``rnn_backward`` for each."""
    arguments = [(w.saved, d_outputs, tuple(d_states)) for w, d_outputs, d_states in passes]
    engines = [workspace.engine for workspace, _, _ in passes]
    if len(passes) > 1 and set(engines) == {"fused"}:
        return list(_engine("fused").backward_side_by_side(arguments))
    return [_engine(e).backward(*given) for e, given in zip(engines, arguments, strict=True)]


# numpy's BLAS computes what is less than this in the calling thread: products of matrices, and
# those with one row or one column, by the number of multiplications.
_SMALL_PRODUCT, _SMALL_VECTOR_PRODUCT = 262144, 9216


def matmul(a: Array, b: Array, bias: Array | None = None) -> Array:
    """Return ``a @ b + bias``, for the layers beside the recurrent ones.

    Work for several threads goes to those of the fused engine: the threads of BLAS go on looking
    for work, and take the CPU from a recurrent pass that follows.

    Args:
        a: (…, rows, terms).
        b: (…, terms, columns), of the dtype and with the leading axes of ``a``.
        bias: (columns,), or ``None``.

    Returns:
        (…, rows, columns).
    """
    product: Array
    if a.ndim > 3:
        left, right = (x.reshape(-1, *x.shape[-2:]) for x in (a, b))
        product = matmul(left, right, bias)
        return product.reshape(*a.shape[:-1], b.shape[-1])
    count = a.shape[0] if a.ndim == 3 else 1
    rows, terms, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    small = _SMALL_VECTOR_PRODUCT if rows == 1 or columns == 1 else _SMALL_PRODUCT
    if count * rows * terms * columns > small and _computes("fused", a, b):
        product = _engine("fused").matmul(a, b, bias)
        return product
    product = a @ b
    if bias is not None:
        product += bias
    return product


def _computes(engine: str, a: Array, b: Array) -> bool:
    """Whether the engine may be used, is part of this build, and has the dtype of both."""
    known = a.dtype == b.dtype and a.dtype in (np.float32, np.float64)
    return known and config.engine() in ("auto", engine) and _is_built(engine)


def adam(
    value: Array, gradient: Array, m: Array, v: Array, v_hat: Array | None, **factors: float
) -> None:
    """Take one step of Adam: see ``reference.adam``, whose bits all engines give."""
    engine = "fused" if _computes("fused", value, gradient) else "reference"
    _engine(engine).adam(value, gradient, m, v, v_hat, **factors)


@dataclass(frozen=True, slots=True)
class StreamStage:
    """One layer of a stream, as the fused engine steps through it.

    Attributes:
        kind: ``"recurrent"``; ``"dense"``, activation(x·kernel + bias); ``"scale"``,
            (x - mean)·rate·gamma + beta; ``"normalize"``, the same with mean and rate of the row
            itself; ``"activate"``; ``"softmax"``; or ``"embed"``, the row of kernel for an id.
        inputs, outputs: numbers in a row; for ``"embed"``, inputs is the number of ids.
        weights: arrays by these names, ``None`` where there is none: kernel, recurrent_kernel and
            bias as in ``RecurrentCall``; the others (outputs,).
        cell: name of the cell in ``CELLS``, for ``"recurrent"``.
        activation, recurrent_activation: names, from ``FUSED_ACTIVATIONS``.
        epsilon: added to the variance, for ``"normalize"``.
    """

    kind: str
    inputs: int
    outputs: int
    weights: dict[str, Array | None] = field(default_factory=dict)
    cell: str = "simple_rnn"
    activation: str = "linear"
    recurrent_activation: str = "linear"
    epsilon: float = 0.0


def stream_kernel() -> Any:
    """Return the class that steps through ``StreamStage`` objects; ``None`` if there is none.

    That is: in a build without the fused engine, or while another one is forced.
    """
    if config.engine() not in ("auto", "fused") or not _is_built("fused"):
        return None
    return _engine("fused").StreamKernel


def fma_loop(dtype: str, turns: int) -> float:
    """Multiply and add in registers alone, in the calling thread; return the operations done.

    Its speed is the bound that the fused engine's is compared with.
    """
    return float(_engine("fused").fma_loop(dtype, turns))


def instruction_set() -> str:
    """Return the instruction set that the fused engine uses.

    Raises:
        ValueError: the one that is set is not to be had on this machine.
    """
    return str(_engine("fused").isa())


def usable_instruction_sets() -> list[str]:
    """Return the instruction sets that the fused engine can use here, the best one last."""
    return list(_engine("fused").usable_isas())


def check_call(call: RecurrentCall) -> None:
    """Raise ``ValueError`` if an array of ``call`` does not fit the others."""
    spec = CELLS[call.cell]
    for activation in (call.activation, call.recurrent_activation):
        if activation.name in NOT_FOR_CELLS and activation.builtin:
            raise ValueError(
                errors.bad_argument("activation", activation.name, "one that keeps the shape")
            )
    if call.x.ndim != 3 or 0 in call.x.shape:
        raise ValueError(
            errors.bad_shape("inputs", call.x.shape, "(batch, timesteps, features), none of them 0")
        )
    batch, timesteps, features = call.x.shape
    units = call.recurrent_kernel.shape[0]
    gates = len(spec.gates)
    expected: dict[str, tuple[Array | None, tuple[tuple[int, ...], ...]]] = {
        "kernel": (call.kernel, (spec.kernel_shape(features, units),)),
        "recurrent_kernel": (call.recurrent_kernel, (spec.recurrent_kernel_shape(units),)),
        "bias": (call.bias, (spec.bias_shape(units),)),
        "mask": (call.mask, ((batch, timesteps),)),
        "input_dropout": (call.input_dropout, ((1, batch, features), (gates, batch, features))),
        "recurrent_dropout": (call.recurrent_dropout, ((gates, batch, units),)),
    }
    for argument, (array, shapes) in expected.items():
        if array is None:
            continue
        if array.shape not in shapes:
            raise ValueError(
                errors.bad_shape(argument, array.shape, " or ".join(str(s) for s in shapes))
            )
        if array.dtype != (np.bool_ if argument == "mask" else call.x.dtype):
            raise ValueError(errors.bad_dtype(argument, array.dtype, str(call.x.dtype)))
    _check_quantized(call)
    if len(call.initial_state) != len(spec.states):
        raise ValueError(
            errors.bad_argument(
                "initial_state",
                f"{len(call.initial_state)} arrays",
                f"{len(spec.states)} arrays, one for each of {', '.join(spec.states)}",
            )
        )
    for state in call.initial_state:
        if state.shape != (batch, units):
            raise ValueError(
                errors.bad_shape("initial_state", state.shape, f"(batch, units) = {(batch, units)}")
            )
        if state.dtype != call.x.dtype:
            raise ValueError(errors.bad_dtype("initial_state", state.dtype, str(call.x.dtype)))


def _check_quantized(call: RecurrentCall) -> None:
    quantized = call.quantized
    if quantized is None:
        return
    if call.save or call.input_dropout is not None or call.recurrent_dropout is not None:
        expected = "False, and no dropout: quantized weights are for inference"
        raise ValueError(errors.bad_argument("save", call.save, expected))
    if call.x.dtype != np.float32 or quantized.cell != call.cell:
        received = f"{quantized.mode} weights of {quantized.cell}, inputs of {call.x.dtype}"
        expected = f"weights of {call.cell}, and inputs of float32"
        raise ValueError(errors.bad_argument("quantized", received, expected))
    for argument in ("kernel", "recurrent_kernel", "bias"):
        given, own = getattr(quantized, argument), getattr(call, argument)
        shape = None if given is None else getattr(given, "numbers", given).shape
        if shape != (None if own is None else own.shape):
            expected = f"those of the {argument}, {None if own is None else own.shape}"
            raise ValueError(errors.bad_argument("quantized", shape, expected))


def _engine(name: str) -> Any:
    # Imported on first use: the blas engine imports scipy, which costs more than all of fastrnn.
    return importlib.import_module(_ENGINE_MODULES[name])
