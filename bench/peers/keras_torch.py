"""Keras on PyTorch: its batch methods, or the layer called on a tensor, whichever is faster."""

from __future__ import annotations

import os
from typing import Any

from peers import Array, Training, Work


def start(threads: int) -> str:
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    import torch

    torch.set_num_threads(threads)
    return f"{keras.__version__} on {torch.__version__}"


def prepare(case: Any, weights: list[Array], x: Array, y: Array) -> Work:
    import keras
    import torch

    from fastrnn.bench.cases import build_model

    model = build_model(keras, case)
    model.set_weights(weights)
    layer = model.layers[0]
    predictor = keras.Sequential([keras.Input(x.shape[1:]), layer])
    predictor.compile()
    inputs = torch.from_numpy(x)

    def call_layer() -> Array:
        with torch.inference_mode():
            return layer(inputs, training=False).numpy()

    return Work(
        forward=[call_layer, lambda: predictor.predict_on_batch(x)],
        training=[Training(lambda: model.train_on_batch(x, y), model.get_weights)],
    )
