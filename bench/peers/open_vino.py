"""OpenVINO, inference only, in float32: it would round to bfloat16 where the CPU has it."""

from __future__ import annotations

from typing import Any

import numpy as np

from peers import Array, Unsupported, Work
from peers.onnx_model import build, join_directions, time_major

_settings: dict[str, Any] = {}


def start(threads: int) -> str:
    import onnx  # noqa: F401 - the model is built with it
    import openvino

    _settings.update(
        INFERENCE_NUM_THREADS=threads,
        INFERENCE_PRECISION_HINT="f32",
        PERFORMANCE_HINT="LATENCY",
    )
    return openvino.__version__


def prepare(case: Any, weights: list[Array], x: Array, y: Array) -> Work:
    import openvino

    if case.bidirectional:
        raise Unsupported("OpenVINO's process ends on ONNX's bidirectional LSTM node")
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(build(case, weights)), "CPU", _settings)
    request = compiled.create_infer_request()
    inputs = time_major(x)
    request.set_input_tensor(openvino.Tensor(inputs, shared_memory=True))

    def forward() -> Any:
        request.infer()
        return request.get_output_tensor()

    return Work([forward], read=lambda tensor: join_directions(np.array(tensor.data)))
