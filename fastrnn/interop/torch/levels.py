"""The tensors of torch's recurrent modules, and the weights of our layers that they amount to.

A module is a stack of levels, each of one or two directions. Its tensors are called
``weight_ih_l0``, ``bias_hh_l1_reverse`` and so on, and stack the gates along their first axis.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.interop.directions import directions_of
from fastrnn.interop.gates import TORCH, from_ours, to_ours
from fastrnn.layers import GRU, LSTM, Bidirectional, ProjectedLSTM, SimpleRNN
from fastrnn.layers.base.layer import Layer
from fastrnn.layers.rnn.recurrent_cell import RecurrentCell
from fastrnn.typing import Array

Tensors = Mapping[str, Array]

# The tensors of one direction of one level, in torch's order.
PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
_BIASES = PARTS[2:4]
# Cells alone (nn.LSTMCell …) have the names without a level.
_NAME = re.compile(r"(weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)(?:_l(\d{1,4})(_reverse)?)?")
_LAYERS = {
    "simple_rnn": SimpleRNN,
    "lstm": LSTM,
    "gru_reset_after": GRU,
    "projected_lstm": ProjectedLSTM,
}
_CELL_OF_GATES = {1: "simple_rnn", 3: "gru_reset_after", 4: "lstm"}


def is_recurrent(name: str) -> bool:
    """Whether ``name``, without its module, is that of a tensor of a recurrent module."""
    return _NAME.fullmatch(name) is not None


def tensor_name(part: str, level: int, direction: int) -> str:
    """Return torch's name of a tensor.

    >>> tensor_name("weight_ih", 1, 1)
    'weight_ih_l1_reverse'
    """
    return f"{part}_l{level}{'_reverse' if direction else ''}"


@dataclass(frozen=True)
class Level:
    """One level of a recurrent module.

    Attributes:
        cell: name of the cell in the table of cells.
        features, units, outputs: sizes; the outputs are the units but for a projection.
        use_bias: whether there are biases.
        weights: those of each direction, in our order.
    """

    cell: str
    features: int
    units: int
    outputs: int
    use_bias: bool
    weights: list[list[Array]]

    @property
    def bidirectional(self) -> bool:
        """Whether there are two directions."""
        return len(self.weights) == 2

    def make_layer(self, nonlinearity: str, dtype: str, **options: Any) -> Any:
        """Return a layer of this level, without weights yet."""
        if self.cell == "simple_rnn":
            options["activation"] = nonlinearity
        options |= {"dtype": dtype, "use_bias": self.use_bias}
        sizes = [self.units]
        if self.cell == "projected_lstm":
            sizes.append(self.outputs)
        layer = _LAYERS[self.cell](*sizes, **options)
        return Bidirectional(layer, dtype=dtype) if self.bidirectional else layer

    def check_layer(self, layer: Layer, module: str) -> None:
        """Raise ``ValueError`` if ``layer`` is not of this kind."""
        wanted = ("bidirectional " if self.bidirectional else "") + _LAYERS[self.cell].__name__
        cells = [direction.cell.spec.name for direction in directions_of(layer)]
        if cells != [self.cell] * len(self.weights):
            remedy = "torch's GRU is GRU(reset_after=True)." if self.cell.startswith("gru") else ""
            raise ValueError(errors.bad_argument("state_dict", module, f"no {wanted}", remedy))


def levels_of(module: str, tensors: Tensors) -> list[Level]:
    """Return the levels of a recurrent module.

    Args:
        module: its name with a dot behind it, for messages.
        tensors: by names without that of the module.

    Raises:
        ValueError: tensors are missing or have shapes that do not fit.
    """
    found: dict[tuple[int, int], dict[str, Array]] = {}
    for name, tensor in tensors.items():
        match = _NAME.fullmatch(name)
        if match is None:
            expected = "the tensors of one recurrent module"
            raise ValueError(errors.bad_argument("state_dict", f"{module}{name}", expected))
        part, level, reverse = match.groups()
        found.setdefault((int(level or 0), int(reverse is not None)), {})[part] = tensor
    levels = 1 + max(level for level, _ in found)
    directions = 2 if any(direction for _, direction in found) else 1
    wanted = [part for part in PARTS if any(part in parts for parts in found.values())]
    wanted = [part for part in PARTS if part in (*PARTS[:2], *wanted)]
    result: list[Level] = []
    for level in range(levels):
        for direction in range(directions):
            parts = found.get((level, direction), {})
            _check_names(module, level, direction, parts, wanted)
        pairs = [found[level, direction] for direction in range(directions)]
        features = result[-1].outputs * directions if result else None
        result.append(_level(module, level, pairs, features))
    received = [(level.cell, level.units, level.outputs) for level in result]
    if len(set(received)) > 1:
        raise ValueError(errors.bad_argument("state_dict", received, "one kind and size of levels"))
    return result


def _check_names(
    module: str, level: int, direction: int, parts: Mapping[str, Array], wanted: Sequence[str]
) -> None:
    """Raise ``ValueError`` unless the tensors of one direction are all there."""
    missing = [part for part in wanted if part not in parts]
    if missing or len(parts) > len(wanted):
        names = [module + tensor_name(part, level, direction) for part in wanted]
        received = [module + tensor_name(part, level, direction) for part in parts]
        raise ValueError(errors.bad_argument("state_dict", received, ", ".join(names)))


def _level(
    module: str, level: int, directions: list[dict[str, Array]], features: int | None
) -> Level:
    """Return a level whose tensors have been checked."""
    first = directions[0]
    ih, hh = first["weight_ih"], first["weight_hh"]
    outputs = hh.shape[-1] if hh.ndim == 2 else 0
    rows = hh.shape[0] if hh.ndim == 2 else 0
    projected = "weight_hr" in first
    # A projection, an LSTM's alone, gives h another length than the gates have.
    units = rows // 4 if projected else outputs
    gates = rows // units if units else 0
    if gates not in _CELL_OF_GATES or rows != gates * units:
        name = f"state_dict['{module}{tensor_name('weight_hh', level, 0)}']"
        expected = "(gates·units, units), 1 gate (RNN), 3 (GRU) or 4 (LSTM)"
        if projected:
            expected = "(4·units, proj_size), as weight_hr says"
        raise ValueError(errors.bad_shape(name, hh.shape, expected))
    if features is None:
        features = ih.shape[-1] if ih.ndim == 2 else 1
    sizes = [(rows, features), (rows, outputs), (rows,), (rows,), (outputs, units)]
    shapes = dict(zip(PARTS, sizes, strict=True))
    for direction, parts in enumerate(directions):
        for part, tensor in parts.items():
            if tensor.shape != shapes[part]:
                name = f"state_dict['{module}{tensor_name(part, level, direction)}']"
                raise ValueError(errors.bad_shape(name, tensor.shape, str(shapes[part])))
    cell = "projected_lstm" if projected else _CELL_OF_GATES[gates]
    weights = [_to_weights(cell, parts) for parts in directions]
    return Level(cell, features, units, outputs, "bias_ih" in first, weights)


def _to_weights(cell: str, parts: Mapping[str, Array]) -> list[Array]:
    """Return the weights in our order; only a GRU has two rows of biases."""
    weights = [to_ours(parts[name].T, cell, TORCH) for name in PARTS[:2]]
    if "bias_ih" in parts:
        rows = [to_ours(parts[name], cell, TORCH) for name in _BIASES]
        weights.append(np.stack(rows) if cell == "gru_reset_after" else rows[0] + rows[1])
    if "weight_hr" in parts:
        weights.append(parts["weight_hr"].T)
    return weights


def to_tensors(layer: Layer, level: int) -> dict[str, Array]:
    """Return the tensors of a recurrent layer, as those of a level of a module.

    An LSTM or RNN of torch has two biases that it adds: ours is the first, zeros the second.

    Raises:
        ValueError: torch has no module that computes what the layer does.
    """
    tensors = {}
    for direction, inner in enumerate(directions_of(layer)):
        _check_for_torch(layer, inner, bool(direction))
        for part, tensor in _from_weights(inner.cell).items():
            tensors[tensor_name(part, level, direction)] = tensor
    return tensors


def _check_for_torch(layer: Layer, inner: Any, backwards: bool) -> None:
    """Raise ``ValueError`` if no module of torch computes what the layer does."""
    cell = inner.cell
    names = (cell.activation.name, cell.recurrent_activation.name)
    if cell.spec.name == "gru":
        raise ValueError(_not_in_torch(layer, "reset_after=False", "reset_after=True"))
    if cell.spec.name not in TORCH:
        expected = "SimpleRNN, LSTM, ProjectedLSTM or GRU"
        raise ValueError(_not_in_torch(layer, type(cell).__name__, expected))
    if cell.has_zoneout:
        raise ValueError(_not_in_torch(layer, "zoneout", "no zoneout"))
    if cell.spec.name == "simple_rnn":
        if names[0] not in ("tanh", "relu"):
            raise ValueError(_not_in_torch(layer, f"activation={names[0]!r}", "tanh or relu"))
    elif names != ("tanh", "sigmoid"):
        raise ValueError(_not_in_torch(layer, f"activations {names}", "('tanh', 'sigmoid')"))
    if inner.go_backwards != backwards:
        received = f"go_backwards={inner.go_backwards}"
        raise ValueError(_not_in_torch(layer, received, "forward, or Bidirectional"))
    if isinstance(layer, Bidirectional) and layer.merge_mode != "concat":
        received = f"merge_mode={layer.merge_mode!r}"
        raise ValueError(_not_in_torch(layer, received, "merge_mode='concat'"))


def _not_in_torch(layer: Layer, received: str, expected: str) -> str:
    return errors.bad_argument(
        f"layer {layer.name!r}", received, f"{expected}, which is what torch has"
    )


def _from_weights(cell: RecurrentCell) -> dict[str, Array]:
    name = cell.spec.name
    weights = {k: v.value for k, v in cell.named_weights.items() if v is not None}
    tensors = {
        part: from_ours(weights[weight], name, TORCH).T
        for part, weight in zip(PARTS[:2], ("kernel", "recurrent_kernel"), strict=True)
    }
    if "bias" in weights:
        bias = from_ours(weights["bias"], name, TORCH)
        rows = list(bias) if bias.ndim == 2 else [bias, np.zeros_like(bias)]
        tensors |= dict(zip(_BIASES, rows, strict=True))
    if "projection_kernel" in weights:
        tensors["weight_hr"] = weights["projection_kernel"].T
    return {part: np.array(tensor, order="C") for part, tensor in tensors.items()}
