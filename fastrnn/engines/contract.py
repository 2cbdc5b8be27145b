"""What engines are handed and what they return; it lies below them all.

Sizes: B batch, T timesteps, F features, H units, G gates (see ``cells``).
An engine is a module with two functions:

- ``forward(call) -> (outputs, states, workspace)`` and
- ``backward(workspace, d_outputs, d_states) -> RecurrentGradients``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastrnn.activations import NOT_FOR_CELLS, Activation
from fastrnn.core import errors
from fastrnn.engines.cells import CELLS
from fastrnn.engines.quantize import QuantizedWeights

Array = npt.NDArray[Any]


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
