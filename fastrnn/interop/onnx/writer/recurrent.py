"""Recurrent writer: recurrent layers as nodes of ONNX. Batches come first throughout.

ONNX's recurrent operators take (timesteps, batch, features): common runtimes do not have its other
layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.interop.onnx.operators import CELL_ACTIVATIONS, CELL_OPERATORS
from fastrnn.interop.onnx.recurrent_weights import to_onnx
from fastrnn.layers.base.capabilities import OnnxGraph, not_in_onnx
from fastrnn.layers.base.layer import Layer
from fastrnn.layers.rnn.base import RecurrentLayer


def write_recurrent(
    writer: OnnxGraph,
    layer: Any,
    directions: Sequence[RecurrentLayer],
    merge_mode: str | None,
    inputs: list[str],
) -> list[str]:
    """Append the node that runs the cells of one or two directions, and what surrounds it.

    Args:
        writer: the graph.
        layer: the layer that is written.
        directions: the recurrent layer of each direction, of built-in cells.
        merge_mode: how the outputs of two directions are joined.
        inputs: names of the inputs and of the initial states.

    Raises:
        ValueError: the cells, or their options, have no counterpart.
    """
    first = directions[0]
    if len(directions) == 2 and first.go_backwards:
        raise ValueError(not_in_onnx(layer, "a forward layer that goes back", "the other order"))
    kinds = [(inner.cell.spec.name, inner.cell.units) for inner in directions]
    if len(set(kinds)) > 1:
        raise ValueError(not_in_onnx(layer, kinds, "layers of one kind and size"))
    _check_cells(layer, directions)
    operator = CELL_OPERATORS[first.cell.spec.name]
    if layer.stateful:
        raise ValueError(not_in_onnx(layer, "stateful=True", "stateful=False: states are inputs"))
    steps_first = writer.node("Transpose", inputs[:1], perm=[1, 0, 2])
    states = _first_states(writer, inputs[1:], len(directions))
    *weights, peepholes = _weights(writer, directions)
    names = [steps_first, *weights, "", *(states or [""] * (2 if operator == "LSTM" else 1))]
    names.append(peepholes)
    while not names[-1]:
        names.pop()
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


def _check_cells(layer: Layer, directions: Sequence[RecurrentLayer]) -> None:
    """Raise ``ValueError`` if ONNX has no operator that computes a cell outside training."""
    remedy = "Keep the model in a `.keras` or `.fastrnn` file, and run it with fastrnn"
    for inner in directions:
        cell = inner.cell
        if cell.spec.name not in CELL_OPERATORS:
            expected = f"one of SimpleRNN, LSTM, PeepholeLSTM and GRU. {remedy}"
            raise ValueError(not_in_onnx(layer, type(cell).__name__, expected))
        if cell.has_zoneout:
            raise ValueError(not_in_onnx(layer, "zoneout", f"no zoneout. {remedy}"))


def _first_states(writer: OnnxGraph, states: list[str], directions: int) -> list[str]:
    """Return initial_h and initial_c, (directions, batch, units), of states in our order."""
    if not states:
        return []
    front = writer.constant([0])
    raised = [writer.node("Unsqueeze", [state, front]) for state in states]
    if directions == 1:
        return raised
    kinds = len(states) // directions
    return [writer.node("Concat", raised[k::kinds], axis=0) for k in range(kinds)]


def _weights(writer: OnnxGraph, directions: Sequence[RecurrentLayer]) -> list[str]:
    """Return the names of W, R, B and P, a direction in each row; "" for what is left out."""
    parts = [to_onnx(inner.cell) for inner in directions]
    if len({part.b is None for part in parts}) > 1:
        raise ValueError(not_in_onnx(directions[1], "use_bias", "the same for both directions"))
    variables = directions[0].cell.named_weights
    names = ("kernel", "recurrent_kernel", "bias", "peephole")
    found = []
    for name, arrays in zip(names, zip(*parts, strict=True), strict=True):
        variable = variables.get(name)
        found.append("" if variable is None else writer.weight(variable, np.stack(arrays)))
    return found


def _attributes(layer: Any, directions: Sequence[RecurrentLayer]) -> dict[str, Any]:
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
                raise ValueError(not_in_onnx(layer, f"activation={activation.name!r}", known))
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
        found["linear_before_reset"] = int(first.cell.spec.has_recurrent_bias)
    return {name: value for name, value in found.items() if value is not None}


def _reversed(writer: OnnxGraph, name: str) -> str:
    bounds = ([2**31 - 1], [-(2**31) + 1], [1], [-1])
    return str(writer.node("Slice", [name, *map(writer.constant, bounds)]))


def _merge(
    writer: OnnxGraph, name: str, directions: int, merge_mode: str | None, shape: list[int]
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
