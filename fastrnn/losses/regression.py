"""Losses of numbers: squared, absolute and relative errors, and those between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import config
from fastrnn.core.checks import to_number
from fastrnn.losses.base import Terms, TermsLoss, mean_of, registry, values_of

Array = npt.NDArray[Any]


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
    slope = np.clip(error, -delta, delta)
    return slope * (error - slope / 2), slope


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


@registry.register("mse", "MSE")
class MeanSquaredError(TermsLoss):
    """Mean of (y_pred - y_true)² over the last axis."""

    _terms = staticmethod(_squared_error)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)


@registry.register("mae", "MAE")
class MeanAbsoluteError(TermsLoss):
    """Mean of |y_pred - y_true| over the last axis."""

    _terms = staticmethod(_absolute_error)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)


@registry.register("huber_loss")
class Huber(TermsLoss):
    """Half the squared error up to ``delta``, linear beyond; mean over the last axis."""

    _terms = staticmethod(_huber)

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        delta = to_number("delta", delta, 0, exclusive=True)
        super().__init__(reduction, name, dtype, delta=delta)


@registry.register("mape", "MAPE")
class MeanAbsolutePercentageError(TermsLoss):
    """Mean of 100·|y_pred - y_true| / |y_true| over the last axis."""

    _terms = staticmethod(_absolute_percentage_error)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)


@registry.register("msle", "MSLE")
class MeanSquaredLogarithmicError(TermsLoss):
    """Mean of (log(1 + y_pred) - log(1 + y_true))² over the last axis."""

    _terms = staticmethod(_squared_logarithmic_error)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)


@registry.register("logcosh")
class LogCosh(TermsLoss):
    """Mean of log(cosh(y_pred - y_true)) over the last axis: nearly ``Huber``, and smooth."""

    _terms = staticmethod(_log_cosh)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "log_cosh",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)


@registry.register()
class CosineSimilarity(TermsLoss):
    """-cos of the angle between ``y_true`` and ``y_pred``: -1 where they point the same way.

    Args:
        axis: the axis of the vectors.
        reduction, name, dtype: see ``Loss``.
    """

    _terms = staticmethod(_cosine_similarity)

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype, axis=axis)


def mean_squared_error(y_true: Any, y_pred: Any) -> Array:
    """Return the values of ``MeanSquaredError``, one for each sample (and step)."""
    return values_of(MeanSquaredError(), y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Array:
    """Return the values of ``MeanAbsoluteError``, one for each sample (and step)."""
    return values_of(MeanAbsoluteError(), y_true, y_pred)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Array:
    """Return the values of ``Huber``, one for each sample (and step)."""
    return values_of(Huber(delta), y_true, y_pred)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Array:
    """Return the values of ``MeanAbsolutePercentageError``, one for each sample (and step)."""
    return values_of(MeanAbsolutePercentageError(), y_true, y_pred)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Array:
    """Return the values of ``MeanSquaredLogarithmicError``, one for each sample (and step)."""
    return values_of(MeanSquaredLogarithmicError(), y_true, y_pred)


def log_cosh(y_true: Any, y_pred: Any) -> Array:
    """Return the values of ``LogCosh``, one for each sample (and step)."""
    return values_of(LogCosh(), y_true, y_pred)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Array:
    """Return the values of ``CosineSimilarity``, one for each sample (and step)."""
    return values_of(CosineSimilarity(axis), y_true, y_pred)
