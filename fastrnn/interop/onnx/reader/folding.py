"""Operators on constants: the little arithmetic of shapes that exporters leave in a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn.interop.onnx.reader.node import Node
from fastrnn.interop.onnx.reader.values import Constant, Fill
from fastrnn.typing import Array

# Entries of what is computed here: shapes have few, and a file cannot make them many.
_LARGEST = 64


def _concat(node: Node) -> Array:
    arrays = [node.constant(k) for k in range(len(node.inputs))]
    return np.concatenate(arrays, axis=node.take("axis", 0))


def _gather(node: Node) -> Array:
    return np.take(node.constant(0), node.constant(1), axis=node.take("axis", 0))


def _squeeze(node: Node) -> Array:
    axes = node.integers(1, "axes")
    return np.squeeze(node.constant(0), None if axes is None else tuple(axes))


def _unsqueeze(node: Node) -> Array:
    return np.expand_dims(node.constant(0), tuple(node.integers(1, "axes") or ()))


def _slice(node: Node) -> Array:
    key = [slice(None)] * node.constant(0).ndim
    for axis, part in slices_of(node).items():
        key[axis] = part
    return node.constant(0)[tuple(key)]


def _cast(node: Node) -> Array:
    return node.constant(0).astype(node.take_dtype())


_FOLDED: dict[str, Callable[[Node], Array]] = {
    "Concat": _concat,
    "Gather": _gather,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Slice": _slice,
    "Cast": _cast,
    "Identity": lambda node: node.constant(0),
}
# Operators that leave an array of one number one of that number.
_KEEP = ("Identity", "Slice", "Expand", "Squeeze", "Unsqueeze", "Concat", "Reshape")


def slices_of(node: Node) -> dict[int, slice]:
    """Return the slice of each axis that a Slice node cuts."""
    starts, ends = node.integers(1, "starts") or [], node.integers(2, "ends") or []
    axes = node.integers(3, "axes", list(range(len(starts)))) or []
    steps = node.integers(4, "steps", [1] * len(starts)) or []
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise node.error("onnx_shape", "starts, ends, axes and steps do not fit each other")
    return {
        axis: slice(*_bounds(start, end, step), step)
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True)
    }


def _bounds(start: int, end: int, step: int) -> tuple[int | None, int | None]:
    """Return bounds of a slice, ``None`` for the far numbers that mean the ends of an axis."""
    far = (2**31 - 1) * (1 if step > 0 else -1)
    at_start, at_end = start * far < 0 and abs(start) >= abs(far), end * far > 0
    return None if at_start else start, None if at_end and abs(end) >= abs(far) else end


def fold(node: Node) -> Constant | Fill | None:
    """Return what a node gives whose inputs are constants, or ``None`` if it is no such node."""
    given = [value for value in node.inputs if value is not None]
    first = node.input(0)
    if node.operator == "ConstantOfShape":
        fill = node.take("value", None)
        return Fill(0.0 if fill is None else _sole_number(node, fill))
    if node.operator == "Constant":
        return _constant(node)
    if node.operator in _KEEP and isinstance(first, Fill):
        for name in ("axis", "axes", "starts", "ends", "allowzero"):
            node.take(name, None)
        same = all(value == first for value in given if isinstance(value, Fill))
        return first if same else node.refuse("arrays of two numbers are joined")
    if not given or not all(isinstance(value, Constant) for value in given):
        if node.operator == "Expand" and isinstance(first, Constant):
            node.refuse("the shape is no constant")
        return None
    if node.operator == "Expand":
        array = node.constant(0)
        if array.size == 0 or np.ptp(array) != 0:
            node.refuse("a constant of different numbers is repeated")
        return Fill(float(array.flat[0]))
    if node.operator not in _FOLDED:
        return None
    if sum(value.array.size for value in given) > _LARGEST and node.operator != "Identity":
        node.refuse("arithmetic of large constants")
    try:
        return Constant(_FOLDED[node.operator](node))
    except (ValueError, IndexError, TypeError) as error:
        raise node.error("onnx_shape", str(error)[:200]) from error


def _sole_number(node: Node, tensor: Any) -> float:
    import onnx

    array = onnx.numpy_helper.to_array(tensor)
    if array.size != 1:
        raise node.error("onnx_shape", "a value of more than one number")
    return float(array.flat[0])


def _constant(node: Node) -> Constant:
    import onnx

    for name, dtype in (("value_float", "float32"), ("value_int", "int64")):
        for attribute in (name, f"{name}s"):
            number = node.take(attribute, None)
            if number is not None:
                return Constant(np.asarray(number, dtype))
    tensor = node.take("value", None)
    if tensor is None:
        node.refuse("no value")
    return Constant(np.asarray(onnx.numpy_helper.to_array(tensor)))
