"""Drawings: a model as boxes and lines, a history as curves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from fastrnn.core import errors
from fastrnn.layers.base.graph import Graph
from fastrnn.layers.base.layer import Layer
from fastrnn.layers.base.symbolic import SymbolicTensor
from fastrnn.models.model import Model

_LINE, _CHAR, _PAD, _GAP = 16, 7.5, 10, 36  # pixels


def plot_model(
    model: Model,
    to_file: str | os.PathLike[str] = "model.svg",
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
    """Draw the calls of a model's layers into an SVG file, without graphviz.

    Each call of a layer is a box, below the boxes whose outputs it takes; a line leads from each of
    them.

    Args:
        model: a built ``Sequential`` or functional model.
        to_file: path, ending in ``.svg``.
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what
            stands in the boxes beside the layers' classes.
        rankdir: ``"TB"``: from the top to the bottom.
        expand_nested: must be False: a model inside the model is one box.
        dpi, splines: accepted; they have no effect on an SVG file of straight lines.

    Returns:
        The path, as text.

    Raises:
        ValueError: another ending, ``rankdir`` or ``expand_nested``, or a model without shapes;
            nothing is written then.

    >>> import pathlib, tempfile
    >>> import fastrnn
    >>> model = fastrnn.Sequential([fastrnn.Input((5, 2)), fastrnn.layers.LSTM(3)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = fastrnn.utils.plot_model(model, f"{folder}/model.svg", show_shapes=True)
    ...     print("(None, 3)" in pathlib.Path(path).read_text())
    True
    """
    path = Path(to_file)
    if path.suffix.lower() != ".svg":
        raise ValueError(errors.bad_argument("to_file", str(to_file), "a file that ends in .svg"))
    if rankdir != "TB":
        raise ValueError(errors.bad_argument("rankdir", rankdir, "'TB'"))
    if expand_nested:
        raise ValueError(errors.bad_argument("expand_nested", expand_nested, "False"))
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
    path.write_text(_svg(Graph(inputs, outputs), shown), encoding="utf-8")
    return str(path)


def _svg(graph: Graph, shown: dict[str, bool]) -> str:
    """Return the text of the drawing."""
    given = {id(tensor) for tensor in graph.inputs}
    depth, labels = {}, {}
    for tensor in graph.inputs:
        depth[id(tensor)] = 0
        labels[id(tensor)] = _label("InputLayer", tensor.name, [tensor], None, shown)
    edges = []
    for node in graph.nodes:
        sources = [id(t) if id(t) in given else id(t.node) for t in node.tensors]
        depth[id(node)] = 1 + max(depth[source] for source in sources)
        layer = node.layer
        labels[id(node)] = _label(layer.class_name, layer.name, node.outputs, layer, shown)
        edges += [(source, id(node)) for source in sources]
    rows = [[key for key in depth if depth[key] == k] for k in range(max(depth.values()) + 1)]
    width = 2 * _PAD + _CHAR * max(len(line) for lines in labels.values() for line in lines)
    height = 2 * _PAD + _LINE * max(map(len, labels.values()))
    total = max(map(len, rows)) * (width + _GAP) + _GAP
    place = {
        key: (total * (2 * k + 1) / (2 * len(row)), _GAP + r * (height + _GAP))
        for r, row in enumerate(rows)
        for k, key in enumerate(row)
    }
    lines = [_line(place[a][0], place[a][1] + height, place[b][0], place[b][1]) for a, b in edges]
    boxes = [_box(*place[key], width, height, labels[key]) for key in labels]
    size = f'width="{total:g}" height="{len(rows) * (height + _GAP) + _GAP:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="monospace" font-size="12">'
    return "\n".join([head, *lines, *boxes, "</svg>", ""])


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


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="black"/>'


def _box(x: float, y: float, width: float, height: float, lines: list[str]) -> str:
    """Return a box with lines of text; ``x`` is its middle, ``y`` its top."""
    rectangle = (
        f'<rect x="{x - width / 2:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
        'fill="white" stroke="black"/>'
    )
    texts = [
        f'<text x="{x:g}" y="{y + _PAD + _LINE * (k + 0.75):g}" text-anchor="middle">'
        f"{escape(line, quote=False)}</text>"
        for k, line in enumerate(lines)
    ]
    return "\n".join([rectangle, *texts])


def plot_history(history: object, path: str | os.PathLike[str] | None = None) -> Any:
    """Draw loss and metrics over the epochs, each beside its validation.

    Args:
        history: what ``fit`` returned, or its ``history``, a dict of lists.
        path: file for the drawing, of an ending that matplotlib knows; ``None`` writes none.

    Returns:
        The figure of matplotlib.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: nothing has been recorded.
    """
    logs = getattr(history, "history", history)
    if not isinstance(logs, dict) or not logs:
        raise ValueError(errors.bad_argument("history", history, "what `fit` returned"))
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(errors.missing_extra("matplotlib", "plot", "plot_history")) from error
    names = list(dict.fromkeys(name.removeprefix("val_") for name in logs))
    figure = Figure(figsize=(7, 3 * len(names)), layout="constrained")
    panels = figure.subplots(len(names), squeeze=False)[:, 0]
    for name, axes in zip(names, panels, strict=True):
        for key in (name, f"val_{name}"):
            if key in logs:
                axes.plot(range(1, len(logs[key]) + 1), logs[key], label=key)
        axes.set(xlabel="epoch", ylabel=name)
        axes.legend()
    if path is not None:
        figure.savefig(path)
    return figure
