"""Metrics of a whole curve of thresholds: the area below it, and its best points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Unpack

import numpy as np

from fastrnn import activations, config
from fastrnn.core import errors
from fastrnn.core.checks import to_choice, to_number, to_positive_int
from fastrnn.core.options import (
    ConfigOrder,
    Integer,
    Kind,
    PositiveInt,
    Share,
    extends_options,
    takes_options,
)
from fastrnn.losses.alignment import to_predictions
from fastrnn.metrics.base import MetricOptions, registry
from fastrnn.metrics.confusion import COUNTS, ConfusionMetric, count, ratio
from fastrnn.typing import Array, ArrayLike, DTypeLike, WeightsLike

CURVES = ("ROC", "PR", "PRGAIN")
SUMMATION_METHODS = ("interpolation", "majoring", "minoring")


def _rates(metric: ConfusionMetric) -> dict[str, Array]:
    """Return the rates at all thresholds by name."""
    tp, fp, tn, fn = (getattr(metric, name) for name in COUNTS)
    recall = ratio(tp, tp + fn)
    specificity = ratio(tn, tn + fp)
    return {
        "precision": ratio(tp, tp + fp),
        "recall": recall,
        "sensitivity": recall,
        "specificity": specificity,
    }


class ThresholdOptions(MetricOptions, total=False):
    """The options of all metrics of the best value under a condition."""

    num_thresholds: int
    class_id: int | None


class _BestUnderConstraint(ConfusionMetric):
    """The best value of one rate at the thresholds where another is at least a value."""

    _best: str
    _constrained: str

    num_thresholds: int
    config_order: ClassVar[ConfigOrder] = ("name", "dtype", ..., "class_id")

    @takes_options
    def __init__(
        self,
        num_thresholds: PositiveInt = 200,
        class_id: Integer | None = None,
        name: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        single = self.num_thresholds == 1
        thresholds = [0.5] if single else np.linspace(0, 1, self.num_thresholds).tolist()
        super().__init__(thresholds, name, dtype)

    def result(self) -> float:
        """Return the best value, 0 where no threshold fulfils the condition."""
        rates = _rates(self)
        least = np.float32(getattr(self, self._constrained))
        feasible = rates[self._constrained].astype(np.float32) >= least
        return float(np.max(rates[self._best][feasible], initial=0.0))


@registry.register()
class SensitivityAtSpecificity(_BestUnderConstraint):
    """The best sensitivity at a threshold where the specificity is at least ``specificity``.

    Args:
        specificity: from 0 to 1.
        num_thresholds: how many, in equal steps from 0 to 1.
        class_id: look at this class alone.
        name, dtype: see ``Metric``.
    """

    _best, _constrained = "sensitivity", "specificity"

    @extends_options
    def __init__(self, specificity: Share, **options: Unpack[ThresholdOptions]) -> None:
        super().__init__(**options)


@registry.register()
class SpecificityAtSensitivity(_BestUnderConstraint):
    """The best specificity at a threshold where the sensitivity is at least ``sensitivity``.

    Args:
        sensitivity: from 0 to 1.
        num_thresholds: how many, in equal steps from 0 to 1.
        class_id: look at this class alone.
        name, dtype: see ``Metric``.
    """

    _best, _constrained = "specificity", "sensitivity"

    @extends_options
    def __init__(self, sensitivity: Share, **options: Unpack[ThresholdOptions]) -> None:
        super().__init__(**options)


@registry.register()
class PrecisionAtRecall(_BestUnderConstraint):
    """The best precision at a threshold where the recall is at least ``recall``.

    Args:
        recall: from 0 to 1.
        num_thresholds: how many, in equal steps from 0 to 1.
        class_id: look at this class alone.
        name, dtype: see ``Metric``.
    """

    _best, _constrained = "precision", "recall"

    @extends_options
    def __init__(self, recall: Share, **options: Unpack[ThresholdOptions]) -> None:
        super().__init__(**options)


@registry.register()
class RecallAtPrecision(_BestUnderConstraint):
    """The best recall at a threshold where the precision is at least ``precision``.

    Args:
        precision: from 0 to 1.
        num_thresholds: how many, in equal steps from 0 to 1.
        class_id: look at this class alone.
        name, dtype: see ``Metric``.
    """

    _best, _constrained = "recall", "precision"

    @extends_options
    def __init__(self, precision: Share, **options: Unpack[ThresholdOptions]) -> None:
        super().__init__(**options)


def _to_inner(argument: str, thresholds: object) -> list[float]:
    if not isinstance(thresholds, (list, tuple, np.ndarray)):
        raise ValueError(errors.bad_argument(argument, thresholds, "a list of numbers"))
    return sorted(to_number(argument, t, 0, 1) for t in thresholds)


def _to_weights(argument: str, label_weights: object) -> Array:
    weights = np.asarray(label_weights)
    if weights.dtype.kind not in "fiub" or weights.ndim != 1:
        expected = "a list of numbers, one for each label"
        raise ValueError(errors.bad_argument(argument, label_weights, expected))
    return weights.astype(np.float64)


def _one_of(known: tuple[str, ...], change: Callable[[str], str]) -> Kind:
    """Return the kind of the names ``known``, in upper or lower case as ``change`` makes them."""

    def convert(argument: str, value: object) -> Any:
        return to_choice(argument, change(value) if isinstance(value, str) else value, known)

    return Kind(convert)


@registry.register()
class AUC(ConfusionMetric):
    """Area under the curve of rates at all thresholds.

    Args:
        num_thresholds: how many, at least 2.
        curve: ``"ROC"``, true by false positive rate; ``"PR"``, precision by recall; ``"PRGAIN"``,
            their gains over a constant decision (Flach and Kull, 2015).
        summation_method: heights of the curve between two thresholds: ``"interpolation"``,
            ``"minoring"`` (the lower one) or ``"majoring"`` (the higher one). For PR,
            interpolation follows Davis and Goadrich (2006).
        name, dtype: see ``Metric``.
        thresholds: from 0 to 1, in place of equal steps; the ends are added.
        multi_label: whether each label (last of two axes) has a curve; the result is their mean.
        num_labels: number of labels; known from the first batch otherwise.
        label_weights: weights of the labels.
        from_logits: whether ``y_pred`` is what a sigmoid would be applied to.

    >>> metric = AUC(num_thresholds=3)
    >>> metric(np.array([0, 0, 1, 1]), np.array([0, 0.5, 0.3, 0.9]))
    0.75
    """

    num_thresholds: int
    curve: str
    summation_method: str
    multi_label: bool
    num_labels: int | None
    label_weights: Array | None
    from_logits: bool
    _given: list[float] | None

    @takes_options
    def __init__(
        self,
        num_thresholds: int = 200,
        curve: Annotated[str, _one_of(CURVES, str.upper)] = "ROC",
        summation_method: Annotated[str, _one_of(SUMMATION_METHODS, str.lower)] = "interpolation",
        name: str | None = None,
        dtype: DTypeLike = None,
        thresholds: Annotated[ArrayLike, Kind(_to_inner, attribute="_given")] | None = None,
        multi_label: bool = False,
        num_labels: PositiveInt | None = None,
        label_weights: Annotated[ArrayLike, Kind(_to_weights, np.ndarray.tolist)] | None = None,
        from_logits: bool = False,
    ) -> None:
        inner = self._given
        if inner is None:
            if to_positive_int("num_thresholds", num_thresholds) < 2:
                raise ValueError(errors.bad_argument("num_thresholds", num_thresholds, "2 or more"))
            inner = np.linspace(0, 1, num_thresholds)[1:-1].tolist()
        self.num_thresholds = len(inner) + 2
        # The ends lie beyond 0 and 1: every prediction is above the first, none above the last.
        ends = (-config.epsilon(), 1 + config.epsilon())
        super().__init__([ends[0], *inner, ends[1]], name, dtype)

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: WeightsLike = None
    ) -> None:
        """Add a batch; see ``ConfusionMetric``."""
        y_pred = to_predictions(y_pred)
        y_pred = activations.sigmoid(y_pred) if self.from_logits else y_pred
        y_true, y_pred, weights = self._prepare(y_true, y_pred, sample_weight)
        if self.multi_label:
            self._check_labels_axis(y_pred.shape)
        self._check_label_weights(y_pred.shape)
        if self.label_weights is not None and not self.multi_label:
            weights = weights * self.label_weights
        self._count(y_true, y_pred, weights)

    def _count(self, y_true: Array, y_pred: Array, weights: Array) -> None:
        if not self.multi_label:
            return super()._count(y_true, y_pred, weights)
        columns = zip(y_true.T, y_pred.T, weights.T, strict=True)
        counts = np.stack([count(*column, self.thresholds) for column in columns], axis=-1)
        first = self.true_positives.ndim == 1
        for name, number in zip(COUNTS, counts, strict=True):
            setattr(self, name, number if first else getattr(self, name) + number)
        return None

    def _check_labels_axis(self, shape: tuple[int, ...]) -> None:
        labels = self.true_positives.shape[1] if self.true_positives.ndim > 1 else self.num_labels
        if len(shape) != 2 or (labels is not None and shape[1] != labels):
            expected = f"(batch, {'labels' if labels is None else labels})"
            raise ValueError(errors.bad_shape("y_pred", shape, expected))

    def _check_label_weights(self, shape: tuple[int, ...]) -> None:
        weights = self.label_weights
        if weights is not None and weights.shape != shape[-1:]:
            expected = f"{shape[-1:]}, one for each label"
            raise ValueError(errors.bad_shape("label_weights", weights.shape, expected))

    def result(self) -> float:
        """Return the area, 0 before the first batch."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = self._interpolated_precision()
        else:
            x, y = self._points()
            both = y[:-1], y[1:]
            heights = {
                "interpolation": (both[0] + both[1]) / 2,
                "minoring": np.minimum(*both),
                "majoring": np.maximum(*both),
            }[self.summation_method]
            areas = (x[:-1] - x[1:]) * heights
        area = areas.sum(axis=0)
        if area.ndim and self.label_weights is not None:
            total = self.label_weights.sum()
            return float((area * self.label_weights).sum() / total) if total else 0.0
        return float(area.mean())

    def _points(self) -> tuple[Array, Array]:
        """Return x and y of the curve at all thresholds."""
        rates = _rates(self)
        if self.curve == "PR":
            return rates["recall"], rates["precision"]
        tp, fp, tn, fn = (getattr(self, name) for name in COUNTS)
        if self.curve == "ROC":
            return ratio(fp, fp + tn), rates["recall"]
        scale = ratio(tp + fn, tn + fp)
        recall_gain = np.where(tp == 0, 0, 1 - scale * ratio(fn, tp))
        return np.maximum(recall_gain, 0), np.where(tp == 0, 1, 1 - scale * ratio(fp, tp))

    def _interpolated_precision(self) -> Array:
        """Return the areas between thresholds, with true positives linear in the positive ones."""
        tp, p = self.true_positives, self.true_positives + self.false_positives
        d_tp = tp[:-1] - tp[1:]
        slope = ratio(d_tp, np.maximum(p[:-1] - p[1:], 0))
        intercept = tp[1:] - slope * p[1:]
        both = (p[:-1] > 0) & (p[1:] > 0)
        logarithm = np.log(np.where(both, ratio(p[:-1], p[1:]), 1))
        return ratio(slope * (d_tp + intercept * logarithm), tp[1:] + self.false_negatives[1:])

    def reset_state(self) -> None:
        """Forget all batches."""
        super().reset_state()
        if self.multi_label and self.num_labels is not None:
            zero = np.zeros((len(self.thresholds), self.num_labels))
            for name in COUNTS:
                setattr(self, name, zero)
