"""Values: variables and constants, and what is known of a tensor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fastrnn import config, ops
from fastrnn.core.variable import Variable
from fastrnn.layers.base.symbolic import SymbolicTensor
from fastrnn.typing import Array, DTypeLike, Shape

__all__ = [
    "batch_get_value", "batch_set_value", "constant", "count_params", "dtype", "eval",
    "get_value", "int_shape", "is_keras_tensor", "is_tensor", "print_tensor", "set_value",
    "to_dense", "update", "update_add", "update_sub", "variable",
]  # fmt: skip


def is_keras_tensor(x: object) -> bool:
    """Return whether ``x`` is a symbolic tensor."""
    return isinstance(x, SymbolicTensor)


is_tensor = is_keras_tensor


def variable(value: Any, dtype: DTypeLike = None, name: str | None = None, **_: Any) -> Variable:
    """Return a variable of this value, in the default float type unless ``dtype`` is given."""
    return Variable(np.asarray(value, dtype or config.floatx()), name=name or "variable")


def constant(
    value: Any, dtype: DTypeLike = None, shape: Sequence[int] | None = None, name: Any = None
) -> Array:
    """Return an array of ``value``, of ``shape`` where it is given."""
    array = np.asarray(value, dtype or config.floatx())
    return array if shape is None else np.broadcast_to(array, shape).copy()


def eval(x: Any) -> Array:
    """Return the value of a variable or an array, as an array."""
    return np.array(x)


get_value = to_dense = eval


def batch_get_value(tensors: Iterable[Any]) -> list[Array]:
    """Return the values of variables."""
    return [eval(tensor) for tensor in tensors]


def set_value(x: Variable, value: Any) -> None:
    """Give a variable another value."""
    x.assign(value)


def batch_set_value(tuples: Iterable[tuple[Variable, Any]]) -> None:
    """Give variables other values."""
    for each, value in tuples:
        each.assign(value)


update = set_value


def update_add(x: Variable, increment: Any) -> Any:
    """Add to a variable."""
    return x.assign_add(increment)


def update_sub(x: Variable, decrement: Any) -> Any:
    """Subtract from a variable."""
    return x.assign_sub(decrement)


def int_shape(x: Any) -> Shape:
    """Return the lengths of all axes; None where one is not known."""
    return tuple(ops.shape(x))


def dtype(x: Any) -> str:
    """Return the name of the type of ``x``."""
    return str(x.dtype) if hasattr(x, "dtype") else np.asarray(x).dtype.name


def count_params(x: Any) -> int:
    """Return the number of entries."""
    return int(ops.size(x))


def print_tensor(x: Any, message: str = "", summarize: int = 3) -> Any:
    """Print an array, and return it."""
    print(message, x)
    return x
