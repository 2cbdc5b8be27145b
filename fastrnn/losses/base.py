"""Loss: values, weights, masks and reductions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_choice
from fastrnn.core.class_table import to_snake_case
from fastrnn.core.named_registry import NamedRegistry
from fastrnn.core.options import (
    Configurable,
    Kind,
    Unused,
    takes_options,
    values_of_options,
)
from fastrnn.layers.base.traced import Traces
from fastrnn.losses import whole_call
from fastrnn.losses.alignment import (
    align,
    apply_mask,
    broadcast,
    can_broadcast,
    check_weights,
    summed_to,
    to_labels,
    to_predictions,
)
from fastrnn.losses.tensors import reduce_tensors, values_of_tensors
from fastrnn.losses.traced import Terms, is_noted, traced_terms
from fastrnn.typing import Array, ArrayLike, Axes, DTypeLike, LossLike, MaskLike, WeightsLike


class _LossRegistry(NamedRegistry):
    """The table of losses; a function that it is given becomes a loss."""

    def get(self, identifier: LossLike | Loss) -> Any:
        """Return the loss that ``identifier`` means: a name, a config, a ``Loss`` or a function.

        Raises:
            ValueError: the name is unknown.
        """
        if callable(identifier) and not isinstance(identifier, (Loss, type)):
            cls = FUNCTIONS.get(identifier)
            return cls() if cls else FunctionLoss(identifier)
        found = super().get(identifier)
        return found if found is None or isinstance(found, Loss) else FunctionLoss(found)


registry = _LossRegistry("loss", "keras.losses")
register = registry.register_named
# Functions of labels and predictions, and the classes whose values they return.
FUNCTIONS: dict[Callable[..., Array], type[Loss]] = {}


REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def _to_reduction(argument: str, value: object) -> str:
    return to_choice(argument, value, REDUCTIONS) or "none"


Reduction = Annotated[str | None, Kind(_to_reduction)]


class Loss(Configurable):
    """Base class. A loss of your own implements ``call``, as in Keras.

    ``call(y_true, y_pred)`` is written with operators and ``fastrnn.ops``, and returns values or
    one number; it is traced, and so has a gradient. One for speed implements ``terms`` instead.

    Args:
        name: name of the loss.
        reduction: ``"sum_over_batch_size"`` or ``"mean"``, the mean of the weighted values (over
            those kept, where there is a mask); ``"sum"``; ``"mean_with_sample_weight"``, their
            sum by the sum of the weights; ``"none"`` or ``None``, all of them.
        dtype: accepted; losses are computed in the dtype of the predictions.

    Raises:
        ValueError: the reduction is unknown.
    """

    name: str
    reduction: str
    # Whether labels and predictions of other shapes are broadcast, as NumPy does, where they fit.
    broadcasts = False
    # Whether `call` is the user's.
    _has_own_call = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in vars(cls) or "terms" in vars(cls):
            cls._has_own_call = "call" in vars(cls)
        if "__call__" in vars(cls):
            for function in (whole_call.value, whole_call.value_and_gradient):
                setattr(cls, function.__name__, function)

    @takes_options
    def __init__(
        self,
        name: str | None = None,
        reduction: Reduction = "sum_over_batch_size",
        dtype: Unused[DTypeLike] = None,
    ) -> None:
        if name is None:
            self.name = to_snake_case(type(self).__name__)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._has_own_call and "_traces" in vars(self) and vars(self).get(name) is not value:
            self._traces.forget()  # `call` may read it
        super().__setattr__(name, value)

    @functools.cached_property
    def _traces(self) -> Traces:
        return Traces()

    @functools.cached_property
    def weight_gradients(self) -> dict[int, Array]:
        """Gradients of variables that ``call`` reads, by ``id``; new with each gradient."""
        return {}

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values, of arrays or of symbolic tensors."""
        if is_noted(y_true, y_pred):
            return values_of_tensors(self, y_true, y_pred)
        return values_of(self, y_true, y_pred)

    def terms(self, y_true: Array, y_pred: Array) -> Terms:
        """Return the values, without the last axis, and the pullback d_values -> d_y_pred."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `call`.")

    def __call__(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: WeightsLike = None,
        mask: MaskLike = None,
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
        if is_noted(y_true, y_pred, sample_weight):
            values = self.call(y_true, y_pred)
            return reduce_tensors(values, sample_weight, mask, self.reduction)
        values, weights, _ = self._weighted(y_true, to_predictions(y_pred), sample_weight, mask)
        weighted = values if weights is None else values * weights
        if self.reduction == "none":
            return weighted
        return _sum(weighted) / self._divisor(weighted, weights)

    def value(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: WeightsLike = None,
        mask: MaskLike = None,
    ) -> float:
        """Return the loss as one number; that of the reduction ``"none"`` is the sum."""
        loss = self(y_true, y_pred, sample_weight, mask)
        return _sum(loss) if self.reduction == "none" else loss

    def value_and_gradient(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: WeightsLike = None,
        mask: MaskLike = None,
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
        if self._has_own_call:
            return
        if y_true.dtype.kind == "f" and np.isnan(y_true).any():
            remedy = "Drop or impute these samples."
            raise ValueError(errors.bad_argument("y_true", "NaN", "labels without NaN", remedy))

    def check_sample_weight(self, y_true: Array, y_pred: Array, sample_weight: Array) -> None:
        """Raise ``ValueError`` if the weights do not fit the values of labels and predictions."""
        if self.broadcasts:
            y_true, y_pred = broadcast(y_true, y_pred)
        if self._has_own_call:
            return  # its values may have any shape
        values = y_pred.shape[:-1] if y_true.ndim == y_pred.ndim else y_true.shape
        dummy, weights = align(np.broadcast_to(np.float32(0), values), sample_weight)
        check_weights(weights, dummy.shape)

    def _weighted(
        self, y_true: ArrayLike, y_pred: Array, sample_weight: WeightsLike, mask: MaskLike
    ) -> tuple[Array, Array | None, Callable[[Array], Array]]:
        """Return values, their weights (mask included) or ``None``, and the pullback."""
        y_true, aligned = self._aligned(to_labels(y_true), y_pred)
        self.check_shapes(y_true, aligned)
        self.check_labels(y_true)
        values, pullback = self._terms_of(y_true.astype(aligned.dtype, copy=False), aligned)
        mask = self._join_masks(mask, y_true, values)
        weights = apply_mask(sample_weight, mask, values.dtype, self._mask_is_mean())
        if weights is None:
            return values, None, pullback
        _, weights = align(values, weights)
        if values.ndim == 0:  # one number for the batch: each sample counts with it
            values, sum_of = np.broadcast_to(values, weights.shape), pullback
            pullback = lambda d: sum_of(d.sum())  # noqa: E731
        elif weights.ndim > values.ndim:
            values, inner = values[..., None], pullback
            pullback = lambda d: inner(d[..., 0])  # noqa: E731
        check_weights(weights, values.shape)
        return values, weights, pullback

    def _aligned(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """Bring labels and predictions to one rank; a ``call`` of the user's gets them as given."""
        return (y_true, y_pred) if self._has_own_call else align(y_true, y_pred)

    def _terms_of(self, y_true: Array, y_pred: Array) -> Terms:
        """Return values and pullback, by ``terms`` or by the user's ``call``.

        For ``terms`` labels and predictions are broadcast where they must be.
        """
        if self._has_own_call:
            self.weight_gradients.clear()
            return traced_terms(
                self.call, self._traces, y_true, y_pred, self.name, self.weight_gradients
            )
        if not self.broadcasts or y_true.shape == y_pred.shape:
            return self.terms(y_true, y_pred)
        shape = y_pred.shape
        values, pullback = self.terms(*broadcast(y_true, y_pred))
        return values, lambda d_values: summed_to(pullback(d_values), shape)

    def check_shapes(self, y_true: Array, y_pred: Array) -> None:
        """Raise ``ValueError`` if labels and predictions, aligned, do not fit each other."""
        if self._has_own_call:
            return  # they are the user's
        fit = self.broadcasts and can_broadcast(y_true.shape, y_pred.shape)
        if y_true.shape != y_pred.shape and not fit:
            remedy = "The model's last layer and the labels must have the same shape."
            raise ValueError(
                errors.bad_shape(
                    "y_true", y_true.shape, f"{y_pred.shape}, that of `y_pred`", remedy
                )
            )

    def _join_masks(self, mask: MaskLike, y_true: Array, values: Array) -> MaskLike:
        return mask

    def _mask_is_mean(self) -> bool:
        return self.reduction in ("mean", "sum_over_batch_size")

    def _divisor(self, weighted: Array, weights: Array | None) -> float:
        if self.reduction in ("sum", "none"):
            return 1.0
        if self.reduction == "mean_with_sample_weight" and weights is not None:
            return _sum(weights) or 1.0
        return float(max(weighted.size, 1))


class LossOptions(TypedDict, total=False):
    """The options of ``TermsLoss``."""

    reduction: str | None
    name: str | None
    dtype: DTypeLike


class TermsLoss(Loss):
    """A loss that is one of the functions above: its own options are those of the function."""

    _terms: Callable[..., Terms]
    axis: Axes | None = -1

    @takes_options
    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str | None = None,
        dtype: Unused[DTypeLike] = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def check_shapes(self, y_true: Array, y_pred: Array) -> None:
        """Raise ``ValueError`` if labels and predictions, aligned, do not fit each other."""
        self._check_axis(y_pred)
        super().check_shapes(y_true, y_pred)

    def _check_axis(self, y_pred: Array) -> None:
        axis, rank = self.axis, y_pred.ndim
        axes = axis if isinstance(axis, tuple) else () if axis is None else (axis,)
        positions = {a % rank for a in axes if -rank <= a < rank}
        if len(positions) != len(axes):
            expected = f"an axis of predictions of shape {y_pred.shape}"
            raise ValueError(errors.bad_argument("axis", axis, expected))

    def terms(self, y_true: Array, y_pred: Array) -> Terms:
        """Return values and pullback."""
        return type(self)._terms(y_true, y_pred, **values_of_options(self, TermsLoss))


class BroadcastLoss(TermsLoss):
    """A loss computed entry by entry, of labels and predictions that NumPy broadcasts."""

    broadcasts = True


class FunctionLoss(Loss):
    """A function ``f(y_true, y_pred)`` of the user's, which gives values or one number.

    It is traced, see ``Loss``. One that cannot be traced may have an attribute
    ``gradient(y_true, y_pred)``: the gradient of each value with respect to its predictions, of the
    shape of ``y_pred``.
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        super().__init__(name or getattr(function, "__name__", type(function).__name__))
        self.function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return what the function does."""
        return self.function(y_true, y_pred)

    def _aligned(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        return align(y_true, y_pred)

    def _terms_of(self, y_true: Array, y_pred: Array) -> Terms:
        gradient = getattr(self.function, "gradient", None)
        if gradient is None:
            return super()._terms_of(y_true, y_pred)
        values = np.asarray(self.function(y_true, y_pred), dtype=y_pred.dtype)

        def pullback(d: Array) -> Array:
            derivative = np.asarray(gradient(y_true, y_pred), dtype=y_pred.dtype)
            return d.reshape(d.shape + (1,) * (derivative.ndim - d.ndim)) * derivative

        return values, pullback


def mean_of(elementwise: Callable[..., tuple[Array, Array]]) -> Callable[..., Terms]:
    """Turn elementwise (loss, derivative) into the mean over the last axis."""

    def terms(y_true: Array, y_pred: Array, axis: int = -1, **options: Any) -> Terms:
        loss, derivative = elementwise(y_true, y_pred, **options)
        n = loss.shape[axis]
        return loss.mean(axis=axis), lambda d: np.expand_dims(d, axis) * derivative / n

    return terms


def values_of(loss: Loss, y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Return the values of ``loss`` for labels and predictions as scripts give them."""
    y_true, y_pred = align(to_labels(y_true), to_predictions(y_pred))
    loss.check_shapes(y_true, y_pred)
    return loss._terms_of(y_true.astype(y_pred.dtype, copy=False), y_pred)[0]


def _sum(values: Array) -> float:
    return float(values.sum(dtype=np.float64))
