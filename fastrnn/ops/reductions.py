"""Reductions: sums, means, extremes over axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.ops.arithmetic import divide, multiply, subtract
from fastrnn.ops.axes import AxesLike, axes_of, reduced_shape, spread, to_axes
from fastrnn.ops.creation import ones_like, shape
from fastrnn.ops.dtypes import standard_dtype
from fastrnn.ops.operation import operation
from fastrnn.ops.reshaping import reshape
from fastrnn.typing import Array, TensorLike


def _sum_dtype(x: Array) -> str:
    """Return the dtype of sums and products: at least 32 bits."""
    name = x.dtype.name
    small = {"bool": "int32", "int8": "int32", "int16": "int32"}
    return {**small, "uint8": "uint32", "uint16": "uint32"}.get(name, name)


def _sum_vjp(d: Array, y: Array, x: Array, axis: AxesLike, keepdims: bool) -> Array:
    return np.broadcast_to(spread(d, x, axis, keepdims), x.shape)


def _mean_vjp(d: Array, y: Array, x: Array, axis: AxesLike, keepdims: bool) -> Array:
    """Return the gradient of means over axes."""
    count = x.dtype.type(x.size // (y.size or 1))
    return np.broadcast_to(spread(d, x, axis, keepdims) / count, x.shape)


def _extreme_vjp(
    d: Array, y: Array, x: Array, axis: AxesLike, keepdims: bool, initial: float | None = None
) -> Array:
    # Equal extremes share the gradient.
    places = x == spread(y, x, axis, keepdims)
    count = places.sum(axis=to_axes(axis), keepdims=True)
    return np.where(places, spread(d, x, axis, keepdims) / np.maximum(count, 1), 0)


def _deviations(x: Array, axis: AxesLike) -> tuple[Array, int]:
    """Return the distances from the means, and how many entries each mean has."""
    means = x.mean(axis=to_axes(axis), keepdims=True)
    return x - means, x.size // (means.size or 1)


def _var_vjp(d: Array, y: Array, x: Array, axis: AxesLike, keepdims: bool) -> Array:
    deviations, count = _deviations(x, axis)
    return spread(d, x, axis, keepdims) * deviations * x.dtype.type(2 / count)


def _std_vjp(d: Array, y: Array, x: Array, axis: AxesLike, keepdims: bool) -> Array:
    deviations, count = _deviations(x, axis)
    scaled = spread(d / y, x, axis, keepdims)
    return scaled * deviations / x.dtype.type(count)


def _prod_vjp(d: Array, y: Array, x: Array, axis: AxesLike, keepdims: bool, dtype: Any) -> Array:
    # The product of all others: of those before and of those behind, for zeros too.
    axes = axes_of(axis, x.ndim)
    kept = [k for k in range(x.ndim) if k not in axes]
    rows = x.transpose(*kept, *axes).reshape(*(x.shape[k] for k in kept), -1)
    ones = np.ones_like(rows[..., :1])
    before = np.cumprod(np.concatenate([ones, rows[..., :-1]], -1), axis=-1)
    behind = np.cumprod(np.concatenate([ones, rows[..., :0:-1]], -1), axis=-1)[..., ::-1]
    moved = (before * behind).reshape([x.shape[k] for k in (*kept, *axes)])
    return spread(d, x, axis, keepdims) * moved.transpose(np.argsort((*kept, *axes)))


@operation((_sum_vjp,), shape=reduced_shape)
def sum(x: Array, axis: AxesLike = None, keepdims: bool = False) -> Array:
    """Return the sums over axes, over all for ``None``."""
    return np.sum(x, axis=to_axes(axis), keepdims=keepdims, dtype=_sum_dtype(x))


@operation((_mean_vjp,), types="float", shape=reduced_shape)
def mean(x: Array, axis: AxesLike = None, keepdims: bool = False) -> Array:
    """Return the means over axes, over all for ``None``."""
    return np.mean(x, axis=to_axes(axis), keepdims=keepdims)


@operation((_var_vjp,), types="float", shape=reduced_shape)
def var(x: Array, axis: AxesLike = None, keepdims: bool = False) -> Array:
    """Return the variances over axes: the means of the squared distances from the mean."""
    return np.var(x, axis=to_axes(axis), keepdims=keepdims)


@operation((_std_vjp,), types="float", shape=reduced_shape)
def std(x: Array, axis: AxesLike = None, keepdims: bool = False) -> Array:
    """Return the standard deviations over axes."""
    return np.std(x, axis=to_axes(axis), keepdims=keepdims)


@operation((_prod_vjp,), shape=reduced_shape)
def prod(x: Array, axis: AxesLike = None, keepdims: bool = False, dtype: Any = None) -> Array:
    """Return the products over axes."""
    kept = _sum_dtype(x) if dtype is None else standard_dtype(dtype)
    return np.prod(x, axis=to_axes(axis), keepdims=keepdims, dtype=kept)


@operation((_extreme_vjp,), shape=reduced_shape)
def max(
    x: Array, axis: AxesLike = None, keepdims: bool = False, initial: float | None = None
) -> Array:
    """Return the greatest entries over axes, at least ``initial``."""
    y = np.max(x, axis=to_axes(axis), keepdims=keepdims)
    return y if initial is None else np.maximum(y, x.dtype.type(initial))


@operation((_extreme_vjp,), shape=reduced_shape)
def min(
    x: Array, axis: AxesLike = None, keepdims: bool = False, initial: float | None = None
) -> Array:
    """Return the least entries over axes, at most ``initial``."""
    y = np.min(x, axis=to_axes(axis), keepdims=keepdims)
    return y if initial is None else np.minimum(y, x.dtype.type(initial))


def amax(x: TensorLike, axis: AxesLike = None, keepdims: bool = False) -> Any:
    """Return ``max(x, axis, keepdims)``."""
    return max(x, axis, keepdims)


def amin(x: TensorLike, axis: AxesLike = None, keepdims: bool = False) -> Any:
    """Return ``min(x, axis, keepdims)``."""
    return min(x, axis, keepdims)


def ptp(x: TensorLike, axis: AxesLike = None, keepdims: bool = False) -> Any:
    """Return the distances from the least entries to the greatest over axes."""
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


def average(x: TensorLike, axis: AxesLike = None, weights: TensorLike | None = None) -> Any:
    """Return the means over axes, of entries that weigh ``weights``."""
    if weights is None:
        return mean(x, axis)
    if isinstance(axis, (int, np.integer)) and len(shape(weights)) == 1 != len(shape(x)):
        lengths = [1] * len(shape(x))
        lengths[axis] = -1
        weights = reshape(weights, tuple(lengths))
    weighed = multiply(x, weights)
    return divide(sum(weighed, axis), sum(multiply(ones_like(weighed), weights), axis))


@operation((None,), shape=reduced_shape)
def argmax(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the places of the greatest entries along an axis, as int32."""
    return np.asarray(np.argmax(x, axis=axis, keepdims=keepdims)).astype("int32")


@operation((None,), shape=reduced_shape)
def argmin(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the places of the least entries along an axis, as int32."""
    return np.asarray(np.argmin(x, axis=axis, keepdims=keepdims)).astype("int32")


@operation((None,), shape=reduced_shape)
def any(x: Array, axis: AxesLike = None, keepdims: bool = False) -> Array:
    """Return whether any entry is true, or not 0, over axes."""
    return np.any(x, axis=to_axes(axis), keepdims=keepdims)


@operation((None,), shape=reduced_shape)
def all(x: Array, axis: AxesLike = None, keepdims: bool = False) -> Array:
    """Return whether all entries are true, or not 0, over axes."""
    return np.all(x, axis=to_axes(axis), keepdims=keepdims)


@operation((None,), shape=reduced_shape)
def count_nonzero(x: Array, axis: AxesLike = None) -> Array:
    """Return how many entries are not 0 over axes, as int32."""
    return np.asarray(np.count_nonzero(x, axis=to_axes(axis))).astype("int32")
