"""Conversions, and parts that are read and written by their places."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors, tracing
from fastrnn.core.operators import Operators
from fastrnn.core.variable import Variable
from fastrnn.ops.arguments import joined
from fastrnn.ops.dtypes import standard_dtype, to_array
from fastrnn.ops.operation import operation
from fastrnn.ops.shapes import require_known
from fastrnn.ops.symbolic import Symbolic
from fastrnn.typing import Array, DTypeLike, TensorLike

_slice = slice


def convert_to_numpy(x: TensorLike) -> Array:
    """Return a copy of ``x`` as an array of NumPy."""
    return np.array(x.value if isinstance(x, Variable) else x)


def convert_to_tensor(
    x: TensorLike, dtype: DTypeLike = None, sparse: Any = None, ragged: Any = None
) -> Any:
    """Return ``x`` as an array of ``dtype``; a symbolic tensor stays one.

    Without ``dtype`` arrays keep theirs; numbers and lists get the default float type or int32.
    """
    if isinstance(x, Operators):
        if dtype is not None and x.dtype != standard_dtype(dtype):
            return cast(x, dtype)
        return x.value if isinstance(x, Variable) and tracing.active() is None else x
    if isinstance(x, (list, tuple)):
        x = joined("x", x)
        return x if dtype is None else convert_to_tensor(x, dtype)
    return to_array(x, None if dtype is None else standard_dtype(dtype))


def is_tensor(x: TensorLike) -> bool:
    """Return whether ``x`` is an array or a symbolic tensor."""
    return isinstance(x, (np.ndarray, Symbolic))


@operation((lambda d, y, x, dtype: d,), elementwise=True)
def cast(x: Array, dtype: Any) -> Array:
    """Return ``x`` in another dtype."""
    return x.astype(standard_dtype(dtype))


@operation((lambda d, y, x, dtype: d,), elementwise=True)
def saturate_cast(x: Array, dtype: Any) -> Array:
    """Return ``x`` in another dtype, entries beyond its range at the ends of it."""
    wanted = np.dtype(standard_dtype(dtype))
    if wanted.kind in "iu":
        limits = np.iinfo(wanted)
        x = np.clip(x, limits.min, limits.max) if x.dtype.kind == "f" else _clipped(x, limits)
    return x.astype(wanted)


def _clipped(x: Array, limits: Any) -> Array:
    return np.minimum(np.maximum(x.astype("int64"), limits.min), limits.max)


@operation((None,), elementwise=True)
def stop_gradient(variable: Array) -> Array:
    """Return ``variable`` as it is; no gradient goes back through it."""
    return variable


@operation((lambda d, y, x: d,), elementwise=True)
def copy(x: Array) -> Array:
    """Return a copy."""
    return x.copy()


def _starts(start_indices: Any) -> list[int]:
    """Return where a part begins along each axis."""
    return [operator.index(n) for n in np.asarray(start_indices).ravel().tolist()]


def _part(x: Array, start_indices: Array, shape: Any) -> tuple[Any, ...]:
    # A part that does not fit is moved back into the array, as in Keras on JAX.
    starts = _starts(start_indices)
    lengths = [n - s if k == -1 else k for n, s, k in zip(x.shape, starts, shape, strict=True)]
    return tuple(
        _slice(max(0, min(s, n - k)), max(0, min(s, n - k)) + k)
        for s, k, n in zip(starts, lengths, x.shape, strict=True)
    )


def _slice_vjp(d: Array, y: Array, inputs: Array, start_indices: Array, shape: Any) -> Any:
    d_inputs = np.zeros_like(inputs)
    d_inputs[_part(inputs, start_indices, shape)] = d
    return d_inputs


@operation((_slice_vjp, None))
def slice(inputs: Array, start_indices: Array, shape: Sequence[int]) -> Array:
    """Return the part of a shape that begins at ``start_indices``; -1 goes to the end."""
    lengths = require_known("slice", shape)
    return inputs[_part(inputs, start_indices, lengths)]


def _slice_update_vjp(
    d: Array, y: Array, inputs: Array, start_indices: Array, updates: Array
) -> tuple[Array, None, Array]:
    part = _part(inputs, start_indices, updates.shape)
    d_inputs = d.copy()
    d_inputs[part] = 0
    return d_inputs, None, d[part]


@operation(_slice_update_vjp)
def slice_update(inputs: Array, start_indices: Array, updates: Array) -> Array:
    """Return ``inputs`` with ``updates`` in the place that begins at ``start_indices``."""
    result = inputs.copy()
    result[_part(inputs, start_indices, updates.shape)] = updates
    return result


def _places(indices: Array) -> tuple[Any, ...]:
    return tuple(np.moveaxis(indices, -1, 0))


@operation((None, lambda d, y, indices, values, shape: d[_places(indices)]))
def scatter(indices: Array, values: Array, shape: Sequence[int]) -> Array:
    """Return zeros with ``values`` added at ``indices``, (…, axes)."""
    result = np.zeros(require_known("scatter", shape), values.dtype)
    np.add.at(result, _places(indices), values)
    return result


def _scatter_update_vjp(
    d: Array, y: Array, inputs: Array, indices: Array, updates: Array, reduction: str | None
) -> tuple[Array, None, Array]:
    places = _places(indices)
    if reduction == "add":
        return d, None, d[places]
    if reduction is not None:
        raise NotImplementedError(f"ops.scatter_update has no derivative for {reduction!r}.")
    d_inputs = d.copy()
    d_inputs[places] = 0
    return d_inputs, None, d[places]


_REDUCTIONS = {"add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply}


@operation(_scatter_update_vjp)
def scatter_update(
    inputs: Array, indices: Array, updates: Array, reduction: str | None = None
) -> Array:
    """Return ``inputs`` with ``updates`` at ``indices``, (…, axes).

    Args:
        inputs: array.
        indices: integers, (…, number of axes).
        updates: (…, lengths of the axes that are left).
        reduction: ``None`` writes; "add", "max", "min" and "mul" join with what is there.
    """
    result = inputs.copy()
    if reduction is None:
        result[_places(indices)] = updates
        return result
    if reduction not in _REDUCTIONS:
        raise ValueError(errors.not_one_of("reduction", reduction, [None, *_REDUCTIONS]))
    _REDUCTIONS[reduction].at(result, _places(indices), updates)
    return result
