"""Correlations of labels and predictions."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.core.options import AxesOption, extends_options
from fastrnn.losses.alignment import align, to_labels, to_predictions
from fastrnn.metrics.base import FunctionMetric, MetricOptions, register
from fastrnn.typing import Array, ArrayLike

Axis = int | tuple[int, ...]


def pearson_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: Axis = -1) -> Array:
    """Return covariance / (deviation·deviation) of labels and predictions along ``axis``.

    NaN where one of them does not vary.

    Raises:
        ValueError: shapes differ, or there is no such axis.

    >>> pearson_correlation(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 3.0, 5.0]])).round(6)
    array([1.])
    """
    pair = [y - y.mean(axis=axis, keepdims=True) for y in _aligned(y_true, y_pred, axis)]
    with np.errstate(divide="ignore", invalid="ignore"):
        true, pred = (y / y.std(axis=axis, keepdims=True) for y in pair)
        return np.asarray((true * pred).mean(axis=axis))


def concordance_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: Axis = -1) -> Array:
    """Return 2·covariance / (variance + variance + (mean - mean)²) along ``axis`` (Lin, 1989).

    Raises:
        ValueError: shapes differ, or there is no such axis.

    >>> concordance_correlation(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 3.0, 5.0]])).round(4)
    array([0.6154])
    """
    pair = _aligned(y_true, y_pred, axis)
    means = [y.mean(axis=axis, keepdims=True) for y in pair]
    true, pred = (y - mean for y, mean in zip(pair, means, strict=True))
    norm = true.var(axis=axis) + pred.var(axis=axis)
    norm = norm + np.square(means[0] - means[1]).mean(axis=axis)
    return np.asarray(2 * (true * pred).mean(axis=axis) / (norm + config.epsilon()))


def _aligned(y_true: ArrayLike, y_pred: ArrayLike, axis: Axis) -> tuple[Array, Array]:
    """Return labels and predictions in one shape and dtype."""
    pred = to_predictions(y_pred)
    true, pred = align(to_labels(y_true).astype(pred.dtype), pred)
    if true.shape != pred.shape:
        raise ValueError(errors.bad_shape("y_true", true.shape, f"{pred.shape}, that of `y_pred`"))
    axes = axis if isinstance(axis, tuple) else (axis,)
    if not all(-pred.ndim <= a < pred.ndim for a in axes):
        raise ValueError(errors.bad_argument("axis", axis, f"axes of shape {pred.shape}"))
    return true, pred


@register()
class PearsonCorrelation(FunctionMetric):
    """Mean of ``pearson_correlation``: 1 where predictions rise with the labels on a line.

    Args:
        name, dtype: see ``Metric``.
        axis: the axis, or axes, along which values are correlated.
    """

    _function = staticmethod(pearson_correlation)

    @extends_options
    def __init__(self, *, axis: AxesOption = -1, **options: Unpack[MetricOptions]) -> None:
        super().__init__(**options)


@register()
class ConcordanceCorrelation(FunctionMetric):
    """Mean of ``concordance_correlation``: 1 where predictions are the labels.

    Args:
        name, dtype: see ``Metric``.
        axis: the axis, or axes, along which values are correlated.
    """

    _function = staticmethod(concordance_correlation)

    @extends_options
    def __init__(self, *, axis: AxesOption = -1, **options: Unpack[MetricOptions]) -> None:
        super().__init__(**options)
