"""Hinge losses: of labels -1 and 1, and of one-hot labels."""

from __future__ import annotations

import numpy as np

from fastrnn.losses.base import BroadcastLoss, Terms, mean_of, register
from fastrnn.losses.functions import function_of
from fastrnn.typing import Array


def _to_signs(y_true: Array) -> Array:
    """Return labels 0 and 1 as -1 and 1; leave other labels as they are."""
    return 2 * y_true - 1 if ((y_true == 0) | (y_true == 1)).all() else y_true


@mean_of
def _hinge(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    signs = _to_signs(y_true)
    lack = np.maximum(1 - signs * y_pred, 0)
    return lack, -signs * (lack > 0)


@mean_of
def _squared_hinge(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    signs = _to_signs(y_true)
    lack = np.maximum(1 - signs * y_pred, 0)
    return lack * lack, -2 * signs * lack


def _categorical_hinge(y_true: Array, y_pred: Array) -> Terms:
    """By how much the best wrong class comes closer than 1 to the right one."""
    others = (1 - y_true) * y_pred
    best = others.argmax(axis=-1)[..., None]
    lack = np.take_along_axis(others, best, axis=-1)[..., 0] - (y_true * y_pred).sum(axis=-1) + 1

    def pullback(d: Array) -> Array:
        dx = -y_true
        at_best = np.take_along_axis(1 - 2 * y_true, best, axis=-1)
        np.put_along_axis(dx, best, at_best, axis=-1)
        return (d * (lack > 0))[..., None] * dx

    return np.maximum(lack, 0), pullback


@register()
class Hinge(BroadcastLoss):
    """Mean of max(1 - y_true·y_pred, 0) over the last axis; labels 0 and 1 become -1 and 1."""

    _terms = staticmethod(_hinge)


@register()
class SquaredHinge(BroadcastLoss):
    """Mean of max(1 - y_true·y_pred, 0)² over the last axis; labels 0 and 1 as in ``Hinge``."""

    _terms = staticmethod(_squared_hinge)


@register()
class CategoricalHinge(BroadcastLoss):
    """max(max((1 - y_true)·y_pred) - sum(y_true·y_pred) + 1, 0), for one-hot labels."""

    _terms = staticmethod(_categorical_hinge)


hinge = function_of(Hinge)
squared_hinge = function_of(SquaredHinge)
categorical_hinge = function_of(CategoricalHinge)
