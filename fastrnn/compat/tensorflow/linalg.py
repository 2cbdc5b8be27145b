"""`tf.linalg`: products, norms and parts of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn import ops
from fastrnn.compat.tensorflow.names import attributes, gives_tensors
from fastrnn.compat.tensorflow.table import LINALG


def matrix_transpose(a: Any) -> Any:
    """Return ``a`` with its last two axes exchanged."""
    return ops.swapaxes(a, -1, -2)


@gives_tensors
def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
) -> Any:
    """Return the product of matrices in the last two axes, each transposed if asked."""
    left = matrix_transpose(a) if transpose_a or adjoint_a else a
    return ops.matmul(left, matrix_transpose(b) if transpose_b or adjoint_b else b)


@gives_tensors
def matvec(a: Any, b: Any, transpose_a: bool = False) -> Any:
    """Return the product of matrices and vectors."""
    return ops.squeeze(matmul(a, ops.expand_dims(b, -1), transpose_a), -1)


@gives_tensors
def einsum(equation: str, *inputs: Any) -> Any:
    """Return the sum of products that ``equation`` describes."""
    return ops.einsum(equation, *inputs)


@gives_tensors
def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False) -> Any:
    """Return the norm along axes."""
    if ord == "euclidean":
        return ops.sqrt(ops.sum(ops.square(tensor), axis=axis, keepdims=keepdims))
    return ops.norm(tensor, ord=ord, axis=axis, keepdims=keepdims)


@gives_tensors
def band_part(input: Any, num_lower: int, num_upper: int) -> Any:
    """Return matrices with zeros outside of a band; all of a side is kept where it is -1."""
    rows, columns = (np.arange(n) for n in ops.shape(input)[-2:])
    below = rows[:, None] - columns
    kept = (num_lower < 0) | (below <= num_lower)
    kept &= (num_upper < 0) | (-below <= num_upper)
    return ops.where(kept, input, ops.zeros_like(input))


@gives_tensors
def diag(diagonal: Any) -> Any:
    """Return matrices with ``diagonal`` on the diagonal."""
    return ops.multiply(
        ops.expand_dims(diagonal, -1), np.eye(ops.shape(diagonal)[-1], dtype="float32")
    )


PLACES = {
    "eye": "compat.tensorflow.arrays:eye",
    "global_norm": "compat.tensorflow.control:global_norm",
    "l2_normalize": "compat.tensorflow.math:l2_normalize",
    "tensordot": "compat.tensorflow:tensordot",
    "transpose": "compat.tensorflow.linalg:matrix_transpose",
}
__getattr__, __dir__ = attributes("linalg", PLACES, LINALG)
