"""Operations that move entries: axes, joins, parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.ops.operation import operation
from fastrnn.ops.shapes import Spec, require_known
from fastrnn.typing import Array

# Integers, slices, None, ..., and arrays of integers or bools.
Index = Any


def _reshape_spec(x: Spec, newshape: Any) -> Spec:
    lengths = list(newshape) if isinstance(newshape, (list, tuple)) else [newshape]
    require_known("reshape", lengths)
    if -1 not in lengths:
        return Spec(tuple(lengths), x.dtype)
    known = [n for n in x.shape if n is not None]
    place = lengths.index(-1)
    rest = int(np.prod([n for n in lengths if n != -1]))
    unknown = len(known) < len(x.shape)
    lengths[place] = None if unknown else int(np.prod(known)) // max(rest, 1)
    return Spec(tuple(lengths), x.dtype)


@operation((lambda d, y, x, newshape: d.reshape(x.shape),), shape=_reshape_spec)
def reshape(x: Array, newshape: int | Sequence[int]) -> Array:
    """Return the entries in another shape; one length may be -1."""
    lengths = newshape if isinstance(newshape, (list, tuple)) else (newshape,)
    lengths = require_known("reshape", lengths)
    return x.reshape(lengths)


def _transpose_vjp(d: Array, y: Array, x: Array, axes: Sequence[int] | None) -> Array:
    return d.transpose(None if axes is None else np.argsort(np.mod(axes, x.ndim)))


@operation((_transpose_vjp,))
def transpose(x: Array, axes: Sequence[int] | None = None) -> Array:
    """Return the axes in another order, reversed for ``None``."""
    return np.transpose(x, axes)


@operation((lambda d, y, x, axis: d.reshape(x.shape),))
def expand_dims(x: Array, axis: int | Sequence[int]) -> Array:
    """Return ``x`` with axes of length 1 at these places of the result."""
    return np.expand_dims(x, tuple(axis) if isinstance(axis, (list, tuple)) else axis)


@operation((lambda d, y, x, axis: d.reshape(x.shape),))
def squeeze(x: Array, axis: int | Sequence[int] | None = None) -> Array:
    """Return ``x`` without axes of length 1, all such for ``None``."""
    return np.squeeze(x, tuple(axis) if isinstance(axis, (list, tuple)) else axis)


def _concatenate_vjp(d: Array, y: Array, xs: list[Array], axis: int) -> list[Array]:
    edges = np.cumsum([x.shape[axis] for x in xs])[:-1]
    return np.split(d, edges, axis=axis)


@operation((_concatenate_vjp,), types="common")
def concatenate(xs: Sequence[Array], axis: int = 0) -> Array:
    """Return the arrays one after the other along an axis that they have."""
    return np.concatenate(xs, axis=axis)


def _stack_vjp(d: Array, y: Array, x: list[Array], axis: int) -> list[Array]:
    return list(np.moveaxis(d, axis, 0))


@operation((_stack_vjp,), types="common")
def stack(x: Sequence[Array], axis: int = 0) -> Array:
    """Return the arrays one after the other along a new axis."""
    return np.stack(x, axis=axis)


def _get_item_vjp(d: Array, y: Array, x: Array, key: Index) -> Array:
    d_x = np.zeros_like(x)
    entries = key if isinstance(key, tuple) else (key,)
    if any(isinstance(entry, np.ndarray) for entry in entries):
        np.add.at(d_x, _plain(key), d)
    else:
        d_x[key] = d
    return d_x


def _plain(key: Index) -> Index:
    """Return a key with numbers of Python where arrays of no axis stand."""
    if isinstance(key, tuple):
        return tuple(map(_plain, key))
    if isinstance(key, np.ndarray) and key.ndim == 0 and key.dtype.kind in "iu":
        return int(key)
    return key


@operation((_get_item_vjp, None))
def get_item(x: Array, key: Index) -> Array:
    """Return ``x[key]``, for integers, slices, ``None``, ``...`` and arrays of integers."""
    return x[_plain(key)]
