"""Operations in ONNX, where that is more than an operator of the same arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn.layers.base.capabilities import OnnxGraph, not_in_onnx
from fastrnn.layers.base.symbolic import Node


def _get_item(layer: Any, graph: OnnxGraph, inputs: list[str], call: Node) -> str:
    """Append an operator for each slice, then for each integer."""
    key = list(layer.key)
    if len(inputs) > 1 or None in key or any(isinstance(entry, np.ndarray) for entry in key):
        raise ValueError(not_in_onnx(layer, "such an index", "integers and slices"))
    if Ellipsis in key:
        place = key.index(Ellipsis)
        missing = len(call.tensors[0].shape) - len(key) + 1
        key[place : place + 1] = [slice(None)] * missing
    name = inputs[0]
    for axis, entry in enumerate(key):
        if isinstance(entry, slice) and entry != slice(None):
            bounds = [graph.constant([n]) for n in _bounds(entry, axis)]
            name = graph.node("Slice", [name, *bounds])
    for axis, entry in reversed(list(enumerate(key))):
        if not isinstance(entry, slice):
            name = graph.node("Gather", [name, graph.constant(np.int64(entry))], axis=axis)
    return name


def _bounds(entry: slice, axis: int) -> tuple[int, int, int, int]:
    """Return start, stop, axis and step as ONNX's operator Slice takes them."""
    step, far = 1 if entry.step is None else entry.step, 2**31 - 1
    start, stop = (0, far) if step > 0 else (far, -far)
    start = start if entry.start is None else entry.start
    return start, stop if entry.stop is None else entry.stop, axis, step


# (layer, graph, names of the tensors, call) -> name of the result.
WRITERS: dict[str, Callable[[Any, OnnxGraph, list[str], Node], str]] = {"get_item": _get_item}
