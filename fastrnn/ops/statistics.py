"""Quantiles, and reductions that leave NaN out."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.ops.arithmetic import divide, square, subtract
from fastrnn.ops.axes import AxesLike, axes_of
from fastrnn.ops.comparisons import isnan, logical_not, where
from fastrnn.ops.core import cast
from fastrnn.ops.creation import dtype, shape
from fastrnn.ops.functions import sqrt
from fastrnn.ops.indexing import get_item
from fastrnn.ops.operation import operation
from fastrnn.ops.reductions import argmax, argmin, prod, sum
from fastrnn.ops.reductions import max as _max
from fastrnn.ops.reductions import min as _min
from fastrnn.ops.shapes import Spec
from fastrnn.typing import Array, ArrayLike, Shape, TensorLike

_METHODS = ("linear", "lower", "higher", "nearest", "midpoint")


# ---- quantiles -----------------------------------------------------------------------------------


def _weights(count: int, q: float, method: str) -> list[tuple[int, float]]:
    """Return the places of the ordered entries that make a quantile, and their weights."""
    place = q * (count - 1)
    low, high = int(np.floor(place)), int(np.ceil(place))
    shares = {"lower": 0.0, "higher": 1.0, "midpoint": 0.5, "nearest": float(np.round(place) - low)}
    share = shares.get(method, place - low)
    return [(low, 1 - share), (high, share)]


def _rows(x: Array, axes: tuple[int, ...]) -> Array:
    """Return the entries of the axes along the last one."""
    kept = [k for k in range(x.ndim) if k not in axes]
    moved = x.transpose(*kept, *axes)
    return moved.reshape(*(x.shape[k] for k in kept), -1)


def _quantiles_shape(x: Spec, q: tuple[float, ...], axes: tuple[int, ...], method: str) -> Shape:
    return (len(q), *(n for k, n in enumerate(x.shape) if k not in axes))


def _quantiles_vjp(
    d: Array, y: Array, x: Array, q: tuple[float, ...], axes: tuple[int, ...], method: str
) -> Array:
    rows = _rows(x, axes)
    d_ordered = np.zeros_like(rows)
    for own, share in zip(d, q, strict=True):
        for place, weight in _weights(rows.shape[-1], share, method):
            d_ordered[..., place] += own * weight
    d_rows = np.empty_like(rows)
    np.put_along_axis(d_rows, np.argsort(rows, axis=-1, kind="stable"), d_ordered, axis=-1)
    order = [*(k for k in range(x.ndim) if k not in axes), *axes]
    return d_rows.reshape([x.shape[k] for k in order]).transpose(np.argsort(order))


@operation((_quantiles_vjp,), types="float", shape=_quantiles_shape)
def _quantiles(x: Array, q: tuple[float, ...], axes: tuple[int, ...], method: str) -> Array:
    ordered = np.sort(_rows(x, axes), axis=-1)
    found = []
    for share in q:
        pairs = _weights(ordered.shape[-1], share, method)
        # What weighs nothing does not count, not even if it is infinite.
        parts = [ordered[..., k] * x.dtype.type(w) for k, w in pairs if w]
        found.append(np.where(np.isnan(ordered[..., -1]), np.nan, np.sum(parts, axis=0)))
    return np.stack(found).astype(x.dtype)


def quantile(
    x: TensorLike,
    q: ArrayLike,
    axis: AxesLike = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    """Return the values below which a share of the entries lies, over axes.

    Args:
        x: array.
        q: the share, from 0 to 1, or several: the results stand along a first axis then.
        axis: the axes; ``None``: all.
        method: "linear", "lower", "higher", "nearest" or "midpoint", between two entries.
        keepdims: whether the axes stay, with length 1.
    """
    if method not in _METHODS:
        raise ValueError(errors.not_one_of("method", method, _METHODS))
    rank = len(shape(x))
    axes = axes_of(axis, rank)
    found = _quantiles(x, tuple(np.ravel(q).tolist()), axes, method)
    if keepdims:
        key = (slice(None), *(None if k in axes else slice(None) for k in range(rank)))
        found = get_item(found, key)
    return get_item(found, 0) if np.ndim(q) == 0 else found


def percentile(
    x: TensorLike,
    q: ArrayLike,
    axis: AxesLike = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    """Return ``quantile`` of ``q`` percent."""
    return quantile(x, np.asarray(q) / 100, axis, method, keepdims)


def median(x: TensorLike, axis: AxesLike = None, keepdims: bool = False) -> Any:
    """Return the medians over axes."""
    return quantile(x, 0.5, axis, "linear", keepdims)


# ---- without NaN ---------------------------------------------------------------------------------


def _filled(x: TensorLike, number: float) -> Any:
    return where(isnan(x), number, x)


def nansum(x: TensorLike, axis: AxesLike = None, keepdims: bool = False) -> Any:
    """Return the sums over axes of what is not NaN."""
    return sum(_filled(x, 0), axis, keepdims)


def nanprod(x: TensorLike, axis: AxesLike = None, keepdims: bool = False) -> Any:
    """Return the products over axes of what is not NaN."""
    return prod(_filled(x, 1), axis, keepdims)


def nanmax(x: TensorLike, axis: AxesLike = None, keepdims: bool = False) -> Any:
    """Return the greatest entries over axes that are not NaN."""
    return _max(_filled(x, -np.inf), axis, keepdims)


def nanmin(x: TensorLike, axis: AxesLike = None, keepdims: bool = False) -> Any:
    """Return the least entries over axes that are not NaN."""
    return _min(_filled(x, np.inf), axis, keepdims)


def nanargmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the places of the greatest entries that are not NaN."""
    return argmax(_filled(x, -np.inf), axis, keepdims)


def nanargmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the places of the least entries that are not NaN."""
    return argmin(_filled(x, np.inf), axis, keepdims)


def _count(x: TensorLike, axis: AxesLike, keepdims: bool) -> Any:
    return sum(cast(logical_not(isnan(x)), _float_type(x)), axis, keepdims)


def _float_type(x: TensorLike) -> str:
    name = dtype(x)
    return name if name.startswith("float") else "float32"


def nanmean(x: TensorLike, axis: AxesLike = None, keepdims: bool = False) -> Any:
    """Return the means over axes of what is not NaN."""
    return divide(nansum(x, axis, keepdims), _count(x, axis, keepdims))


def nanvar(x: TensorLike, axis: AxesLike = None, keepdims: bool = False) -> Any:
    """Return the variances over axes of what is not NaN."""
    return nanmean(square(subtract(x, nanmean(x, axis, keepdims=True))), axis, keepdims)


def nanstd(x: TensorLike, axis: AxesLike = None, keepdims: bool = False) -> Any:
    """Return the standard deviations over axes of what is not NaN."""
    return sqrt(nanvar(x, axis, keepdims))
