"""The product of matrices that operations compute with."""

from __future__ import annotations

import numpy as np

from fastrnn.engines import dispatch
from fastrnn.typing import Array


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
