"""What each layer computes outside training, as nodes of ONNX. Batches come first throughout.

A function takes the writer, the layer, the names of its inputs and the call, and returns the names
of the outputs. ONNX's recurrent operators take (timesteps, batch, features): common runtimes do
not have its other layout.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from fastrnn import layers
from fastrnn.interop.directions import directions_of
from fastrnn.interop.onnx.operators import CELL_ACTIVATIONS, CELL_OPERATORS
from fastrnn.interop.onnx.recurrent_weights import to_onnx
from fastrnn.interop.onnx.writer.graph import Write, Writer, unwritable, writer_of
from fastrnn.layers.base.symbolic import Node
from fastrnn.layers.merging.operators import Arithmetic, GetItem
from fastrnn.layers.rnn.base import RecurrentLayer


def _dense(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    name = writer.node("MatMul", [inputs[0], writer.weight(layer.kernel)])
    if layer.bias is not None:
        name = writer.node("Add", [name, writer.weight(layer.bias)])
    return [writer.activate(layer.activation, name, layer)]


def _activation(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    return [writer.activate(layer.activation, inputs[0], layer)]


def _nothing(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    return inputs


def _embedding(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    if layer.mask_zero:
        raise ValueError(unwritable(layer, "mask_zero=True", "mask_zero=False: it has no masks"))
    return [writer.node("Gather", [writer.weight(layer.embeddings), inputs[0]], axis=0)]


def _masking(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    raise ValueError(unwritable(layer, "Masking", "no masks"))


def _layer_normalization(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    rank = len(node.tensors[0].shape)
    axes = layer.axis if isinstance(layer.axis, list) else [layer.axis]
    if [axis % rank for axis in axes] != list(range(rank - len(axes), rank)):
        raise ValueError(unwritable(layer, f"axis={layer.axis}", "the last axes"))
    shape = tuple(node.tensors[0].shape[axis] for axis in axes)
    gamma = layer.gamma
    names = [
        inputs[0],
        writer.constant(np.ones(shape, layer.dtype)) if gamma is None else writer.weight(gamma),
    ]
    if layer.beta is not None:
        names.append(writer.weight(layer.beta))
    return [writer.node("LayerNormalization", names, axis=-len(axes), epsilon=layer.epsilon)]


def _batch_normalization(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    rank = len(node.tensors[0].shape)
    order = list(range(rank))
    order.insert(1, order.pop(layer.axis))  # ONNX has the features in axis 1
    size = layer.moving_mean.shape
    weights = [
        writer.constant(np.full(size, fill, layer.dtype)) if w is None else writer.weight(w)
        for w, fill in ((layer.gamma, 1), (layer.beta, 0))
    ]
    weights += [writer.weight(w) for w in (layer.moving_mean, layer.moving_variance)]
    moved = order != sorted(order)
    name = writer.node("Transpose", inputs, perm=order) if moved else inputs[0]
    name = writer.node("BatchNormalization", [name, *weights], epsilon=layer.epsilon)
    back = [int(axis) for axis in np.argsort(order)]
    return [writer.node("Transpose", [name], perm=back) if moved else name]


def _time_distributed(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    inner = layer.layer
    if not isinstance(inner, _BY_FEATURE):
        kinds = ", ".join(cls.__name__ for cls in _BY_FEATURE)
        raise ValueError(unwritable(layer, type(inner).__name__, f"one of {kinds} inside"))
    return writer_of(inner)(writer, inner, inputs, node)


# Layers that treat each step alike by themselves.
_BY_FEATURE = (layers.Dense, layers.Activation, layers.Dropout, layers.Identity)


def _joined(operator: str) -> Write:
    def write(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
        ranks = [len(tensor.shape) for tensor in node.tensors]
        if len(set(ranks)) > 1:  # Keras puts the missing axes behind the batch, ONNX before it
            raise ValueError(unwritable(layer, f"inputs of the ranks {ranks}", "equal ranks"))
        if operator in _TAKE_TWO:
            return [functools.reduce(lambda a, b: writer.node(operator, [a, b]), inputs)]
        return [writer.node(operator, inputs)]

    return write


_TAKE_TWO = ("Add", "Sub", "Mul")


def _flatten(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    if layer.data_format != "channels_last":
        raise ValueError(unwritable(layer, layer.data_format, "channels_last"))
    return [writer.node("Flatten", inputs, axis=1)]


def _pooling(operator: str) -> Write:
    def write(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
        keep = int(layer.keepdims)
        return [writer.node(operator, inputs, axes=[layer.axis], keepdims=keep)]

    return write


def _repeat_vector(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    raised = writer.node("Unsqueeze", [inputs[0], writer.constant([1])])
    return [writer.node("Expand", [raised, writer.constant([1, layer.n, 1])])]


def _concatenate(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    return [writer.node("Concat", inputs, axis=layer.axis)]


def _arithmetic(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    operators = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "true_divide": "Div"}
    numbers = (layer.left, layer.right)
    left, right = (n if n is None else writer.constant(np.array(n, layer.dtype)) for n in numbers)
    pair = [left or inputs[0], right or inputs[-1]]
    return [writer.node(operators[layer.operation], pair)]


def _get_item(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    key, rank = list(layer.key), len(node.tensors[0].shape)
    if None in key:
        raise ValueError(unwritable(layer, "None in an index", "integers and slices"))
    if Ellipsis in key:
        place = key.index(Ellipsis)
        key[place : place + 1] = [slice(None)] * (rank - len(key) + 1)
    name = inputs[0]
    for axis, entry in enumerate(key):
        if isinstance(entry, slice) and entry != slice(None):
            step = 1 if entry.step is None else entry.step
            far = 2**31 - 1
            start, stop = (0, far) if step > 0 else (far, -far)
            bounds = (
                start if entry.start is None else entry.start,
                stop if entry.stop is None else entry.stop,
                axis,
                step,
            )
            name = writer.node("Slice", [name, *(writer.constant([n]) for n in bounds)])
    for axis, entry in reversed(list(enumerate(key))):
        if not isinstance(entry, slice):
            name = writer.node("Gather", [name, writer.constant(np.int64(entry))], axis=axis)
    return [name]


# ---- recurrent layers ----


def _recurrent(writer: Writer, layer: Any, inputs: list[str], node: Node) -> list[str]:
    directions = directions_of(layer)
    if not directions:
        raise ValueError(unwritable(layer, "cells of one's own or in stacks", "built-in cells"))
    if len(directions) == 2 and directions[0].go_backwards:
        raise ValueError(unwritable(layer, "a forward layer that goes back", "the other order"))
    kinds = [(inner.cell.spec.name, inner.cell.units) for inner in directions]
    if len(set(kinds)) > 1:
        raise ValueError(unwritable(layer, kinds, "layers of one kind and size"))
    return _run(writer, layer, directions, getattr(layer, "merge_mode", "concat"), inputs)


def _run(
    writer: Writer, layer: Any, directions: list[Any], merge_mode: str | None, inputs: list[str]
) -> list[str]:
    """Append the node that runs the cells of one or two directions, and what surrounds it."""
    first = directions[0]
    operator = CELL_OPERATORS[first.cell.spec.name]
    if layer.stateful:
        raise ValueError(unwritable(layer, "stateful=True", "stateful=False: states are inputs"))
    steps_first = writer.node("Transpose", inputs[:1], perm=[1, 0, 2])
    states = _first_states(writer, inputs[1:], len(directions))
    names = [steps_first, *_weights(writer, directions), *(["", *states] if states else [])]
    count = 3 if operator == "LSTM" else 2
    outputs = writer.node(operator, names, count, **_attributes(layer, directions))
    if first.return_sequences:
        sequences = writer.node("Transpose", [outputs[0]], perm=[2, 0, 1, 3])
        if len(directions) == 1 and first.go_backwards:
            sequences = _reversed(writer, sequences)  # ONNX gives it in the order of time
        results = _merge(writer, sequences, len(directions), merge_mode, [0, 0, -1])
    else:
        last = writer.node("Transpose", [outputs[1]], perm=[1, 0, 2])
        results = _merge(writer, last, len(directions), merge_mode, [0, -1])
    if layer.return_state:
        for k in range(len(directions)):
            for state in outputs[1:]:
                results.append(writer.node("Gather", [state, writer.constant(np.int64(k))], axis=0))
    return results


def _first_states(writer: Writer, states: list[str], directions: int) -> list[str]:
    """Return initial_h and initial_c, (directions, batch, units), of states in our order."""
    if not states:
        return []
    front = writer.constant([0])
    raised = [writer.node("Unsqueeze", [state, front]) for state in states]
    if directions == 1:
        return raised
    kinds = len(states) // directions
    return [writer.node("Concat", raised[k::kinds], axis=0) for k in range(kinds)]


def _weights(writer: Writer, directions: list[Any]) -> list[str]:
    """Return the names of W, R and B, a direction in each row."""
    parts = [to_onnx(inner.cell) for inner in directions]
    if len({part[2] is None for part in parts}) > 1:
        raise ValueError(unwritable(directions[1], "use_bias", "the same for both directions"))
    cell = directions[0].cell
    stacks = [
        np.stack(arrays) if arrays[0] is not None else None for arrays in zip(*parts, strict=True)
    ]
    keys = (cell.kernel, cell.recurrent_kernel, cell.bias)
    return [
        "" if array is None else writer.weight(key, array)
        for key, array in zip(keys, stacks, strict=True)
    ]


def _attributes(layer: Any, directions: list[Any]) -> dict[str, Any]:
    first = directions[0]
    backwards = "reverse" if first.go_backwards else "forward"
    lists: dict[str, list[Any]] = {"activations": [], "alpha": [], "beta": []}
    for inner in directions:
        cell = inner.cell
        gate, candidate = cell.recurrent_activation, cell.activation
        by_operator = {"RNN": [candidate], "GRU": [gate, candidate]}
        order = by_operator.get(CELL_OPERATORS[cell.spec.name], [gate, candidate, candidate])
        for activation in order:
            if activation.name not in CELL_ACTIVATIONS or not activation.builtin:
                known = f"one of {', '.join(CELL_ACTIVATIONS)} in a cell"
                raise ValueError(unwritable(layer, f"activation={activation.name!r}", known))
            operator, attributes = CELL_ACTIVATIONS[activation.name]
            lists["activations"].append(operator)
            for key, (ours, _) in attributes.items():
                lists[key].append(ours)
    found = {
        "hidden_size": first.cell.units,
        "direction": "bidirectional" if len(directions) == 2 else backwards,
        "activations": lists["activations"],
        "activation_alpha": lists["alpha"] or None,
        "activation_beta": lists["beta"] or None,
    }
    if first.cell.spec.name.startswith("gru"):
        found["linear_before_reset"] = int(first.cell.reset_after)
    return {name: value for name, value in found.items() if value is not None}


def _reversed(writer: Writer, name: str) -> str:
    bounds = ([2**31 - 1], [-(2**31) + 1], [1], [-1])
    return str(writer.node("Slice", [name, *map(writer.constant, bounds)]))


def _merge(
    writer: Writer, name: str, directions: int, merge_mode: str | None, shape: list[int]
) -> list[str]:
    """Join the directions of (batch, …, directions, units), as the merge mode says."""
    axes = writer.constant([-2])
    if directions == 1:
        return [writer.node("Squeeze", [name, axes])]
    if merge_mode is None:
        halves = writer.node("Split", [name], 2, axis=-2)
        return [writer.node("Squeeze", [half, axes]) for half in halves]
    if merge_mode == "sum":
        return [writer.node("ReduceSum", [name, axes], keepdims=0)]
    if merge_mode == "concat":
        return [writer.node("Reshape", [name, writer.constant(shape)])]
    operator = "ReduceMean" if merge_mode == "ave" else "ReduceProd"
    return [writer.node(operator, [name], axes=[-2], keepdims=0)]


WRITERS: dict[type, Write] = {
    layers.Dense: _dense,
    layers.Activation: _activation,
    layers.Dropout: _nothing,
    layers.GaussianNoise: _nothing,
    layers.ActivityRegularization: _nothing,
    layers.Identity: _nothing,
    layers.Embedding: _embedding,
    layers.Masking: _masking,
    layers.LayerNormalization: _layer_normalization,
    layers.BatchNormalization: _batch_normalization,
    layers.TimeDistributed: _time_distributed,
    layers.Flatten: _flatten,
    layers.RepeatVector: _repeat_vector,
    layers.GlobalAveragePooling1D: _pooling("ReduceMean"),
    layers.GlobalMaxPooling1D: _pooling("ReduceMax"),
    layers.Add: _joined("Add"),
    layers.Subtract: _joined("Sub"),
    layers.Multiply: _joined("Mul"),
    layers.Average: _joined("Mean"),
    layers.Maximum: _joined("Max"),
    layers.Minimum: _joined("Min"),
    layers.Concatenate: _concatenate,
    Arithmetic: _arithmetic,
    GetItem: _get_item,
    RecurrentLayer: _recurrent,
    layers.RNN: _recurrent,
    layers.Bidirectional: _recurrent,
}
