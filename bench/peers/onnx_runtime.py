"""ONNX Runtime, inference only."""

from __future__ import annotations

from typing import Any

from peers import Array, Work
from peers.onnx_model import build, join_directions, time_major

_threads = 1


def start(threads: int) -> str:
    global _threads
    import onnx  # noqa: F401 - the model is built with it
    import onnxruntime

    _threads = threads
    return onnxruntime.__version__


def prepare(case: Any, weights: list[Array], x: Array, y: Array) -> Work:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        build(case, weights), options, providers=["CPUExecutionProvider"]
    )
    feed = {"X": time_major(x)}
    return Work([lambda: session.run(["Y_h"], feed)[0]], read=join_directions)
