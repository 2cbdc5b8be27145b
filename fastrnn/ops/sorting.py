"""Order and counts: sorting, searching, unique entries, histograms."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.ops.operation import operation
from fastrnn.typing import Array, ArrayLike, Number, TensorLike


def _sort_vjp(d: Array, y: Array, x: Array, axis: int) -> Array:
    d_x = np.empty_like(d)
    np.put_along_axis(d_x, np.argsort(x, axis=axis, kind="stable"), d, axis=axis)
    return d_x


@operation((_sort_vjp,), shape=lambda x, axis: x.shape)
def sort(x: Array, axis: int = -1) -> Array:
    """Return the entries along an axis in ascending order."""
    return np.sort(x, axis=axis, kind="stable")


@operation((None,))
def argsort(x: Array, axis: int | None = -1) -> Array:
    """Return the places of the entries in ascending order, as int32; equal ones as they stand."""
    return np.argsort(x, axis=axis, kind="stable").astype("int32")


@operation((None,))
def argpartition(x: Array, kth: int, axis: int = -1) -> Array:
    """Return places such that the entry ``kth`` stands where sorting puts it, as int32."""
    return np.argpartition(x, kth, axis=axis).astype("int32")


@operation((None, None), types="common given", shape=lambda s, values, side: values.shape)
def searchsorted(sorted_sequence: Array, values: Array, side: str = "left") -> Array:
    """Return where ``values`` would have to be put in to keep a sequence sorted, as int32."""
    if sorted_sequence.ndim != 1:
        expected = "a sorted vector"
        raise ValueError(errors.bad_shape("sorted_sequence", sorted_sequence.shape, expected))
    return np.asarray(np.searchsorted(sorted_sequence, values, side)).astype("int32")  # type: ignore[call-overload]


@operation((None, None), shape=lambda x, bins: x.shape)
def digitize(x: Array, bins: Array) -> Array:
    """Return the number of the bin, between edges ``bins``, of each entry, as int32."""
    return np.asarray(np.digitize(x, bins)).astype("int32")


def nonzero(x: TensorLike) -> Any:
    """Return the places along each axis of the entries that are not 0, as int32."""
    return tuple(places.astype("int32") for places in np.nonzero(np.asarray(x)))


def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Number | None = None,
) -> Any:
    """Return the entries without repetitions, and what else is asked for.

    Args:
        x: array; its values decide how many there are, so it cannot be a symbolic tensor.
        sorted: the order is ascending either way.
        return_index: whether to return the first place of each.
        return_inverse: whether to return the number of each entry's value among the results.
        return_counts: whether to return how often each comes.
        axis: compares parts along it; all entries for ``None``.
        size: number of results: cut to it, or filled up.
        fill_value: what fills up; the first result unless given.
    """
    found: Any = np.unique(  # type: ignore[call-overload]
        np.asarray(x), return_index, return_inverse, return_counts, axis=axis
    )
    listed = isinstance(found, tuple)
    values = found[0] if listed else found
    if size is not None:
        values = _of_size(values, size, fill_value, axis or 0)
    if not listed:
        return values
    return (values, *(np.asarray(part).astype("int32") for part in found[1:]))


def _of_size(values: Array, size: int, fill_value: Number | None, axis: int) -> Array:
    rows = np.moveaxis(values, axis, 0)
    if len(rows) < size:
        filler = rows[:1] if fill_value is None else np.full_like(rows[:1], fill_value)
        rows = np.concatenate([rows, np.repeat(filler, size - len(rows), axis=0)])
    return np.moveaxis(rows[:size], 0, axis)


def bincount(
    x: TensorLike, weights: ArrayLike | None = None, minlength: int = 0, sparse: bool = False
) -> Array:
    """Return how often each number from 0 on comes in a vector, or in each row of a matrix."""
    if sparse:
        raise ValueError(errors.bad_argument("sparse", sparse, "False: arrays are dense"))
    array = np.asarray(x)
    if array.ndim == 2:
        length = max(minlength, int(array.max(initial=-1)) + 1)
        given = [None] * len(array) if weights is None else list(np.asarray(weights))
        pairs = zip(array, given, strict=True)
        return np.stack([bincount(row, own, length) for row, own in pairs])
    counts = np.bincount(array, weights, minlength)
    return counts.astype("int32" if weights is None else np.asarray(weights).dtype)


def histogram(x: TensorLike, bins: Any = 10, range: Any = None) -> tuple[Array, Array]:
    """Return how many entries lie in each of ``bins`` parts, and the edges of these."""
    array = np.asarray(x)
    counts, edges = np.histogram(array, bins, range)
    kept = array.dtype if array.dtype.kind == "f" else np.dtype(config.floatx())
    return counts.astype(kept), edges.astype(kept)
