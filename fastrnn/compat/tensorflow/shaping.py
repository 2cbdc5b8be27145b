"""Arrays put together, taken apart and rearranged."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn import ops
from fastrnn.compat.tensorflow.names import gives_tensors
from fastrnn.typing import Axes, DTypeLike


@gives_tensors
def reshape(tensor: Any, shape: Any) -> Any:
    """Return ``tensor`` in another shape; one length may be -1."""
    lengths = (shape,) if isinstance(shape, int | np.integer) else shape
    return ops.reshape(tensor, tuple(n if n is None else int(n) for n in lengths))


@gives_tensors
def transpose(a: Any, perm: Sequence[int] | None = None, conjugate: bool = False) -> Any:
    """Return ``a`` with its axes in the order ``perm``, or reversed."""
    return ops.transpose(a, perm if perm is None else [int(axis) for axis in perm])


@gives_tensors
def concat(values: Any, axis: int = 0) -> Any:
    """Return arrays one behind the other."""
    return ops.concatenate(values, axis=int(axis))


@gives_tensors
def stack(values: Any, axis: int = 0) -> Any:
    """Return arrays on a new axis."""
    return ops.stack(values, axis=axis)


@gives_tensors
def unstack(value: Any, num: int | None = None, axis: int = 0) -> list[Any]:
    """Return the entries along an axis."""
    return list(ops.unstack(value, num, axis))


@gives_tensors
def split(value: Any, num_or_size_splits: Any, axis: int = 0, num: int | None = None) -> list[Any]:
    """Return equal parts of ``value``, or parts of the given lengths, of which one may be -1."""
    if np.ndim(num_or_size_splits) == 0:
        return list(ops.split(value, int(num_or_size_splits), axis))
    sizes = [int(size) for size in num_or_size_splits]
    if -1 in sizes:
        sizes[sizes.index(-1)] += ops.shape(value)[axis] - sum(sizes)
    return list(ops.split(value, np.cumsum(sizes)[:-1].tolist(), axis))


@gives_tensors
def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0) -> Any:
    """Return ``tensor`` with entries before and behind it along each axis."""
    widths = [tuple(int(n) for n in pair) for pair in paddings]
    if mode.upper() != "CONSTANT":
        return ops.pad(tensor, widths, mode.lower())
    return ops.pad(tensor, widths, constant_values=constant_values)


@gives_tensors
def reverse(tensor: Any, axis: Axes) -> Any:
    """Return ``tensor`` reversed along axes."""
    for one in (axis,) if isinstance(axis, int) else axis:
        tensor = ops.flip(tensor, int(one))
    return tensor


@gives_tensors
def repeat(input: Any, repeats: Any, axis: int | None = None) -> Any:
    """Return each entry ``repeats`` times."""
    return ops.repeat(input, repeats, axis=axis)


@gives_tensors
def slice(input_: Any, begin: Any, size: Any) -> Any:
    """Return the part of ``size`` that begins at ``begin``; to the end where a size is -1."""
    starts = [int(n) for n in begin]
    ends = [None if n == -1 else first + int(n) for first, n in zip(starts, size, strict=True)]
    return input_[tuple(builtins.slice(*pair) for pair in zip(starts, ends, strict=True))]


@gives_tensors
def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: int | None = None,
    batch_dims: int = 0,
) -> Any:
    """Return the entries of ``params`` at ``indices`` along an axis.

    Raises:
        NotImplementedError: ``batch_dims`` above 0 with entries that are no single values.
    """
    if not batch_dims:
        return ops.take(params, indices, axis=0 if axis is None else axis)
    rank = len(ops.shape(params))
    if (
        rank == batch_dims + 1
        and len(ops.shape(indices)) == rank
        and axis in (None, batch_dims, -1)
    ):
        return ops.take_along_axis(params, indices, axis=-1)
    raise NotImplementedError(
        "tf.gather with batch_dims takes single values: use keras.ops.take_along_axis."
    )


@gives_tensors
def gather_nd(params: Any, indices: Any) -> Any:
    """Return the entries of ``params`` at places given by their numbers along its first axes."""
    places = np.moveaxis(np.asarray(indices), -1, 0)
    return params[tuple(places)]


@gives_tensors
def sort(values: Any, axis: int = -1, direction: str = "ASCENDING") -> Any:
    """Return the values in their order along an axis."""
    ordered = ops.sort(values, axis=axis)
    return ordered if direction == "ASCENDING" else ops.flip(ordered, axis)


@gives_tensors
def argsort(values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False) -> Any:
    """Return the places of the values in their order along an axis."""
    return ops.argsort(values if direction == "ASCENDING" else ops.negative(values), axis=axis)


@gives_tensors
def argmax(input: Any, axis: int | None = None, output_type: DTypeLike = "int64") -> Any:
    """Return the places of the greatest values along an axis, the first one unless given."""
    return ops.cast(ops.argmax(input, axis=0 if axis is None else int(axis)), output_type)


@gives_tensors
def argmin(input: Any, axis: int | None = None, output_type: DTypeLike = "int64") -> Any:
    """Return the places of the least values along an axis, the first one unless given."""
    return ops.cast(ops.argmin(input, axis=0 if axis is None else int(axis)), output_type)
