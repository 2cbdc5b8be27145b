"""Focal crossentropies, and the generalized one: easy samples, or wrong labels, count less."""

from __future__ import annotations

from typing import Annotated, Unpack

import numpy as np

from fastrnn import activations
from fastrnn.core.checks import to_real_array
from fastrnn.core.options import Finite, Integer, Kind, Share, as_given, extends_options, number
from fastrnn.losses.base import (
    LossOptions,
    Terms,
    TermsLoss,
    mean_of,
    register,
    values_of,
)
from fastrnn.losses.crossentropy import (
    ClassNumbersLoss,
    binary_terms,
    clip_probabilities,
    smooth_binary,
    smooth_classes,
)
from fastrnn.losses.functions import function_of
from fastrnn.typing import Array, ArrayLike


def _power(x: Array, exponent: float) -> tuple[Array, Array]:
    """Return x^exponent and its derivative, 0 for exponent 0."""
    return x**exponent, exponent * x ** (exponent - 1) if exponent else np.zeros_like(x)


@mean_of
def _binary_focal_crossentropy(
    y_true: Array,
    y_pred: Array,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> tuple[Array, Array]:
    """(1 - p_t)^gamma times the crossentropy, p_t the probability of the label."""
    y_true = smooth_binary(y_true, label_smoothing)
    p = activations.sigmoid(y_pred) if from_logits else y_pred
    crossentropy, d_crossentropy = binary_terms(y_true, p)
    miss = 1 - (y_true * p + (1 - y_true) * (1 - p))
    factor, d_factor = _power(miss, gamma)
    derivative = factor * d_crossentropy + d_factor * (1 - 2 * y_true) * crossentropy
    if from_logits:
        derivative = derivative * p * (1 - p)
    if apply_class_balancing:
        factor = factor * (balance := y_true * alpha + (1 - y_true) * (1 - alpha))
        derivative = derivative * balance
    return factor * crossentropy, derivative


def _categorical_focal_crossentropy(
    y_true: Array,
    y_pred: Array,
    alpha: ArrayLike = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Terms:
    """Sum over the classes of -alpha·(1 - p)^gamma·t·log p."""
    y_true = smooth_classes(y_true, label_smoothing)
    scores = activations.softmax(y_pred, axis=axis) if from_logits else y_pred
    total = scores.sum(axis=axis, keepdims=True)
    p = scores / total
    clipped, inside = clip_probabilities(p)
    factor, d_factor = _power(1 - clipped, gamma)
    weights = -np.asarray(alpha, y_pred.dtype) * y_true

    def pullback(d: Array) -> Array:
        derivative = weights * (factor / clipped - d_factor * np.log(clipped))
        dp = np.expand_dims(d, axis) * inside * derivative
        dp = dp - (dp * p).sum(axis=axis, keepdims=True)
        # The softmax's own sum is 1: of its gradient, what is left is the factor p.
        return dp * scores if from_logits else dp / total

    return (weights * factor * np.log(clipped)).sum(axis=axis), pullback


def _categorical_generalized_cross_entropy(y_true: Array, y_pred: Array, q: float) -> Terms:
    """(1 - p^q) / q, p the probability of the label (Zhang and Sabuncu, 2018)."""
    index = y_true.astype(np.intp)[..., None]
    p = np.take_along_axis(y_pred, index, axis=-1)[..., 0]

    def pullback(d: Array) -> Array:
        dx = np.zeros_like(y_pred)
        np.put_along_axis(dx, index, (-d * p ** (q - 1))[..., None], axis=-1)
        return dx

    return (1 - p**q) / q, pullback


@register()
class BinaryFocalCrossentropy(TermsLoss):
    """Binary crossentropy in which sure predictions count less (Lin et al., 2017).

    Args:
        apply_class_balancing: whether ``alpha`` is applied.
        alpha: weight of the label 1; that of 0 is 1 - alpha.
        gamma: exponent of 1 minus the probability of the label; 0 is plain crossentropy.
        from_logits: whether ``y_pred`` is what a sigmoid would be applied to.
        label_smoothing: from 0 to 1; moves labels towards 1/2.
        axis, reduction, name, dtype: see ``Loss``; ``axis`` is averaged over.
    """

    _terms = staticmethod(_binary_focal_crossentropy)

    @extends_options
    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: Finite = 0.25,
        gamma: Finite = 2.0,
        from_logits: bool = False,
        label_smoothing: Share = 0.0,
        axis: Integer = -1,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)


@register()
class CategoricalFocalCrossentropy(TermsLoss):
    """Categorical crossentropy in which sure predictions count less (Lin et al., 2017).

    Args:
        alpha: weight, or one for each class.
        gamma: exponent of 1 minus the probability.
        from_logits: whether ``y_pred`` is what a softmax would be applied to.
        label_smoothing: from 0 to 1; moves labels towards equal shares.
        axis: the axis of the classes.
        reduction, name, dtype: see ``Loss``.
    """

    _terms = staticmethod(_categorical_focal_crossentropy)

    @extends_options
    def __init__(
        self,
        alpha: Annotated[ArrayLike, as_given(Kind(to_real_array))] = 0.25,
        gamma: Finite = 2.0,
        from_logits: bool = False,
        label_smoothing: Share = 0.0,
        axis: Integer = -1,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)


@register()
class CategoricalGeneralizedCrossEntropy(ClassNumbersLoss):
    """(1 - p^q) / q of labels that are the numbers of the classes: robust against wrong ones.

    Args:
        q: between 0, where it becomes crossentropy, and 1, where it becomes the absolute error.
        reduction, name, dtype: see ``Loss``.
    """

    _terms = staticmethod(_categorical_generalized_cross_entropy)

    @extends_options
    def __init__(
        self,
        q: Annotated[float, number(0, 1, exclusive=True)] = 0.5,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)


binary_focal_crossentropy = function_of(BinaryFocalCrossentropy)
categorical_focal_crossentropy = function_of(CategoricalFocalCrossentropy)


def categorical_generalized_cross_entropy(y_true: ArrayLike, y_pred: ArrayLike, q: float) -> Array:
    """Return the values of ``CategoricalGeneralizedCrossEntropy``, one for each label."""
    return values_of(CategoricalGeneralizedCrossEntropy(q), y_true, y_pred)
