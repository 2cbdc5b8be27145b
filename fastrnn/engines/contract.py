"""Contract: what engines are handed and what they return; it lies below them all.

Sizes: B batch, T timesteps, F features, H units, P outputs (H but for a projection), G gates (see
``cells``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from fastrnn.activations import NOT_FOR_CELLS, Activation
from fastrnn.core import errors
from fastrnn.engines.cells import CELLS, CellSpec
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
        weights: the cell's weights by name, of the shapes that its spec gives; ``None`` for a bias
            that there is not.
        initial_state: an array for each state of the cell, of its spec's sizes: (B, H), or (B, P).
        mask: bool, (B, T), True where a step counts; or ``None``. A masked step copies every
            state through, and its output repeats the previous output (zeros before the first step
            that counts). What stands in ``x`` under a mask, NaN too, has no effect on anything.
        input_dropout: multipliers of x, (1, B, F), or (G, B, F) with one for each gate; or
            ``None``. The same for all time steps.
        recurrent_dropout: multipliers of h_{t-1} in the recurrent products, (G, B, P); or ``None``.
        zoneout: for each state, the share k that a step's new value has in it: the state becomes
            k·new + (1 - k)·old. A number, as inference has it; or an array of zeros and ones, (T,
            B, H), or (T, B, P), in the order of processing, of x's dtype; or ``None`` for 1. Empty
            where no state has any.
        epsilon: added to variances, where the cell normalises.
        go_backwards: process x and mask from the last step to the first; outputs stand in the
            order of processing.
        return_sequences: outputs are (B, T, P), else those of the last processed step, (B, P).
        zero_output_for_mask: the output of a masked step is zero instead.
        save: keep what ``backward`` needs; else the workspace is ``None``.
        input_gradient: whether ``backward`` computes ``dx``.
        quantized: the weights, quantized, which the engine computes with then, in the place of
            ``weights``; or ``None``. Without dropout and ``save``.
        units, outputs: H, and P, the length of the outputs, by the weights.
    """

    cell: str
    activation: Activation
    recurrent_activation: Activation
    x: Array
    weights: Mapping[str, Array | None]
    initial_state: tuple[Array, ...]
    mask: Array | None = None
    input_dropout: Array | None = None
    recurrent_dropout: Array | None = None
    zoneout: tuple[Array | float | None, ...] = ()
    epsilon: float = 1e-3
    go_backwards: bool = False
    return_sequences: bool = False
    zero_output_for_mask: bool = False
    save: bool = False
    input_gradient: bool = True
    quantized: QuantizedWeights | None = None
    units: int = field(init=False)
    outputs: int = field(init=False)

    def __post_init__(self) -> None:
        spec = CELLS.get(self.cell)  # what it may be is checked with the arrays
        units, outputs = spec.units_and_outputs(self.weights) if spec else (0, 0)
        object.__setattr__(self, "units", units)
        object.__setattr__(self, "outputs", outputs)

    @property
    def spec(self) -> CellSpec:
        """The cell's spec."""
        return CELLS[self.cell]

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the outputs."""
        batch, timesteps, _ = self.x.shape
        return (batch, timesteps, self.outputs) if self.return_sequences else (batch, self.outputs)

    def with_weights(self, **changes: Array | None) -> RecurrentCall:
        """Return the call with other weights in the place of those named."""
        return replace(self, weights={**self.weights, **changes})


class RecurrentGradients(NamedTuple):
    """Gradients, each of the shape of what it is the gradient of.

    Attributes:
        dx: of the inputs; ``None`` where ``input_gradient`` is false.
        d_weights: of each weight that is not ``None``, by its name.
        d_initial_state: of each state.
    """

    dx: Array | None
    d_weights: dict[str, Array]
    d_initial_state: tuple[Array, ...]


class Engine(Protocol):
    """An engine: a module with these functions."""

    def forward(self, call: RecurrentCall) -> tuple[Array, tuple[Array, ...], Any]:
        """Return outputs, final states, and the workspace of the backward pass."""

    def backward(
        self, workspace: Any, d_outputs: Array | None, d_states: Sequence[Array | None]
    ) -> RecurrentGradients:
        """Return the gradients of the pass that left ``workspace``; ``None`` is a zero."""


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
        weights: arrays by these names, ``None`` where there is none: those of the cell as in
            ``RecurrentCall``; kernel and bias of the others; the rest (outputs,).
        cell: name of the cell, from ``dispatch.STREAM_CELLS``, for ``"recurrent"``.
        activation, recurrent_activation: names, from ``dispatch.STREAM_ACTIVATIONS``.
        epsilon: added to the variance, for ``"normalize"`` and where a cell normalises.
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
    if call.cell not in CELLS:
        raise ValueError(errors.not_one_of("cell", call.cell, CELLS))
    for activation in (call.activation, call.recurrent_activation):
        if activation.name in NOT_FOR_CELLS and activation.builtin:
            raise ValueError(
                errors.bad_argument("activation", activation.name, "one that keeps the shape")
            )
    if call.x.ndim != 3 or 0 in call.x.shape:
        raise ValueError(
            errors.bad_shape("inputs", call.x.shape, "(batch, timesteps, features), none of them 0")
        )
    _check_weights(call)
    _check_masks(call)
    _check_quantized(call)
    _check_states(call)


def _check_array(
    argument: str, array: Array, dtype: np.dtype[Any], *shapes: tuple[int, ...]
) -> None:
    if array.shape not in shapes:
        expected = " or ".join(str(shape) for shape in shapes)
        raise ValueError(errors.bad_shape(argument, array.shape, expected))
    if array.dtype != dtype:
        raise ValueError(errors.bad_dtype(argument, array.dtype, str(dtype)))


def _check_weights(call: RecurrentCall) -> None:
    spec, dtype = call.spec, call.x.dtype
    if unknown := call.weights.keys() - spec.weight_names:
        names = [weight.name for weight in spec.weights]
        raise ValueError(errors.not_one_of("weights", min(unknown), names))
    shapes = spec.shapes(call.x.shape[2], call.units, call.outputs)
    for weight, shape in zip(spec.weights, shapes, strict=True):
        array = call.weights.get(weight.name)
        if array is not None:
            _check_array(weight.name, array, dtype, shape)
        elif not weight.optional:
            raise ValueError(errors.bad_argument(weight.name, None, f"an array of {spec.name}"))


def _check_masks(call: RecurrentCall) -> None:
    batch, timesteps, features = call.x.shape
    gates, dtype = len(call.spec.gates), call.x.dtype
    if call.mask is not None:
        _check_array("mask", call.mask, np.dtype(np.bool_), (batch, timesteps))
    if call.input_dropout is not None:
        shapes = (1, batch, features), (gates, batch, features)
        _check_array("input_dropout", call.input_dropout, dtype, *shapes)
    if call.recurrent_dropout is not None:
        shape = (gates, batch, call.outputs)
        _check_array("recurrent_dropout", call.recurrent_dropout, dtype, shape)


def _check_states(call: RecurrentCall) -> None:
    states = call.spec.states
    if len(call.initial_state) != len(states):
        names = ", ".join(state.name for state in states)
        received = f"{len(call.initial_state)} arrays"
        expected = f"{len(states)} arrays, one for each of {names}"
        raise ValueError(errors.bad_argument("initial_state", received, expected))
    batch, timesteps, _ = call.x.shape
    sizes = call.spec.state_sizes(call.units, call.outputs)
    for state, size in zip(call.initial_state, sizes, strict=True):
        _check_array("initial_state", state, call.x.dtype, (batch, size))
    if len(call.zoneout) not in (0, len(states)):
        expected = f"{len(states)} of them, one for each state, or none"
        raise ValueError(errors.bad_argument("zoneout", call.zoneout, expected))
    for share, size in zip(call.zoneout, sizes[: len(call.zoneout)], strict=True):
        if isinstance(share, np.ndarray):
            _check_array("zoneout", share, call.x.dtype, (timesteps, batch, size))


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
        given, own = getattr(quantized, argument), call.weights.get(argument)
        shape = None if given is None else getattr(given, "numbers", given).shape
        if shape != (None if own is None else own.shape):
            expected = f"those of the {argument}, {None if own is None else own.shape}"
            raise ValueError(errors.bad_argument("quantized", shape, expected))
