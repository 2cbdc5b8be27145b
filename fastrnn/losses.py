"""Losses and their gradients, under Keras's names.

A loss is first computed per sample (and time step): its values. Weights and masks multiply them,
and a reduction makes one number of them.

>>> import numpy as np
>>> from fastrnn import losses
>>> loss = losses.MeanSquaredError()
>>> loss(np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]))
2.0
>>> losses.mean_absolute_error(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
array([1.])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import activations, config, errors
from fastrnn._registry import Registry, to_snake_case
from fastrnn.checks import to_choice, to_int, to_number

Array = npt.NDArray[Any]
# values, pullback = terms(y_true, y_pred); d_y_pred = pullback(d_values).
Terms = tuple[Array, Callable[[Array], Array]]

registry = Registry("loss", "keras.losses")
serialize = registry.serialize
deserialize = registry.deserialize

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


# ---- the terms: values and how their gradients go back to y_pred ---------------------------


def _mean_of(elementwise: Callable[..., tuple[Array, Array]]) -> Callable[..., Terms]:
    """Turn elementwise (loss, slope) into the mean over the last axis."""

    def terms(y_true: Array, y_pred: Array, axis: int = -1, **options: Any) -> Terms:
        loss, slope = elementwise(y_true, y_pred, **options)
        n = loss.shape[axis]
        return loss.mean(axis=axis), lambda d: np.expand_dims(d, axis) * slope / n

    return terms


@_mean_of
def _squared_error(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    error = y_pred - y_true
    return error * error, 2 * error


@_mean_of
def _absolute_error(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    error = y_pred - y_true
    return np.abs(error), np.sign(error)


@_mean_of
def _huber(y_true: Array, y_pred: Array, delta: float = 1.0) -> tuple[Array, Array]:
    """error² / 2 up to |error| = delta, from there on linear (Huber, 1964)."""
    error = y_pred - y_true
    slope = np.clip(error, -delta, delta)
    return slope * (error - slope / 2), slope


@_mean_of
def _binary_crossentropy(
    y_true: Array, y_pred: Array, from_logits: bool = False, label_smoothing: float = 0.0
) -> tuple[Array, Array]:
    """-(t·log p + (1 - t)·log(1 - p)); probabilities are clipped, without gradient there."""
    if label_smoothing:
        y_true = y_true * (1 - label_smoothing) + label_smoothing / 2
    if from_logits:
        loss = np.maximum(y_pred, 0) - y_pred * y_true + np.log1p(np.exp(-np.abs(y_pred)))
        return loss, activations.sigmoid(y_pred) - y_true
    p, inside = _clip_probabilities(y_pred)
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log1p(-p))
    return loss, inside * (p - y_true) / (p * (1 - p))


def _clip_probabilities(p: Array) -> tuple[Array, Array]:
    """Return p within [epsilon, 1 - epsilon], and where it already was."""
    low, high = p.dtype.type(config.epsilon()), p.dtype.type(1 - config.epsilon())
    return np.clip(p, low, high), (p >= low) & (p <= high)


def _categorical_crossentropy(
    y_true: Array,
    y_pred: Array,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Terms:
    """-sum over the classes of t·log p; probabilities are renormalised, then clipped."""
    if label_smoothing:
        y_true = y_true * (1 - label_smoothing) + label_smoothing / y_true.shape[axis]
    if from_logits:
        log_p = activations.log_softmax(y_pred, axis=axis)
        total = y_true.sum(axis=axis, keepdims=True)
        values = -(y_true * log_p).sum(axis=axis)
        return values, lambda d: np.expand_dims(d, axis) * (np.exp(log_p) * total - y_true)
    total = y_pred.sum(axis=axis, keepdims=True)
    p = y_pred / total
    clipped, inside = _clip_probabilities(p)

    def pullback(d: Array) -> Array:
        dp = np.expand_dims(d, axis) * inside * -y_true / clipped
        return (dp - (dp * p).sum(axis=axis, keepdims=True)) / total

    return -(y_true * np.log(clipped)).sum(axis=axis), pullback


def _sparse_categorical_crossentropy(
    y_true: Array,
    y_pred: Array,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Terms:
    """-log p of the class that ``y_true`` names; ``ignore_class`` counts nothing."""
    scores = np.moveaxis(y_pred, axis, -1)
    labels = y_true.astype(np.intp)
    keep = None if ignore_class is None else labels != ignore_class
    index = (labels if keep is None else np.where(keep, labels, 0))[..., None]
    if from_logits:
        log_p = activations.log_softmax(scores)
        values = -np.take_along_axis(log_p, index, axis=-1)[..., 0]
    else:
        total = scores.sum(axis=-1, keepdims=True)
        p_label = np.take_along_axis(scores, index, axis=-1) / total
        clipped, inside = _clip_probabilities(p_label)
        values = -np.log(clipped)[..., 0]
    if keep is not None:
        values = np.where(keep, values, 0).astype(y_pred.dtype)

    def pullback(d: Array) -> Array:
        d = (d if keep is None else d * keep)[..., None]
        if from_logits:
            dx = np.exp(log_p)
            np.put_along_axis(dx, index, np.take_along_axis(dx, index, axis=-1) - 1, axis=-1)
            dx *= d
        else:
            dp = d * inside * -1 / clipped
            dx = np.broadcast_to(-dp * p_label / total, scores.shape).copy()
            at_label = np.take_along_axis(dx, index, axis=-1) + dp / total
            np.put_along_axis(dx, index, at_label, axis=-1)
        return np.moveaxis(dx, -1, axis).astype(y_pred.dtype, copy=False)

    return values, pullback


# ---- the classes ---------------------------------------------------------------------------


class Loss:
    """Base class. A loss of your own implements ``terms``.

    Args:
        name: name of the loss.
        reduction: ``"sum_over_batch_size"`` or ``"mean"``, the mean of the weighted values (over
            those kept, where there is a mask); ``"sum"``; ``"mean_with_sample_weight"``, their
            sum by the sum of the weights; ``"none"`` or ``None``, all of them.
        dtype: accepted; losses are computed in the dtype of the predictions.

    Raises:
        ValueError: the reduction is unknown.
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        to_choice("reduction", reduction, REDUCTIONS)
        self.name = to_snake_case(type(self).__name__) if name is None else name
        self.reduction = "none" if reduction is None else reduction

    def terms(self, y_true: Array, y_pred: Array) -> Terms:
        """Return the values, without the last axis, and the pullback d_values -> d_y_pred."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `terms`.")

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> Any:
        """Return the loss, a float, or all values where the reduction is ``"none"``.

        Args:
            y_true: labels, as ``y_pred`` or without its last axis.
            y_pred: predictions, (batch, …).
            sample_weight: weight of each value: of their shape, or one that broadcasts to it.
            mask: bool, of the shape of the values, True where one counts.

        Raises:
            ValueError: shapes do not fit, or labels are NaN or out of range.
        """
        values, weights, _ = self._weighted(y_true, to_predictions(y_pred), sample_weight, mask)
        weighted = values if weights is None else values * weights
        if self.reduction == "none":
            return weighted
        return _sum(weighted) / self._divisor(weighted, weights)

    def value(self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None) -> float:
        """Return the loss as one number; that of the reduction ``"none"`` is the sum."""
        loss = self(y_true, y_pred, sample_weight, mask)
        return _sum(loss) if self.reduction == "none" else loss

    def value_and_gradient(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> tuple[float, Array]:
        """Return the loss and its gradient with respect to ``y_pred``, of its shape and dtype.

        Args and errors are those of a call; the gradient of ``"none"`` is that of the sum.
        """
        y_pred = to_predictions(y_pred)
        values, weights, pullback = self._weighted(y_true, y_pred, sample_weight, mask)
        weighted = values if weights is None else values * weights
        divisor = self._divisor(weighted, weights)
        scale = np.ones_like(values) if weights is None else np.broadcast_to(weights, values.shape)
        d_values = (scale / y_pred.dtype.type(divisor)).astype(y_pred.dtype, copy=False)
        return _sum(weighted) / divisor, pullback(d_values).reshape(y_pred.shape)

    def check_labels(self, y_true: Array, classes: int | None = None) -> None:
        """Raise ``ValueError`` if labels are NaN, or no integers below ``classes``."""
        if y_true.dtype.kind == "f" and np.isnan(y_true).any():
            remedy = "Drop or impute these samples."
            raise ValueError(errors.bad_argument("y_true", "NaN", "labels without NaN", remedy))

    def check_sample_weight(self, y_true: Array, y_pred: Array, sample_weight: Array) -> None:
        """Raise ``ValueError`` if the weights do not fit the values of labels and predictions."""
        values = y_pred.shape[:-1] if y_true.ndim == y_pred.ndim else y_true.shape
        dummy, weights = align(np.broadcast_to(np.float32(0), values), sample_weight)
        check_weights(weights, dummy.shape)

    def _weighted(
        self, y_true: Any, y_pred: Array, sample_weight: Any, mask: Any
    ) -> tuple[Array, Array | None, Callable[[Array], Array]]:
        """Return values, their weights (mask included) or ``None``, and the pullback."""
        y_true, aligned = align(to_labels(y_true), y_pred)
        self.check_shapes(y_true, aligned)
        self.check_labels(y_true)
        values, pullback = self.terms(y_true.astype(aligned.dtype, copy=False), aligned)
        mask = self._join_masks(mask, y_true, values)
        weights = apply_mask(sample_weight, mask, values.dtype, self._mask_is_mean())
        if weights is None:
            return values, None, pullback
        _, weights = align(values, weights)
        if weights.ndim > values.ndim:
            values, inner = values[..., None], pullback
            pullback = lambda d: inner(d[..., 0])  # noqa: E731
        check_weights(weights, values.shape)
        return values, weights, pullback

    def check_shapes(self, y_true: Array, y_pred: Array) -> None:
        """Raise ``ValueError`` if labels and predictions, aligned, differ in shape."""
        if y_true.shape != y_pred.shape:
            remedy = "The model's last layer and the labels must agree."
            raise ValueError(
                errors.bad_shape(
                    "y_true", y_true.shape, f"{y_pred.shape}, that of `y_pred`", remedy
                )
            )

    def _join_masks(self, mask: Any, y_true: Array, values: Array) -> Any:
        return mask

    def _mask_is_mean(self) -> bool:
        return self.reduction in ("mean", "sum_over_batch_size")

    def _divisor(self, weighted: Array, weights: Array | None) -> float:
        if self.reduction in ("sum", "none"):
            return 1.0
        if self.reduction == "mean_with_sample_weight" and weights is not None:
            return _sum(weights) or 1.0
        return float(max(weighted.size, 1))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a loss from what ``get_config`` returned."""
        return cls(**config)


class _TermsLoss(Loss):
    """A loss that is one of the functions above, with options."""

    _terms: Callable[..., Terms]

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(name, reduction, dtype)
        if "axis" in options:
            to_int("axis", options["axis"])
        if "label_smoothing" in options:
            to_number("label_smoothing", options["label_smoothing"], 0, 1)
        if options.get("ignore_class") is not None:
            to_int("ignore_class", options["ignore_class"])
        self._options = options

    def check_shapes(self, y_true: Array, y_pred: Array) -> None:
        """Raise ``ValueError`` if labels and predictions, aligned, do not fit each other."""
        self._check_axis(y_pred)
        super().check_shapes(y_true, y_pred)

    def _check_axis(self, y_pred: Array) -> None:
        axis, rank = self._options.get("axis", -1), y_pred.ndim
        if not -rank <= axis < rank:
            expected = f"an axis of predictions of shape {y_pred.shape}"
            raise ValueError(errors.bad_argument("axis", axis, expected))

    def terms(self, y_true: Array, y_pred: Array) -> Terms:
        """Return values and pullback."""
        return type(self)._terms(y_true, y_pred, **self._options)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {**super().get_config(), **self._options}


@registry.register("mse", "MSE")
class MeanSquaredError(_TermsLoss):
    """Mean of (y_pred - y_true)² over the last axis."""

    _terms = staticmethod(_squared_error)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)


@registry.register("mae", "MAE")
class MeanAbsoluteError(_TermsLoss):
    """Mean of |y_pred - y_true| over the last axis."""

    _terms = staticmethod(_absolute_error)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)


@registry.register("huber_loss")
class Huber(_TermsLoss):
    """Half the squared error up to ``delta``, linear beyond; mean over the last axis."""

    _terms = staticmethod(_huber)

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        delta = to_number("delta", delta, 0, exclusive=True)
        super().__init__(reduction, name, dtype, delta=delta)


@registry.register("bce", "BCE", "binary_crossentropy")
class BinaryCrossentropy(_TermsLoss):
    """Crossentropy of labels 0 and 1 (or between), mean over ``axis``.

    Args:
        from_logits: whether ``y_pred`` is what a sigmoid would be applied to.
        label_smoothing: from 0 to 1; moves labels towards 1/2.
        axis, reduction, name, dtype: see ``Loss``; ``axis`` is averaged over.
    """

    _terms = staticmethod(_binary_crossentropy)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(reduction, name, dtype, **options)


@registry.register("categorical_crossentropy")
class CategoricalCrossentropy(_TermsLoss):
    """Crossentropy of one-hot labels.

    Args:
        from_logits: whether ``y_pred`` is what a softmax would be applied to.
        label_smoothing: from 0 to 1; moves labels towards equal shares.
        axis: the axis of the classes.
        reduction, name, dtype: see ``Loss``.
    """

    _terms = staticmethod(_categorical_crossentropy)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(reduction, name, dtype, **options)


@registry.register("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(_TermsLoss):
    """Crossentropy of labels that are the numbers of the classes.

    Args:
        from_logits: whether ``y_pred`` is what a softmax would be applied to.
        ignore_class: a label that counts nothing, e.g. -1 for padding.
        reduction, name: see ``Loss``.
        axis: the axis of the classes.
        dtype: accepted.
    """

    _terms = staticmethod(_sparse_categorical_crossentropy)

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(reduction, name, dtype, **options)

    def check_labels(self, y_true: Array, classes: int | None = None) -> None:
        """Raise ``ValueError`` if labels are no integers from 0 to ``classes`` - 1."""
        super().check_labels(y_true, classes)
        if y_true.dtype.kind == "f" and (y_true != np.floor(y_true)).any():
            raise ValueError(
                errors.bad_argument("y_true", "fractions", "integers, the numbers of the classes")
            )
        ignored = self._options["ignore_class"]
        kept = y_true if ignored is None else y_true[y_true != ignored]
        if classes is None or kept.size == 0:
            return
        low, high = kept.min(), kept.max()
        if low < 0 or high >= classes:
            received = f"labels from {low:g} to {high:g}"
            expected = f"labels from 0 to {classes - 1}, the last of {classes} classes"
            raise ValueError(errors.bad_argument("y_true", received, expected))

    def check_shapes(self, y_true: Array, y_pred: Array) -> None:
        """Raise ``ValueError`` if the labels are not as the predictions without the classes."""
        self._check_axis(y_pred)
        axis = self._options["axis"] % y_pred.ndim
        without = (*y_pred.shape[:axis], *y_pred.shape[axis + 1 :])
        if y_true.shape not in (without, (*without[:axis], 1, *without[axis:])):
            remedy = "For one-hot labels use categorical_crossentropy."
            raise ValueError(
                errors.bad_shape("y_true", y_true.shape, f"{without}, one label each", remedy)
            )
        self.check_labels(y_true, y_pred.shape[axis])

    def terms(self, y_true: Array, y_pred: Array) -> Terms:
        """Return values and pullback."""
        if y_true.ndim == y_pred.ndim:
            y_true = y_true.squeeze(self._options["axis"])
        return super().terms(y_true, y_pred)

    def _join_masks(self, mask: Any, y_true: Array, values: Array) -> Any:
        ignored = self._options["ignore_class"]
        if ignored is None:
            return mask
        kept = y_true.reshape(values.shape) != ignored
        return kept if mask is None else kept & np.asarray(mask, dtype=bool)


class FunctionLoss(Loss):
    """A function ``f(y_true, y_pred)`` of the user's, which gives values.

    To train with it, it needs an attribute ``gradient(y_true, y_pred)``: the gradient of each value
    with respect to its predictions, of the shape of ``y_pred``.
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        super().__init__(name or getattr(function, "__name__", type(function).__name__))
        self.function = function

    def terms(self, y_true: Array, y_pred: Array) -> Terms:
        """Return values and pullback."""
        values = np.asarray(self.function(y_true, y_pred), dtype=y_pred.dtype)

        def pullback(d: Array) -> Array:
            if not hasattr(self.function, "gradient"):
                expected = "a loss with a gradient, for training"
                remedy = "Subclass fastrnn.losses.Loss, or give the function a `gradient`."
                raise ValueError(errors.bad_argument("loss", self.name, expected, remedy))
            slope = np.asarray(self.function.gradient(y_true, y_pred), dtype=y_pred.dtype)
            return d.reshape(d.shape + (1,) * (slope.ndim - d.ndim)) * slope

        return values, pullback

    def check_shapes(self, y_true: Array, y_pred: Array) -> None:
        """Leave shapes to the function."""


def get(identifier: Any) -> Any:
    """Return the loss that ``identifier`` means: a name, a config, a ``Loss`` or a function.

    Raises:
        ValueError: the name is unknown.
    """
    if callable(identifier) and not isinstance(identifier, (Loss, type)):
        by_name = _FUNCTIONS.get(identifier)
        return registry.get(by_name) if by_name else FunctionLoss(identifier)
    return registry.get(identifier)


# ---- the functional forms --------------------------------------------------------------------


def _values(loss: Loss, y_true: Any, y_pred: Any) -> Array:
    y_true, y_pred = align(to_labels(y_true), to_predictions(y_pred))
    loss.check_shapes(y_true, y_pred)
    return loss.terms(y_true.astype(y_pred.dtype, copy=False), y_pred)[0]


def mean_squared_error(y_true: Any, y_pred: Any) -> Array:
    """Return the values of ``MeanSquaredError``, one for each sample (and step)."""
    return _values(MeanSquaredError(), y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Array:
    """Return the values of ``MeanAbsoluteError``, one for each sample (and step)."""
    return _values(MeanAbsoluteError(), y_true, y_pred)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Array:
    """Return the values of ``Huber``, one for each sample (and step)."""
    return _values(Huber(delta), y_true, y_pred)


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """Return the values of ``BinaryCrossentropy``, one for each sample (and step)."""
    return _values(BinaryCrossentropy(from_logits, label_smoothing, axis), y_true, y_pred)


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """Return the values of ``CategoricalCrossentropy``, one for each sample (and step)."""
    return _values(CategoricalCrossentropy(from_logits, label_smoothing, axis), y_true, y_pred)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Array:
    """Return the values of ``SparseCategoricalCrossentropy``, one for each sample (and step)."""
    loss = SparseCategoricalCrossentropy(from_logits, ignore_class, axis=axis)
    return _values(loss, y_true, y_pred)


_FUNCTIONS = {
    mean_squared_error: "mean_squared_error",
    mean_absolute_error: "mean_absolute_error",
    huber: "huber",
    binary_crossentropy: "binary_crossentropy",
    categorical_crossentropy: "categorical_crossentropy",
    sparse_categorical_crossentropy: "sparse_categorical_crossentropy",
}


# ---- arrays ------------------------------------------------------------------------------------


def to_predictions(y_pred: Any) -> Array:
    """Return ``y_pred`` as a float array."""
    array = np.asarray(y_pred)
    return array if array.dtype.kind == "f" else array.astype(config.floatx())


def to_labels(y_true: Any) -> Array:
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


def apply_mask(sample_weight: Any, mask: Any, dtype: Any, mean: bool) -> Array | None:
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


def _sum(values: Array) -> float:
    return float(values.sum(dtype=np.float64))
