"""The tensors of torch's recurrent modules, and the weights of our layers that they amount to.

A module is a stack of levels, each of one or two directions. Its tensors are called
``weight_ih_l0``, ``bias_hh_l1_reverse`` and so on, and stack the gates along their first axis.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.interop.directions import directions_of
from fastrnn.interop.gates import TORCH, from_ours, to_ours
from fastrnn.layers import GRU, LSTM, Bidirectional, SimpleRNN
from fastrnn.layers.base.layer import Layer
from fastrnn.layers.rnn.recurrent_cell import RecurrentCell
from fastrnn.typing import Array

Tensors = Mapping[str, Array]

# The tensors of one direction of one level, the biases last.
PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
# Cells alone (nn.LSTMCell …) have the names without a level.
_NAME = re.compile(r"(weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)(?:_l(\d{1,4})(_reverse)?)?")
_LAYERS = {"simple_rnn": SimpleRNN, "lstm": LSTM, "gru_reset_after": GRU}
_CELL_OF_GATES = {len(order): cell for cell, order in TORCH.items()}


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
        features, units: sizes.
        weights: kernel, recurrent kernel and, unless there is none, bias of each direction.
    """

    cell: str
    features: int
    units: int
    weights: list[list[Array]]

    @property
    def bidirectional(self) -> bool:
        """Whether there are two directions."""
        return len(self.weights) == 2

    def make_layer(self, nonlinearity: str, dtype: str, **options: Any) -> Any:
        """Return a layer of this level, without weights yet."""
        if self.cell == "simple_rnn":
            options["activation"] = nonlinearity
        options |= {"dtype": dtype, "use_bias": len(self.weights[0]) == 3}
        layer = _LAYERS[self.cell](self.units, **options)
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
        ValueError: it has a projection, or tensors are missing or have shapes that do not fit.
    """
    found: dict[tuple[int, int], dict[str, Array]] = {}
    for name, tensor in tensors.items():
        match = _NAME.fullmatch(name)
        if match is None:
            expected = "the tensors of one recurrent module"
            raise ValueError(errors.bad_argument("state_dict", f"{module}{name}", expected))
        part, level, reverse = match.groups()
        if part == "weight_hr":
            expected = "proj_size=0: fastrnn has no projection of the hidden state"
            raise ValueError(errors.bad_argument("state_dict", f"{module}{name}", expected))
        found.setdefault((int(level or 0), int(reverse is not None)), {})[part] = tensor
    levels = 1 + max(level for level, _ in found)
    directions = 2 if any(direction for _, direction in found) else 1
    bias = any("bias_ih" in parts for parts in found.values())
    result: list[Level] = []
    for level in range(levels):
        for direction in range(directions):
            parts = found.get((level, direction), {})
            _check_names(module, level, direction, parts, bias)
        pairs = [found[level, direction] for direction in range(directions)]
        features = result[-1].units * directions if result else None
        result.append(_level(module, level, pairs, features))
    if len({(level.cell, level.units) for level in result}) > 1:
        received = [(level.cell, level.units) for level in result]
        raise ValueError(errors.bad_argument("state_dict", received, "one kind and size of levels"))
    return result


def _check_names(
    module: str, level: int, direction: int, parts: Mapping[str, Array], bias: bool
) -> None:
    """Raise ``ValueError`` unless the tensors of one direction are all there."""
    wanted = PARTS if bias else PARTS[:2]
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
    units = hh.shape[-1] if hh.ndim == 2 else 0
    rows = hh.shape[0] if hh.ndim == 2 else 0
    gates = rows // units if units else 0
    if gates not in _CELL_OF_GATES or rows != gates * units:
        name = f"state_dict['{module}{tensor_name('weight_hh', level, 0)}']"
        expected = "(gates·units, units), 1 gate (RNN), 3 (GRU) or 4 (LSTM)"
        raise ValueError(errors.bad_shape(name, hh.shape, expected))
    if features is None:
        features = ih.shape[-1] if ih.ndim == 2 else 1
    shapes = dict(zip(PARTS, [(rows, features), (rows, units), (rows,), (rows,)], strict=True))
    for direction, parts in enumerate(directions):
        for part, tensor in parts.items():
            if tensor.shape != shapes[part]:
                name = f"state_dict['{module}{tensor_name(part, level, direction)}']"
                raise ValueError(errors.bad_shape(name, tensor.shape, str(shapes[part])))
    cell = _CELL_OF_GATES[gates]
    return Level(cell, features, units, [_to_weights(cell, parts) for parts in directions])


def _to_weights(cell: str, parts: Mapping[str, Array]) -> list[Array]:
    """Return kernel, recurrent kernel and bias; only a GRU has two rows of biases."""
    weights = [to_ours(parts[name].T, cell, TORCH) for name in PARTS[:2]]
    if "bias_ih" in parts:
        rows = [to_ours(parts[name], cell, TORCH) for name in PARTS[2:]]
        weights.append(np.stack(rows) if cell == "gru_reset_after" else rows[0] + rows[1])
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
        known = "SimpleRNN, LSTM or GRU"
        raise ValueError(_not_in_torch(layer, type(inner).__name__, known))
    if cell.has_zoneout:
        raise ValueError(_not_in_torch(layer, "zoneout", "a layer without it"))
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
    weights = [cell.kernel.value, cell.recurrent_kernel.value]
    tensors = [from_ours(weight, name, TORCH).T for weight in weights]
    if cell.bias is not None:
        bias = from_ours(cell.bias.value, name, TORCH)
        tensors += list(bias) if bias.ndim == 2 else [bias, np.zeros_like(bias)]
    return {part: np.array(tensor, order="C") for part, tensor in zip(PARTS, tensors, strict=False)}
