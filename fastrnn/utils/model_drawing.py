"""Drawings of models: a box for each call of a layer, and lines between them."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from fastrnn.core import errors
from fastrnn.core.checks import to_choice
from fastrnn.layers.base.graph import Graph
from fastrnn.layers.base.layer import Layer
from fastrnn.layers.base.symbolic import SymbolicTensor
from fastrnn.models.model import Model

_LINE, _CHAR, _PAD, _GAP = 16, 7.5, 10, 36  # pixels
_PIXELS_PER_INCH = 96
_DIRECTIONS = ("TB", "BT", "LR", "RL")

Point = tuple[float, float]


@dataclass(frozen=True)
class Drawing:
    """Boxes and lines with places in pixels, from the upper left.

    Attributes:
        size: width and height of the drawing.
        box_size: width and height of each box.
        boxes: the middle of the top of each box, and its lines of text.
        lines: from where to where each line leads.
    """

    size: Point
    box_size: Point
    boxes: Sequence[tuple[Point, Sequence[str]]]
    lines: Sequence[tuple[Point, Point]]

    def create(self, prog: str | None = None, format: str = "svg") -> bytes:
        """Return the content of a file, as the drawings of pydot do.

        Args:
            prog: accepted: nothing else is run.
            format: ``"svg"``, or one that matplotlib knows: ``"png"``, ``"pdf"``, ….

        Raises:
            ImportError: another format than SVG, and matplotlib is not installed.
        """
        if format == "svg":
            return self.svg().encode()
        content = io.BytesIO()
        self.figure().savefig(content, format=format)
        return content.getvalue()

    def svg(self) -> str:
        """Return the text of an SVG file."""
        size = f'width="{self.size[0]:g}" height="{self.size[1]:g}"'
        style = 'font-family="monospace" font-size="12"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>'
        lines = [
            f'<line x1="{a[0]:g}" y1="{a[1]:g}" x2="{b[0]:g}" y2="{b[1]:g}" stroke="black"/>'
            for a, b in self.lines
        ]
        boxes = [self._svg_box(place, texts) for place, texts in self.boxes]
        return "\n".join([head, *lines, *boxes, "</svg>", ""])

    def _svg_box(self, place: Point, texts: Sequence[str]) -> str:
        (x, y), (width, height) = place, self.box_size
        rectangle = (
            f'<rect x="{x - width / 2:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
            'fill="white" stroke="black"/>'
        )
        rows = [
            f'<text x="{x:g}" y="{y + _PAD + _LINE * (k + 0.75):g}" text-anchor="middle">'
            f"{escape(text, quote=False)}</text>"
            for k, text in enumerate(texts)
        ]
        return "\n".join([rectangle, *rows])

    def figure(self) -> Any:
        """Return the drawing as a figure of matplotlib.

        Raises:
            ImportError: matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
            from matplotlib.patches import Rectangle
        except ImportError as error:
            message = errors.missing_extra("matplotlib", "plot", "plot_model")
            raise ImportError(f"{message} A file that ends in .svg needs nothing.") from error
        (total, high), (width, height) = self.size, self.box_size
        figure = Figure(figsize=(total / _PIXELS_PER_INCH, high / _PIXELS_PER_INCH))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, total), ylim=(high, 0))
        axes.set_axis_off()
        for (x1, y1), (x2, y2) in self.lines:
            axes.plot([x1, x2], [y1, y2], color="black", linewidth=1, zorder=1)
        for (x, y), texts in self.boxes:
            corner = (x - width / 2, y)
            axes.add_patch(
                Rectangle(corner, width, height, facecolor="white", edgecolor="black", zorder=2)
            )
            for k, text in enumerate(texts):
                middle = y + _PAD + _LINE * (k + 0.5)
                style: Any = {"ha": "center", "va": "center", "fontsize": 9, "family": "monospace"}
                axes.text(x, middle, text.replace("$", r"\$"), zorder=3, **style)
        return figure


def plot_model(
    model: Model,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> str:
    """Draw the calls of a model's layers into a file, without graphviz.

    Each call of a layer is a box, behind the boxes whose outputs it takes; a line leads from each
    of them.

    Args:
        model: a built ``Sequential`` or functional model.
        to_file: path: ``.svg``, or an ending that matplotlib knows, such as ``.png``.
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what
            stands in the boxes beside the layers' classes.
        rankdir: from where to where: ``"TB"`` top to bottom, ``"BT"``, ``"LR"`` or ``"RL"``.
        expand_nested: whether the layers of models inside the model are drawn in their place.
        dpi: dots per inch, for files of pixels.
        splines: accepted: lines are straight.

    Returns:
        The path, as text.

    Raises:
        ImportError: matplotlib, the extra ``plot``, is not installed, and the file is no ``.svg``.
        ValueError: another ``rankdir``, or a model without shapes; nothing is written then.

    >>> import pathlib, tempfile
    >>> import fastrnn
    >>> model = fastrnn.Sequential([fastrnn.Input((5, 2)), fastrnn.layers.LSTM(3)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = fastrnn.utils.plot_model(model, f"{folder}/model.svg", show_shapes=True)
    ...     print("(None, 3)" in pathlib.Path(path).read_text())
    True
    """
    drawing = model_to_dot(
        model,
        show_shapes,
        show_dtype,
        show_layer_names,
        rankdir,
        expand_nested,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
    )
    path = Path(to_file)
    if path.suffix.lower() == ".svg":
        path.write_text(drawing.svg(), encoding="utf-8")
        return str(path)
    figure = drawing.figure()
    known = figure.canvas.get_supported_filetypes()
    kind = path.suffix.lower().removeprefix(".") or "png"
    if kind not in known:
        raise ValueError(errors.not_one_of("to_file", str(to_file), known))
    path = path.with_suffix(f".{kind}")
    figure.savefig(path, dpi=dpi, format=kind)
    return str(path)


def model_to_dot(
    model: Model,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Drawing:
    """Return the drawing that ``plot_model`` writes: ``create(format="svg")`` gives its bytes.

    Args:
        dpi, subgraph, splines: accepted.
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested,
            show_layer_activations, show_trainable: see ``plot_model``.

    Raises:
        ValueError: as ``plot_model``.
    """
    to_choice("rankdir", rankdir, _DIRECTIONS)
    inputs, outputs = (getattr(model, name, None) for name in ("inputs", "outputs"))
    if not (inputs and outputs):
        expected = "a built Sequential or functional model"
        raise ValueError(errors.bad_argument("model", model, expected))
    shown = {
        "shape": show_shapes,
        "dtype": show_dtype,
        "name": show_layer_names,
        "activation": show_layer_activations,
        "trainable": show_trainable,
    }
    calls = _Calls(shown, expand_nested)
    for tensor in inputs:
        calls.add_input(tensor)
    calls.add(Graph(inputs, outputs))
    return _laid_out(calls, rankdir)


class _Calls:
    """The boxes of a drawing in their order: their texts, and how far they are from the inputs."""

    def __init__(self, shown: dict[str, bool], expand_nested: bool) -> None:
        self.shown, self.expand = shown, expand_nested
        self.texts: list[list[str]] = []
        self.depths: list[int] = []
        self.edges: list[tuple[int, int]] = []
        self._boxes: dict[int, int] = {}  # the box that gives a tensor

    def add_input(self, tensor: SymbolicTensor) -> None:
        """Append the box of an input."""
        self._append("InputLayer", tensor.name, [tensor], None, 0)

    def add(self, graph: Graph) -> None:
        """Append the boxes of calls, whose inputs have boxes."""
        for node in graph.nodes:
            layer, tensors = node.layer, node.tensors
            inner = getattr(layer, "inputs", None) if self.expand else None
            if inner:
                for mine, given in zip(inner, tensors, strict=True):
                    self._boxes[id(mine)] = self._boxes[id(given)]
                model: Any = layer
                self.add(Graph(inner, model.outputs))
                for mine, made in zip(model.outputs, node.outputs, strict=True):
                    self._boxes[id(made)] = self._boxes[id(mine)]
                continue
            sources = [self._boxes[id(tensor)] for tensor in tensors]
            depth = 1 + max(self.depths[source] for source in sources)
            self._append(layer.class_name, layer.name, node.outputs, layer, depth)
            self.edges += [(source, len(self.texts) - 1) for source in sources]

    def _append(
        self,
        kind: str,
        name: str,
        tensors: Sequence[SymbolicTensor],
        layer: Layer | None,
        depth: int,
    ) -> None:
        self._boxes |= dict.fromkeys(map(id, tensors), len(self.texts))
        self.texts.append(_label(kind, name, tensors, layer, self.shown))
        self.depths.append(depth)


def _label(
    kind: str,
    name: str,
    tensors: Sequence[SymbolicTensor],
    layer: Layer | None,
    shown: dict[str, bool],
) -> list[str]:
    """Return the lines of text in a box."""
    shapes = ", ".join(str(tensor.shape) for tensor in tensors)
    activation = None if layer is None else layer.get_config().get("activation")
    texts = {
        "name": name,
        "activation": activation and f"activation: {activation}",
        "shape": f"output: {shapes}",
        "dtype": f"dtype: {tensors[0].dtype}",
        "trainable": None if layer is None else f"trainable: {layer.trainable}",
    }
    return [kind, *[str(text) for key, text in texts.items() if shown[key] and text]]


def _laid_out(calls: _Calls, rankdir: str) -> Drawing:
    """Give every box a place: a rank for each depth, the boxes of a rank side by side."""
    ranks = [
        [box for box, depth in enumerate(calls.depths) if depth == k]
        for k in range(max(calls.depths) + 1)
    ]
    width = 2 * _PAD + _CHAR * max(len(line) for texts in calls.texts for line in texts)
    height = 2 * _PAD + _LINE * max(map(len, calls.texts))
    sideways, backwards = rankdir in ("LR", "RL"), rankdir in ("BT", "RL")
    # Along the ranks, and across them.
    along, across = (width, height) if sideways else (height, width)
    total = max(map(len, ranks)) * (across + _GAP) + _GAP
    length = len(ranks) * (along + _GAP) + _GAP
    tops: dict[int, Point] = {}
    for number, rank in enumerate(ranks):
        start = _GAP + number * (along + _GAP)
        start = length - start - along if backwards else start
        for k, box in enumerate(rank):
            middle = total * (2 * k + 1) / (2 * len(rank))
            tops[box] = (start + width / 2, middle - height / 2) if sideways else (middle, start)
    step = -1 if backwards else 1

    def end(box: int, side: int) -> Point:
        x, y = tops[box]
        middle = y + height / 2
        return (x + side * width / 2, middle) if sideways else (x, middle + side * height / 2)

    return Drawing(
        (length, total) if sideways else (total, length),
        (width, height),
        [(tops[box], texts) for box, texts in enumerate(calls.texts)],
        [(end(a, step), end(b, -step)) for a, b in calls.edges],
    )
