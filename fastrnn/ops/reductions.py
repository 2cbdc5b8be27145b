"""Reductions: sums, means, extremes over axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastrnn.ops.operation import operation
from fastrnn.ops.shapes import Spec
from fastrnn.typing import Array, Axes, Shape

AxesLike = int | Sequence[int] | None


def to_axes(axis: AxesLike) -> Axes | None:
    """Return axes as NumPy takes them."""
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis  # type: ignore[return-value]


def reduced_shape(
    x: Spec, axis: AxesLike = None, keepdims: bool = False, **options: object
) -> Shape:
    """Return the shape of what is reduced over axes."""
    axes = set(axes_of(axis, x.ndim))
    if keepdims:
        return tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    return tuple(n for k, n in enumerate(x.shape) if k not in axes)


def axes_of(axis: AxesLike, ndim: int) -> tuple[int, ...]:
    """Return axes counted from the front, all of them for ``None``."""
    if axis is None:
        return tuple(range(ndim))
    axes = (axis,) if isinstance(axis, (int, np.integer)) else axis
    for k in axes:
        if not -ndim <= k < ndim:
            raise np.exceptions.AxisError(k, ndim)
    return tuple(k % ndim for k in axes)


def spread(d: Array, x: Array, axis: AxesLike, keepdims: bool) -> Array:
    """Return what was reduced over axes with these axes again, of length 1."""
    return d if keepdims else np.expand_dims(d, axes_of(axis, x.ndim))


def sum_dtype(x: Array) -> str:
    """Return the dtype of sums and products: at least 32 bits."""
    name = x.dtype.name
    small = {"bool": "int32", "int8": "int32", "int16": "int32"}
    return {**small, "uint8": "uint32", "uint16": "uint32"}.get(name, name)


def _sum_vjp(d: Array, y: Array, x: Array, axis: AxesLike, keepdims: bool) -> Array:
    return np.broadcast_to(spread(d, x, axis, keepdims), x.shape)


@operation((_sum_vjp,), shape=reduced_shape)
def sum(x: Array, axis: AxesLike = None, keepdims: bool = False) -> Array:
    """Return the sums over axes, over all for ``None``."""
    return np.sum(x, axis=to_axes(axis), keepdims=keepdims, dtype=sum_dtype(x))


def _mean_vjp(d: Array, y: Array, x: Array, axis: AxesLike, keepdims: bool) -> Array:
    count = x.size // (y.size or 1)
    return np.broadcast_to(spread(d, x, axis, keepdims) / x.dtype.type(count), x.shape)


@operation((_mean_vjp,), types="float", shape=reduced_shape)
def mean(x: Array, axis: AxesLike = None, keepdims: bool = False) -> Array:
    """Return the means over axes, over all for ``None``."""
    return np.mean(x, axis=to_axes(axis), keepdims=keepdims)


def _extreme_vjp(
    d: Array, y: Array, x: Array, axis: AxesLike, keepdims: bool, initial: float | None = None
) -> Array:
    # Equal extremes share the gradient.
    places = x == spread(y, x, axis, keepdims)
    count = places.sum(axis=to_axes(axis), keepdims=True)
    return np.where(places, spread(d, x, axis, keepdims) / np.maximum(count, 1), 0)


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


@operation((None,), shape=reduced_shape)
def argmax(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the places of the greatest entries along an axis, as int32."""
    return np.argmax(x, axis=axis, keepdims=keepdims).astype("int32")


@operation((None,), shape=reduced_shape)
def any(x: Array, axis: AxesLike = None, keepdims: bool = False) -> Array:
    """Return whether any entry is true, or not 0, over axes."""
    return np.any(x, axis=to_axes(axis), keepdims=keepdims)


@operation((None,), shape=reduced_shape)
def all(x: Array, axis: AxesLike = None, keepdims: bool = False) -> Array:
    """Return whether all entries are true, or not 0, over axes."""
    return np.all(x, axis=to_axes(axis), keepdims=keepdims)
