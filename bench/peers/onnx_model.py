"""The ONNX model of a case: one RNN, LSTM or GRU node, time-major."""

from __future__ import annotations

from typing import Any

import numpy as np

from peers import Array, reorder_gates, split_directions, two_biases

# Where Keras's gates stand in ONNX's order: i o f c from i f c o; z r h is the same.
ORDER = {"SimpleRNN": (0,), "LSTM": (0, 3, 1, 2), "GRU": (0, 1, 2)}
NODES = {"SimpleRNN": "RNN", "LSTM": "LSTM", "GRU": "GRU"}


def time_major(x: Array) -> Array:
    return np.ascontiguousarray(x.transpose(1, 0, 2))


def join_directions(states: Array) -> Array:
    """Return (batch, units of all directions) from ONNX's (directions, batch, units)."""
    return np.concatenate(list(states), axis=-1)


def build(case: Any, weights: list[Array]) -> bytes:
    """Return the serialized model: input ``X``, output ``Y_h``, the last output."""
    from onnx import TensorProto, checker, helper, numpy_helper

    order = ORDER[case.layer]
    kernels, recurrent, biases = [], [], []
    for direction in split_directions(case, weights):
        kernels.append(reorder_gates(direction.kernel, order).T)
        recurrent.append(reorder_gates(direction.recurrent_kernel, order).T)
        biases.append(np.concatenate([reorder_gates(b, order) for b in two_biases(direction)]))
    constants = {"W": np.stack(kernels), "R": np.stack(recurrent), "B": np.stack(biases)}
    options: dict[str, Any] = {"hidden_size": case.units}
    if case.bidirectional:
        options["direction"] = "bidirectional"
    if case.layer == "GRU":
        options["linear_before_reset"] = 1  # Keras calls it reset_after
    node = helper.make_node(NODES[case.layer], ["X", "W", "R", "B"], ["", "Y_h"], **options)
    inputs = (case.timesteps, case.batch, case.features)
    states = (case.directions, case.batch, case.units)
    graph = helper.make_graph(
        [node],
        case.id,
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, inputs)],
        [helper.make_tensor_value_info("Y_h", TensorProto.FLOAT, states)],
        [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return model.SerializeToString()
