"""Losses of probabilities: binary, categorical and sparse categorical crossentropy."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn import activations, config
from fastrnn.core import errors
from fastrnn.core.options import Integer, Share, Unused, extends_options, takes_options
from fastrnn.losses.base import LossOptions, Terms, TermsLoss, mean_of, register
from fastrnn.losses.functions import function_of
from fastrnn.typing import Array, DTypeLike, MaskLike


@mean_of
def _binary_crossentropy(
    y_true: Array, y_pred: Array, from_logits: bool = False, label_smoothing: float = 0.0
) -> tuple[Array, Array]:
    """-(t·log p + (1 - t)·log(1 - p)); probabilities are clipped, without gradient there."""
    y_true = smooth_binary(y_true, label_smoothing)
    if from_logits:
        loss = np.maximum(y_pred, 0) - y_pred * y_true + np.log1p(np.exp(-np.abs(y_pred)))
        return loss, activations.sigmoid(y_pred) - y_true
    return binary_terms(y_true, y_pred)


def binary_terms(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Return the binary crossentropy of each probability, and its derivative."""
    p, inside = clip_probabilities(y_pred)
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log1p(-p))
    return loss, inside * (p - y_true) / (p * (1 - p))


def smooth_binary(y_true: Array, label_smoothing: float) -> Array:
    """Move labels 0 and 1 towards 1/2."""
    return y_true * (1 - label_smoothing) + label_smoothing / 2 if label_smoothing else y_true


def smooth_classes(y_true: Array, label_smoothing: float) -> Array:
    """Move one-hot labels towards equal shares: of the last axis, as Keras counts them."""
    shares = label_smoothing / y_true.shape[-1]
    return y_true * (1 - label_smoothing) + shares if label_smoothing else y_true


def clip_probabilities(p: Array) -> tuple[Array, Array]:
    """Return p within [epsilon, 1 - epsilon], and where it already was."""
    low, high = p.dtype.type(config.epsilon()), p.dtype.type(1 - config.epsilon())
    return np.clip(p, low, high), (p >= low) & (p <= high)


def _categorical_crossentropy(
    y_true: Array,
    y_pred: Array,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Terms:
    """-sum over the classes of t·log p; probabilities are renormalised, then clipped."""
    y_true = smooth_classes(y_true, label_smoothing)
    if from_logits:
        log_p = activations.log_softmax(y_pred, axis=axis)
        total = y_true.sum(axis=axis, keepdims=True)
        values = -(y_true * log_p).sum(axis=axis)
        return values, lambda d: np.expand_dims(d, axis) * (np.exp(log_p) * total - y_true)
    total = y_pred.sum(axis=axis, keepdims=True)
    p = y_pred / total
    clipped, inside = clip_probabilities(p)

    def pullback(d: Array) -> Array:
        dp = np.expand_dims(d, axis) * inside * -y_true / clipped
        return (dp - (dp * p).sum(axis=axis, keepdims=True)) / total

    return -(y_true * np.log(clipped)).sum(axis=axis), pullback


def _sparse_categorical_crossentropy(
    y_true: Array,
    y_pred: Array,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Terms:
    """-log p of the class that ``y_true`` names; ``ignore_class`` counts nothing."""
    scores = np.moveaxis(y_pred, axis, -1)
    labels = y_true.astype(np.intp)
    keep = None if ignore_class is None else labels != ignore_class
    index = (labels if keep is None else np.where(keep, labels, 0))[..., None]
    if from_logits:
        log_p = activations.log_softmax(scores)
        values = -np.take_along_axis(log_p, index, axis=-1)[..., 0]
    else:
        total = scores.sum(axis=-1, keepdims=True)
        p_label = np.take_along_axis(scores, index, axis=-1) / total
        clipped, inside = clip_probabilities(p_label)
        values = -np.log(clipped)[..., 0]
    if keep is not None:
        values = np.where(keep, values, 0).astype(y_pred.dtype)

    def pullback(d: Array) -> Array:
        d = (d if keep is None else d * keep)[..., None]
        if from_logits:
            dx = np.exp(log_p)
            np.put_along_axis(dx, index, np.take_along_axis(dx, index, axis=-1) - 1, axis=-1)
            dx *= d
        else:
            dp = d * inside * -1 / clipped
            dx = np.broadcast_to(-dp * p_label / total, scores.shape).copy()
            at_label = np.take_along_axis(dx, index, axis=-1) + dp / total
            np.put_along_axis(dx, index, at_label, axis=-1)
        return np.moveaxis(dx, -1, axis).astype(y_pred.dtype, copy=False)

    return values, pullback


@register("bce", "BCE", "binary_crossentropy")
class BinaryCrossentropy(TermsLoss):
    """Crossentropy of labels 0 and 1 (or between), mean over ``axis``.

    Args:
        from_logits: whether ``y_pred`` is what a sigmoid would be applied to.
        label_smoothing: from 0 to 1; moves labels towards 1/2.
        axis, reduction, name, dtype: see ``Loss``; ``axis`` is averaged over.
    """

    _terms = staticmethod(_binary_crossentropy)

    @extends_options
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: Share = 0.0,
        axis: Integer = -1,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)


@register("categorical_crossentropy")
class CategoricalCrossentropy(TermsLoss):
    """Crossentropy of one-hot labels.

    Args:
        from_logits: whether ``y_pred`` is what a softmax would be applied to.
        label_smoothing: from 0 to 1; moves labels towards equal shares.
        axis: the axis of the classes.
        reduction, name, dtype: see ``Loss``.
    """

    _terms = staticmethod(_categorical_crossentropy)

    @extends_options
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: Share = 0.0,
        axis: Integer = -1,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)


class ClassNumbersLoss(TermsLoss):
    """A loss of labels that are the numbers of the classes."""

    axis: int = -1
    ignore_class: int | None = None

    def check_labels(self, y_true: Array, classes: int | None = None) -> None:
        """Raise ``ValueError`` if labels are no integers from 0 to ``classes`` - 1."""
        super().check_labels(y_true, classes)
        if y_true.dtype.kind == "f" and (y_true != np.floor(y_true)).any():
            raise ValueError(
                errors.bad_argument("y_true", "fractions", "integers, the numbers of the classes")
            )
        ignored = self.ignore_class
        kept = y_true if ignored is None else y_true[y_true != ignored]
        if classes is None or kept.size == 0:
            return
        low, high = kept.min(), kept.max()
        if low < 0 or high >= classes:
            received = f"labels from {low:g} to {high:g}"
            expected = f"labels from 0 to {classes - 1}, the last of {classes} classes"
            raise ValueError(errors.bad_argument("y_true", received, expected))

    def check_shapes(self, y_true: Array, y_pred: Array) -> None:
        """Raise ``ValueError`` if the labels are not as the predictions without the classes."""
        self._check_axis(y_pred)
        axis = self.axis % y_pred.ndim
        without = (*y_pred.shape[:axis], *y_pred.shape[axis + 1 :])
        if y_true.shape not in (without, (*without[:axis], 1, *without[axis:])):
            remedy = "For one-hot labels use categorical_crossentropy."
            raise ValueError(
                errors.bad_shape("y_true", y_true.shape, f"{without}, one label each", remedy)
            )
        self.check_labels(y_true, y_pred.shape[axis])

    def terms(self, y_true: Array, y_pred: Array) -> Terms:
        """Return values and pullback."""
        if y_true.ndim == y_pred.ndim:
            y_true = y_true.squeeze(self.axis)
        return super().terms(y_true, y_pred)

    def _join_masks(self, mask: MaskLike, y_true: Array, values: Array) -> MaskLike:
        ignored = self.ignore_class
        if ignored is None:
            return mask
        kept = y_true.reshape(values.shape) != ignored
        return kept if mask is None else kept & np.asarray(mask, dtype=bool)


@register("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(ClassNumbersLoss):
    """Crossentropy of labels that are the numbers of the classes.

    Args:
        from_logits: whether ``y_pred`` is what a softmax would be applied to.
        ignore_class: a label that counts nothing, e.g. -1 for padding.
        reduction, name: see ``Loss``.
        axis: the axis of the classes.
        dtype: accepted.
    """

    _terms = staticmethod(_sparse_categorical_crossentropy)

    @takes_options
    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: Integer | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: Integer = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Unused[DTypeLike] = None,
    ) -> None:
        super().__init__(reduction, name, dtype)


binary_crossentropy = function_of(BinaryCrossentropy)
categorical_crossentropy = function_of(CategoricalCrossentropy)
sparse_categorical_crossentropy = function_of(SparseCategoricalCrossentropy)
