"""The operators of ONNX that are no recurrent ones, as layers of ours.

A function takes the reader and the node, and returns the value of the output, or a list of those of
several.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastrnn import layers
from fastrnn.layers.operators import Arithmetic
from fastrnn.saving.onnx.folding import slices_of
from fastrnn.saving.onnx.node import Node, describe
from fastrnn.saving.onnx.operators import ACTIVATIONS, name_of
from fastrnn.saving.onnx.values import UNKNOWN, Constant, Value

if TYPE_CHECKING:
    from fastrnn.saving.onnx.reading import Reader

Read = Callable[["Reader", Node], Any]


# ---- axes ----


def _transpose(reader: Reader, node: Node) -> Value:
    value = node.value(0)
    order = node.take("perm", list(range(len(value.axes)))[::-1])
    if sorted(order) != list(range(len(value.axes))):
        raise node.error("onnx_shape", f"perm={order} of {len(value.axes)} axes")
    return value.moved(tuple(value.axes[axis] for axis in order))


def _squeeze(reader: Reader, node: Node) -> Value:
    value = node.value(0)
    axes = node.integers(1, "axes")
    names = [] if axes is None else [node.axis(value, axis) for axis in axes]
    if names != ["D"] or value.directions != 1:
        node.refuse("only the axis of a single direction can be squeezed")
    return Value(value.tensors, tuple(axis for axis in value.axes if axis != "D"))


def _unsqueeze(reader: Reader, node: Node) -> Value:
    value = node.value(0)
    axes = node.integers(1, "axes") or []
    if len(axes) != 1 or "D" in value.axes:
        node.refuse("only one axis, for the direction of a state, can be put in")
    place = axes[0] % (len(value.axes) + 1)
    return value.moved((*value.axes[:place], "D", *value.axes[place:]))


def _reshape(reader: Reader, node: Node) -> Value:
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


def _flatten(reader: Reader, node: Node) -> Value:
    value = node.value(0)
    node.expect("axis", 1)
    if value.axes == ("B", "F"):
        return value
    if value.axes != ("B", "T", "F"):
        node.refuse(f"axes {describe(value.axes)}")
    return _flatten_steps(value)


def _flatten_steps(value: Value) -> Value:
    return Value((layers.Flatten(dtype=value.tensor.dtype)(value.tensor),), ("B", "F"))


def _shape(reader: Reader, node: Node) -> Constant:
    node.expect("start", 0)
    node.expect("end", None)
    return Constant(np.array(node.value(0).lengths(), np.int64))


# ---- parts ----


def _gather(reader: Reader, node: Node) -> Value:
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


def _embedding(reader: Reader, node: Node, axis: int) -> Value:
    table, ids = node.constant(0, rank=2), node.value(1)
    if axis != 0 or "F" in ids.axes or table.dtype.kind != "f":
        node.refuse("no table of vectors with integers to look up")
    layer = layers.Embedding(*table.shape, dtype=table.dtype)
    return Value((reader.call(layer, ids.tensor, [table]),), (*ids.axes, "F"))


def _slice(reader: Reader, node: Node) -> Value:
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


def _split(reader: Reader, node: Node) -> list[Value]:
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


def _concat(reader: Reader, node: Node) -> Value:
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


# ---- layers ----


def _matmul(reader: Reader, node: Node) -> Value:
    value, kernel = node.value(0), node.constant(1, rank=2)
    bias = reader.take_bias(node, kernel.shape[1])
    return _dense(reader, node, value, kernel, bias)


def _gemm(reader: Reader, node: Node) -> Value:
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


def _dense(reader: Reader, node: Node, value: Value, kernel: Any, bias: Any) -> Value:
    x = node.features(value)
    reader.check_lengths(node, x.shape[-1], kernel.shape[0])
    layer = layers.Dense(kernel.shape[1], use_bias=bias is not None, dtype=kernel.dtype)
    weights = [kernel] if bias is None else [kernel, bias]
    return Value((reader.call(layer, x, weights),), value.axes)


def _activation(reader: Reader, node: Node) -> Value:
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


def _same(reader: Reader, node: Node) -> Any:
    return node.input(0)


def _dropout(reader: Reader, node: Node) -> Any:
    node.take("ratio", 0)
    node.take("seed", 0)
    if node.input(2) is not None and np.any(node.constant(2)):
        node.refuse("a model that is being trained")
    if len(node.outputs) > 1:
        node.refuse("a mask as output")
    return node.input(0)


def _cast(reader: Reader, node: Node) -> Any:
    value, to = node.value(0), node.take_dtype()
    # Each of our layers converts its inputs itself: to floats, an Embedding to integers.
    if to in ("int32", "int64") and "F" not in value.axes:
        return value
    if to not in ("float32", "float64"):
        node.refuse(f"values become {to}")
    return value


_MERGES: dict[str, tuple[Any, str]] = {
    "Add": (layers.Add, "add"),
    "Sub": (layers.Subtract, "subtract"),
    "Mul": (layers.Multiply, "multiply"),
    "Div": (None, "true_divide"),
}


def _arithmetic(reader: Reader, node: Node) -> Value:
    merge, operation = _MERGES[node.operator]
    pair = [node.input(0), node.input(1)]
    values = [value for value in pair if isinstance(value, Value)]
    if any("D" in value.axes for value in values) or values[0].axes != values[-1].axes:
        node.refuse("arrays with axes in different orders, or of several directions")
    tensors = [value.tensor for value in values]
    if len(values) == 2:
        if tensors[0].shape != tensors[1].shape:
            node.refuse("arrays of different shapes")
        dtype = tensors[0].dtype
        layer = Arithmetic(operation, dtype=dtype) if merge is None else merge(dtype=dtype)
        return Value((layer(tensors),), values[0].axes)
    side = "left" if isinstance(pair[1], Value) else "right"
    array = node.constant(0 if side == "left" else 1)
    if array.size != 1:
        node.refuse("a constant array that is no bias behind a MatMul")
    options: Any = {side: float(array.flat[0]), "dtype": tensors[0].dtype}
    return Value((Arithmetic(operation, **options)(tensors[0]),), values[0].axes)


# Where ONNX's axis 1 stands among our axes.
_CHANNELS = {("B", "F"): -1, ("B", "F", "T"): -1, ("B", "T", "F"): 1}


_MERGES_OF_MANY = {
    "Sum": layers.Add,
    "Mean": layers.Average,
    "Max": layers.Maximum,
    "Min": layers.Minimum,
}


def _merge(reader: Reader, node: Node) -> Value:
    values = [node.value(k) for k in range(len(node.inputs))]
    kinds = {(value.axes, value.tensors[0].shape) for value in values}
    if len(kinds) > 1 or "D" in values[0].axes:
        node.refuse("arrays of different shapes, or of several directions")
    layer = _MERGES_OF_MANY[node.operator](dtype=values[0].tensor.dtype)
    return Value((layer([value.tensor for value in values]),), values[0].axes)


def _repeat(reader: Reader, node: Node) -> Value:
    """A sample again and again: an axis that was put in, which becomes that of the steps."""
    value = node.value(0)
    counts = [int(n) for n in node.constant(1, rank=1)]
    others = [n for k, n in enumerate(counts) if k != 1]
    if value.axes != ("B", "D", "F") or value.directions != 1 or others != [1, 1]:
        node.refuse(f"{describe(value.axes)} is repeated {counts} times")
    layer = layers.RepeatVector(counts[1], dtype=value.tensors[0].dtype)
    return Value((layer(value.tensors[0]),), ("B", "T", "F"))


def _batch_normalization(reader: Reader, node: Node) -> Value:
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


def _layer_normalization(reader: Reader, node: Node) -> Value:
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


def _reduce(reader: Reader, node: Node) -> Value:
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


READERS: dict[str, Read] = {
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
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Identity": _same,
    "Dropout": _dropout,
    "Cast": _cast,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    **dict.fromkeys(_MERGES, _arithmetic),
    "Expand": _repeat,
    "Tile": _repeat,
    **dict.fromkeys(_MERGES_OF_MANY, _merge),
    **dict.fromkeys(_OVER_DIRECTIONS, _reduce),
    **{operator: _activation for operator, _ in ACTIVATIONS.values() if operator != "Identity"},
}
