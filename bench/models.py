"""Builds the model of one shape from any library that speaks Keras's API."""

from __future__ import annotations

from typing import Any

import numpy as np
from shapes import Shape


def build_model(keras: Any, shape: Shape) -> Any:
    """Return a compiled model: the recurrent layer, then Dense(1), on mean squared error."""
    layer = getattr(keras.layers, shape.layer)(shape.units)
    if shape.bidirectional:
        layer = keras.layers.Bidirectional(layer)
    model = keras.Sequential(
        [keras.Input((shape.timesteps, shape.features)), layer, keras.layers.Dense(1)]
    )
    model.compile(optimizer=keras.optimizers.SGD(1e-4), loss="mse")
    return model


def random_batch(shape: Shape, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return x (batch, timesteps, features) and y (batch, 1), float32."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((shape.batch, shape.timesteps, shape.features), dtype=np.float32)
    y = rng.standard_normal((shape.batch, 1), dtype=np.float32)
    return x, y
