"""Loss: values, weights, masks and reductions; what is shared by all losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import to_axes, to_choice, to_int, to_number
from fastrnn.core.class_table import to_snake_case
from fastrnn.core.registry import Registry
from fastrnn.losses.alignment import align, apply_mask, check_weights, to_labels, to_predictions

Array = npt.NDArray[Any]
# values, pullback = terms(y_true, y_pred); d_y_pred = pullback(d_values).
Terms = tuple[Array, Callable[[Array], Array]]

registry = Registry("loss", "keras.losses")

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


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


class TermsLoss(Loss):
    """A loss that is one of the functions above, with options."""

    _terms: Callable[..., Terms]
    _takes_axes = False  # whether `axis` may be several, or None for all

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(name, reduction, dtype)
        if not self._takes_axes and "axis" in options:
            to_int("axis", options["axis"])
        elif options.get("axis") is not None:
            options["axis"] = to_axes("axis", options["axis"])
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
        axes = axis if isinstance(axis, tuple) else () if axis is None else (axis,)
        positions = {a % rank for a in axes if -rank <= a < rank}
        if len(positions) != len(axes):
            expected = f"an axis of predictions of shape {y_pred.shape}"
            raise ValueError(errors.bad_argument("axis", axis, expected))

    def terms(self, y_true: Array, y_pred: Array) -> Terms:
        """Return values and pullback."""
        return type(self)._terms(y_true, y_pred, **self._options)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {**super().get_config(), **self._options}


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


def mean_of(elementwise: Callable[..., tuple[Array, Array]]) -> Callable[..., Terms]:
    """Turn elementwise (loss, slope) into the mean over the last axis."""

    def terms(y_true: Array, y_pred: Array, axis: int = -1, **options: Any) -> Terms:
        loss, slope = elementwise(y_true, y_pred, **options)
        n = loss.shape[axis]
        return loss.mean(axis=axis), lambda d: np.expand_dims(d, axis) * slope / n

    return terms


def values_of(loss: Loss, y_true: Any, y_pred: Any) -> Array:
    """Return the values of ``loss`` for labels and predictions as scripts give them."""
    y_true, y_pred = align(to_labels(y_true), to_predictions(y_pred))
    loss.check_shapes(y_true, y_pred)
    return loss.terms(y_true.astype(y_pred.dtype, copy=False), y_pred)[0]


def _sum(values: Array) -> float:
    return float(values.sum(dtype=np.float64))
