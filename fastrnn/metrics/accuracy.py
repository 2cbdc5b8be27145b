"""Accuracies: shares of right predictions."""

from __future__ import annotations

from typing import Annotated, Unpack

import numpy as np

from fastrnn.core import errors
from fastrnn.core.options import PositiveInt, extends_options, number
from fastrnn.losses.alignment import align
from fastrnn.metrics.base import FunctionMetric, MetricOptions, register
from fastrnn.typing import Array


def accuracy(y_true: Array, y_pred: Array) -> Array:
    """Return 1 where ``y_pred`` equals ``y_true``, else 0."""
    y_true, y_pred = align(y_true, y_pred)
    return np.equal(y_true, y_pred)


def binary_accuracy(y_true: Array, y_pred: Array, threshold: float = 0.5) -> Array:
    """Return 1 where ``y_pred > threshold`` is what ``y_true`` says, else 0."""
    y_true, y_pred = align(y_true, y_pred)
    return np.equal(y_true, y_pred > threshold)


def categorical_accuracy(y_true: Array, y_pred: Array) -> Array:
    """Return 1 where the largest prediction is that of the one-hot label, else 0."""
    return np.equal(y_true.argmax(axis=-1), y_pred.argmax(axis=-1))


def sparse_categorical_accuracy(y_true: Array, y_pred: Array) -> Array:
    """Return 1 where the largest prediction is that of the label's number, else 0."""
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = y_true[..., 0]
    return np.equal(y_true, y_pred.argmax(axis=-1))


def top_k_categorical_accuracy(y_true: Array, y_pred: Array, k: int = 5) -> Array:
    """Return 1 where the one-hot label's class is among the ``k`` largest predictions, else 0."""
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    return _is_among_largest(y_true.argmax(axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Array, y_pred: Array, k: int = 5, from_sorted_ids: bool = False
) -> Array:
    """Return 1 where the label's number is among the ``k`` largest predictions, else 0.

    Args:
        y_true: numbers of classes.
        y_pred: scores of all classes, or numbers of classes from the likeliest on.
        k: how many count.
        from_sorted_ids: whether ``y_pred`` are numbers of classes.
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = y_true[..., 0]
    if from_sorted_ids:
        return np.asarray(np.equal(y_true[..., None], y_pred[..., :k]).any(axis=-1))
    return _is_among_largest(y_true, y_pred, k)


def _is_among_largest(classes: Array, scores: Array, k: int) -> Array:
    """Ties count as among them."""
    index, n = classes.astype(np.intp), scores.shape[-1]
    if index.shape != scores.shape[:-1]:
        expected = f"{scores.shape[:-1]}, one class each"
        raise ValueError(errors.bad_shape("y_true", index.shape, expected))
    if k > n:
        raise ValueError(errors.bad_argument("k", k, f"at most the number of classes, {n}"))
    if index.size and not 0 <= index.min() <= index.max() < n:
        received = f"labels from {index.min()} to {index.max()}"
        raise ValueError(errors.bad_argument("y_true", received, f"labels from 0 to {n - 1}"))
    least = np.partition(scores, n - k, axis=-1)[..., n - k]
    return np.take_along_axis(scores, index[..., None], axis=-1)[..., 0] >= least


@register()
class Accuracy(FunctionMetric):
    """Share of predictions that equal the labels."""

    _function = staticmethod(accuracy)


@register()
class BinaryAccuracy(FunctionMetric):
    """Share of predictions on the right side of ``threshold``."""

    _function = staticmethod(binary_accuracy)

    @extends_options
    def __init__(
        self,
        *,
        threshold: Annotated[float, number(0, 1, exclusive=True)] = 0.5,
        **options: Unpack[MetricOptions],
    ) -> None:
        super().__init__(**options)


@register()
class CategoricalAccuracy(FunctionMetric):
    """Share of samples whose largest prediction is that of the one-hot label."""

    _function = staticmethod(categorical_accuracy)


@register()
class SparseCategoricalAccuracy(FunctionMetric):
    """Share of samples whose largest prediction is that of the label's number."""

    _function = staticmethod(sparse_categorical_accuracy)


@register()
class TopKCategoricalAccuracy(FunctionMetric):
    """Share of samples whose one-hot label's class is among the ``k`` largest predictions."""

    _function = staticmethod(top_k_categorical_accuracy)

    @extends_options
    def __init__(self, k: PositiveInt = 5, **options: Unpack[MetricOptions]) -> None:
        super().__init__(**options)


@register()
class SparseTopKCategoricalAccuracy(FunctionMetric):
    """Share of samples whose label's number is among the ``k`` largest predictions.

    Args:
        k: how many count.
        name, dtype: see ``Metric``.
        from_sorted_ids: whether ``y_pred`` are numbers of classes from the likeliest on.
    """

    _function = staticmethod(sparse_top_k_categorical_accuracy)

    @extends_options
    def __init__(
        self, k: PositiveInt = 5, *, from_sorted_ids: bool = False, **options: Unpack[MetricOptions]
    ) -> None:
        super().__init__(**options)
