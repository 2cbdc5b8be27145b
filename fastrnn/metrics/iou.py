"""Intersection over union of classes: IoU, MeanIoU and their forms for other kinds of labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.core.checks import to_int, to_positive_int
from fastrnn.core.options import Finite, Flag, Integer, Kind, PositiveInt, takes_options
from fastrnn.losses.alignment import to_labels
from fastrnn.metrics.base import Metric, registry, weights_of_entries
from fastrnn.typing import Array, ArrayLike, DTypeLike, WeightsLike


def _to_class_ids(argument: str, value: Iterable[object]) -> list[int]:
    return [to_int(argument, k) for k in value]


@registry.register()
class IoU(Metric):
    """Mean over some classes of hits / (hits + missed + invented).

    Classes that neither labels nor predictions name are left out.

    Args:
        num_classes: number of classes.
        target_class_ids: the classes that the mean is taken over.
        name, dtype: see ``Metric``.
        ignore_class: a label whose entries do not count, or ``None``.
        sparse_y_true, sparse_y_pred: whether labels and predictions are class numbers; else they
            have an axis of classes, and the largest entry counts.
        axis: that axis.

    Class numbers out of range do not count; weights count as they are, where Keras cuts them to
    integers unless ``dtype`` is a float type.

    Raises:
        ValueError: a class to look at is out of range, or shapes do not fit.

    >>> metric = IoU(num_classes=2, target_class_ids=[0])
    >>> round(metric(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])), 4)
    0.3333
    """

    num_classes: int
    target_class_ids: list[int]
    ignore_class: int | None
    sparse_y_true: bool
    sparse_y_pred: bool
    axis: int

    @takes_options
    def __init__(
        self,
        num_classes: PositiveInt,
        target_class_ids: Annotated[Sequence[int], Kind(_to_class_ids)],
        name: str | None = None,
        dtype: DTypeLike = None,
        ignore_class: Integer | None = None,
        sparse_y_true: Flag = True,
        sparse_y_pred: Flag = True,
        axis: Integer = -1,
    ) -> None:
        super().__init__(dtype, name)
        if not all(0 <= k < num_classes for k in target_class_ids or [-1]):
            expected = f"class numbers below {num_classes}"
            raise ValueError(errors.bad_argument("target_class_ids", target_class_ids, expected))
        self.reset_state()

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: WeightsLike = None
    ) -> None:
        """Add labels and predictions, and weights of their leading axes."""
        true = self._class_numbers("y_true", y_true, self.sparse_y_true)
        pred = self._class_numbers("y_pred", y_pred, self.sparse_y_pred)
        if true.size != pred.size:
            raise ValueError(errors.bad_shape("y_true", true.shape, f"{pred.shape}"))
        weights = weights_of_entries(sample_weight, true.shape).ravel()
        true, pred = true.ravel(), pred.ravel()
        n = self.num_classes
        keep = (true >= 0) & (true < n) & (pred >= 0) & (pred < n)
        if self.ignore_class is not None:
            keep &= true != self.ignore_class
        pairs = (true * n + pred)[keep].astype(np.intp)
        self.total_cm += np.bincount(pairs, weights[keep], n * n).reshape(n, n)

    def _class_numbers(self, argument: str, y: ArrayLike, sparse: bool) -> Array:
        array = to_labels(y)
        if sparse:
            return np.trunc(array) if array.dtype.kind == "f" else array.astype(np.int64)
        if not -array.ndim <= self.axis < array.ndim:
            expected = f"an axis {self.axis} of classes"
            raise ValueError(errors.bad_shape(argument, array.shape, expected))
        return array.argmax(axis=self.axis)

    def result(self) -> float:
        """Return the mean over the classes that occur, 0 where none does."""
        hits = np.diagonal(self.total_cm)
        unions = self.total_cm.sum(axis=0) + self.total_cm.sum(axis=1) - hits
        hits, unions = hits[self.target_class_ids], unions[self.target_class_ids]
        shares = np.where(unions > 1e-9, hits / (unions + config.epsilon()), 0)
        return float(shares.sum() / ((unions > 1e-9).sum() + config.epsilon()))

    def reset_state(self) -> None:
        """Forget all batches."""
        # Rows are labels, columns predictions.
        self.total_cm = np.zeros((self.num_classes, self.num_classes))


@registry.register()
class BinaryIoU(IoU):
    """``IoU`` of two classes, for predictions that are probabilities.

    Args:
        target_class_ids: 0, 1 or both.
        threshold: predictions from it on are class 1.
        name, dtype: see ``Metric``.

    >>> metric = BinaryIoU(threshold=0.3)
    >>> round(metric(np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.4, 0.7])), 4)
    0.3333
    """

    threshold: float

    @takes_options
    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: Finite = 0.5,
        name: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: WeightsLike = None
    ) -> None:
        """Add labels and probabilities, and weights of their leading axes."""
        super().update_state(y_true, to_labels(y_pred) >= self.threshold, sample_weight)


@registry.register()
class MeanIoU(IoU):
    """``IoU`` of all classes.

    Args:
        num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: see ``IoU``.

    >>> metric = MeanIoU(num_classes=2)
    >>> round(metric(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])), 4)
    0.3333
    """

    @takes_options
    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypeLike = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        everything = range(to_positive_int("num_classes", num_classes))
        options = (ignore_class, sparse_y_true, sparse_y_pred, axis)
        super().__init__(num_classes, everything, name, dtype, *options)


@registry.register()
class OneHotIoU(IoU):
    """``IoU`` for labels that are one-hot.

    Args:
        num_classes, target_class_ids, name, dtype, ignore_class, sparse_y_pred, axis: see ``IoU``.

    >>> metric = OneHotIoU(num_classes=2, target_class_ids=[0])
    >>> round(metric(np.eye(2)[[0, 0, 1, 1]], np.eye(2)[[0, 1, 0, 1]]), 4)
    0.3333
    """

    @takes_options
    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DTypeLike = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        options = (ignore_class, False, sparse_y_pred, axis)
        super().__init__(num_classes, target_class_ids, name, dtype, *options)


@registry.register()
class OneHotMeanIoU(MeanIoU):
    """``MeanIoU`` for labels that are one-hot.

    Args:
        num_classes, name, dtype, ignore_class, sparse_y_pred, axis: see ``IoU``.

    >>> metric = OneHotMeanIoU(num_classes=2)
    >>> round(metric(np.eye(2)[[0, 0, 1, 1]], np.eye(2)[[0, 1, 0, 1]]), 4)
    0.3333
    """

    @takes_options
    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypeLike = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
