"""Arrays made anew, conversions, and what is asked of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.core.operators import Operators
from fastrnn.core.variable import Variable
from fastrnn.ops.dtypes import standard_dtype, to_array
from fastrnn.ops.operation import operation
from fastrnn.ops.shapes import require_known
from fastrnn.ops.symbolic import Symbolic
from fastrnn.typing import Array, DTypeLike, Shape


def shape(x: Any) -> Shape:
    """Return the shape, a tuple; with ``None`` where a symbolic tensor's length is unknown."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def convert_to_numpy(x: Any) -> Array:
    """Return a copy of ``x`` as an array of NumPy."""
    return np.array(x.value if isinstance(x, Variable) else x)


def convert_to_tensor(
    x: Any, dtype: DTypeLike = None, sparse: Any = None, ragged: Any = None
) -> Any:
    """Return ``x`` as an array of ``dtype``; a symbolic tensor stays one.

    Without ``dtype`` arrays keep theirs; numbers and lists get the default float type or int32.
    """
    if isinstance(x, Operators):
        return x if dtype is None or x.dtype == standard_dtype(dtype) else cast(x, dtype)
    return to_array(x, None if dtype is None else standard_dtype(dtype))


@operation((lambda d, y, x, dtype: d,), elementwise=True)
def cast(x: Array, dtype: Any) -> Array:
    """Return ``x`` in another dtype."""
    return x.astype(standard_dtype(dtype))


def is_tensor(x: Any) -> bool:
    """Return whether ``x`` is an array or a symbolic tensor."""
    return isinstance(x, (np.ndarray, Symbolic))


@operation((None,), elementwise=True)
def stop_gradient(variable: Array) -> Array:
    """Return ``variable`` as it is; no gradient goes back through it."""
    return variable


def zeros(shape: int | Sequence[int], dtype: DTypeLike = None) -> Array:
    """Return an array of zeros."""
    return np.zeros(lengths("zeros", shape), standard_dtype(dtype))


def ones(shape: int | Sequence[int], dtype: DTypeLike = None) -> Array:
    """Return an array of ones."""
    return np.ones(lengths("ones", shape), standard_dtype(dtype))


def lengths(name: str, shape: Any) -> tuple[int, ...]:
    """Return a shape whose lengths are all known, or raise ``UnknownLength``."""
    return require_known(name, shape if isinstance(shape, (list, tuple)) else (shape,))
