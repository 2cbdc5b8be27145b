"""Losses and their gradients, under Keras's names.

A loss is first computed per sample (and time step): its values. Weights and masks multiply them,
and a reduction makes one number of them.

>>> import numpy as np
>>> from fastrnn import losses
>>> loss = losses.MeanSquaredError()
>>> loss(np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]))
2.0
>>> losses.mean_absolute_error(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
array([1.])
"""

from __future__ import annotations

from typing import Any

from fastrnn.losses.base import FunctionLoss, Loss, registry
from fastrnn.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from fastrnn.losses.regression import (
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    huber,
    mean_absolute_error,
    mean_squared_error,
)

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "FunctionLoss",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "huber",
    "mean_absolute_error",
    "mean_squared_error",
    "serialize",
    "sparse_categorical_crossentropy",
]

serialize = registry.serialize
deserialize = registry.deserialize

_FUNCTIONS = {
    mean_squared_error: "mean_squared_error",
    mean_absolute_error: "mean_absolute_error",
    huber: "huber",
    binary_crossentropy: "binary_crossentropy",
    categorical_crossentropy: "categorical_crossentropy",
    sparse_categorical_crossentropy: "sparse_categorical_crossentropy",
}


def get(identifier: Any) -> Any:
    """Return the loss that ``identifier`` means: a name, a config, a ``Loss`` or a function.

    Raises:
        ValueError: the name is unknown.
    """
    if callable(identifier) and not isinstance(identifier, (Loss, type)):
        by_name = _FUNCTIONS.get(identifier)
        return registry.get(by_name) if by_name else FunctionLoss(identifier)
    return registry.get(identifier)
