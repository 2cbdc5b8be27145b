"""Entries at places: indexing, taking, diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.ops.operation import operation
from fastrnn.ops.reshaping import ravel
from fastrnn.typing import Array, TensorLike

# Integers, slices, None, ..., and arrays of integers or bools.
Index = Any


def _plain(key: Index) -> Index:
    """Return a key with numbers of Python where arrays of no axis stand."""
    if isinstance(key, tuple):
        return tuple(map(_plain, key))
    if isinstance(key, np.ndarray) and key.ndim == 0 and key.dtype.kind in "iu":
        return int(key)
    return key


def _get_item_vjp(d: Array, y: Array, x: Array, key: Index) -> Array:
    d_x = np.zeros(x.shape, d.dtype)
    entries = key if isinstance(key, tuple) else (key,)
    if any(isinstance(entry, np.ndarray) and entry.ndim for entry in entries):
        np.add.at(d_x, _plain(key), d)
    else:
        d_x[_plain(key)] = d
    return d_x


@operation((_get_item_vjp, None))
def get_item(x: Array, key: Index) -> Array:
    """Return ``x[key]``, for integers, slices, ``None``, ``...`` and arrays of integers."""
    return x[_plain(key)]


def _add_rows(x: Array, indices: Array, rows: Array) -> Array:
    """Return zeros in the shape of ``x`` with rows added at places of the first axis."""
    d_x = np.zeros(x.shape, rows.dtype)
    np.add.at(d_x, indices, rows)
    return d_x


def _take_vjp(d: Array, y: Array, x: Array, indices: Array, axis: int | None) -> Array:
    if axis is None:
        return _add_rows(x.ravel(), indices, d).reshape(x.shape)
    axis %= x.ndim
    # The axes of the indices stand where the axis was.
    places = list(range(axis, axis + indices.ndim))
    rows = np.moveaxis(d, places, list(range(indices.ndim)))
    d_x = _add_rows(np.moveaxis(x, axis, 0), indices, rows)
    return np.moveaxis(d_x, 0, axis)


@operation((_take_vjp, None))
def take(x: Array, indices: Array, axis: int | None = None) -> Array:
    """Return the entries at ``indices`` along an axis, among all entries for ``None``."""
    return np.take(x, indices, axis=axis)


def _take_along_vjp(d: Array, y: Array, x: Array, indices: Array, axis: int | None) -> Array:
    if axis is None:
        return _add_rows(x.ravel(), indices.ravel(), d.ravel()).reshape(x.shape)
    shape = np.broadcast_shapes(
        tuple(1 if k == axis % x.ndim else n for k, n in enumerate(x.shape)),
        tuple(1 if k == axis % x.ndim else n for k, n in enumerate(indices.shape)),
    )
    full = tuple(n if k != axis % x.ndim else indices.shape[k] for k, n in enumerate(shape))
    grid = list(np.ogrid[tuple(slice(n) for n in full)])
    grid[axis % x.ndim] = np.broadcast_to(indices, full)
    d_x = np.zeros(
        tuple(n if k != axis % x.ndim else x.shape[k] for k, n in enumerate(shape)), d.dtype
    )
    np.add.at(d_x, tuple(grid), np.broadcast_to(d, full))
    return d_x


@operation((_take_along_vjp, None))
def take_along_axis(x: Array, indices: Array, axis: int | None = None) -> Array:
    """Return for each row along an axis the entries at its own ``indices``."""
    if axis is None:
        return np.take_along_axis(x.ravel(), indices.ravel(), axis=0)
    lengths = [1 if k == axis % x.ndim else n for k, n in enumerate(x.shape)]
    others = [1 if k == axis % x.ndim else n for k, n in enumerate(indices.shape)]
    common = list(np.broadcast_shapes(tuple(lengths), tuple(others)))
    common[axis] = x.shape[axis]
    full = np.broadcast_to(x, common)
    common[axis] = indices.shape[axis]
    return np.take_along_axis(full, np.broadcast_to(indices, common), axis=axis)


# ---- diagonals -----------------------------------------------------------------------------------


def _diagonal_vjp(d: Array, y: Array, x: Array, offset: int, axis1: int, axis2: int) -> Array:
    d_x = np.zeros(x.shape, d.dtype)
    moved = np.moveaxis(d_x, (axis1, axis2), (-2, -1))
    rows = np.arange(d.shape[-1]) + max(-offset, 0)
    moved[..., rows, rows + offset] = d
    return d_x


@operation((_diagonal_vjp,))
def diagonal(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Return a diagonal of the matrices in two axes, as the last axis."""
    return np.diagonal(x, offset, axis1, axis2).copy()


def _diag_vjp(d: Array, y: Array, x: Array, k: int) -> Array:
    return np.diagonal(d, k) if x.ndim == 1 else _diagonal_vjp(d, y, x, k, 0, 1)


@operation((_diag_vjp,))
def diag(x: Array, k: int = 0) -> Array:
    """Return a diagonal of a matrix, or the matrix with a vector on a diagonal."""
    return np.diag(x, k).copy()


def diagflat(x: TensorLike, k: int = 0) -> Any:
    """Return the matrix with all entries of ``x`` on a diagonal."""
    return diag(ravel(x), k)


def _trace_vjp(d: Array, y: Array, x: Array, offset: int, axis1: int, axis2: int) -> Array:
    count = np.diagonal(x, offset, axis1, axis2).shape[-1]
    repeated = np.broadcast_to(np.asarray(d)[..., None], (*np.shape(d), count))
    return _diagonal_vjp(repeated, y, x, offset, axis1, axis2)


@operation((_trace_vjp,))
def trace(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Return the sums over a diagonal of the matrices in two axes."""
    kept = "int32" if x.dtype.name in ("bool", "int8", "int16", "uint8") else x.dtype
    return np.asarray(np.trace(x, offset, axis1, axis2)).astype(kept)


@operation((lambda d, y, x, k: np.tril(d, k),))
def tril(x: Array, k: int = 0) -> Array:
    """Return matrices with zeros above a diagonal."""
    return np.tril(x, k)


@operation((lambda d, y, x, k: np.triu(d, k),))
def triu(x: Array, k: int = 0) -> Array:
    """Return matrices with zeros below a diagonal."""
    return np.triu(x, k)


def unravel_index(indices: TensorLike, shape: Any) -> Any:
    """Return the places along each axis of places among all entries."""
    given = np.asarray(indices)
    kept = given.dtype if given.dtype.name in ("int64", "int32") else np.dtype("int32")
    return tuple(np.asarray(part).astype(kept) for part in np.unravel_index(given, shape))
