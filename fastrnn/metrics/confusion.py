"""Counts of right and wrong decisions at thresholds, and ratios of these counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.core.checks import to_number
from fastrnn.core.options import Integer, Kind, PositiveInt, takes_options
from fastrnn.losses.alignment import align, to_labels, to_predictions
from fastrnn.metrics.base import Metric, registry, weights_of_entries
from fastrnn.typing import Array, ArrayLike, DTypeLike, WeightsLike

COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
Thresholds = float | Sequence[float] | None
# As the config has them; the attribute `thresholds` is the list that they mean.
GivenThresholds = Annotated[Thresholds, Kind(attribute="_given")]
# Below every prediction: the threshold of those that are among the `top_k`.
LOWEST = -1e10


def ratio(a: Array, b: Array) -> Array:
    """Return a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b != 0)


class ConfusionMetric(Metric):
    """A metric of the four counts at each threshold.

    Attributes:
        thresholds: a prediction above one is a positive decision.
        true_positives, false_positives, true_negatives, false_negatives: sums of weights, of the
            shape of ``thresholds``.
    """

    true_positives: Array
    false_positives: Array
    true_negatives: Array
    false_negatives: Array

    top_k: int | None = None
    class_id: int | None = None

    def __init__(self, thresholds: Iterable[float], name: str | None, dtype: DTypeLike) -> None:
        super().__init__(dtype, name)
        self.thresholds = list(thresholds)
        self.reset_state()

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: WeightsLike = None
    ) -> None:
        """Add a batch.

        Args:
            y_true: labels; all but 0 are positive.
            y_pred: predictions, of their shape.
            sample_weight: weights of the samples, of their steps, or of all entries.

        Raises:
            ValueError: shapes do not fit.
        """
        self._count(*self._prepare(y_true, y_pred, sample_weight))

    def _prepare(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: WeightsLike
    ) -> tuple[Array, Array, Array]:
        """Return labels, predictions and weights of all entries that count."""
        y_true, y_pred = align(to_labels(y_true), to_predictions(y_pred))
        if y_true.shape != y_pred.shape:
            expected = f"{y_pred.shape}, that of `y_pred`"
            raise ValueError(errors.bad_shape("y_true", y_true.shape, expected))
        y_pred = y_pred.astype(np.float32)
        weights = weights_of_entries(sample_weight, y_true.shape)
        if self.top_k is not None:
            y_pred = _keep_largest(y_pred, self.top_k)
        if self.class_id is not None:
            _check_class(self.class_id, y_pred)
            return tuple(a[..., self.class_id] for a in (y_true, y_pred, weights))  # type: ignore
        return y_true, y_pred, weights

    def _count(self, y_true: Array, y_pred: Array, weights: Array) -> None:
        counts = count(y_true.ravel(), y_pred.ravel(), weights.ravel(), self.thresholds)
        for name, number in zip(COUNTS, counts, strict=True):
            setattr(self, name, getattr(self, name) + number)

    def reset_state(self) -> None:
        """Forget all batches."""
        zero = np.zeros(len(self.thresholds))
        self.true_positives = self.false_positives = zero
        self.true_negatives = self.false_negatives = zero

    def _of_thresholds(self, values: Array) -> Any:
        """Return values at all thresholds: a float if there is one."""
        return float(values[0]) if len(values) == 1 else values


def count(y_true: Array, y_pred: Array, weights: Array, thresholds: Sequence[float]) -> Array:
    """Return the four counts, (4, thresholds), of flat labels, predictions and weights.

    Each prediction is put into one bucket, by the number of thresholds below it.
    """
    levels = np.asarray(thresholds, np.float32)
    order = np.argsort(levels, kind="stable")
    bucket = _thresholds_below(y_pred, levels[order])
    positive = y_true != 0
    at_least = [
        np.bincount(bucket, weights * which, len(levels) + 1)[::-1].cumsum()[::-1]
        for which in (positive, ~positive)
    ]
    counts = np.empty((4, len(levels)))
    for k, totals in enumerate(at_least):
        counts[k, order] = totals[1:]
        counts[3 - k, order] = totals[0] - totals[1:]
    return counts


def _thresholds_below(y_pred: Array, levels: Array) -> Array:
    """Return how many of the sorted ``levels`` are less than each prediction.

    Equal steps from 0 to 1 are counted by a multiplication, as Keras does: where a prediction
    meets a threshold, rounding decides, and it shall decide as there.
    """
    y_pred = np.where(np.isnan(y_pred), -np.inf, y_pred)
    if not is_even(levels):
        return np.searchsorted(levels, y_pred, side="left")
    steps = np.ceil(np.clip(y_pred, 0, 1).astype(np.float32) * np.float32(len(levels) - 1))
    least = 1 if levels[0] < 0 or levels[-1] > 1 else 0
    return np.maximum(steps.astype(np.intp), least)


def is_even(levels: Array) -> bool:
    """Whether there are 3 thresholds or more, in equal steps from 0 to 1."""
    if len(levels) < 3:
        return False
    return bool(np.allclose(levels, np.linspace(0, 1, len(levels)), atol=2 * config.epsilon()))


def _keep_largest(y_pred: Array, k: int) -> Array:
    n = y_pred.shape[-1]
    if k > n:
        raise ValueError(errors.bad_argument("top_k", k, f"at most the number of classes, {n}"))
    index = np.argsort(-y_pred, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(y_pred, LOWEST)
    np.put_along_axis(kept, index, np.take_along_axis(y_pred, index, axis=-1), axis=-1)
    return kept


def _check_class(class_id: int, y_pred: Array) -> None:
    classes = y_pred.shape[-1]
    if y_pred.ndim < 2 or not -classes <= class_id < classes:
        expected = f"a class of predictions of shape {y_pred.shape}"
        remedy = (
            "When class_id is provided, y_pred must be a 2D array with shape "
            f"(num_samples, num_classes), found shape: {y_pred.shape}."
        )
        raise ValueError(errors.bad_argument("class_id", class_id, expected, remedy))


def to_thresholds(thresholds: Thresholds, default: float = 0.5) -> list[float]:
    """Return thresholds from 0 to 1 as a list, or ``default`` alone where there are none."""
    if thresholds is None:
        return [default]
    given = thresholds if isinstance(thresholds, (list, tuple)) else [thresholds]
    if not given:
        raise ValueError(errors.bad_argument("thresholds", thresholds, "at least one number"))
    return [to_number("thresholds", threshold, 0, 1) for threshold in given]


class _Count(ConfusionMetric):
    """One of the four counts."""

    _name: str

    @takes_options
    def __init__(
        self,
        thresholds: GivenThresholds = None,
        name: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(to_thresholds(thresholds), name, dtype)

    def result(self) -> Any:
        """Return the count: a float, or an array for several thresholds."""
        return self._of_thresholds(getattr(self, self._name))


@registry.register()
class TruePositives(_Count):
    """Weight of the positive labels whose prediction is above the threshold."""

    _name = "true_positives"


@registry.register()
class FalsePositives(_Count):
    """Weight of the labels 0 whose prediction is above the threshold."""

    _name = "false_positives"


@registry.register()
class TrueNegatives(_Count):
    """Weight of the labels 0 whose prediction is not above the threshold."""

    _name = "true_negatives"


@registry.register()
class FalseNegatives(_Count):
    """Weight of the positive labels whose prediction is not above the threshold."""

    _name = "false_negatives"


class _ShareOfTruePositives(ConfusionMetric):
    """True positives by true positives and those that were mistaken."""

    _mistaken: str

    @takes_options
    def __init__(
        self,
        thresholds: GivenThresholds = None,
        top_k: PositiveInt | None = None,
        class_id: Integer | None = None,
        name: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(to_thresholds(thresholds, 0.5 if top_k is None else LOWEST), name, dtype)

    def result(self) -> Any:
        """Return the share: a float, or an array for several thresholds; 0 of nothing."""
        total = self.true_positives + getattr(self, self._mistaken)
        return self._of_thresholds(ratio(self.true_positives, total))


@registry.register()
class Precision(_ShareOfTruePositives):
    """Share of right ones among the positive decisions.

    Args:
        thresholds: from 0 to 1, one or a list; 0.5 by default, or none at all with ``top_k``.
        top_k: only the ``top_k`` largest predictions of the last axis can be positive.
        class_id: look at this class alone.
        name, dtype: see ``Metric``.

    >>> metric = Precision()
    >>> metric(np.array([0, 1, 1, 1]), np.array([0.9, 0.2, 0.8, 0.7]))
    0.6666666666666666
    """

    _mistaken = "false_positives"


@registry.register()
class Recall(_ShareOfTruePositives):
    """Share of the positive labels that were found; arguments are those of ``Precision``.

    >>> metric = Recall(thresholds=0.75)
    >>> metric(np.array([0, 1, 1, 1]), np.array([0.9, 0.2, 0.8, 0.7]))
    0.3333333333333333
    """

    _mistaken = "false_negatives"
