"""Losses of distributions and counts: Kullback-Leibler divergence and Poisson."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import config
from fastrnn.losses.base import Terms, TermsLoss, mean_of, registry, values_of

Array = npt.NDArray[Any]


def _kl_divergence(y_true: Array, y_pred: Array) -> Terms:
    """Sum of t·log(t / p), both clipped to [epsilon, 1]."""
    low = y_pred.dtype.type(config.epsilon())
    t, p = np.clip(y_true, low, 1), np.clip(y_pred, low, 1)
    slope = -t / p * ((y_pred >= low) & (y_pred <= 1))
    return (t * np.log(t / p)).sum(axis=-1), lambda d: d[..., None] * slope


@mean_of
def _poisson(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """p - t·log p: the negative log-likelihood of counts t, without the term of t alone."""
    p = y_pred + y_pred.dtype.type(config.epsilon())
    with np.errstate(divide="ignore", invalid="ignore"):  # a negative rate has no logarithm
        return y_pred - y_true * np.log(p), 1 - y_true / p


@registry.register("kld", "KLD", "kullback_leibler_divergence")
class KLDivergence(TermsLoss):
    """Sum of y_true·log(y_true / y_pred) over the last axis."""

    _terms = staticmethod(_kl_divergence)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "kl_divergence",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)


@registry.register()
class Poisson(TermsLoss):
    """Mean of y_pred - y_true·log(y_pred) over the last axis."""

    _terms = staticmethod(_poisson)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "poisson",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)


def kl_divergence(y_true: Any, y_pred: Any) -> Array:
    """Return the values of ``KLDivergence``, one for each sample (and step)."""
    return values_of(KLDivergence(), y_true, y_pred)


def poisson(y_true: Any, y_pred: Any) -> Array:
    """Return the values of ``Poisson``, one for each sample (and step)."""
    return values_of(Poisson(), y_true, y_pred)
