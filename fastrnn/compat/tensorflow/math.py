"""`tf.math`: the functions of the table, and those that need more than other names."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastrnn import ops
from fastrnn.compat.tensorflow.names import attributes, gives_tensors
from fastrnn.compat.tensorflow.table import MATH
from fastrnn.typing import Array, ArrayLike, Axes, DTypeLike


@gives_tensors
def add_n(inputs: Any) -> Any:
    """Return the sum of several tensors."""
    total, *others = inputs
    for other in others:
        total = ops.add(total, other)
    return total


@gives_tensors
def squared_difference(x: Any, y: Any) -> Any:
    """Return ``(x - y)**2``."""
    return ops.square(ops.subtract(x, y))


@gives_tensors
def cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Any:
    """Return running sums along an axis, without each entry itself where ``exclusive``."""
    values = ops.flip(x, axis) if reverse else x
    sums = ops.cumsum(values, axis=axis)
    sums = ops.subtract(sums, values) if exclusive else sums
    return ops.flip(sums, axis) if reverse else sums


@gives_tensors
def cumprod(x: Any, axis: int = 0) -> Any:
    """Return running products along an axis."""
    return ops.cumprod(x, axis=axis)


@gives_tensors
def count_nonzero(
    input: Any, axis: Axes | None = None, keepdims: bool = False, dtype: DTypeLike = "int64"
) -> Any:
    """Return how many entries are not 0."""
    return ops.sum(ops.cast(ops.not_equal(input, 0), dtype), axis=axis, keepdims=keepdims)


@gives_tensors
def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12) -> Any:
    """Return ``x`` divided by its norm along an axis."""
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(squares, epsilon)))


@gives_tensors
def confusion_matrix(
    labels: ArrayLike,
    predictions: ArrayLike,
    num_classes: int | None = None,
    weights: ArrayLike | None = None,
    dtype: DTypeLike = "int32",
) -> Array:
    """Return how often each label (rows) was predicted as each class (columns)."""
    rows, columns = np.ravel(labels).astype(int), np.ravel(predictions).astype(int)
    most = max(rows.max(initial=-1), columns.max(initial=-1)) + 1
    matrix = np.zeros((num_classes or most,) * 2, dtype)
    np.add.at(matrix, (rows, columns), 1 if weights is None else np.ravel(weights))
    return matrix


class TopK(NamedTuple):
    """The greatest values along the last axis, and their places."""

    values: Any
    indices: Any


@gives_tensors
def top_k(input: Any, k: int = 1, sorted: bool = True) -> TopK:
    """Return the ``k`` greatest values along the last axis, and their places."""
    values, indices = ops.top_k(input, k, sorted)
    return TopK(values, ops.cast(indices, "int32"))


@gives_tensors
def polyval(coeffs: Any, x: Any) -> Any:
    """Return the polynomial's value, the coefficient of the highest power first."""
    value = coeffs[0]
    for coefficient in coeffs[1:]:
        value = ops.add(ops.multiply(value, x), coefficient)
    return value


PLACES = {name: f"compat.tensorflow.shaping:{name}" for name in ("argmax", "argmin")}
__getattr__, __dir__ = attributes("math", PLACES, MATH)
