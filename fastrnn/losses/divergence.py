"""Losses of distributions and counts: Kullback-Leibler divergence and Poisson."""

from __future__ import annotations

import numpy as np

from fastrnn import config
from fastrnn.losses.base import BroadcastLoss, Terms, mean_of, register
from fastrnn.losses.functions import function_of
from fastrnn.typing import Array


def _kl_divergence(y_true: Array, y_pred: Array) -> Terms:
    """Sum of t·log(t / p), both clipped to [epsilon, 1]."""
    low = y_pred.dtype.type(config.epsilon())
    t, p = np.clip(y_true, low, 1), np.clip(y_pred, low, 1)
    derivative = -t / p * ((y_pred >= low) & (y_pred <= 1))
    return (t * np.log(t / p)).sum(axis=-1), lambda d: d[..., None] * derivative


@mean_of
def _poisson(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """p - t·log p: the negative log-likelihood of counts t, without the term of t alone."""
    p = y_pred + y_pred.dtype.type(config.epsilon())
    with np.errstate(divide="ignore", invalid="ignore"):  # a negative rate has no logarithm
        return y_pred - y_true * np.log(p), 1 - y_true / p


@register("kld", "KLD", "kullback_leibler_divergence")
class KLDivergence(BroadcastLoss):
    """Sum of y_true·log(y_true / y_pred) over the last axis."""

    _terms = staticmethod(_kl_divergence)


@register()
class Poisson(BroadcastLoss):
    """Mean of y_pred - y_true·log(y_pred) over the last axis."""

    _terms = staticmethod(_poisson)


kl_divergence = function_of(KLDivergence)
poisson = function_of(Poisson)
