"""Symbolic: a tensor without values, on which operations are noted."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NoReturn

from fastrnn.core.operators import Operators, operation
from fastrnn.typing import Array, DTypeLike, Shape

# The methods of arrays that are operations, and what these are called.
_METHODS = {
    name: name
    for name in ("all", "any", "argmax", "argmin", "clip", "cumsum", "max", "mean", "min", "prod",
                 "repeat", "round", "squeeze", "std", "sum", "swapaxes", "take", "var")
} | {"astype": "cast"}  # fmt: skip
# Those whose last argument may also be spread: ``x.reshape(2, 3)``.
_SPREAD = ("reshape", "transpose")


class Symbolic(Operators):
    """A tensor without values: operations on it become nodes of a graph.

    It has those methods of arrays that are operations: ``x.mean(axis=1)`` is ``ops.mean(x, 1)``.
    """

    shape: Shape
    dtype: str

    def __getattr__(self, name: str) -> Any:
        if name in _METHODS:
            return functools.partial(operation(_METHODS[name]), self)
        if name in _SPREAD:
            function = operation(name)
            return lambda *to: function(self, *(to if len(to) < 2 else [to]))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __len__(self) -> int:
        if not self.shape or self.shape[0] is None:
            self._refuse("its length", "ops.shape(x)[0]")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape or self.shape[0] is None:
            self._refuse("iteration", "ops.scan, ops.map or a layer; known lengths can be walked")
        return (self[k] for k in range(self.shape[0]))

    def __bool__(self) -> bool:
        self._refuse(
            "`if`, `while`, `and`, `or` or `not`", "ops.where, ops.cond or ops.logical_and"
        )

    def __int__(self) -> int:
        self._refuse("int()", "ops.cast(x, 'int32')")

    def __index__(self) -> int:
        self._refuse("a Python index", "ops.take or x[..., tensor]")

    def __float__(self) -> float:
        self._refuse("float()", "ops.cast(x, 'float32')")

    def numpy(self) -> Array:
        """Raise ``TypeError``: there are no values."""
        self._refuse("numpy()", "the functions of fastrnn.ops")

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> Array:
        self._refuse("an array of NumPy", "layers and the functions of fastrnn.ops")

    def _refuse(self, what: str, instead: str) -> NoReturn:
        raise TypeError(
            f"{self!r} has no values while a model is made of it, and {what} needs some: use "
            f"{instead}."
        )
