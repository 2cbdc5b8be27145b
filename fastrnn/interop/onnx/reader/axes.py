"""Operators of ONNX that move, cut and join arrays: most of them only move the names of axes.

A function takes the reader and the node, and returns the value of the output, or a list of those of
several.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn import layers
from fastrnn.interop.onnx.reader.folding import slices_of
from fastrnn.interop.onnx.reader.node import GraphReader, Node, describe
from fastrnn.interop.onnx.reader.values import UNKNOWN, Constant, Value

Read = Callable[[GraphReader, Node], Any]


def _transpose(reader: GraphReader, node: Node) -> Value:
    value = node.value(0)
    order = node.take("perm", list(range(len(value.axes)))[::-1])
    if sorted(order) != list(range(len(value.axes))):
        raise node.error("onnx_shape", f"perm={order} of {len(value.axes)} axes")
    return value.moved(tuple(value.axes[axis] for axis in order))


def _squeeze(reader: GraphReader, node: Node) -> Value:
    value = node.value(0)
    axes = node.integers(1, "axes")
    names = [] if axes is None else [node.axis(value, axis) for axis in axes]
    if names != ["D"] or value.directions != 1:
        node.refuse("only the axis of a single direction can be squeezed")
    return Value(value.tensors, tuple(axis for axis in value.axes if axis != "D"))


def _unsqueeze(reader: GraphReader, node: Node) -> Value:
    value = node.value(0)
    axes = node.integers(1, "axes") or []
    if len(axes) != 1 or "D" in value.axes:
        node.refuse("only one axis, for the direction of a state, can be put in")
    place = axes[0] % (len(value.axes) + 1)
    return value.moved((*value.axes[:place], "D", *value.axes[place:]))


def _reshape(reader: GraphReader, node: Node) -> Value:
    value, axes = node.value(0), node.value(0).axes
    node.expect("allowzero", 0)
    target = [int(n) for n in node.constant(1, rank=1)]
    lengths = value.lengths()
    kept = [_fits(n, length) for n, length in zip(target, lengths, strict=False)]
    last, features = (target or [0])[-1], lengths[-1]
    if len(target) == len(axes) and all(kept):
        return value
    fewer = len(target) == len(axes) - 1
    if axes[-2:] == ("D", "F") and fewer and all(kept[: len(target) - 1]):
        tensor = _side_by_side(value)
        if last in (-1, tensor.shape[-1]):
            return Value((tensor,), (*axes[:-2], "F"))
    if len(axes) == 3 and axes[2] == "F" and fewer and last == features:
        return value.moved((axes[0] + axes[1], "F"))
    if axes == ("B", "T", "F") and fewer and last in (-1, lengths[1] * features):
        return _flatten_steps(value)
    if axes in (("BT", "F"), ("TB", "F")) and len(target) == 3 and _fits(last, features):
        return value.moved((*axes[0], "F"))
    shape = ["any" if n == UNKNOWN else n for n in target]
    node.refuse(f"{describe(axes)} is given the shape {shape}")


def _fits(n: int, length: int) -> bool:
    """Whether an entry of a target shape leaves an axis as long as it is."""
    return n in (0, -1, UNKNOWN, length) or length == UNKNOWN


def _side_by_side(value: Value) -> Any:
    """Return one tensor with the features of all directions."""
    if value.joined or len(value.tensors) == 1:
        return value.tensor
    return layers.Concatenate(dtype=value.tensors[0].dtype)(list(value.tensors))


def _flatten(reader: GraphReader, node: Node) -> Value:
    value = node.value(0)
    node.expect("axis", 1)
    if value.axes == ("B", "F"):
        return value
    if value.axes != ("B", "T", "F"):
        node.refuse(f"axes {describe(value.axes)}")
    return _flatten_steps(value)


def _flatten_steps(value: Value) -> Value:
    return Value((layers.Flatten(dtype=value.tensor.dtype)(value.tensor),), ("B", "F"))


def _shape(reader: GraphReader, node: Node) -> Constant:
    node.expect("start", 0)
    node.expect("end", None)
    return Constant(np.array(node.value(0).lengths(), np.int64))


# ---- parts ----


def _gather(reader: GraphReader, node: Node) -> Value:
    axis = node.take("axis", 0)
    if isinstance(node.input(0), Constant):
        return _embedding(reader, node, axis)
    value, place = node.value(0), node.constant(1, rank=0)
    name, index = node.axis(value, axis), int(place)
    axes = tuple(other for other in value.axes if other != name)
    if name == "D" and -value.directions <= index < value.directions:
        return Value((value.parts[index],), axes)
    if name == "T":
        return Value(tuple(t[:, index] for t in value.tensors), axes, value.joined)
    node.refuse(f"entry {index} of axis {axis} of {describe(value.axes)}")


def _embedding(reader: GraphReader, node: Node, axis: int) -> Value:
    table, ids = node.constant(0, rank=2), node.value(1)
    if axis != 0 or "F" in ids.axes or table.dtype.kind != "f":
        node.refuse("no table of vectors with integers to look up")
    layer = layers.Embedding(*table.shape, dtype=table.dtype)
    return Value((reader.call(layer, ids.tensor, [table]),), (*ids.axes, "F"))


def _slice(reader: GraphReader, node: Node) -> Value:
    value = node.value(0)
    for axis, part in slices_of(node).items():
        name = node.axis(value, axis)
        if name == "T":
            value = Value(tuple(t[:, part] for t in value.tensors), value.axes, value.joined)
        elif name == "D" and value.parts[part]:
            value = Value(value.parts[part], value.axes)
        elif name == "F" and "D" not in value.axes:
            value = Value((value.tensor[..., part],), value.axes)
        else:
            node.refuse(f"a part of axis {axis} of {describe(value.axes)}")
    return value


def _split(reader: GraphReader, node: Node) -> list[Value]:
    value = node.value(0)
    name = node.axis(value, node.take("axis", 0))
    count = node.expect("num_outputs", len(node.outputs))
    length = dict(zip(value.axes, value.lengths(), strict=True))[name]
    sizes = node.integers(1, "split", [length // count] * count) or []
    if name not in "DF" or sum(sizes) != length or len(sizes) != count or min(sizes) < 1:
        node.refuse(f"the parts {sizes} of {describe(value.axes)}")
    ends = [int(end) for end in np.cumsum(sizes)]
    parts = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    if name == "D":
        return [Value(value.parts[part], value.axes) for part in parts]
    return [Value((node.features(value)[..., part],), value.axes) for part in parts]


def _concat(reader: GraphReader, node: Node) -> Value:
    values = [node.value(k) for k in range(len(node.inputs))]
    axes = values[0].axes
    name = node.axis(values[0], node.take("axis", 0))
    if any(value.axes != axes for value in values):
        node.refuse("arrays with axes in different orders")
    if name == "D":
        return Value(tuple(part for value in values for part in value.parts), axes)
    if name != "F":
        node.refuse(f"arrays are joined along the {describe((name,))}")
    tensors = [node.features(value) for value in values]
    return Value((layers.Concatenate(dtype=tensors[0].dtype)(tensors),), axes)


AXES: dict[str, Read] = {
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Shape": _shape,
    "Gather": _gather,
    "Slice": _slice,
    "Split": _split,
    "Concat": _concat,
}
