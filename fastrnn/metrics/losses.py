"""Metrics that are means of losses."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn import losses
from fastrnn.core.options import Integer, Share, extends_options
from fastrnn.losses.alignment import align, to_labels
from fastrnn.metrics.base import FunctionMetric, MetricOptions, register
from fastrnn.typing import Array, ArrayLike, MaskLike, WeightsLike


@register("binary_crossentropy", "bce", "BCE")
class BinaryCrossentropy(FunctionMetric):
    """Mean of ``losses.BinaryCrossentropy``."""

    _function = staticmethod(losses.binary_crossentropy)

    @extends_options
    def __init__(
        self,
        *,
        from_logits: bool = False,
        label_smoothing: Share = 0,
        **options: Unpack[MetricOptions],
    ) -> None:
        super().__init__(**options)


@register("categorical_crossentropy")
class CategoricalCrossentropy(FunctionMetric):
    """Mean of ``losses.CategoricalCrossentropy``."""

    _function = staticmethod(losses.categorical_crossentropy)

    @extends_options
    def __init__(
        self,
        *,
        from_logits: bool = False,
        label_smoothing: Share = 0,
        axis: Integer = -1,
        **options: Unpack[MetricOptions],
    ) -> None:
        super().__init__(**options)


@register("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(FunctionMetric):
    """Mean of ``losses.SparseCategoricalCrossentropy``."""

    ignore_class: int | None
    _function = staticmethod(losses.sparse_categorical_crossentropy)

    @extends_options
    def __init__(
        self,
        *,
        from_logits: bool = False,
        ignore_class: Integer | None = None,
        axis: Integer = -1,
        **options: Unpack[MetricOptions],
    ) -> None:
        super().__init__(**options)

    def update_state(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: WeightsLike = None,
        mask: MaskLike = None,
    ) -> None:
        """Add a batch; labels to ignore count nothing where there are weights or a mask.

        Without them they count as 0, as in Keras.
        """
        ignored = self.ignore_class
        if ignored is not None and not (sample_weight is None and mask is None):
            labels = to_labels(y_true)
            keep = (labels[..., 0] if labels.ndim == np.ndim(y_pred) else labels) != ignored
            mask = keep if mask is None else keep & np.asarray(mask, dtype=bool)
        super().update_state(y_true, y_pred, sample_weight, mask)


@register()
class KLDivergence(FunctionMetric):
    """Mean of ``losses.KLDivergence``."""

    _function = staticmethod(losses.kl_divergence)


@register()
class Poisson(FunctionMetric):
    """Mean of ``losses.Poisson``."""

    _function = staticmethod(losses.poisson)


@register()
class Hinge(FunctionMetric):
    """Mean of ``losses.Hinge``."""

    _function = staticmethod(losses.hinge)


@register()
class SquaredHinge(FunctionMetric):
    """Mean of ``losses.SquaredHinge``."""

    _function = staticmethod(losses.squared_hinge)


@register()
class CategoricalHinge(FunctionMetric):
    """Mean of ``losses.CategoricalHinge``."""

    _function = staticmethod(losses.categorical_hinge)


@register("mse", "MSE")
class MeanSquaredError(FunctionMetric):
    """Mean of (y_pred - y_true)²."""

    _function = staticmethod(losses.mean_squared_error)


@register("mae", "MAE")
class MeanAbsoluteError(FunctionMetric):
    """Mean of |y_pred - y_true|."""

    _function = staticmethod(losses.mean_absolute_error)


def _squared_errors(y_true: Array, y_pred: Array) -> Array:
    y_true, y_pred = align(y_true, y_pred)
    return np.square(y_true - y_pred)


@register("rmse")
class RootMeanSquaredError(FunctionMetric):
    """Square root of the mean of (y_pred - y_true)²; weights may be those of each number."""

    _function = staticmethod(_squared_errors)

    def result(self) -> float:
        """Return the square root of the mean."""
        return float(np.sqrt(super().result()))


@register("mape", "MAPE")
class MeanAbsolutePercentageError(FunctionMetric):
    """Mean of 100·|y_pred - y_true| / |y_true|."""

    _function = staticmethod(losses.mean_absolute_percentage_error)


@register("msle", "MSLE")
class MeanSquaredLogarithmicError(FunctionMetric):
    """Mean of (log(1 + y_pred) - log(1 + y_true))²."""

    _function = staticmethod(losses.mean_squared_logarithmic_error)


@register(name="logcosh")
class LogCoshError(FunctionMetric):
    """Mean of log(cosh(y_pred - y_true))."""

    _function = staticmethod(losses.log_cosh)


def _cosine_similarity(y_true: Array, y_pred: Array, axis: int = -1) -> Array:
    return -losses.cosine_similarity(y_true, y_pred, axis)


@register()
class CosineSimilarity(FunctionMetric):
    """Mean cosine of the angle between ``y_true`` and ``y_pred``, vectors along ``axis``."""

    _function = staticmethod(_cosine_similarity)

    @extends_options
    def __init__(self, *, axis: Integer = -1, **options: Unpack[MetricOptions]) -> None:
        super().__init__(**options)
