"""Losses of numbers: squared and absolute errors, and Huber's between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.checks import to_number
from fastrnn.losses.base import TermsLoss, mean_of, registry, values_of

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


def mean_squared_error(y_true: Any, y_pred: Any) -> Array:
    """Return the values of ``MeanSquaredError``, one for each sample (and step)."""
    return values_of(MeanSquaredError(), y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Array:
    """Return the values of ``MeanAbsoluteError``, one for each sample (and step)."""
    return values_of(MeanAbsoluteError(), y_true, y_pred)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Array:
    """Return the values of ``Huber``, one for each sample (and step)."""
    return values_of(Huber(delta), y_true, y_pred)
