"""Losses of symbolic tensors: the formulas of built-in ones as operations.

In a function of the user's that is traced a loss is a part of the graph, and has gradients to its
labels as much as to its predictions: a variational autoencoder compares outputs with inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn import config, ops
from fastrnn.core.options import values_of_options

Formula = Callable[..., Any]
# By the class of the loss, the values of labels `t` and predictions `p` of one rank and dtype.
FORMULAS: dict[str, Formula] = {}


def values_of_tensors(loss: Any, y_true: Any, y_pred: Any) -> Any:
    """Return the values of a built-in loss for symbolic tensors.

    Raises:
        NotImplementedError: the loss is not made of operations.
    """
    kind = type(loss).__name__
    known = [cls.__name__ for cls in type(loss).__mro__ if cls.__name__ in FORMULAS]
    if not known:
        raise NotImplementedError(
            f"{kind} is no part of a traced function: give it to `compile` on its own, or write it "
            f"with the functions of fastrnn.ops."
        )
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(ops.convert_to_tensor(y_true), y_pred.dtype)
    if kind != "SparseCategoricalCrossentropy":
        y_true, y_pred = _align(y_true, y_pred)
    return FORMULAS[known[0]](y_true, y_pred, **values_of_options(loss, _base_of(loss)))


def _base_of(loss: Any) -> type:
    """Return the class of the options that all losses have."""
    return next(cls for cls in type(loss).__mro__ if cls.__name__ in ("TermsLoss", "Loss"))


def _align(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Bring both to one rank: see ``fastrnn.losses.alignment.align``."""
    if y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        if y_pred.ndim == 1:
            return y_true, ops.expand_dims(y_pred, -1)
        return ops.squeeze(y_true, -1), y_pred
    if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
        if y_true.ndim == 1:
            return ops.expand_dims(y_true, -1), y_pred
        return y_true, ops.squeeze(y_pred, -1)
    return y_true, y_pred


def reduce_tensors(values: Any, sample_weight: Any, mask: Any, reduction: str) -> Any:
    """Return values by weights and mask, reduced to one number as ``Loss`` does."""
    if mask is not None:
        kept = ops.cast(mask, values.dtype)
        if reduction in ("mean", "sum_over_batch_size"):
            total = ops.sum(kept * 0.0 + 1.0)
            kept = kept * (total / ops.maximum(ops.sum(kept), 1e-7))
        sample_weight = kept if sample_weight is None else sample_weight * kept
    if sample_weight is not None:
        sample_weight = ops.cast(ops.convert_to_tensor(sample_weight), values.dtype)
        values, sample_weight = _align(values, sample_weight)
        values = values * sample_weight
    if reduction == "none":
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        return ops.sum(values) / ops.maximum(ops.sum(sample_weight), 1e-7)
    return ops.mean(values)


def _formula(name: str) -> Callable[[Formula], Formula]:
    def enter(function: Formula) -> Formula:
        FORMULAS[name] = function
        return function

    return enter


# ---- numbers ------------------------------------------------------------------------------------


@_formula("MeanSquaredError")
def _squared_error(t: Any, p: Any) -> Any:
    return ops.mean(ops.square(t - p), -1)


@_formula("MeanAbsoluteError")
def _absolute_error(t: Any, p: Any) -> Any:
    return ops.mean(ops.abs(t - p), -1)


@_formula("Huber")
def _huber(t: Any, p: Any, delta: float = 1.0) -> Any:
    size = ops.abs(t - p)
    return ops.mean(
        ops.where(size <= delta, 0.5 * ops.square(size), delta * size - 0.5 * delta * delta), -1
    )


@_formula("MeanAbsolutePercentageError")
def _absolute_percentage_error(t: Any, p: Any) -> Any:
    return 100.0 * ops.mean(ops.abs((t - p) / ops.maximum(ops.abs(t), config.epsilon())), -1)


@_formula("MeanSquaredLogarithmicError")
def _squared_logarithmic_error(t: Any, p: Any) -> Any:
    t, p = (ops.log(ops.maximum(x, config.epsilon()) + 1.0) for x in (t, p))
    return ops.mean(ops.square(t - p), -1)


@_formula("LogCosh")
def _log_cosh(t: Any, p: Any) -> Any:
    error = p - t
    return ops.mean(error + ops.softplus(-2.0 * error) - math.log(2.0), -1)


@_formula("CosineSimilarity")
def _cosine_similarity(t: Any, p: Any, axis: int = -1) -> Any:
    least = config.epsilon() ** 2
    t, p = (
        x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis, keepdims=True), least))
        for x in (t, p)
    )
    return -ops.sum(t * p, axis)


# ---- probabilities and counts -------------------------------------------------------------------


@_formula("BinaryCrossentropy")
def _binary_crossentropy(
    t: Any, p: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    if label_smoothing:
        t = t * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return ops.mean(ops.binary_crossentropy(t, p, from_logits), axis)


@_formula("CategoricalCrossentropy")
def _categorical_crossentropy(
    t: Any, p: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    if label_smoothing:
        t = t * (1.0 - label_smoothing) + label_smoothing / t.shape[-1]
    return ops.categorical_crossentropy(t, p, from_logits, axis)


@_formula("SparseCategoricalCrossentropy")
def _sparse_categorical_crossentropy(
    t: Any, p: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    if t.ndim == p.ndim:
        t = ops.squeeze(t, axis)
    t = ops.expand_dims(ops.cast(t, "int32"), axis)
    # (…, classes): whether a class is that of the label.
    place = [1] * p.ndim
    place[axis] = p.shape[axis]
    chosen = ops.cast(ops.equal(t, np.arange(p.shape[axis], dtype="int32").reshape(place)), p.dtype)
    # A label to ignore has no class: its sum is 0.
    if ignore_class is not None:
        chosen = chosen * ops.cast(ops.not_equal(t, ignore_class), p.dtype)
    return _categorical_crossentropy(chosen, p, from_logits, axis=axis)


@_formula("KLDivergence")
def _kl_divergence(t: Any, p: Any) -> Any:
    t, p = (ops.clip(x, config.epsilon(), 1.0) for x in (t, p))
    return ops.sum(t * ops.log(t / p), -1)


@_formula("Poisson")
def _poisson(t: Any, p: Any) -> Any:
    return ops.mean(p - t * ops.log(p + config.epsilon()), -1)


# ---- hinges -------------------------------------------------------------------------------------


def _to_signs(t: Any) -> Any:
    binary = ops.all(ops.logical_or(ops.equal(t, 0.0), ops.equal(t, 1.0)))
    return ops.where(binary, 2.0 * t - 1.0, t)


@_formula("Hinge")
def _hinge(t: Any, p: Any) -> Any:
    return ops.mean(ops.relu(1.0 - _to_signs(t) * p), -1)


@_formula("SquaredHinge")
def _squared_hinge(t: Any, p: Any) -> Any:
    return ops.mean(ops.square(ops.relu(1.0 - _to_signs(t) * p)), -1)


@_formula("CategoricalHinge")
def _categorical_hinge(t: Any, p: Any) -> Any:
    return ops.relu(ops.max((1.0 - t) * p, -1) - ops.sum(t * p, -1) + 1.0)
