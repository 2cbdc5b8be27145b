"""Metric; means and sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypedDict

import numpy as np

from fastrnn import config, initializers
from fastrnn.core import errors
from fastrnn.core.class_table import to_snake_case
from fastrnn.core.named_registry import NamedRegistry
from fastrnn.core.nest import flatten
from fastrnn.core.options import (
    ConfigOrder,
    Configurable,
    takes_options,
    values_of_options,
)
from fastrnn.core.tensor_array import tensor_array
from fastrnn.core.user_warnings import deprecated
from fastrnn.core.variable import Variable
from fastrnn.layers.base.weight_options import WeightOptions
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
    """Base class of metrics; one of your own is written as in Keras.

    It makes its state with ``add_weight`` in ``__init__``, changes it in
    ``update_state(y_true, y_pred, sample_weight=None)`` by ``assign`` and ``assign_add``, and gives
    a number, or a dict of numbers, in ``result()``. Other metrics may be its attributes.

    Args:
        dtype: of the state; ``None`` is ``config.floatx()``.
        name: in the logs; ``None`` is that of the class.

    >>> import numpy as np
    >>> from fastrnn import ops
    >>> class Worst(Metric):
    ...     def __init__(self, name="worst", **kwargs):
    ...         super().__init__(name=name, **kwargs)
    ...         self.most = self.add_weight(name="most", initializer="zeros")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.most.assign(ops.maximum(self.most, ops.max(ops.abs(y_true - y_pred))))
    ...     def result(self):
    ...         return self.most
    >>> worst = Worst()
    >>> float(worst(np.zeros((2, 1)), np.array([[0.5], [-2.0]])))
    2.0
    >>> worst.reset_state()
    >>> worst.variables[0].numpy()
    array(0., dtype=float32)
    """

    name: str
    dtype: DTypeLike
    config_order: ClassVar[ConfigOrder] = ("name", "dtype")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "reset_states" in own and "reset_state" not in own:  # Keras 2
            cls.reset_state = own["reset_states"]  # type: ignore[method-assign]

    @takes_options
    def __init__(self, dtype: DTypeLike = None, name: str | None = None) -> None:
        self.dtype = config.floatx() if dtype is None else dtype
        self.name = to_snake_case(type(self).__name__) if name is None else name

    # ---- state ----

    def add_weight(self, *args: Any, **kwargs: Any) -> Variable:
        """Return a new variable, of zeros unless ``initializer`` is given.

        Args:
            *args: ``shape``, ``initializer``, ``dtype``, ``name``; or as Keras 2 has them,
                ``name``, ``shape``.
            **kwargs: the same by name.
        """
        options = WeightOptions.of(args, kwargs, np.dtype(self.dtype).name, "zeros")
        initial = initializers.get(options.initializer)(options.shape, dtype=options.dtype)
        return Variable(np.asarray(initial, options.dtype), name=options.name, trainable=False)

    add_variable = add_weight

    @property
    def variables(self) -> list[Variable]:
        """The variables, those of metrics inside last."""
        own = [value for value in vars(self).values() if isinstance(value, Variable)]
        return [*own, *(v for metric in self._inner_metrics for v in metric.variables)]

    @property
    def _inner_metrics(self) -> list[Metric]:
        return [leaf for leaf in flatten(list(vars(self).values())) if isinstance(leaf, Metric)]

    # ---- batches ----

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Take another batch into account."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `update_state`.")

    def result(self) -> Any:
        """Return the metric over all batches since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `result`.")

    def reset_state(self) -> None:
        """Forget all batches: set the variables to 0, those of metrics inside too."""
        for value in vars(self).values():
            if isinstance(value, Variable):
                value.assign(np.zeros(value.shape, value.dtype))
        for metric in self._inner_metrics:
            metric.reset_state()

    def reset_states(self) -> None:
        """Forget all batches: the name of Keras 2."""
        deprecated("reset_states()", "reset_state()")
        self.reset_state()

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
        if values.ndim == 0:  # one number for the batch: each sample counts with it
            values = np.broadcast_to(values, weights.shape)
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
        own = getattr(fn, "name", None) or getattr(fn, "__name__", None)
        own = own or to_snake_case(type(fn).__name__)
        super().__init__(own if name is None else name, dtype)
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
        labels, predictions = to_labels(y_true), to_predictions(y_pred)
        if not isinstance(self, FunctionMetric):  # the user's, which may ask for `numpy()`
            labels, predictions = tensor_array(labels), tensor_array(predictions)
        values = np.asarray(self._fn(labels, predictions, **self._options))
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
