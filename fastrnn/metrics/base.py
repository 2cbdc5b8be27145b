"""Metric; means and sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypedDict

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.core.class_table import to_snake_case
from fastrnn.core.named_registry import NamedRegistry
from fastrnn.core.options import (
    ConfigOrder,
    Configurable,
    takes_options,
    values_of_options,
)
from fastrnn.losses.alignment import align, apply_mask, to_labels, to_predictions
from fastrnn.typing import Array, ArrayLike, DTypeLike, MaskLike, MetricLike, WeightsLike


class _MetricRegistry(NamedRegistry):
    """The table of metrics; a function that it is given becomes a metric."""

    def get(self, identifier: MetricLike | Metric) -> Any:
        """Return the metric of a name, a config, a ``Metric`` or a function.

        A name becomes the metric's name; so ``"mse"`` reports as ``mse``.

        Raises:
            ValueError: the name is unknown.
        """
        if callable(identifier) and not isinstance(identifier, (Metric, type)):
            return MeanMetricWrapper(identifier)
        metric = super().get(identifier)
        if metric is not None and not isinstance(metric, Metric):
            metric = MeanMetricWrapper(metric)
        if isinstance(identifier, str):
            metric.name = identifier
        return metric


registry = _MetricRegistry("metric", "keras.metrics")
register = registry.register_named


class Metric(Configurable):
    """Base class: subclass it and implement ``update_state``, ``result`` and ``reset_state``."""

    name: str
    dtype: DTypeLike
    config_order: ClassVar[ConfigOrder] = ("name", "dtype")

    @takes_options
    def __init__(self, dtype: DTypeLike = None, name: str | None = None) -> None:
        self.dtype = config.floatx() if dtype is None else dtype
        self.name = to_snake_case(type(self).__name__) if name is None else name

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take another batch into account."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `update_state`.")

    def result(self) -> Any:
        """Return the metric over all batches since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `result`.")

    def reset_state(self) -> None:
        """Forget all batches."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `reset_state`.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Update and return the result."""
        self.update_state(*args, **kwargs)
        return self.result()


@registry.register()
class Mean(Metric):
    """Weighted mean of all values; those of one sample count once, by their mean."""

    @takes_options
    def __init__(self, name: str | None = "mean", dtype: DTypeLike = None) -> None:
        super().__init__(dtype, name)
        self.reset_state()

    def update_state(self, values: ArrayLike, sample_weight: WeightsLike = None) -> None:
        """Add values, (batch, …), with weights of their leading axes."""
        values, weights = _samplewise(values, sample_weight)
        self.total += float(values.sum(dtype=np.float64))
        if weights is not None:
            self.count += float(weights.sum(dtype=np.float64))
        else:
            self.count += len(values) if values.ndim else 1

    def add(self, value: float, weight: float) -> None:
        """Add one number that stands for ``weight`` samples."""
        self.total += value * weight
        self.count += weight

    def result(self) -> float:
        """Return the mean, 0 where nothing was added."""
        return self.total / self.count if self.count else 0.0

    def reset_state(self) -> None:
        """Forget all values."""
        self.total = self.count = 0.0


@registry.register()
class Sum(Metric):
    """Weighted sum of all values; those of one sample count by their sum."""

    @takes_options
    def __init__(self, name: str | None = "sum", dtype: DTypeLike = None) -> None:
        super().__init__(dtype, name)
        self.reset_state()

    def update_state(self, values: ArrayLike, sample_weight: WeightsLike = None) -> None:
        """Add values, (batch, …), with weights of their leading axes."""
        values = np.asarray(values, dtype=np.float64)
        if sample_weight is not None:
            values, weights = align(values, np.asarray(sample_weight, dtype=np.float64))
            values = values * weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
        self.total += float(values.sum())

    def result(self) -> float:
        """Return the sum."""
        return self.total

    def reset_state(self) -> None:
        """Forget all values."""
        self.total = 0.0


def _samplewise(given: ArrayLike, sample_weight: WeightsLike) -> tuple[Array, Array | None]:
    """Return one weighted value and one weight for each sample."""
    values: Array = np.asarray(given, dtype=np.float64)
    weights = None
    if sample_weight is not None:
        values, weights = align(values, np.asarray(sample_weight, dtype=np.float64))
        if values.ndim > weights.ndim:
            values = values.mean(axis=tuple(range(weights.ndim, values.ndim)))
        ndim = weights.ndim
        try:
            weights = np.broadcast_to(weights, values.shape)
        except ValueError:
            expected = f"one that fits values of shape {values.shape}"
            raise ValueError(errors.bad_shape("sample_weight", weights.shape, expected)) from None
        values = values * weights
        if ndim > 1:
            weights = weights.mean(axis=tuple(range(1, ndim)))
    if values.ndim > 1:
        values = values.mean(axis=tuple(range(1, values.ndim)))
    return values, weights


@registry.register()
class MeanMetricWrapper(Mean):
    """Mean of a function of labels and predictions.

    Args:
        fn: ``fn(y_true, y_pred, **options)`` gives values for each sample.
        name: name of the metric.
        dtype: accepted.
        **options: handed to ``fn``.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: DTypeLike = None,
        **options: Any,
    ) -> None:
        super().__init__(getattr(fn, "__name__", None) if name is None else name, dtype)
        self._fn, self._options = fn, options

    def update_state(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: WeightsLike = None,
        mask: MaskLike = None,
    ) -> None:
        """Add a batch.

        Args:
            y_true: labels.
            y_pred: predictions.
            sample_weight: weights of the samples, or of their steps.
            mask: bool, True where a sample, or a step, counts.
        """
        values = self._fn(to_labels(y_true), to_predictions(y_pred), **self._options)
        weights = apply_mask(sample_weight, mask, np.float64, mean=False)
        super().update_state(values, weights)


class MetricOptions(TypedDict, total=False):
    """The options of every metric."""

    name: str | None
    dtype: DTypeLike


class FunctionMetric(MeanMetricWrapper):
    """A metric that is one function: its own options are those of the function."""

    _function: Callable[..., Array]

    @takes_options
    def __init__(self, name: str | None = None, dtype: DTypeLike = None) -> None:
        name = to_snake_case(type(self).__name__) if name is None else name
        super().__init__(type(self)._function, name, dtype, **values_of_options(self, Metric))


def weights_of_entries(sample_weight: WeightsLike, shape: tuple[int, ...]) -> Array:
    """Return the weight of each entry of labels of ``shape``, from weights of leading axes.

    Raises:
        ValueError: they do not fit.
    """
    weights = np.asarray(1.0 if sample_weight is None else sample_weight)
    if weights.dtype.kind not in "fiub":
        raise ValueError(errors.bad_dtype("sample_weight", weights.dtype, "real numbers"))
    weights = weights.astype(np.float64)
    try:
        return np.broadcast_to(
            weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim)), shape
        )
    except ValueError:
        expected = f"one that fits labels of shape {shape}"
        raise ValueError(errors.bad_shape("sample_weight", weights.shape, expected)) from None
