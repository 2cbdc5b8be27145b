"""The table that ``model.summary()`` prints, laid out as Keras lays it out."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from fastrnn.core import errors
from fastrnn.core.checks import to_list, to_number, to_positive_int
from fastrnn.core.terminal import write
from fastrnn.core.variable import Variable
from fastrnn.layers.base.layer import Layer
from fastrnn.optimizers import Optimizer
from fastrnn.typing import Nest


class Summarized(Protocol):
    """A model, as its summary sees it."""

    name: str
    optimizer: Optimizer | None

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        ...

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other weights."""
        ...

    def summary_entries(self) -> list[tuple[Layer, Any]]:
        """Return the layers, and the shapes of their outputs where they are known."""
        ...

    def connections(self) -> dict[str, str] | None:
        """Return for each layer the outputs that it takes, as text; ``None`` for a chain."""
        ...


_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


def print_summary(
    model: Summarized,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Print the table of a model's layers; see ``Sequential.summary``."""
    header = ["Layer (type)", "Output Shape", "Param #"]
    shares = [0.45, 0.80, 1.0]
    if positions is not None:
        shares = [to_number("positions", p, 0, 1) for p in to_list("positions", positions)]
    if line_length is not None:
        line_length = to_positive_int("line_length", line_length)
    length = 88
    connections = model.connections()
    if connections is not None:
        header.append("Connected to")
        length = 108
        if positions is None:
            shares = [0.3, 0.56, 0.74, 1.0]
    if show_trainable:
        header.append("Trainable")
        shares = [0.9 * p for p in shares] + [1.0]
        length += 12
    length = line_length or min(length, shutil.get_terminal_size().columns - 4)
    widths = _column_widths(shares, length)
    rows = [
        row
        for layer, shape in _select(model.summary_entries(), layer_range)
        for row in _rows(layer, shape, expand_nested, show_trainable, connections)
    ]
    lines = [f'Model: "{model.name}"', *_table(header, rows, widths), *_totals(model)]
    text = "\n".join(lines)
    if print_fn is None:
        write(text + "\n")
    else:
        print_fn(text + "\n")


def _column_widths(positions: Sequence[float], length: int) -> list[int]:
    """Return inner widths: shares of the line, each less its part of padding and borders."""
    edges = [int(p * length) for p in positions]
    widths = [b - a + 2 for a, b in zip([0, *edges], edges, strict=False)]
    excess = sum(widths) - (length - len(widths) - 1)
    for k in range(len(widths)):
        cut = round(excess / (len(widths) - k))
        widths[k] -= cut
        excess -= cut
    if min(widths) < 4:
        raise ValueError(errors.bad_argument("line_length", length, "a wider line"))
    return widths


def _rows(
    layer: Layer,
    shape: Nest,
    expand: bool,
    trainable: bool,
    connections: dict[str, str] | None,
    level: int = 0,
) -> list[list[str]]:
    prefix = "   " * level + "└ " if level else ""
    count = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
    row = [f"{prefix}{layer.name} ({layer.class_name})", _shape_text(shape), count]
    if connections is not None:
        row.append(connections.get(layer.name, "-"))
    if trainable:
        row.append(("Y" if layer.trainable else "N") if layer.built and layer.weights else "-")
    rows = [row]
    if expand:
        for inner, inner_shape in layer.summary_entries():
            rows += _rows(inner, inner_shape, expand, trainable, connections, level + 1)
    return rows


def _shape_text(shape: Any) -> str:
    """Return the shape of a layer's outputs, or those of several, as text."""
    if shape is None:
        return "?"
    if shape and isinstance(shape[0], tuple):
        return "[" + ", ".join(_one_shape(s) for s in shape) + "]"
    return _one_shape(shape)


def _one_shape(shape: Sequence[Any]) -> str:
    return f"({', '.join(str(n) for n in shape)})"


def _table(header: list[str], rows: list[list[str]], widths: list[int]) -> list[str]:
    def rule(left: str, fill: str, cross: str, right: str) -> str:
        return left + cross.join(fill * w for w in widths) + right

    def cells(row: list[str], bar: str) -> list[str]:
        columns = [_wrap(text, w - 2) for text, w in zip(row, widths, strict=True)]
        lines = []
        for k in range(max(len(column) for column in columns)):
            parts = [column[k] if k < len(column) else "" for column in columns]
            padded = [
                _align(text, header[i], w - 2)
                for i, (text, w) in enumerate(zip(parts, widths, strict=True))
            ]
            lines.append(bar + bar.join(f" {text} " for text in padded) + bar)
        return lines

    lines = [rule("┏", "━", "┳", "┓"), *cells(header, "┃"), rule("┡", "━", "╇", "┩")]
    for k, row in enumerate(rows):
        if k:
            lines.append(rule("├", "─", "┼", "┤"))
        lines += cells(row, "│")
    return [*lines, rule("└", "─", "┴", "┘")]


def _align(text: str, column: str, width: int) -> str:
    if column == "Param #":
        return text.rjust(width)
    return text.center(width) if column == "Trainable" else text.ljust(width)


def _wrap(text: str, width: int) -> list[str]:
    """Return ``text`` in lines between words; a word that is too long ends in an ellipsis."""
    lines, used = [""], 0
    for word in re.findall(r"\s*\S+\s*", text):
        if not used or used + len(word.rstrip()) <= width:
            lines[-1] += word
            used += len(word)
        else:
            lines.append(word)
            used = len(word)
    return [
        line if len(line) <= width else line[: width - 1] + "…" for line in map(str.rstrip, lines)
    ]


def _totals(model: Summarized) -> list[str]:
    groups = {
        "Trainable params": model.trainable_weights,
        "Non-trainable params": model.non_trainable_weights,
    }
    if model.optimizer is not None and model.optimizer.built:
        groups["Optimizer params"] = model.optimizer.variables
    everything = [v for group in groups.values() for v in group]
    return [
        f" {name}: {_size(group)}" for name, group in {"Total params": everything, **groups}.items()
    ]


def _size(variables: Sequence[Variable]) -> str:
    count = sum(v.value.size for v in variables)
    size = float(sum(v.value.nbytes for v in variables))
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size /= 1024
        unit += 1
    return f"{count:,} ({size:.2f} {_UNITS[unit]})"


def _select(
    entries: list[tuple[Layer, Any]], layer_range: Sequence[str] | None
) -> list[tuple[Layer, Any]]:
    """Return the layers from the first that matches one name to the last that matches the other."""
    if layer_range is None:
        return entries
    layer_range = to_list("layer_range", layer_range)
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ValueError(errors.bad_argument("layer_range", layer_range, "two layer names"))
    names = [layer.name for layer, _ in entries]
    found = [[k for k, x in enumerate(names) if re.match(name, x)] for name in layer_range]
    if not all(found):
        raise ValueError(errors.bad_argument("layer_range", layer_range, f"names among {names}"))
    first, last = sorted((min(found[0]), max(found[1])))
    return entries[first : last + 1]
