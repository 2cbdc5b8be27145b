"""Sums, products and differences along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.ops.arithmetic import add, divide, multiply
from fastrnn.ops.comparisons import isnan, where
from fastrnn.ops.creation import shape
from fastrnn.ops.dtypes import standard_dtype
from fastrnn.ops.indexing import get_item
from fastrnn.ops.operation import operation
from fastrnn.ops.reductions import sum
from fastrnn.ops.reshaping import reshape
from fastrnn.ops.shapes import Spec
from fastrnn.typing import Array, Shape, TensorLike


def _shape(x: Spec, axis: int | None, dtype: Any) -> Shape:
    if axis is not None:
        return x.shape
    lengths = [n for n in x.shape if n is not None]
    return (None if None in x.shape else int(np.prod(lengths, dtype=int)),)


def _kept(x: Array, dtype: Any) -> str:
    if dtype is not None:
        return standard_dtype(dtype)
    return "int32" if x.dtype == bool else x.dtype.name


def _backwards(d: Array, axis: int) -> Array:
    """Return the sums of each entry and all behind it."""
    return np.flip(np.cumsum(np.flip(d, axis), axis=axis), axis)


def _cumsum_vjp(d: Array, y: Array, x: Array, axis: int | None, dtype: Any) -> Array:
    return _backwards(d, axis or 0).reshape(x.shape)


@operation((_cumsum_vjp,), shape=_shape)
def cumsum(x: Array, axis: int | None = None, dtype: Any = None) -> Array:
    """Return the sums of the entries so far along an axis, along all entries for ``None``."""
    return np.cumsum(x, axis=axis, dtype=_kept(x, dtype))


def _cumprod_vjp(d: Array, y: Array, x: Array, axis: int | None, dtype: Any) -> Array:
    # dL/dx_k = sum over t >= k of d_t · (product of all x_j, j <= t, but x_k); for zeros too.
    rows = x.reshape(1, -1) if axis is None else np.moveaxis(x, axis, -1)
    d = d.reshape(1, -1) if axis is None else np.moveaxis(d, axis, -1)
    d_rows = np.empty_like(d)
    for k in range(rows.shape[-1]):
        others = rows.copy()
        others[..., k] = 1
        d_rows[..., k] = (d * np.cumprod(others, axis=-1))[..., k:].sum(axis=-1)
    return d_rows.reshape(x.shape) if axis is None else np.moveaxis(d_rows, -1, axis)


@operation((_cumprod_vjp,), shape=_shape)
def cumprod(x: Array, axis: int | None = None, dtype: Any = None) -> Array:
    """Return the products of the entries so far along an axis."""
    return np.cumprod(x, axis=axis, dtype=_kept(x, dtype))


def nancumsum(x: TensorLike, axis: int | None = None, dtype: Any = None) -> Any:
    """Return ``cumsum`` with NaN counted as 0."""
    return cumsum(where(isnan(x), 0, x), axis, dtype)


def nancumprod(x: TensorLike, axis: int | None = None, dtype: Any = None) -> Any:
    """Return ``cumprod`` with NaN counted as 1."""
    return cumprod(where(isnan(x), 1, x), axis, dtype)


def _diff_vjp(d: Array, y: Array, a: Array, n: int, axis: int) -> Array:
    for _ in range(n):
        edge = np.zeros_like(np.take(a, [0], axis=axis))
        d = np.concatenate([edge, d], axis=axis) - np.concatenate([d, edge], axis=axis)
    return d


@operation((_diff_vjp,))
def diff(a: Array, n: int = 1, axis: int = -1) -> Array:
    """Return the differences of neighbours along an axis, ``n`` times."""
    return np.diff(a, n, axis)


def trapezoid(y: TensorLike, x: TensorLike | None = None, dx: float = 1.0, axis: int = -1) -> Any:
    """Return the integral of ``y`` along an axis by the trapezoidal rule.

    Args:
        y: the values.
        x: where they stand: of the shape of ``y``, or a vector along the axis.
        dx: their distance, without ``x``.
        axis: the axis.
    """
    rank = len(shape(y))
    behind: list[Any] = [slice(None)] * rank
    before: list[Any] = [slice(None)] * rank
    behind[axis], before[axis] = slice(1, None), slice(None, -1)
    width: Any = dx
    if x is not None:
        if len(shape(x)) == 1 and rank > 1:
            lengths = [1] * rank
            lengths[axis] = -1
            width = reshape(diff(x), lengths)
        else:
            width = diff(x, axis=axis)
    means = divide(add(get_item(y, tuple(behind)), get_item(y, tuple(before))), 2)
    return sum(multiply(means, width), axis=axis)
