"""Arguments of operations: how they hold tensors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.nest import flatten
from fastrnn.core.operators import Operators, operation
from fastrnn.ops.dtypes import kind_of, result_type, to_array


def role(parameter: inspect.Parameter) -> str | None:
    """Return how an argument holds tensors, by its annotation; ``None`` if it is an option."""
    note = str(parameter.annotation)
    if parameter.kind is parameter.VAR_POSITIONAL or note.startswith("Sequence[Array]"):
        return "list"
    if note.startswith("Array"):
        return "tensor"
    return "tree" if note == "Index" else None


def listed(name: str, value: Any) -> list[Any]:
    """Return the entries of a list of tensors, or those along the first axis of one."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if hasattr(value, "shape") and len(value.shape):
        return [value[k] for k in range(value.shape[0])]
    raise TypeError(errors.bad_argument(name, value, "a list of tensors"))


def joined(name: str, value: Any) -> Any:
    """Return a list with tensors in it as one tensor, other lists as arrays."""
    if not isinstance(value, (list, tuple)):
        return value
    if any(isinstance(leaf, Operators) for leaf in flatten(value)):
        return operation("stack")([joined(name, entry) for entry in value])
    return to_array(value)


def key(name: str, value: Any) -> Any:
    """Return an index with arrays in the place of lists."""
    if isinstance(value, tuple):
        return tuple(key(name, entry) for entry in value)
    value = joined(name, value)
    known = (int, slice, np.integer, np.ndarray, Operators)
    if value is None or value is Ellipsis or isinstance(value, known):
        return value
    expected = "integers, slices, None, ... or arrays of integers"
    raise ValueError(errors.bad_argument(name, value, expected))


# What becomes of an argument that holds tensors, by how it holds them.
ROLES: dict[str, Callable[[str, Any], Any]] = {"tensor": joined, "list": listed, "tree": key}


def is_constant(leaf: Any) -> bool:
    """Whether a leaf is no tensor: a part of an index, or an argument that is not given."""
    return leaf is None or leaf is Ellipsis or isinstance(leaf, slice)


def with_dtype(leaf: Any) -> Any:
    """Return what has a dtype, or a weak one, in the place of a leaf."""
    known = hasattr(leaf, "dtype") or isinstance(leaf, (bool, int, float))
    return leaf if known else to_array(leaf)


def dtype_of(leaf: Any) -> str:
    """Return the dtype of an array, tensor or number by name."""
    kind = kind_of(leaf)
    return kind if isinstance(kind, str) else result_type(kind)
