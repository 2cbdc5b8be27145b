"""Metrics: means over batches of what a model gets right or wrong, under Keras's names.

>>> import numpy as np
>>> from fastrnn import metrics
>>> metric = metrics.BinaryAccuracy()
>>> metric.update_state(np.array([[1], [0]]), np.array([[0.9], [0.8]]))
>>> metric.result()
0.5
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import config, errors, losses
from fastrnn._registry import Registry, to_snake_case
from fastrnn.losses import align, apply_mask, to_labels, to_predictions

Array = npt.NDArray[Any]
registry = Registry("metric", "keras.metrics")
serialize = registry.serialize
deserialize = registry.deserialize


class Metric:
    """Base class: subclass it and implement ``update_state``, ``result`` and ``reset_state``."""

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.dtype = config.floatx() if dtype is None else dtype
        self.name = to_snake_case(type(self).__name__) if name is None else name

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take another batch into account."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `update_state`.")

    def result(self) -> float:
        """Return the metric over all batches since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `result`.")

    def reset_state(self) -> None:
        """Forget all batches."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `reset_state`.")

    def __call__(self, *args: Any, **kwargs: Any) -> float:
        """Update and return the result."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a metric from what ``get_config`` returned."""
        return cls(**config)


@registry.register()
class Mean(Metric):
    """Weighted mean of all values; those of one sample count once, by their mean."""

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.reset_state()

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
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

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.reset_state()

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
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


def _samplewise(values: Any, sample_weight: Any) -> tuple[Array, Array | None]:
    """Return one weighted value and one weight for each sample."""
    values = np.asarray(values, dtype=np.float64)
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
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **options: Any
    ) -> None:
        super().__init__(getattr(fn, "__name__", None) if name is None else name, dtype)
        self._fn, self._options = fn, options

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
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


class _FunctionMetric(MeanMetricWrapper):
    """A metric that is one function, with options and a name of its own."""

    _function: Callable[..., Any]

    def __init__(self, name: str | None = None, dtype: Any = None, **options: Any) -> None:
        name = to_snake_case(type(self).__name__) if name is None else name
        super().__init__(type(self)._function, name, dtype, **options)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {**super().get_config(), **self._options}


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


@registry.register()
class Accuracy(_FunctionMetric):
    """Share of predictions that equal the labels."""

    _function = staticmethod(accuracy)

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(name, dtype)


@registry.register()
class BinaryAccuracy(_FunctionMetric):
    """Share of predictions on the right side of ``threshold``."""

    _function = staticmethod(binary_accuracy)

    def __init__(
        self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5
    ) -> None:
        if threshold is None or not 0 < threshold < 1:
            expected = "a number between 0 and 1, exclusive"
            raise ValueError(errors.bad_argument("threshold", threshold, expected))
        super().__init__(name, dtype, threshold=threshold)


@registry.register()
class CategoricalAccuracy(_FunctionMetric):
    """Share of samples whose largest prediction is that of the one-hot label."""

    _function = staticmethod(categorical_accuracy)

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(name, dtype)


@registry.register()
class SparseCategoricalAccuracy(_FunctionMetric):
    """Share of samples whose largest prediction is that of the label's number."""

    _function = staticmethod(sparse_categorical_accuracy)

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(name, dtype)


@registry.register("mse", "MSE")
class MeanSquaredError(_FunctionMetric):
    """Mean of (y_pred - y_true)²."""

    _function = staticmethod(losses.mean_squared_error)

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)


@registry.register("mae", "MAE")
class MeanAbsoluteError(_FunctionMetric):
    """Mean of |y_pred - y_true|."""

    _function = staticmethod(losses.mean_absolute_error)

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)


@registry.register("rmse")
class RootMeanSquaredError(_FunctionMetric):
    """Square root of the mean of (y_pred - y_true)²."""

    _function = staticmethod(losses.mean_squared_error)

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def result(self) -> float:
        """Return the square root of the mean."""
        return float(np.sqrt(super().result()))


@registry.register("binary_crossentropy", "bce", "BCE")
class BinaryCrossentropy(_FunctionMetric):
    """Mean of ``losses.BinaryCrossentropy``."""

    _function = staticmethod(losses.binary_crossentropy)

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


@registry.register("categorical_crossentropy")
class CategoricalCrossentropy(_FunctionMetric):
    """Mean of ``losses.CategoricalCrossentropy``."""

    _function = staticmethod(losses.categorical_crossentropy)

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(name, dtype, **options)


@registry.register("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(_FunctionMetric):
    """Mean of ``losses.SparseCategoricalCrossentropy``."""

    _function = staticmethod(losses.sparse_categorical_crossentropy)

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(name, dtype, **options)

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Add a batch; labels to ignore count nothing where there are weights or a mask.

        Without them they count as 0, as in Keras.
        """
        ignored = self._options["ignore_class"]
        if ignored is not None and not (sample_weight is None and mask is None):
            labels = to_labels(y_true)
            keep = (labels[..., 0] if labels.ndim == np.ndim(y_pred) else labels) != ignored
            mask = keep if mask is None else keep & np.asarray(mask, dtype=bool)
        super().update_state(y_true, y_pred, sample_weight, mask)


def get(identifier: Any) -> Any:
    """Return the metric that ``identifier`` means: a name, a config, a ``Metric`` or a function.

    A name becomes the metric's name; so ``"mse"`` reports as ``mse``.

    Raises:
        ValueError: the name is unknown.
    """
    if callable(identifier) and not isinstance(identifier, (Metric, type)):
        return MeanMetricWrapper(identifier)
    metric = registry.get(identifier)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


def kind_for(y_true_shape: tuple[int, ...], y_pred_shape: tuple[int, ...]) -> str:
    """Return what ``"accuracy"`` and ``"crossentropy"`` mean for labels and predictions.

    Returns:
        ``"binary"`` for one prediction each, ``"sparse_categorical"`` for labels that lack the
        classes' axis or have length 1 there, else ``"categorical"``.
    """
    if y_pred_shape[-1] == 1:
        return "binary"
    sparse = len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1
    return "sparse_categorical" if sparse else "categorical"


def accuracy_for(
    name: str, y_true_shape: tuple[int, ...], y_pred_shape: tuple[int, ...]
) -> MeanMetricWrapper:
    """Return the accuracy for labels and predictions of these shapes, under ``name``."""
    classes = {
        "binary": BinaryAccuracy,
        "sparse_categorical": SparseCategoricalAccuracy,
        "categorical": CategoricalAccuracy,
    }
    return classes[kind_for(y_true_shape, y_pred_shape)](name=name)
