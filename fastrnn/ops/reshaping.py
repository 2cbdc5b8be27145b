"""Axes and their order: reshaping, joins, repetitions, padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.ops.operation import operation
from fastrnn.ops.shapes import Spec, require_known, sum_to
from fastrnn.typing import Array, TensorLike

Axis = int | Sequence[int] | None


def _axes(axis: Axis) -> Any:
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis


def _reshape_spec(x: Spec, newshape: Any) -> Spec:
    lengths = list(newshape) if isinstance(newshape, (list, tuple)) else [newshape]
    require_known("reshape", lengths)
    known = int(np.prod([n for n in x.shape if n is not None], dtype=int))
    wanted = int(np.prod([n for n in lengths if n != -1], dtype=int))
    unknown = None in x.shape
    fits = unknown or (known % wanted == 0 if -1 in lengths else known == wanted)
    if lengths.count(-1) > 1 or not fits:
        raise ValueError(errors.bad_argument("newshape", newshape, f"a shape for {x.shape}"))
    rest = None if unknown else known // wanted
    return Spec(tuple(rest if n == -1 else n for n in lengths), x.dtype)


def _as_before(d: Array, y: Array, x: Array, *args: Any, **options: Any) -> Array:
    return d.reshape(x.shape)


@operation((_as_before,), shape=_reshape_spec)
def reshape(x: Array, newshape: int | Sequence[int]) -> Array:
    """Return the entries in another shape; one length may be -1."""
    lengths = newshape if isinstance(newshape, (list, tuple)) else (newshape,)
    return x.reshape(require_known("reshape", lengths))


@operation((_as_before,))
def ravel(x: Array) -> Array:
    """Return all entries along one axis."""
    return x.reshape(-1)


@operation((_as_before,))
def expand_dims(x: Array, axis: int | Sequence[int]) -> Array:
    """Return ``x`` with axes of length 1 at these places of the result."""
    return np.expand_dims(x, _axes(axis))


def _squeeze_spec(x: Spec, axis: Axis) -> Spec:
    if axis is None:
        return Spec(tuple(n for n in x.shape if n != 1), x.dtype)
    axes = {k % x.ndim for k in (axis if isinstance(axis, (list, tuple)) else (axis,))}
    if any(x.shape[k] not in (1, None) for k in axes):
        raise ValueError(errors.bad_argument("axis", axis, f"axes of length 1 of {x.shape}"))
    return Spec(tuple(n for k, n in enumerate(x.shape) if k not in axes), x.dtype)


@operation((_as_before,), shape=_squeeze_spec)
def squeeze(x: Array, axis: Axis = None) -> Array:
    """Return ``x`` without axes of length 1, all such for ``None``."""
    return np.squeeze(x, _axes(axis))


def _transpose_vjp(d: Array, y: Array, x: Array, axes: Sequence[int] | None) -> Array:
    return d.transpose(None if axes is None else np.argsort(np.mod(axes, x.ndim)))


@operation((_transpose_vjp,))
def transpose(x: Array, axes: Sequence[int] | None = None) -> Array:
    """Return the axes in another order, reversed for ``None``."""
    return np.transpose(x, axes)


@operation((lambda d, y, x, axis1, axis2: d.swapaxes(axis1, axis2),))
def swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    """Return ``x`` with two axes in each other's place."""
    return np.swapaxes(x, axis1, axis2)


@operation((lambda d, y, x, source, destination: np.moveaxis(d, destination, source),))
def moveaxis(x: Array, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    """Return ``x`` with axes in other places."""
    return np.moveaxis(x, _axes(source), _axes(destination))


@operation((lambda d, y, x, shape: sum_to(d, x.shape),))
def broadcast_to(x: Array, shape: Sequence[int]) -> Array:
    """Return ``x`` repeated along axes of length 1, or new ones, to fill a shape."""
    return np.broadcast_to(x, require_known("broadcast_to", shape)).copy()


# ---- joins ---------------------------------------------------------------------------------------


def _concatenate_vjp(d: Array, y: Array, xs: list[Array], axis: int) -> list[Array]:
    edges = np.cumsum([x.shape[axis] for x in xs])[:-1]
    return list(np.split(d, edges, axis=axis))


@operation((_concatenate_vjp,), types="common")
def concatenate(xs: Sequence[Array], axis: int = 0) -> Array:
    """Return the arrays one after the other along an axis that they have."""
    return np.concatenate(xs, axis=axis)


@operation((lambda d, y, x, axis: list(np.moveaxis(d, axis, 0)),), types="common")
def stack(x: Sequence[Array], axis: int = 0) -> Array:
    """Return the arrays one after the other along a new axis."""
    return np.stack(x, axis=axis)


def append(x1: TensorLike, x2: TensorLike, axis: int | None = None) -> Any:
    """Return two arrays one after the other along an axis, all entries for ``None``."""
    pair = [x1, x2] if axis is not None else [ravel(x1), ravel(x2)]
    return concatenate(pair, axis=axis or 0)


def _at_least(rank: int, x: TensorLike) -> Any:
    missing = rank - len(np.shape(x))
    if missing <= 0:
        return x
    places = {(1, 1): 0, (2, 1): 0, (2, 2): (0, 1), (3, 1): 2, (3, 2): (0, 2), (3, 3): (0, 1, 2)}
    return expand_dims(x, places[rank, missing])


def hstack(xs: Sequence[Any]) -> Any:
    """Return the arrays side by side: along the second axis, the first of vectors."""
    arrays = [_at_least(1, x) for x in xs]
    return concatenate(arrays, axis=0 if len(np.shape(arrays[0])) == 1 else 1)


def vstack(xs: Sequence[Any]) -> Any:
    """Return the arrays below each other, vectors as rows."""
    return concatenate([_at_least(2, x) for x in xs], axis=0)


def dstack(xs: Sequence[Any]) -> Any:
    """Return the arrays behind each other along the third axis."""
    return concatenate([_at_least(3, x) for x in xs], axis=2)


# ---- parts ---------------------------------------------------------------------------------------


def _split_vjp(d: Any, y: TensorLike, x: Array, indices_or_sections: Any, axis: int) -> Array:
    return np.concatenate(d, axis=axis)


def _sections(x: Spec | Array, indices_or_sections: Any, axis: int) -> None:
    known = x.shape[axis]
    if isinstance(indices_or_sections, int) and known is not None and known % indices_or_sections:
        expected = f"a number that divides the length {known} of axis {axis}"
        raise ValueError(errors.bad_argument("indices_or_sections", indices_or_sections, expected))


def _split_shape(x: Spec, indices_or_sections: Any, axis: int) -> tuple[Spec, ...]:
    _sections(x, indices_or_sections, axis)
    length, axis = x.shape[axis], axis % x.ndim
    lengths: list[int | None]
    if isinstance(indices_or_sections, (int, np.integer)):
        count = int(indices_or_sections)
        lengths = [None if length is None else length // count] * count
    elif length is None:
        raise ValueError(errors.bad_argument("x", x.shape, f"a known length of axis {axis}"))
    else:
        parts = np.split(np.arange(length), np.asarray(indices_or_sections))
        lengths = [len(part) for part in parts]
    return tuple(Spec((*x.shape[:axis], n, *x.shape[axis + 1 :]), x.dtype) for n in lengths)


@operation((_split_vjp,), shape=_split_shape)
def split(x: Array, indices_or_sections: Any, axis: int = 0) -> Any:
    """Return parts along an axis: so many equal ones, or those between indices."""
    _sections(x, indices_or_sections, axis)
    return list(np.split(x, indices_or_sections, axis=axis))


@operation((_split_vjp,))
def array_split(x: Array, indices_or_sections: Any, axis: int = 0) -> Any:
    """Return parts along an axis, the first ones longer where they cannot be equal."""
    return list(np.array_split(x, indices_or_sections, axis=axis))


def hsplit(x: TensorLike, indices_or_sections: Any) -> Any:
    """Return parts along the second axis, the first of a vector."""
    return split(x, indices_or_sections, axis=0 if len(np.shape(x)) == 1 else 1)


def vsplit(x: TensorLike, indices_or_sections: Any) -> Any:
    """Return parts along the first axis."""
    return split(x, indices_or_sections, axis=0)


def dsplit(x: TensorLike, indices_or_sections: Any) -> Any:
    """Return parts along the third axis."""
    return split(x, indices_or_sections, axis=2)


def unstack(x: TensorLike, num: int | None = None, axis: int = 0) -> list[Any]:
    """Return the entries along an axis, without it."""
    length = np.shape(x)[axis]
    count = require_known("unstack", [length if num is None else num])[0]
    return [squeeze(part, axis) for part in split(x, count, axis)]


# ---- repetitions ---------------------------------------------------------------------------------


def _tile_vjp(d: Array, y: Array, x: Array, repeats: Any) -> Array:
    counts = tuple(repeats) if isinstance(repeats, (list, tuple, np.ndarray)) else (repeats,)
    rank = max(len(counts), x.ndim)
    counts = (1,) * (rank - len(counts)) + counts
    shape = (1,) * (rank - x.ndim) + x.shape
    pairs = [n for pair in zip(counts, shape, strict=True) for n in pair]
    return d.reshape(pairs).sum(axis=tuple(range(0, 2 * rank, 2))).reshape(x.shape)


@operation((_tile_vjp,))
def tile(x: Array, repeats: Any) -> Array:
    """Return copies of ``x`` side by side, so many along each axis."""
    return np.tile(x, repeats)


def _repeat_vjp(d: Array, y: Array, x: Array, repeats: Any, axis: int | None) -> Array:
    places = np.repeat(np.arange(x.size if axis is None else x.shape[axis]), repeats)
    d_x = np.zeros(x.size if axis is None else x.shape, d.dtype)
    np.add.at(np.moveaxis(d_x, axis or 0, 0), places, np.moveaxis(d, axis or 0, 0))
    return d_x.reshape(x.shape)


@operation((_repeat_vjp,))
def repeat(x: Array, repeats: Any, axis: int | None = None) -> Array:
    """Return each entry along an axis so many times in a row."""
    return np.repeat(x, repeats, axis=axis)


@operation((lambda d, y, x, axis: np.flip(d, _axes(axis)),))
def flip(x: Array, axis: Axis = None) -> Array:
    """Return the entries in reverse order along axes, along all for ``None``."""
    return np.flip(x, _axes(axis))


def fliplr(x: TensorLike) -> Any:
    """Return the entries in reverse order along the second axis."""
    return flip(x, 1)


def flipud(x: TensorLike) -> Any:
    """Return the entries in reverse order along the first axis."""
    return flip(x, 0)


@operation((lambda d, y, array, k, axes: np.rot90(d, -k, axes),))
def rot90(array: Array, k: int = 1, axes: Sequence[int] = (0, 1)) -> Array:
    """Return the array turned ``k`` times by a right angle in the plane of two axes."""
    return np.rot90(array, k, tuple(axes))  # type: ignore[arg-type]


def _roll_back(d: Array, y: Array, x: Array, shift: Any, axis: Axis) -> Array:
    return np.roll(d, np.negative(shift), _axes(axis))


@operation((_roll_back,))
def roll(x: Array, shift: Any, axis: Axis = None) -> Array:
    """Return the entries moved on by ``shift`` places, those behind the end in front."""
    return np.roll(x, _axes(shift), _axes(axis))


def _widths(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    widths = np.broadcast_to(np.asarray(pad_width, int), (rank, 2))
    return [(int(a), int(b)) for a, b in widths]


def _pad_vjp(
    d: Array, y: Array, x: Array, pad_width: Any, mode: str, constant_values: Any
) -> Array:
    if mode == "constant":
        widths = _widths(pad_width, x.ndim)
        return d[tuple(slice(a, a + n) for (a, _), n in zip(widths, x.shape, strict=True))]
    places = np.pad(np.arange(x.size).reshape(x.shape), _widths(pad_width, x.ndim), mode=mode)  # type: ignore[call-overload]
    d_x = np.zeros(x.size, d.dtype)
    np.add.at(d_x, places.ravel(), d.ravel())
    return d_x.reshape(x.shape)


@operation((_pad_vjp,))
def pad(
    x: Array, pad_width: Any, mode: str = "constant", constant_values: float | None = None
) -> Array:
    """Return ``x`` with entries around it.

    Args:
        x: array.
        pad_width: (before, behind) for each axis, or for all, or one number.
        mode: "constant", or another of ``numpy.pad``, such as "reflect" or "edge".
        constant_values: what is put there, 0 unless given.
    """
    widths = _widths(pad_width, x.ndim)
    if mode == "constant":
        return np.pad(x, widths, constant_values=constant_values or 0)
    if constant_values is not None:
        expected = "None, unless mode is 'constant'"
        raise ValueError(errors.bad_argument("constant_values", constant_values, expected))
    return np.pad(x, widths, mode=mode)  # type: ignore[call-overload]


def meshgrid(*x: Any, indexing: str = "xy") -> list[Any]:
    """Return for vectors the arrays of their entries at each point of the grid."""
    lengths = [np.shape(v)[0] if np.shape(v) else 1 for v in x]
    found = []
    for k, vector in enumerate(x):
        shape = [1] * len(x)
        shape[k] = -1
        found.append(broadcast_to(reshape(vector, shape), tuple(lengths)))
    return [swapaxes(g, 0, 1) for g in found] if indexing == "xy" and len(x) > 1 else found
