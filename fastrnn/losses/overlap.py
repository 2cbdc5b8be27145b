"""Losses of overlap between labels and predictions, for masks of regions: Dice and Tversky."""

from __future__ import annotations

import numpy as np

from fastrnn import config
from fastrnn.core.options import AxesOption, Finite, Unused, takes_options
from fastrnn.losses.base import Terms, TermsLoss, register
from fastrnn.losses.functions import function_of
from fastrnn.typing import Array, DTypeLike

Axes = int | tuple[int, ...] | None


def _tversky(
    y_true: Array, y_pred: Array, alpha: float = 0.5, beta: float = 0.5, axis: Axes = None
) -> Terms:
    """1 - i / (i + alpha·sum(t·(1 - p)) + beta·sum(p·(1 - t))) with i = sum(t·p)."""
    overlap = _sum(y_true * y_pred, axis)
    missed, invented = _sum(y_true, axis) - overlap, _sum(y_pred, axis) - overlap
    total = overlap + alpha * missed + beta * invented + y_pred.dtype.type(config.epsilon())
    index = overlap / total

    def pullback(d: Array) -> Array:
        d_total = (1 - alpha - beta) * y_true + beta
        d = np.reshape(d, index.shape)
        return -d * (y_true - index * d_total) / total

    return np.asarray(1 - index).squeeze(axis), pullback


def _dice(y_true: Array, y_pred: Array, axis: Axes = None) -> Terms:
    """1 - 2·sum(t·p) / (sum(t) + sum(p))."""
    total = _sum(y_true, axis) + _sum(y_pred, axis) + y_pred.dtype.type(config.epsilon())
    index = 2 * _sum(y_true * y_pred, axis) / total

    def pullback(d: Array) -> Array:
        return -np.reshape(d, index.shape) * (2 * y_true - index) / total

    return np.asarray(1 - index).squeeze(axis), pullback


def _sum(x: Array, axis: Axes) -> Array:
    return np.asarray(x.sum(axis=axis, keepdims=True))


class _OverlapLoss(TermsLoss):
    _takes_axes = True


@register()
class Dice(_OverlapLoss):
    """1 minus the Dice coefficient of labels and predictions.

    Args:
        reduction, name, dtype: see ``Loss``.
        axis: axis or axes of one overlap; ``None`` for one of the whole batch.
    """

    _terms = staticmethod(_dice)

    @takes_options
    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: AxesOption | None = None,
        dtype: Unused[DTypeLike] = None,
    ) -> None:
        super().__init__(reduction, name, dtype)


@register()
class Tversky(_OverlapLoss):
    """1 minus the Tversky index: ``Dice`` with factors for what is missed and what is invented.

    Args:
        alpha: factor of y_true·(1 - y_pred).
        beta: factor of y_pred·(1 - y_true).
        reduction, name, dtype: see ``Loss``.
        axis: axis or axes of one overlap; ``None`` for one of the whole batch.
    """

    _terms = staticmethod(_tversky)

    @takes_options
    def __init__(
        self,
        alpha: Finite = 0.5,
        beta: Finite = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: AxesOption | None = None,
        dtype: Unused[DTypeLike] = None,
    ) -> None:
        super().__init__(reduction, name, dtype)


dice = function_of(Dice)
tversky = function_of(Tversky)
