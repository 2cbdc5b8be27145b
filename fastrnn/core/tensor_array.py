"""Arrays and shapes with the few methods that scripts for TensorFlow ask of tensors.

A ``TensorArray`` is an array in every respect: layers and operations take it as one and give plain
arrays, so that the class stays where it was asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.typing import Array, ArrayLike, DTypeLike


class TensorShape(tuple[int | None, ...]):
    """A shape: a tuple of sizes, None where a size is not fixed.

    >>> shape = TensorShape((None, 3))
    >>> shape.as_list(), shape.rank, shape == (None, 3)
    ([None, 3], 2, True)
    """

    __slots__ = ()

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self)

    @property
    def ndims(self) -> int:
        """Number of axes."""
        return len(self)

    def as_list(self) -> list[int | None]:
        """Return the sizes in a list."""
        return list(self)

    def is_fully_defined(self) -> bool:
        """Return whether every size is fixed."""
        return None not in self

    def num_elements(self) -> int | None:
        """Return the product of the sizes, None where one is not fixed."""
        return None if None in self else int(np.prod(np.array(self, np.int64)))


class TensorArray(np.ndarray[Any, np.dtype[Any]]):
    """An array with ``numpy()``, and with a ``TensorShape`` as its shape.

    Arithmetic and NumPy's reductions keep the class; ``np.asarray`` takes it off, without a copy.

    >>> x = tensor_array([[1.0, 2.0]])
    >>> (x + 1).numpy(), x.shape.as_list()
    (array([[2., 3.]]), [1, 2])
    """

    @property  # type: ignore[misc]
    def shape(self) -> TensorShape:
        """Sizes of all axes."""
        return TensorShape(np.ndarray.shape.__get__(self))

    def get_shape(self) -> TensorShape:
        """Return the shape."""
        return self.shape

    def set_shape(self, shape: object) -> None:
        """Do nothing: the sizes of an array are known, which a pipeline of TensorFlow's is told."""

    def numpy(self) -> Any:
        """Return the values as a plain array, a single value as a NumPy number; text as bytes."""
        values = self.view(np.ndarray)[()]
        if self.dtype.kind not in "OU":
            return values
        return _encoded(values) if self.ndim == 0 else _ENCODED(values)

    def __getitem__(self, key: Any) -> Any:
        """Return an entry or a part; an entry too has ``numpy()``."""
        part = super().__getitem__(key)
        if isinstance(part, np.ndarray):
            return part
        entry = np.empty((), self.dtype).view(TensorArray)
        entry[()] = part
        return entry

    def __hash__(self) -> int:
        """Return the hash of a single value, which sets of labels ask for.

        Raises:
            TypeError: there are several values.
        """
        if self.ndim:
            raise TypeError(f"unhashable: a TensorArray of shape {self.shape}")
        return hash(self.numpy())

    def __format__(self, spec: str) -> str:
        return format(self.numpy(), spec)


def tensor_array(value: ArrayLike, dtype: DTypeLike = None) -> TensorArray:
    """Return ``value`` as a ``TensorArray`` that shares its memory where it is an array."""
    array: Array = np.asarray(value, dtype)
    return array.view(TensorArray)


def _encoded(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


_ENCODED = np.frompyfunc(_encoded, 1, 1)
