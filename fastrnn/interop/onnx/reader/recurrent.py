"""Recurrent reader: ONNX's operators RNN, LSTM and GRU as layers of ours."""

from __future__ import annotations

from typing import Any

from fastrnn import layers
from fastrnn.interop.onnx.operators import (
    CELL_ACTIVATIONS,
    DEFAULT_ACTIVATIONS,
    GATES,
    name_of,
)
from fastrnn.interop.onnx.reader.node import GraphReader, Node, describe
from fastrnn.interop.onnx.reader.values import Value, is_zero
from fastrnn.interop.onnx.recurrent_weights import OnnxWeights, from_onnx
from fastrnn.typing import Array

# By the name of the cell; a GRU has two.
_LAYERS = {
    "simple_rnn": layers.SimpleRNN,
    "lstm": layers.LSTM,
    "peephole_lstm": layers.PeepholeLSTM,
    "gru": layers.GRU,
    "gru_reset_after": layers.GRU,
}
# Whether the layers of a direction go backwards.
_BACKWARDS = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}
# Axes of X, Y and the states, by ONNX's attribute `layout`.
_X = (("T", "B", "F"), ("B", "T", "F"))
_Y = (("T", "D", "B", "F"), ("B", "T", "D", "F"))
_STATE = (("D", "B", "F"), ("B", "D", "F"))


def read_recurrent(reader: GraphReader, node: Node) -> list[Any]:
    """Return the values of Y, Y_h and, of an LSTM, Y_c."""
    layout = node.expect("layout", 0, 1)
    direction = node.expect("direction", *_BACKWARDS)
    value = node.value(0)
    if value.axes != _X[layout]:
        found, wanted = describe(value.axes), describe(_X[layout])
        node.refuse(f"the inputs have the axes {found}, where {wanted} are expected")
    cell, weights, options = _cell_of(node, len(_BACKWARDS[direction]))
    reader.check_lengths(node, value.tensor.shape[-1], weights[0][0].shape[0])
    used = [reader.is_used(name) for name in node.outputs] + [False] * 3
    sequences, states = used[0], any(used[1:3])
    # A state that stands alone is the output of the last step.
    alone = not sequences and used[1] and not used[2]
    flags: dict[str, Any] = {"return_sequences": sequences, "return_state": states and not alone}
    made = [
        _LAYERS[cell](**entry, **flags, go_backwards=backwards)
        for entry, backwards in zip(options, _BACKWARDS[direction], strict=True)
    ]
    layer: layers.Layer = made[0]
    if len(made) == 2:
        layer = layers.Bidirectional(made[0], backward_layer=made[1], dtype=options[0]["dtype"])
    initial = _initial_states(node, len(made), layout)
    call = {"initial_state": initial} if initial else {}
    result = reader.call(layer, value.tensor, [w for part in weights for w in part], **call)
    results = list(result) if isinstance(result, (list, tuple)) else [result]
    if direction == "reverse" and sequences:
        results[0] = results[0][:, ::-1]  # ONNX gives it in the order of time
    y = Value((results[0],), _Y[layout], joined=len(made))
    if alone:
        return [None, Value((results[0],), _STATE[layout], joined=len(made)), None]
    kinds = 2 if node.operator == "LSTM" else 1
    finals = [Value(tuple(results[1 + k :: kinds]), _STATE[layout]) for k in range(kinds)]
    return [y, *finals] if states else [y, None, None]


def _cell_of(node: Node, directions: int) -> tuple[str, list[list[Array]], list[dict[str, Any]]]:
    """Return the cell, and the weights and the arguments of the layer of each direction."""
    _refuse_extras(node)
    w, r = node.constant(1, rank=3), node.constant(2, rank=3)
    b = None if node.input(3) is None else node.constant(3, rank=2)
    p = None if node.input(7) is None or is_zero(node.input(7)) else node.constant(7, rank=2)
    units = node.take("hidden_size", r.shape[2])
    rows = GATES[node.operator] * units
    expected: list[tuple[int, ...]] = [(directions, rows, w.shape[2]), (directions, rows, units)]
    given = [w.shape, r.shape]
    for array, length in ((b, 2 * rows), (p, 3 * units)):
        if array is not None:
            expected.append((directions, length))
            given.append(array.shape)
    if units < 1 or given != expected or w.dtype.kind != "f":
        message = f"W, R, B and P have the shapes {given}, where {expected} are expected"
        raise node.error("onnx_shape", message)
    options = [_activations(node, names) for names in _activation_names(node, directions)]
    for entry in options:
        entry |= {"units": units, "dtype": w.dtype, "use_bias": b is not None}
    cell = {"RNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru"}[node.operator]
    if p is not None:
        cell = "peephole_lstm"
    if node.operator == "GRU" and node.expect("linear_before_reset", 0, 1):
        cell = "gru_reset_after"
    if node.operator == "GRU":
        for entry in options:
            entry["reset_after"] = cell == "gru_reset_after"
    parts = [
        OnnxWeights(w[k], r[k], *(None if array is None else array[k] for array in (b, p)))
        for k in range(directions)
    ]
    return cell, [from_onnx(cell, part) for part in parts], options


def _refuse_extras(node: Node) -> None:
    """Refuse what fastrnn's cells have not."""
    if node.input(4) is not None:
        node.refuse("sequence_lens: give the model whole sequences, or a mask afterwards")
    node.expect("input_forget", 0)
    if node.take("clip", None) is not None:
        node.refuse("clip: the sums of the gates are not clipped")


def _activation_names(node: Node, directions: int) -> list[list[tuple[str, dict[str, float]]]]:
    """Return for each direction the activations, in ONNX's order, with their numbers."""
    defaults = DEFAULT_ACTIVATIONS[node.operator]
    names = node.take("activations", None) or defaults * directions
    numbers = {
        "alpha": list(node.take("activation_alpha", [])),
        "beta": list(node.take("activation_beta", [])),
    }
    if len(names) != len(defaults) * directions:
        node.refuse(f"{len(names)} activations")
    attributes = dict(CELL_ACTIVATIONS.values())
    result = []
    for name in names:
        given = {}
        for key in attributes.get(name, {}):
            if numbers[key]:  # consumed in turn by the activations that have it
                given[key] = float(numbers[key].pop(0))
        result.append((name, given))
    if any(numbers.values()):
        node.refuse("activation_alpha or activation_beta has more numbers than activations do")
    width = len(defaults)
    return [result[k : k + width] for k in range(0, len(result), width)]


def _activations(node: Node, given: list[tuple[str, dict[str, float]]]) -> dict[str, Any]:
    """Return the arguments of a layer for the activations of one direction."""
    names = [name_of(operator, numbers, CELL_ACTIVATIONS) for operator, numbers in given]
    if None in names:
        known = sorted({operator for operator, _ in CELL_ACTIVATIONS.values()})
        node.refuse(f"the activations {given}, where Keras's among {', '.join(known)} are expected")
    if len(set(names[1:])) > 1:
        node.refuse("different activations of the candidate and of the cell state")
    if node.operator == "RNN":
        return {"activation": names[0]}
    return {"recurrent_activation": names[0], "activation": names[1]}


def _initial_states(node: Node, directions: int, layout: int) -> list[Any]:
    """Return the initial states in our order, by direction, or none if they are zero."""
    given = [node.input(5), node.input(6)][: 2 if node.operator == "LSTM" else 1]
    if all(value is None or is_zero(value) for value in given):
        return []
    kinds = []
    for index, _ in enumerate(given, start=5):
        value = node.value(index)
        if value.axes != _STATE[layout] or value.directions != directions:
            node.refuse(f"an initial state of axes {describe(value.axes)}")
        kinds.append(value.parts)
    return [part for parts in zip(*kinds, strict=True) for part in parts]
