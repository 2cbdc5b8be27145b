"""Circle: a loss of embeddings, which brings those of one class together."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn import activations
from fastrnn.core import errors
from fastrnn.core.options import Finite, Flag, extends_options
from fastrnn.losses.alignment import to_labels, to_predictions
from fastrnn.losses.base import LossOptions, Terms, TermsLoss, register
from fastrnn.typing import Array, ArrayLike, MaskLike


def _circle(
    y_true: Array,
    y_pred: Array,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
    references: tuple[Array, Array] | None = None,
) -> Terms:
    """softplus(logsumexp of the positives + logsumexp of the negatives) for each sample.

    With D = max(1 - cosine, 0): positives gamma·(D² - margin²), negatives gamma·max(1 + margin - D,
    0)·(1 - margin - D).
    """
    labels, others = (y_true, y_pred) if references is None else references
    cosines = y_pred @ others.T
    distances = np.maximum(1 - cosines, 0)
    same = y_true.reshape(-1, 1).astype(np.int64) == labels.reshape(1, -1).astype(np.int64)
    positive = same & (np.eye(*same.shape) == 0) if remove_diagonal else same
    weights = np.maximum(1 + margin - distances, 0)
    p_sum, p_share = _log_sum(gamma * (distances**2 - margin**2), positive)
    n_sum, n_share = _log_sum(gamma * weights * (1 - margin - distances), ~same)
    total = p_sum + n_sum

    def pullback(d: Array) -> Array:
        derivative = (d * activations.sigmoid(total))[:, None]
        d_positive = p_share * (2 * gamma) * distances
        d_negative = np.where(weights > 0, n_share * (2 * gamma) * (distances - 1), 0)
        d_cosines = np.where(cosines < 1, -derivative * (d_positive + d_negative), 0)
        return (d_cosines @ others + d_cosines.T @ y_pred).astype(y_pred.dtype)

    return activations.softplus(total), pullback


def _log_sum(x: Array, keep: Array) -> tuple[Array, Array]:
    """Return log(sum(exp(x))) of each row's entries to keep, and their shares of the sum."""
    x = np.where(keep, x, -np.inf)
    most = np.maximum(x.max(axis=1, keepdims=True), np.finfo(x.dtype).min)
    e = np.exp(x - most)
    total = e.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):  # a row with nothing to keep has the sum 0
        return (most + np.log(total))[:, 0], e / np.maximum(total, np.finfo(x.dtype).tiny)


@register()
class Circle(TermsLoss):
    """Circle loss of embeddings of length 1 (Sun et al., 2020).

    Samples of one class shall be near each other and far from the others, those the most that are
    the farthest off. The mean is taken over samples whose loss is above 0.

    Args:
        gamma: scale of the similarities.
        margin: distance at which a pair begins to count less.
        remove_diagonal: whether a sample is no neighbour of its own.
        reduction, name, dtype: see ``Loss``.

    Labels: integers, (batch,) or (batch, 1). Predictions: (batch, dim), each of length 1, as
    ``layers.UnitNormalization`` makes them.

    >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    >>> round(Circle(gamma=10.0)(np.array([0, 0, 1]), x), 4)
    11.8
    """

    _terms = staticmethod(_circle)

    @extends_options
    def __init__(
        self,
        gamma: Finite = 80.0,
        margin: Finite = 0.4,
        remove_diagonal: Flag = True,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)

    def check_shapes(self, y_true: Array, y_pred: Array) -> None:
        """Raise ``ValueError`` unless there is one label for each embedding."""
        if y_pred.ndim != 2:
            raise ValueError(errors.bad_shape("y_pred", y_pred.shape, "(batch, dim)"))
        if y_true.shape not in ((len(y_pred),), (len(y_pred), 1)):
            expected = f"({len(y_pred)},), a class number for each embedding"
            raise ValueError(errors.bad_shape("y_true", y_true.shape, expected))

    def _join_masks(self, mask: MaskLike, y_true: Array, values: Array) -> MaskLike:
        return values > 0 if mask is None else np.asarray(mask, bool) & (values > 0)


def circle(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    ref_labels: ArrayLike | None = None,
    ref_embeddings: ArrayLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Array:
    """Return the values of ``Circle``, one for each sample.

    Args:
        y_true: class numbers, (batch,).
        y_pred: embeddings, (batch, dim).
        ref_labels, ref_embeddings: those to compare with, (others,) and (others, dim), if they are
            not the batch itself.
        remove_diagonal, gamma, margin: see ``Circle``.
    """
    loss = Circle(gamma, margin, remove_diagonal)
    y_true, y_pred = to_labels(y_true), to_predictions(y_pred)
    loss.check_shapes(y_true, y_pred)
    labels = y_true if ref_labels is None else to_labels(ref_labels)
    others = y_pred if ref_embeddings is None else to_predictions(ref_embeddings)
    if others.ndim != 2 or others.shape[1] != y_pred.shape[1] or labels.size != len(others):
        expected = f"({labels.size}, {y_pred.shape[1]}), an embedding for each label"
        raise ValueError(errors.bad_shape("ref_embeddings", others.shape, expected))
    return _circle(y_true, y_pred, remove_diagonal, gamma, margin, (labels, others))[0]
