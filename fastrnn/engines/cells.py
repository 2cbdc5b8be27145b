"""Cells: gates, states and weights of each recurrent cell, as data. Everything iterates over it.

Sizes: F features, H units, P outputs (H but for a projection), G gates. Gate blocks stand in this
order along the last axis of every weight whose last axis is G·H, each H wide.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Axis = int | Literal["F", "H", "P", "GH"]


class ArraySpec(NamedTuple):
    """A weight or a state by name: the letters of its axes; a state's axes come behind the batch.

    Attributes:
        name: the attribute of the layer's cell, and the key in ``RecurrentCall.weights``.
        axes: a number, ``"F"``, ``"H"``, ``"P"`` or ``"GH"``, all gates side by side, for each.
        optional: whether it may be ``None``.
    """

    name: str
    axes: tuple[Axis, ...]
    optional: bool = False


@dataclass(frozen=True, eq=False)
class CellSpec:
    """What distinguishes one recurrent cell from another, but for its equations.

    Attributes:
        name: key in ``CELLS``.
        gates: names of the gates in the order of their blocks.
        states: the states; the first one is the output.
        weights: the weights in the order of ``get_weights`` and of the engines' tables.
        has_recurrent_activation: whether it has gates beside the candidate.
        normalized: where the input and the recurrent sums are layer-normalised, the first gate and
            the end of each group of gates whose H numbers each are normalised as one row.

    >>> CELLS["lstm"].weight_shapes(features=3, units=8)
    {'kernel': (3, 32), 'recurrent_kernel': (8, 32), 'bias': (32,)}
    >>> CELLS["lstm"].state_sizes(units=8)
    (8, 8)
    """

    name: str
    gates: tuple[str, ...]
    states: tuple[ArraySpec, ...]
    weights: tuple[ArraySpec, ...]
    has_recurrent_activation: bool = True
    normalized: tuple[tuple[int, int], ...] = ()

    @property
    def has_recurrent_bias(self) -> bool:
        """Whether the bias has two rows: of the input product, and of the recurrent product."""
        return ArraySpec("bias", (2, "GH"), optional=True) in self.weights

    @property
    def has_projection(self) -> bool:
        """Whether the output has a length of its own, P."""
        return self.states[0].axes == ("P",)

    @functools.cached_property
    def weight_names(self) -> frozenset[str]:
        """The names of the weights."""
        return frozenset(weight.name for weight in self.weights)

    def units_and_outputs(self, weights: Mapping[str, Any]) -> tuple[int, int]:
        """Return H and P, by the first weights that have an axis of that length."""
        units = _first_length(self._places_of_units, weights)
        return units, _first_length(self._places_of_outputs, weights) or units

    def weight_shapes(
        self, features: int, units: int, outputs: int | None = None
    ) -> dict[str, tuple[int, ...]]:
        """Return the shape of each weight by its name; ``outputs`` is P, if not the units."""
        shapes = self.shapes(features, units, units if outputs is None else outputs)
        return {w.name: shape for w, shape in zip(self.weights, shapes, strict=True)}

    # Each call asks: a training step of a small model would feel it.
    @functools.lru_cache(maxsize=1024)  # noqa: B019 - the specs are there as long as the process
    def shapes(self, features: int, units: int, outputs: int) -> tuple[tuple[int, ...], ...]:
        """Return the shapes of the weights in their order."""
        lengths = {"F": features, "H": units, "P": outputs, "GH": len(self.gates) * units}
        return tuple(
            tuple(axis if isinstance(axis, int) else lengths[axis] for axis in weight.axes)
            for weight in self.weights
        )

    def state_sizes(self, units: int, outputs: int | None = None) -> tuple[int, ...]:
        """Return the length of each state."""
        projected = units if outputs is None else outputs
        return tuple(projected if state.axes == ("P",) else units for state in self.states)

    @functools.cached_property
    def _places_of_units(self) -> list[_Place]:
        whole = self._places("H", 1)
        return [*whole, *self._places("GH", len(self.gates))]

    @functools.cached_property
    def _places_of_outputs(self) -> list[_Place]:
        return self._places("P", 1)

    def _places(self, axis: Axis, divisor: int) -> list[_Place]:
        return [
            _Place(w.name, len(w.axes), w.axes.index(axis), divisor)
            for w in self.weights
            if axis in w.axes
        ]


class _Place(NamedTuple):
    """Where a size stands: an axis of a weight of ``rank`` axes, and what divides its length."""

    weight: str
    rank: int
    axis: int
    divisor: int


def _first_length(places: list[_Place], weights: Mapping[str, Any]) -> int:
    for name, rank, axis, divisor in places:
        array = weights.get(name)
        if array is not None and array.ndim == rank:
            return int(array.shape[axis]) // divisor
    return 0


KERNEL = ArraySpec("kernel", ("F", "GH"))
RECURRENT_KERNEL = ArraySpec("recurrent_kernel", ("H", "GH"))
BIAS = ArraySpec("bias", ("GH",), optional=True)
TWO_BIASES = ArraySpec("bias", (2, "GH"), optional=True)
KERNEL_GAIN = ArraySpec("kernel_gain", ("GH",))
RECURRENT_GAIN = ArraySpec("recurrent_gain", ("GH",))
H_STATE = ArraySpec("h", ("H",))
C_STATE = ArraySpec("c", ("H",))

SIMPLE_RNN = CellSpec(
    "simple_rnn",
    gates=("h",),
    states=(H_STATE,),
    weights=(KERNEL, RECURRENT_KERNEL, BIAS),
    has_recurrent_activation=False,
)
LSTM = CellSpec(
    "lstm",
    gates=("i", "f", "c", "o"),
    states=(H_STATE, C_STATE),
    weights=(KERNEL, RECURRENT_KERNEL, BIAS),
)
GRU = CellSpec(
    "gru",
    gates=("z", "r", "h"),
    states=(H_STATE,),
    weights=(KERNEL, RECURRENT_KERNEL, BIAS),
)
GRU_RESET_AFTER = CellSpec(
    "gru_reset_after",
    gates=("z", "r", "h"),
    states=(H_STATE,),
    weights=(KERNEL, RECURRENT_KERNEL, TWO_BIASES),
)
PEEPHOLE_LSTM = CellSpec(
    "peephole_lstm",
    gates=LSTM.gates,
    states=LSTM.states,
    # The rows of the peepholes are i, f and o.
    weights=(*LSTM.weights, ArraySpec("peephole", (3, "H"))),
)
PROJECTED_LSTM = CellSpec(
    "projected_lstm",
    gates=LSTM.gates,
    states=(ArraySpec("h", ("P",)), C_STATE),
    weights=(
        KERNEL,
        ArraySpec("recurrent_kernel", ("P", "GH")),
        BIAS,
        ArraySpec("projection_kernel", ("H", "P")),
    ),
)
LAYER_NORM_LSTM = CellSpec(
    "layer_norm_lstm",
    gates=LSTM.gates,
    states=LSTM.states,
    weights=(
        *LSTM.weights,
        KERNEL_GAIN,
        RECURRENT_GAIN,
        ArraySpec("state_gain", ("H",)),
        ArraySpec("state_bias", ("H",), optional=True),
    ),
    normalized=((0, 4),),
)
LAYER_NORM_GRU = CellSpec(
    "layer_norm_gru",
    gates=GRU.gates,
    states=GRU.states,
    weights=(*GRU_RESET_AFTER.weights, KERNEL_GAIN, RECURRENT_GAIN),
    normalized=((0, 2), (2, 3)),
)

CELLS = {
    spec.name: spec
    for spec in (
        SIMPLE_RNN,
        LSTM,
        GRU,
        GRU_RESET_AFTER,
        PEEPHOLE_LSTM,
        PROJECTED_LSTM,
        LAYER_NORM_LSTM,
        LAYER_NORM_GRU,
    )
}
