"""Variable: one named weight array of a layer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

from fastrnn.core import errors, tracing
from fastrnn.core.operators import Operators
from fastrnn.typing import Array, ArrayLike, DTypeLike

_scopes = threading.local()


@contextlib.contextmanager
def name_scope(name: str) -> Iterator[None]:
    """Prefix the path of every variable made inside with ``name/``."""
    stack = _scope_stack()
    stack.append(name)
    try:
        yield
    finally:
        stack.pop()


def _scope_stack() -> list[str]:
    if not hasattr(_scopes, "stack"):
        _scopes.stack = []
    stack: list[str] = _scopes.stack
    return stack


class Penalty(Protocol):
    """A penalty on an array, with its gradient: see ``fastrnn.regularizers``."""

    def __call__(self, x: Array) -> float:
        """Return the penalty."""

    def gradient(self, x: Array) -> Array:
        """Return its gradient."""


class Variable(Operators):
    """A weight: an array with a name, a path, and what training may do with it.

    Args:
        value: initial value; copied, C order.
        name: last part of the path, e.g. ``"kernel"``.
        trainable: whether training changes it by gradients.
        regularizer: penalty that training adds to the loss, or ``None``.
        constraint: function applied to the value after each update, or ``None``.

    Attributes:
        value: the array itself, C-contiguous. Training updates it in place.
        path: the names of the scopes that it was made in, then its name, joined by ``/``.
    """

    def __init__(
        self,
        value: ArrayLike,
        name: str,
        trainable: bool = True,
        regularizer: Penalty | None = None,
        constraint: Callable[[Array], Array] | None = None,
    ) -> None:
        self.value: Array = np.array(value, order="C")
        self.name = name
        self.path = "/".join((*_scope_stack(), name))
        self.trainable = trainable
        self.regularizer = regularizer
        self.constraint = constraint
        self.frozen: str | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.value.shape

    @property
    def dtype(self) -> str:
        """Name of the array's dtype."""
        return self.value.dtype.name

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.value.flags.writeable = self.frozen is None  # a copied array can be written

    def numpy(self) -> Array:
        """Return a copy of the array."""
        return self.value.copy()

    def assign(self, value: ArrayLike) -> None:
        """Overwrite the array in place.

        Raises:
            ValueError: ``value`` has another shape, or values that are no real numbers; or the
                variable is frozen.
        """
        trace = tracing.active()
        if trace is not None:
            trace.assign(self, value)
            return
        self.require_unfrozen()
        array = value.value if isinstance(value, Variable) else np.asarray(value)
        if array.shape != self.shape:
            raise ValueError(
                errors.bad_shape("value", array.shape, f"{self.shape}, that of {self.path!r}")
            )
        if array.dtype.kind not in "fiub":
            raise ValueError(errors.bad_dtype("value", array.dtype, "real numbers"))
        self.value[...] = array

    def assign_add(self, value: ArrayLike) -> None:
        """Add ``value`` in place."""
        self.assign(self + value)

    def assign_sub(self, value: ArrayLike) -> None:
        """Subtract ``value`` in place."""
        self.assign(self - value)

    def freeze(self, reason: str) -> None:
        """Forbid changes of the array; ``assign`` then raises ``ValueError`` with ``reason``."""
        self.value.flags.writeable = False
        self.frozen = reason

    def require_unfrozen(self) -> None:
        """Raise ``ValueError`` if ``freeze`` was called."""
        if self.frozen is not None:
            raise ValueError(self.frozen)

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> Array:
        return np.array(self.value, dtype=dtype, copy=copy)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}>"
