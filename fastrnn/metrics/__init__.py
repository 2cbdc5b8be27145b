"""Metrics: means over batches of what a model gets right or wrong, under Keras's names.

>>> import numpy as np
>>> from fastrnn import metrics
>>> metric = metrics.BinaryAccuracy()
>>> metric.update_state(np.array([[1], [0]]), np.array([[0.9], [0.8]]))
>>> metric.result()
0.5
"""

from __future__ import annotations

from fastrnn.core.lazy import lazy_attributes
from fastrnn.core.old_names import OLD_NAMES
from fastrnn.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from fastrnn.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from fastrnn.metrics.base import Mean, MeanMetricWrapper, Metric, Sum, registry
from fastrnn.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from fastrnn.metrics.correlation import (
    ConcordanceCorrelation,
    PearsonCorrelation,
    concordance_correlation,
    pearson_correlation,
)
from fastrnn.metrics.curves import (
    AUC,
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
)
from fastrnn.metrics.f_score import F1Score, FBetaScore
from fastrnn.metrics.iou import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
from fastrnn.metrics.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from fastrnn.metrics.r2_score import R2Score

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "IoU",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "accuracy_for",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "concordance_correlation",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kind_for",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "pearson_correlation",
    "poisson",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]

get = registry.get
serialize = registry.serialize
deserialize = registry.deserialize
__getattr__ = lazy_attributes(__name__, {}, OLD_NAMES["metrics"])


def kind_for(y_true_shape: tuple[int, ...], y_pred_shape: tuple[int, ...]) -> str:
    """Return what ``"accuracy"`` and ``"crossentropy"`` mean for labels and predictions.

    Returns:
        ``"binary"`` for one prediction each, ``"sparse_categorical"`` for labels that lack the
        classes' axis or have length 1 there, else ``"categorical"``.
    """
    if y_pred_shape[-1] == 1:
        return "binary"
    sparse = len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1
    return "sparse_categorical" if sparse else "categorical"


def accuracy_for(
    name: str, y_true_shape: tuple[int, ...], y_pred_shape: tuple[int, ...]
) -> MeanMetricWrapper:
    """Return the accuracy for labels and predictions of these shapes, under ``name``."""
    classes = {
        "binary": BinaryAccuracy,
        "sparse_categorical": SparseCategoricalAccuracy,
        "categorical": CategoricalAccuracy,
    }
    return classes[kind_for(y_true_shape, y_pred_shape)](name=name)
