"""Single steps of streams beside ONNX Runtime: ``python bench/stream.py``.

The same weights for both. ONNX Runtime has a session of one node for one step, whose states go in
and come out; they are handed back at each step, as a stream does inside. Its results are compared
with the reference engine before it is timed. RTNeural is C++ compiled for one model: its figures
are not measured here but those that its author has published.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np
from peers import reorder_gates, two_biases
from peers import split_directions as directions
from peers.onnx_model import NODES, ORDER

from fastrnn import config
from fastrnn.bench.cases import Case, random_weights
from fastrnn.bench.streams import (
    check,
    measure,
    print_rows,
    row,
    select,
    steps_of,
    thread_counts,
)
from fastrnn.bench.timing import times_of

# Seconds for 10 s of sound at 48 kHz, with the faster of its backends for the size; measured by its
# author on a Mac mini of 2018 (Core i7-8700B): the folder `results` of
# https://github.com/jatinchowdhury18/RTNeural-compare at commit 4439e7d.
RTNEURAL = {
    Case("LSTM", 1, 1, 32, 32): 0.42444,
    Case("GRU", 1, 1, 64, 64): 1.15296,
}
RTNEURAL_STEPS = 480000
NOTE = "RTNeural*: published by its author, measured on another machine; see bench/stream.py"


def one_step_model(case: Case) -> bytes:
    """Return the model: inputs X and the states, outputs the new states."""
    from onnx import TensorProto, checker, helper, numpy_helper

    (weights,), order = directions(case, random_weights(case)), ORDER[case.layer]
    constants = {
        "W": reorder_gates(weights.kernel, order).T,
        "R": reorder_gates(weights.recurrent_kernel, order).T,
        "B": np.concatenate([reorder_gates(bias, order) for bias in two_biases(weights)]),
    }
    states = ["h", "c"] if case.layer == "LSTM" else ["h"]
    options: dict[str, Any] = {"hidden_size": case.units}
    if case.layer == "GRU":
        options["linear_before_reset"] = 1
    node = helper.make_node(
        NODES[case.layer],
        ["X", "W", "R", "B", "", *states],
        ["", *(f"new_{name}" for name in states)],
        **options,
    )
    real, shape = TensorProto.FLOAT, (1, case.batch, case.units)
    graph = helper.make_graph(
        [node],
        case.id,
        [
            helper.make_tensor_value_info("X", real, (1, case.batch, case.features)),
            *(helper.make_tensor_value_info(name, real, shape) for name in states),
        ],
        [helper.make_tensor_value_info(f"new_{name}", real, shape) for name in states],
        [
            numpy_helper.from_array(np.ascontiguousarray(array[None]), name)
            for name, array in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return model.SerializeToString()


class OnnxStream:
    """What ``layer.stream()`` is to fastrnn."""

    def __init__(self, case: Case) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            one_step_model(case), options, providers=["CPUExecutionProvider"]
        )
        self.states = [given.name for given in self.session.get_inputs()[1:]]
        self.feed = {name: np.zeros((1, case.batch, case.units), "float32") for name in self.states}

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.feed["X"] = x
        results = self.session.run(None, self.feed)
        self.feed.update(zip(self.states, results, strict=True))
        return results[0][0]


def measure_onnx(case: Case, seconds: float) -> dict[str, Any]:
    stream = OnnxStream(case)
    check(case, np.stack([stream(x[None]) for x in steps_of(case)]))
    x = steps_of(case)[:1]
    return row("onnxruntime", case, times_of(lambda: stream(x), seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each row")
    parser.add_argument("--case", help="only cases with this text in their name")
    parser.add_argument("--threads", type=int, help="most threads of a stream")
    arguments = parser.parse_args()
    most, rows = arguments.threads or config.default_num_threads(), []
    for case in select(arguments.case):
        for threads in thread_counts(case, most):
            rows.append(measure(case, arguments.seconds, threads))
        try:
            rows.append(measure_onnx(case, arguments.seconds))
        except ImportError as error:
            print(f"onnxruntime is left out: {error}", file=sys.stderr)
        if case in RTNEURAL:
            mean = RTNEURAL[case] / RTNEURAL_STEPS
            rows.append({**row("RTNeural*", case, [mean]), "p99_us": None})
    if arguments.json:
        print(json.dumps(rows, indent=1))
    else:
        print_rows(rows)
        print(NOTE)


if __name__ == "__main__":
    main()
