"""Arrays: made of values, of shapes and of sequences, and what they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn import ops
from fastrnn.compat.tensorflow.dtypes import numpy_dtype
from fastrnn.compat.tensorflow.names import gives_tensors
from fastrnn.typing import Array, ArrayLike, DTypeLike


def _array(value: Any, dtype: DTypeLike) -> Array:
    """Return an array with TensorFlow's dtype: Python's numbers are int32 and float32."""
    array = np.asarray(value, numpy_dtype(dtype))
    if dtype is None and not hasattr(value, "dtype"):
        if _has_arrays(value):
            return array
        array = array.astype({"i": "int32", "f": "float32"}.get(array.dtype.kind, array.dtype))
    return array


def _has_arrays(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(
        hasattr(entry, "dtype") or _has_arrays(entry) for entry in value
    )


def _lengths(shape: Any) -> tuple[int, ...]:
    """Return a shape as TensorFlow takes it: a list, an array, or one number."""
    return tuple(np.atleast_1d(shape).tolist()) if np.ndim(shape) == 0 else tuple(shape)


@gives_tensors
def constant(value: Any, dtype: DTypeLike = None, shape: Sequence[int] | None = None) -> Array:
    """Return an array of ``value``, repeated or reshaped to ``shape``."""
    array = _array(value, dtype)
    if shape is None:
        return array
    return np.full(shape, array) if array.ndim == 0 else array.reshape(shape)


@gives_tensors
def convert_to_tensor(value: Any, dtype: DTypeLike = None, dtype_hint: DTypeLike = None) -> Any:
    """Return ``value`` as an array; a symbolic tensor as it is, but for the dtype."""
    if ops.is_tensor(value):
        return value if dtype is None else ops.cast(value, dtype)
    return _array(value, dtype)


@gives_tensors
def cast(x: Any, dtype: DTypeLike) -> Any:
    """Return ``x`` in another dtype."""
    if hasattr(x, "dtype"):
        return ops.cast(x, str(np.dtype(numpy_dtype(dtype))))
    return np.asarray(x).astype(numpy_dtype(dtype))


def to_float(x: Any) -> Any:
    """Return ``x`` in float32."""
    return cast(x, "float32")


def to_int32(x: Any) -> Any:
    """Return ``x`` in int32."""
    return cast(x, "int32")


@gives_tensors
def zeros(shape: Any, dtype: DTypeLike = "float32") -> Any:
    """Return zeros."""
    return ops.zeros(_lengths(shape), dtype)


@gives_tensors
def ones(shape: Any, dtype: DTypeLike = "float32") -> Any:
    """Return ones."""
    return ops.ones(_lengths(shape), dtype)


@gives_tensors
def fill(dims: Any, value: Any) -> Any:
    """Return an array of one value."""
    return ops.full(_lengths(dims), _array(value, None))


@gives_tensors
def eye(
    num_rows: int,
    num_columns: int | None = None,
    batch_shape: Sequence[int] | None = None,
    dtype: DTypeLike = "float32",
) -> Array:
    """Return ones on the diagonal, zeros elsewhere; the same for each entry of a batch."""
    matrix = np.eye(num_rows, num_columns, dtype=numpy_dtype(dtype))
    return np.broadcast_to(matrix, (*(batch_shape or ()), *matrix.shape)).copy()


@gives_tensors
def linspace(start: ArrayLike, stop: ArrayLike, num: int, axis: int = 0) -> Array:
    """Return ``num`` evenly spaced values, ``stop`` among them."""
    first, last = _array(start, None), _array(stop, None)
    dtype = first.dtype if first.dtype.kind == "f" else np.dtype("float32")
    return np.linspace(first, last, int(num), axis=axis).astype(dtype)


@gives_tensors
def range(start: Any, limit: Any = None, delta: Any = 1, dtype: DTypeLike = None) -> Array:
    """Return the numbers from ``start`` to before ``limit``; from 0 where there is one number."""
    if limit is None:
        start, limit = 0, start
    values = [
        entry.item() if isinstance(entry, np.ndarray) else entry for entry in (start, limit, delta)
    ]
    return (
        _array(np.arange(*values).tolist(), dtype)
        if dtype is None
        else np.arange(*values, dtype=dtype)
    )


@gives_tensors
def shape(input: Any, out_type: DTypeLike = "int32") -> Any:
    """Return the lengths of all axes: an array, or for a symbolic tensor a tuple."""
    if isinstance(input, np.ndarray) or not ops.is_tensor(input):
        return np.array(np.shape(input), out_type)
    return ops.shape(input)


@gives_tensors
def size(input: Any, out_type: DTypeLike = "int32") -> Any:
    """Return the number of entries."""
    return np.array(ops.size(input), out_type)


@gives_tensors
def rank(input: Any) -> Any:
    """Return the number of axes."""
    return np.array(len(ops.shape(input)), "int32")


def is_tensor(x: Any) -> bool:
    """Return whether ``x`` is an array or a symbolic tensor."""
    return bool(ops.is_tensor(x))


@gives_tensors
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """Return ``x`` where ``condition`` holds and ``y`` elsewhere; without both, the places."""
    if x is None and y is None:
        return np.argwhere(np.asarray(condition))
    return ops.where(condition, x, y)


@gives_tensors
def one_hot(
    indices: Any,
    depth: int,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: DTypeLike = None,
) -> Any:
    """Return ``on_value`` (1) at each index, ``off_value`` (0) elsewhere, on a new axis."""
    dtype = dtype or "float32"
    hot = ops.one_hot(indices, int(depth), axis=-1 if axis is None else axis, dtype=dtype)
    if on_value is None and off_value is None:
        return hot
    on, off = 1 if on_value is None else on_value, off_value or 0
    return hot * (on - off) + off


@gives_tensors
def boolean_mask(tensor: Any, mask: Any, axis: int | None = None) -> Array:
    """Return the entries of arrays at which ``mask`` holds."""
    rows = np.moveaxis(np.asarray(tensor), axis or 0, 0)[np.asarray(mask)]
    return np.moveaxis(rows, 0, axis or 0)


@gives_tensors
def unique(x: Any, out_idx: DTypeLike = "int32") -> tuple[Array, Array]:
    """Return the values in the order of their first places, and for each entry its number."""
    values, first, places = np.unique(np.asarray(x), return_index=True, return_inverse=True)
    order = np.argsort(first)
    return values[order], np.argsort(order)[places].astype(out_idx)


@gives_tensors
def zeros_like(input: Any, dtype: DTypeLike = None) -> Any:
    """Return zeros in the shape of ``input``."""
    return ops.zeros_like(convert_to_tensor(input), dtype=dtype)


@gives_tensors
def ones_like(input: Any, dtype: DTypeLike = None) -> Any:
    """Return ones in the shape of ``input``."""
    return ops.ones_like(convert_to_tensor(input), dtype=dtype)
