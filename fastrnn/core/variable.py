"""Variable: one named weight array of a layer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from fastrnn import config
from fastrnn.core import errors, tracing
from fastrnn.core.naming import auto_name
from fastrnn.core.operators import Operators
from fastrnn.core.registry import registry_of
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


def _initial_value(initializer: Any, shape: Sequence[int] | None, dtype: DTypeLike) -> Array:
    """Return a new array of a value, or of what an initializer makes."""
    if isinstance(initializer, str) or callable(initializer):
        if shape is None:
            expected = "the shape of what the initializer makes"
            raise ValueError(errors.bad_argument("shape", shape, expected))
        make = registry_of("keras.initializers").get(initializer)
        kept = config.floatx() if dtype is None else np.dtype(dtype).name
        return np.array(make(tuple(shape), dtype=kept), dtype=kept, order="C")
    if isinstance(initializer, Variable):
        initializer = initializer.value
    value = np.array(initializer, dtype=dtype, order="C")
    if dtype is None and not hasattr(initializer, "dtype") and value.dtype.kind in "fi":
        value = value.astype(config.floatx() if value.dtype.kind == "f" else "int32")
    if shape is not None and value.shape != tuple(shape):
        raise ValueError(errors.bad_shape("initializer", value.shape, f"{tuple(shape)}"))
    return value


class Variable(Operators):
    """A weight: an array with a name, a path, and what training may do with it.

    On a variable, Python's operators and the functions of ``fastrnn.ops`` compute with its value;
    while a call of the user's own is traced, they note that the result depends on it.

    Args:
        initializer: the value, which is copied; or an initializer, by name or as a function of
            shape and dtype.
        shape: of the value, where an initializer makes it.
        dtype: its type. Without it arrays keep theirs, and numbers get the default float type, or
            int32.
        trainable: whether training changes it by gradients.
        autocast, aggregation, synchronization: accepted, and change nothing.
        name: last part of the path, e.g. ``"kernel"``; ``None`` makes one.
        regularizer: penalty that training adds to the loss, or ``None``.
        constraint: function applied to the value after each update, or ``None``.

    Attributes:
        value: the array itself, C-contiguous. Training updates it in place.
        path: the names of the scopes that it was made in, then its name, joined by ``/``.

    Raises:
        ValueError: an initializer has no shape, or a value another one.

    >>> import fastrnn
    >>> scale = fastrnn.Variable([1.0, 2.0], name="scale")
    >>> scale.assign_add([0.5, 0.5])
    >>> 2 * scale
    array([3., 5.], dtype=float32)
    """

    def __init__(
        self,
        initializer: ArrayLike | Callable[..., Array] | str,
        shape: Sequence[int] | None = None,
        dtype: DTypeLike = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = None,
        synchronization: str | None = None,
        name: str | None = None,
        *,
        regularizer: Penalty | None = None,
        constraint: Callable[[Array], Array] | None = None,
    ) -> None:
        self.value: Array = _initial_value(initializer, shape, dtype)
        self.name = auto_name("variable") if name is None else name
        self.path = "/".join((*_scope_stack(), self.name))
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
