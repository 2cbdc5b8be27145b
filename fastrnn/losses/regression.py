"""Losses of numbers: squared, absolute and relative errors, and those between them."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn import config
from fastrnn.core.options import Integer, Positive, extends_options
from fastrnn.losses.base import (
    BroadcastLoss,
    LossOptions,
    Terms,
    TermsLoss,
    mean_of,
    register,
)
from fastrnn.losses.functions import function_of
from fastrnn.typing import Array


@mean_of
def _squared_error(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    error = y_pred - y_true
    return error * error, 2 * error


@mean_of
def _absolute_error(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    error = y_pred - y_true
    return np.abs(error), np.sign(error)


@mean_of
def _huber(y_true: Array, y_pred: Array, delta: float = 1.0) -> tuple[Array, Array]:
    """error² / 2 up to |error| = delta, from there on linear (Huber, 1964)."""
    error = y_pred - y_true
    derivative = np.clip(error, -delta, delta)
    return derivative * (error - derivative / 2), derivative


@mean_of
def _absolute_percentage_error(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """100·|error| / |t|; labels near 0 count as epsilon."""
    error = y_pred - y_true
    scale = 100 / np.maximum(np.abs(y_true), y_pred.dtype.type(config.epsilon()))
    return np.abs(error) * scale, np.sign(error) * scale


@mean_of
def _squared_logarithmic_error(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """(log(1 + p) - log(1 + t))²; below epsilon both are constant."""
    least = y_pred.dtype.type(config.epsilon())
    p = np.maximum(y_pred, least)
    error = np.log(p + 1) - np.log(np.maximum(y_true, least) + 1)
    return error * error, 2 * error / (p + 1) * (y_pred > least)


@mean_of
def _log_cosh(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """log(cosh(error)), written so that nothing overflows."""
    error = y_pred - y_true
    size = np.abs(error)
    return size + np.log1p(np.exp(-2 * size)) - y_pred.dtype.type(np.log(2)), np.tanh(error)


def _cosine_similarity(y_true: Array, y_pred: Array, axis: int = -1) -> Terms:
    """-cos of the angle between labels and predictions; very short vectors are not stretched."""
    labels, _ = _to_unit(y_true, axis)
    unit, norms = _to_unit(y_pred, axis)
    cosines = (labels * unit).sum(axis=axis, keepdims=True)

    def pullback(d: Array) -> Array:
        # A vector that is shorter than epsilon is divided by a constant.
        turned = labels - np.where(norms > y_pred.dtype.type(config.epsilon()), cosines, 0) * unit
        return -np.expand_dims(d, axis) * turned / norms

    return -cosines.squeeze(axis), pullback


def _to_unit(x: Array, axis: int) -> tuple[Array, Array]:
    """Return the vectors along ``axis`` by their norms, and the norms, at least epsilon."""
    lengths = np.sqrt(np.square(x).sum(axis=axis, keepdims=True))
    norms = np.maximum(lengths, x.dtype.type(config.epsilon()))
    return x / norms, norms


@register("mse", "MSE")
class MeanSquaredError(BroadcastLoss):
    """Mean of (y_pred - y_true)² over the last axis."""

    _terms = staticmethod(_squared_error)


@register("mae", "MAE")
class MeanAbsoluteError(BroadcastLoss):
    """Mean of |y_pred - y_true| over the last axis."""

    _terms = staticmethod(_absolute_error)


@register("huber_loss", name="huber_loss")
class Huber(BroadcastLoss):
    """Half the squared error up to ``delta``, linear beyond; mean over the last axis."""

    _terms = staticmethod(_huber)

    @extends_options
    def __init__(
        self,
        delta: Positive = 1.0,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)


@register("mape", "MAPE")
class MeanAbsolutePercentageError(BroadcastLoss):
    """Mean of 100·|y_pred - y_true| / |y_true| over the last axis."""

    _terms = staticmethod(_absolute_percentage_error)


@register("msle", "MSLE")
class MeanSquaredLogarithmicError(BroadcastLoss):
    """Mean of (log(1 + y_pred) - log(1 + y_true))² over the last axis."""

    _terms = staticmethod(_squared_logarithmic_error)


@register("logcosh")
class LogCosh(BroadcastLoss):
    """Mean of log(cosh(y_pred - y_true)) over the last axis: nearly ``Huber``, and smooth."""

    _terms = staticmethod(_log_cosh)


@register()
class CosineSimilarity(TermsLoss):
    """-cos of the angle between ``y_true`` and ``y_pred``: -1 where they point the same way.

    Args:
        axis: the axis of the vectors.
        reduction, name, dtype: see ``Loss``.
    """

    _terms = staticmethod(_cosine_similarity)

    @extends_options
    def __init__(
        self,
        axis: Integer = -1,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)


mean_squared_error = function_of(MeanSquaredError)
mean_absolute_error = function_of(MeanAbsoluteError)
huber = function_of(Huber)
mean_absolute_percentage_error = function_of(MeanAbsolutePercentageError)
mean_squared_logarithmic_error = function_of(MeanSquaredLogarithmicError)
log_cosh = function_of(LogCosh)
cosine_similarity = function_of(CosineSimilarity)
