"""Labels, predictions, weights and masks, brought to forms that fit each other."""

from __future__ import annotations

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.typing import Array, ArrayLike, DTypeLike, MaskLike, WeightsLike


def to_predictions(y_pred: ArrayLike) -> Array:
    """Return ``y_pred`` as a float array."""
    array = np.asarray(y_pred)
    return array if array.dtype.kind == "f" else array.astype(config.floatx())


def to_labels(y_true: ArrayLike) -> Array:
    """Return ``y_true`` as an array of numbers, or raise ``ValueError``."""
    array = np.asarray(y_true)
    if array.dtype.kind not in "fiub":
        raise ValueError(errors.bad_dtype("y_true", array.dtype, "real numbers"))
    return array


def align(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Bring both to one rank where they differ by a last axis of length 1, as Keras does."""
    if y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        if y_pred.ndim == 1:
            return y_true, y_pred[:, None]
        return y_true[..., 0], y_pred
    if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
        if y_true.ndim == 1:
            return y_true[:, None], y_pred
        return y_true, y_pred[..., 0]
    return y_true, y_pred


def can_broadcast(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether arrays of these shapes can be broadcast to one shape."""
    pairs = zip(reversed(first), reversed(second), strict=False)
    return all(a == b or 1 in (a, b) for a, b in pairs)


def broadcast(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Return labels and predictions in one shape, as NumPy broadcasts them, where that goes."""
    if y_true.shape == y_pred.shape or not can_broadcast(y_true.shape, y_pred.shape):
        return y_true, y_pred
    labels, predictions = np.broadcast_arrays(y_true, y_pred)
    return labels, predictions


def summed_to(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Return the gradient of an array of ``shape`` from that of what it was broadcast to."""
    added = gradient.ndim - len(shape)
    axes = [k + added for k, n in enumerate(shape) if n == 1 and gradient.shape[k + added] > 1]
    return gradient.sum(axis=(*range(added), *axes)).reshape(shape)


def apply_mask(
    sample_weight: WeightsLike, mask: MaskLike, dtype: DTypeLike, mean: bool
) -> Array | None:
    """Join mask and weights to weights, or ``None`` where there is neither.

    Args:
        sample_weight: weights, or ``None``.
        mask: bool, or ``None``.
        dtype: of the result.
        mean: whether a mean over all values follows; then kept values weigh total / kept, so
            that it becomes a mean over those kept.
    """
    weights = None
    if sample_weight is not None:
        weights = np.asarray(sample_weight)
        if weights.dtype.kind not in "fiub":
            raise ValueError(errors.bad_dtype("sample_weight", weights.dtype, "real numbers"))
        weights = weights.astype(dtype)
    if mask is None:
        return weights
    keep = np.asarray(mask, dtype=bool)
    kept = int(keep.sum())
    scale = keep.size / kept if mean and kept else 1.0
    factors = keep.astype(dtype) * np.asarray(scale, dtype)
    if weights is None:
        return factors
    factors, weights = align(factors, weights)
    check_weights(weights, factors.shape)
    return weights * factors


def check_weights(weights: Array, shape: tuple[int, ...]) -> None:
    """Raise ``ValueError`` if weights do not broadcast to values of ``shape``."""
    fits = weights.ndim == len(shape) and all(
        n in (1, size) for n, size in zip(weights.shape, shape, strict=True)
    )
    if not fits and weights.ndim > 0:
        remedy = "Weights of whole samples on a loss per step have shape (batch, 1)."
        raise ValueError(
            errors.bad_shape("sample_weight", weights.shape, f"one that fits {shape}", remedy)
        )
