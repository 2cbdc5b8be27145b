"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.engines import dispatch
from fastrnn.ops.operation import operation
from fastrnn.ops.shapes import broadcast_shapes, sum_to
from fastrnn.typing import Array, Shape


def product(a: Array, b: Array) -> Array:
    """Return ``a @ b`` on the engines of ``Dense`` where they can compute it."""
    if a.dtype != b.dtype or a.dtype.kind != "f" or min(a.ndim, b.ndim) < 2:
        return np.matmul(a, b)
    if b.ndim == 2:
        y = dispatch.matmul(np.ascontiguousarray(a).reshape(-1, a.shape[-1]), b)
        return y.reshape(*a.shape[:-1], b.shape[-1])
    if a.shape[:-2] == b.shape[:-2]:
        return dispatch.matmul(a, b)
    return np.matmul(a, b)


def _matmul_shape(x1: Any, x2: Any) -> Shape:
    a, b = x1.shape, x2.shape
    m, n = a[-1], b[-2] if len(b) > 1 else b[0]
    if None not in (m, n) and m != n:
        raise ValueError(errors.bad_shape("x2", b, f"one that can be multiplied with {a}"))
    batch = broadcast_shapes(a[:-2], b[:-2])
    return (*batch, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))


def _matmul_first(d: Array, y: Array, x1: Array, x2: Array) -> Array:
    if x2.ndim == 1:
        return d[..., None] * x2
    if x1.ndim == 1:
        return sum_to((x2 @ d[..., None])[..., 0], x1.shape)
    return sum_to(product(d, x2.swapaxes(-1, -2)), x1.shape)


def _matmul_second(d: Array, y: Array, x1: Array, x2: Array) -> Array:
    if x1.ndim == 1 and x2.ndim == 1:
        return d * x1
    if x1.ndim == 1:
        return x1[:, None] * d[..., None, :]
    if x2.ndim == 1:
        return (x1 * d[..., None]).reshape(-1, len(x2)).sum(axis=0)
    if x2.ndim == 2:
        return product(x1.reshape(-1, x1.shape[-1]).T, d.reshape(-1, d.shape[-1]))
    return sum_to(product(x1.swapaxes(-1, -2), d), x2.shape)


@operation((_matmul_first, _matmul_second), types="common", shape=_matmul_shape, onnx="MatMul")
def matmul(x1: Array, x2: Array) -> Array:
    """Return the products of matrices in the last two axes; the axes before them broadcast."""
    return product(x1, x2)
