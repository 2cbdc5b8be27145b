"""Keras on TensorFlow, compiled by ``tf.function``, with XLA and without."""

from __future__ import annotations

import os
from typing import Any

from peers import Array, Training, Work


def start(threads: int) -> str:
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    return f"{keras.__version__} on {tf.__version__}"


def prepare(case: Any, weights: list[Array], x: Array, y: Array) -> Work:
    import keras
    import tensorflow as tf

    from fastrnn.bench.cases import build_model

    def trained(jit: bool | str) -> Training:
        model = build_model(keras, case, jit_compile=jit)
        model.set_weights(weights)
        return Training(lambda: model.train_on_batch(x, y), model.get_weights)

    model = build_model(keras, case)
    model.set_weights(weights)
    layer = model.layers[0]
    predictor = keras.Sequential([keras.Input(x.shape[1:]), layer])
    predictor.compile()
    inputs = tf.constant(x)

    def function_of(jit: bool | None) -> Any:
        compiled = tf.function(lambda x: layer(x, training=False), jit_compile=jit)
        return lambda: compiled(inputs).numpy()

    return Work(
        forward=[function_of(None), function_of(True), lambda: predictor.predict_on_batch(x)],
        training=[trained("auto"), trained(False)],
    )
