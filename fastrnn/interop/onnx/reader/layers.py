"""Operators of ONNX that compute, but for the recurrent ones, as layers of ours.

A function takes the reader and the node, and returns the value of the output, or a list of those of
several.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn import layers, ops
from fastrnn.interop.onnx.operators import ACTIVATIONS, name_of
from fastrnn.interop.onnx.reader.axes import Read
from fastrnn.interop.onnx.reader.node import GraphReader, Node, describe
from fastrnn.interop.onnx.reader.values import Value
from fastrnn.typing import Array


def _matmul(reader: GraphReader, node: Node) -> Value:
    value, kernel = node.value(0), node.constant(1, rank=2)
    bias = reader.take_bias(node, kernel.shape[1])
    return _dense(reader, node, value, kernel, bias)


def _gemm(reader: GraphReader, node: Node) -> Value:
    for name, number in (("alpha", 1.0), ("beta", 1.0), ("transA", 0)):
        node.expect(name, number)
    value, kernel = node.value(0), node.constant(1, rank=2)
    if len(value.axes) != 2:
        node.refuse(f"axes {describe(value.axes)}")
    kernel = kernel.T if node.expect("transB", 0, 1) else kernel
    bias = None
    if node.input(2) is not None:
        bias = np.broadcast_to(node.constant(2), (1, kernel.shape[1]))[0]
    return _dense(reader, node, value, kernel, bias)


def _dense(
    reader: GraphReader, node: Node, value: Value, kernel: Array, bias: Array | None
) -> Value:
    x = node.features(value)
    reader.check_lengths(node, x.shape[-1], kernel.shape[0])
    layer = layers.Dense(kernel.shape[1], use_bias=bias is not None, dtype=kernel.dtype)
    weights = [kernel] if bias is None else [kernel, bias]
    return Value((reader.call(layer, x, weights),), value.axes)


def _activation(reader: GraphReader, node: Node) -> Value:
    value = node.value(0)
    given = {name: node.take(name, None) for name in ("alpha", "beta", "gamma")}
    numbers = {name: number for name, number in given.items() if number is not None}
    name = name_of(node.operator, numbers, ACTIVATIONS)
    if name is None:
        node.refuse(f"{numbers or 'default attributes'}: Keras's has others")
    if name in ("softmax", "log_softmax"):
        axis = node.take("axis", -1 if node.opset >= 13 else 1)
        if node.axis(value, axis) != "F" or (node.opset < 13 and len(value.axes) > 2):
            node.refuse("another axis than that of the features")
        node.features(value)
    tensors = [layers.Activation(name, dtype=t.dtype)(t) for t in value.tensors]
    return Value(tuple(tensors), value.axes, value.joined)


def _same(reader: GraphReader, node: Node) -> Any:
    return node.input(0)


def _dropout(reader: GraphReader, node: Node) -> Any:
    node.take("ratio", 0)
    node.take("seed", 0)
    if node.input(2) is not None and np.any(node.constant(2)):
        node.refuse("a model that is being trained")
    if len(node.outputs) > 1:
        node.refuse("a mask as output")
    return node.input(0)


def _cast(reader: GraphReader, node: Node) -> Any:
    value, to = node.value(0), node.take_dtype()
    # Each of our layers converts its inputs itself: to floats, an Embedding to integers.
    if to in ("int32", "int64") and "F" not in value.axes:
        return value
    if to not in ("float32", "float64"):
        node.refuse(f"values become {to}")
    return value


# The layer of two arrays, if there is one, and the operation.
_MERGES: dict[str, tuple[Any, str]] = {
    "Add": (layers.Add, "add"),
    "Sub": (layers.Subtract, "subtract"),
    "Mul": (layers.Multiply, "multiply"),
    "Div": (None, "true_divide"),
}


def _arithmetic(reader: GraphReader, node: Node) -> Value:
    merge, name = _MERGES[node.operator]
    pair = [node.input(0), node.input(1)]
    values = [value for value in pair if isinstance(value, Value)]
    if any("D" in value.axes for value in values) or values[0].axes != values[-1].axes:
        node.refuse("arrays with axes in different orders, or of several directions")
    tensors = [value.tensor for value in values]
    operation = getattr(ops, name)
    if len(values) == 2:
        if tensors[0].shape != tensors[1].shape:
            node.refuse("arrays of different shapes")
        merged = operation(*tensors) if merge is None else merge(dtype=tensors[0].dtype)(tensors)
        return Value((merged,), values[0].axes)
    place = 0 if isinstance(pair[1], Value) else 1
    array = node.constant(place)
    if array.size != 1:
        node.refuse("a constant array that is no bias behind a MatMul")
    operands = [tensors[0], float(array.flat[0])]
    return Value((operation(*(operands if place else operands[::-1])),), values[0].axes)


# Where ONNX's axis 1 stands among our axes.
_CHANNELS = {("B", "F"): -1, ("B", "F", "T"): -1, ("B", "T", "F"): 1}


_MERGES_OF_MANY = {
    "Sum": layers.Add,
    "Mean": layers.Average,
    "Max": layers.Maximum,
    "Min": layers.Minimum,
}


def _merge(reader: GraphReader, node: Node) -> Value:
    values = [node.value(k) for k in range(len(node.inputs))]
    kinds = {(value.axes, value.tensors[0].shape) for value in values}
    if len(kinds) > 1 or "D" in values[0].axes:
        node.refuse("arrays of different shapes, or of several directions")
    layer = _MERGES_OF_MANY[node.operator](dtype=values[0].tensor.dtype)
    return Value((layer([value.tensor for value in values]),), values[0].axes)


def _repeat(reader: GraphReader, node: Node) -> Value:
    """A sample again and again: an axis that was put in, which becomes that of the steps."""
    value = node.value(0)
    counts = [int(n) for n in node.constant(1, rank=1)]
    others = [n for k, n in enumerate(counts) if k != 1]
    if value.axes != ("B", "D", "F") or value.directions != 1 or others != [1, 1]:
        node.refuse(f"{describe(value.axes)} is repeated {counts} times")
    layer = layers.RepeatVector(counts[1], dtype=value.tensors[0].dtype)
    return Value((layer(value.tensors[0]),), ("B", "T", "F"))


def _batch_normalization(reader: GraphReader, node: Node) -> Value:
    value = node.value(0)
    weights = [node.constant(k, rank=1) for k in range(1, 5)]
    node.expect("training_mode", 0)
    node.expect("spatial", 1)
    options = {"momentum": node.take("momentum", 0.9), "epsilon": node.take("epsilon", 1e-5)}
    axis = _CHANNELS.get(value.axes)
    if axis is None or len(node.outputs) > 1:
        node.refuse(f"axes {describe(value.axes)}, or training")
    reader.check_lengths(node, value.tensor.shape[axis], weights[0].size)
    layer = layers.BatchNormalization(axis, dtype=weights[0].dtype, **options)
    return Value((reader.call(layer, value.tensor, weights),), value.axes)


def _layer_normalization(reader: GraphReader, node: Node) -> Value:
    value, x = node.value(0), node.features(node.value(0))
    node.expect("stash_type", 1)
    first, epsilon = node.take("axis", -1), node.take("epsilon", 1e-5)
    node.axis(value, first)
    over = value.axes[first:]
    if over != ("F",) and (value.axes, over) != (("B", "T", "F"), ("T", "F")):
        node.refuse(f"over the axes {describe(over)} of {describe(value.axes)}")
    weights = [node.constant(1, rank=len(over))]
    if node.input(2) is not None:
        weights.append(node.constant(2, rank=len(over)))
    reader.check_lengths(node, x.shape[-len(over) :], weights[0].shape)
    layer = layers.LayerNormalization(
        -1 if len(over) == 1 else [1, 2],
        epsilon=epsilon,
        center=len(weights) == 2,
        dtype=weights[0].dtype,
    )
    return Value((reader.call(layer, x, weights),), value.axes)


_OVER_DIRECTIONS = {
    "ReduceSum": layers.Add,
    "ReduceMean": layers.Average,
    "ReduceProd": layers.Multiply,
    "ReduceMax": layers.Maximum,
}
_OVER_TIME = {"ReduceMean": layers.GlobalAveragePooling1D, "ReduceMax": layers.GlobalMaxPooling1D}


def _reduce(reader: GraphReader, node: Node) -> Value:
    value = node.value(0)
    node.expect("noop_with_empty_axes", 0)
    axes = node.integers(1, "axes") or []
    names = [node.axis(value, axis) for axis in axes]
    if node.take("keepdims", 1) or len(names) != 1:
        node.refuse("more than one axis, or axes that are kept")
    left = tuple(axis for axis in value.axes if axis != names[0])
    dtype = value.tensors[0].dtype
    if names == ["D"] and value.directions > 1:
        return Value((_OVER_DIRECTIONS[node.operator](dtype=dtype)(list(value.parts)),), left)
    if names == ["T"] and node.operator in _OVER_TIME and "D" not in value.axes:
        return Value((_OVER_TIME[node.operator](dtype=dtype)(value.tensor),), left)
    node.refuse(f"axes {describe(tuple(names))}")


LAYERS: dict[str, Read] = {
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Identity": _same,
    "Dropout": _dropout,
    "Cast": _cast,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "Expand": _repeat,
    "Tile": _repeat,
    **dict.fromkeys(_MERGES, _arithmetic),
    **dict.fromkeys(_MERGES_OF_MANY, _merge),
    **dict.fromkeys(_OVER_DIRECTIONS, _reduce),
    **{operator: _activation for operator, _ in ACTIVATIONS.values() if operator != "Identity"},
}
