"""Dtypes, as `tf.dtypes` has them: NumPy's names with a few attributes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.compat.tensorflow.names import attributes
from fastrnn.typing import DTypeLike


class DType(str):
    """The name of a dtype, which everything that takes a dtype takes.

    >>> np.zeros(2, DType("int32")).dtype == DType("int32")
    True
    >>> DType("float32").as_numpy_dtype
    <class 'numpy.float32'>
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name alone."""
        return str(self)

    @property
    def as_numpy_dtype(self) -> type:
        """NumPy's class of it; ``object`` for strings."""
        return object if self == "string" else np.dtype(str(self)).type

    @property
    def is_floating(self) -> bool:
        """Whether it holds fractions."""
        return self.startswith("float")

    @property
    def is_integer(self) -> bool:
        """Whether it holds whole numbers."""
        return "int" in self

    @property
    def is_bool(self) -> bool:
        """Whether it holds truth values."""
        return self == "bool"

    @property
    def size(self) -> int:
        """Bytes of one value."""
        return np.dtype(self.as_numpy_dtype).itemsize

    @property
    def min(self) -> Any:
        """The least value."""
        return self._limits().min

    @property
    def max(self) -> Any:
        """The greatest value."""
        return self._limits().max

    def _limits(self) -> Any:
        dtype = np.dtype(self.as_numpy_dtype)
        return np.finfo(dtype) if self.is_floating else np.iinfo(dtype)


float16, float32, float64 = DType("float16"), DType("float32"), DType("float64")
half, double = float16, float64
int8, int16, int32, int64 = DType("int8"), DType("int16"), DType("int32"), DType("int64")
uint8, uint16, uint32, uint64 = DType("uint8"), DType("uint16"), DType("uint32"), DType("uint64")
complex64, complex128 = DType("complex64"), DType("complex128")
bool_ = DType("bool")
string = DType("string")

NAMES = (
    *("float16", "float32", "float64", "half", "double", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64", "complex64", "complex128", "string"),
)


def as_dtype(type_value: DTypeLike) -> DType:
    """Return NumPy's or Python's dtype, or a name, as a ``DType``.

    >>> as_dtype(np.float32), as_dtype(int), as_dtype("string")
    ('float32', 'int64', 'string')
    """
    if isinstance(type_value, str) and type_value == "string":
        return string
    dtype = np.dtype(type_value)
    return string if dtype.kind in "OSU" else DType(dtype.name)


def numpy_dtype(dtype: DTypeLike) -> DTypeLike:
    """Return what NumPy makes arrays of ``dtype`` with: objects, where it is ``tf.string``."""
    return np.dtype(object) if isinstance(dtype, str) and dtype == "string" else dtype


__getattr__, __dir__ = attributes(
    "dtypes",
    {"bool": "compat.tensorflow.dtypes:bool_", "cast": "compat.tensorflow.arrays:cast"},
    {},
)
