"""Operators: ``a + b``, ``-a``, ``a[:, -1]``, ``a.mean(-1)`` of tensors and variables."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


@functools.cache
def operation(name: str) -> Callable[..., Any]:
    """Return the function of ``fastrnn.ops`` of this name.

    The table lies above this floor, and is loaded when something of it is first asked for.
    """
    found: Callable[..., Any] = getattr(importlib.import_module("fastrnn.ops"), name)
    return found


class Operators:
    """What symbolic tensors and variables do under Python's operators."""

    shape: Any
    dtype: Any

    def __add__(self, other: object) -> Any:
        return _apply("add", self, other)

    def __radd__(self, other: object) -> Any:
        return _apply("add", other, self)

    def __sub__(self, other: object) -> Any:
        return _apply("subtract", self, other)

    def __rsub__(self, other: object) -> Any:
        return _apply("subtract", other, self)

    def __mul__(self, other: object) -> Any:
        return _apply("multiply", self, other)

    def __rmul__(self, other: object) -> Any:
        return _apply("multiply", other, self)

    def __truediv__(self, other: object) -> Any:
        return _apply("true_divide", self, other)

    def __rtruediv__(self, other: object) -> Any:
        return _apply("true_divide", other, self)

    def __floordiv__(self, other: object) -> Any:
        return _apply("floor_divide", self, other)

    def __rfloordiv__(self, other: object) -> Any:
        return _apply("floor_divide", other, self)

    def __mod__(self, other: object) -> Any:
        return _apply("mod", self, other)

    def __rmod__(self, other: object) -> Any:
        return _apply("mod", other, self)

    def __pow__(self, other: object) -> Any:
        return _apply("power", self, other)

    def __rpow__(self, other: object) -> Any:
        return _apply("power", other, self)

    def __matmul__(self, other: object) -> Any:
        return _apply("matmul", self, other)

    def __rmatmul__(self, other: object) -> Any:
        return _apply("matmul", other, self)

    def __and__(self, other: object) -> Any:
        return _apply("logical_and", self, other)

    def __rand__(self, other: object) -> Any:
        return _apply("logical_and", other, self)

    def __or__(self, other: object) -> Any:
        return _apply("logical_or", self, other)

    def __ror__(self, other: object) -> Any:
        return _apply("logical_or", other, self)

    def __xor__(self, other: object) -> Any:
        return _apply("logical_xor", self, other)

    def __rxor__(self, other: object) -> Any:
        return _apply("logical_xor", other, self)

    def __eq__(self, other: object) -> Any:
        return _apply("equal", self, other)

    def __ne__(self, other: object) -> Any:
        return _apply("not_equal", self, other)

    def __lt__(self, other: object) -> Any:
        return _apply("less", self, other)

    def __le__(self, other: object) -> Any:
        return _apply("less_equal", self, other)

    def __gt__(self, other: object) -> Any:
        return _apply("greater", self, other)

    def __ge__(self, other: object) -> Any:
        return _apply("greater_equal", self, other)

    def __neg__(self) -> Any:
        return operation("negative")(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return operation("absolute")(self)

    def __invert__(self) -> Any:
        return operation("logical_not")(self)

    def __round__(self, digits: int | None = None) -> Any:
        return operation("round")(self, digits or 0)

    def __getitem__(self, key: object) -> Any:
        return operation("get_item")(self, key)

    __hash__ = object.__hash__

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def T(self) -> Any:
        """The transpose: all axes in reverse."""
        return operation("transpose")(self)

    def astype(self, dtype: Any) -> Any:
        """Return it as numbers of another type."""
        return operation("cast")(self, dtype)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: object, **options: object
    ) -> Any:
        if method != "__call__" or options:
            return self._refuse_numpy(f"numpy.{ufunc.__name__}")
        return self._apply_numpy(ufunc.__name__, inputs, {})

    def __array_function__(
        self,
        function: Callable[..., object],
        types: object,
        args: Sequence[object],
        kwargs: dict[str, Any],
    ) -> Any:
        return self._apply_numpy(function.__name__, args, kwargs)

    def _apply_numpy(self, name: str, args: Sequence[object], kwargs: dict[str, Any]) -> Any:
        """Apply the operation that NumPy's function of this name is."""
        try:
            found = operation(_NUMPY_NAMES.get(name, name))
        except AttributeError:
            self._refuse_numpy(f"numpy.{name}")
        return found(*args, **kwargs)

    def _refuse_numpy(self, name: str) -> Any:
        """Raise ``TypeError`` for what NumPy does to arrays and no operation does to tensors."""
        raise TypeError(
            f"{name} needs values, and {self!r} has none: use an operation of fastrnn.ops."
        )


def _method(name: str) -> Callable[..., Any]:
    def method(self: Operators, *args: Any, **kwargs: Any) -> Any:
        return operation(name)(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"Return ``ops.{name}`` of it, as the method of NumPy's arrays does."
    return method


def _method_of_lengths(name: str) -> Callable[..., Any]:
    """Return a method whose lengths or axes come one by one or in one tuple."""

    def method(self: Operators, *args: Any) -> Any:
        one = len(args) == 1 and not isinstance(args[0], int)
        return operation(name)(self, args[0] if one else args or None)

    method.__name__ = name
    method.__doc__ = f"Return ``ops.{name}`` of it, as the method of NumPy's arrays does."
    return method


# Methods of NumPy's arrays whose arguments are those of the operations of the same names.
for _name in [
    *("sum", "mean", "max", "min", "prod", "std", "var", "any", "all", "argmax", "argmin"),
    *("cumsum", "squeeze", "clip", "round", "repeat", "take", "swapaxes", "dot"),
]:
    setattr(Operators, _name, _method(_name))
for _name in ("reshape", "transpose"):
    setattr(Operators, _name, _method_of_lengths(_name))


def _apply(name: str, left: object, right: object) -> Any:
    """Return the result, or ``NotImplemented`` where an operand is nothing to compute with."""
    if isinstance(left, _OPERANDS) and isinstance(right, _OPERANDS):
        return operation(name)(left, right)
    return NotImplemented


# Operations whose names are others than those of NumPy's functions.
_NUMPY_NAMES = {
    "remainder": "mod",
    "invert": "bitwise_invert",
    "around": "round",
    "rint": "round",
    "permute_dims": "transpose",
    "concat": "concatenate",
    "pow": "power",
}
_OPERANDS = (Operators, bool, int, float, np.generic, np.ndarray, list, tuple)
