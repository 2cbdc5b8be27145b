"""F scores: means of precision and recall."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.core.options import Positive, Share, choice, takes_options
from fastrnn.losses.alignment import to_labels, to_predictions
from fastrnn.metrics.base import Metric, registry, weights_of_entries
from fastrnn.typing import Array, ArrayLike, DTypeLike, WeightsLike

Average = Annotated[str | None, choice(None, "micro", "macro", "weighted")]


@registry.register()
class FBetaScore(Metric):
    """(1 + beta²)·precision·recall / (beta²·precision + recall), for one-hot labels.

    Args:
        average: ``None`` for an array of the scores of all classes; ``"macro"``, their mean;
            ``"weighted"``, by the number of labels; ``"micro"``, the score of all classes together.
        beta: above 0; how much more recall counts than precision.
        threshold: a prediction above it is a positive decision; by default the largest one is.
        name, dtype: see ``Metric``.

    >>> metric = FBetaScore(average="micro", beta=2.0, threshold=0.5)
    >>> round(metric(np.array([[1, 1], [0, 1]]), np.array([[0.2, 0.6], [0.2, 0.8]])), 4)
    0.7143
    """

    true_positives: Array
    false_positives: Array
    false_negatives: Array
    _labels: Array

    average: str | None
    beta: float
    threshold: float | None

    @takes_options
    def __init__(
        self,
        average: Average = None,
        beta: Positive = 1.0,
        threshold: Share | None = None,
        name: str | None = "fbeta_score",
        dtype: DTypeLike = None,
    ) -> None:
        if threshold == 0:
            raise ValueError(errors.bad_argument("threshold", threshold, "a number above 0"))
        super().__init__(dtype, name)
        self.reset_state()

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: WeightsLike = None
    ) -> None:
        """Add labels and predictions, (batch, classes), and weights, (batch,)."""
        y_true, y_pred = to_labels(y_true), to_predictions(y_pred)
        if y_pred.ndim != 2:
            raise ValueError(errors.bad_shape("y_pred", y_pred.shape, "(batch, classes)"))
        if y_true.shape != y_pred.shape:
            raise ValueError(errors.bad_shape("y_true", y_true.shape, f"{y_pred.shape}"))
        weights = weights_of_entries(sample_weight, y_true.shape)
        axis = None if self.average == "micro" else 0
        found, labels = self._decide(y_pred).astype(np.float64), y_true.astype(np.float64)
        self.true_positives = self.true_positives + (weights * found * labels).sum(axis)
        self.false_positives = self.false_positives + (weights * found * (1 - labels)).sum(axis)
        self.false_negatives = self.false_negatives + (weights * (1 - found) * labels).sum(axis)
        self._labels = self._labels + (weights * labels).sum(axis)

    def _decide(self, y_pred: Array) -> Array:
        if self.threshold is not None:
            return y_pred > self.threshold
        # A row of zeros decides for no class.
        return (y_pred >= y_pred.max(axis=-1, keepdims=True)) & (np.abs(y_pred) > 1e-9)

    def result(self) -> Any:
        """Return the score: a float, or an array of those of all classes."""
        epsilon, square = config.epsilon(), self.beta**2
        precision = self.true_positives / (self.true_positives + self.false_positives + epsilon)
        recall = self.true_positives / (self.true_positives + self.false_negatives + epsilon)
        scores = (1 + square) * precision * recall / (square * precision + recall + epsilon)
        if self.average == "weighted":
            return float((scores * self._labels / (self._labels.sum() + epsilon)).sum())
        return scores if self.average is None else float(np.mean(scores))

    def reset_state(self) -> None:
        """Forget all batches."""
        self.true_positives = self.false_positives = self.false_negatives = np.zeros(())
        self._labels = np.zeros(())


@registry.register()
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall: ``FBetaScore`` with beta 1.

    >>> metric = F1Score(average="macro")
    >>> round(metric(np.array([[1, 0], [0, 1]]), np.array([[0.6, 0.2], [0.9, 0.1]])), 4)
    0.3333
    """

    @takes_options
    def __init__(
        self,
        average: Average = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)
