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

from fastrnn.core.lazy import lazy_attributes
from fastrnn.core.old_names import OLD_NAMES
from fastrnn.losses.base import FunctionLoss, Loss, registry
from fastrnn.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from fastrnn.losses.ctc import CTC, ctc
from fastrnn.losses.divergence import KLDivergence, Poisson, kl_divergence, poisson
from fastrnn.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from fastrnn.losses.hinge import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from fastrnn.losses.metric_learning import Circle, circle
from fastrnn.losses.overlap import Dice, Tversky, dice, tversky
from fastrnn.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)

__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "FunctionLoss",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

get = registry.get
serialize = registry.serialize
deserialize = registry.deserialize
__getattr__ = lazy_attributes(__name__, {}, OLD_NAMES["losses"])
