"""Dtypes of results: Keras's rules, which are JAX's, for arrays and for Python's numbers.

Numbers of Python and NumPy's scalars are weak: they take the type of the arrays beside them.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from fastrnn import config
from fastrnn.typing import Array

# A dtype by its name, or bool, int or float for a weak number.
Kind = str | type

_FLOATS = ("float16", "float32", "float64")


def kind_of(value: Any) -> Kind:
    """Return the dtype of an array or a tensor by name, or the type of a number.

    >>> kind_of(np.zeros(3, "float32")), kind_of(2), kind_of(np.float64(2.0))
    ('float32', <class 'int'>, <class 'float'>)
    """
    if isinstance(value, bool | np.bool_):
        return bool
    if isinstance(value, int | np.integer):
        return int
    if isinstance(value, float | np.floating):
        return float
    dtype = value.dtype
    return dtype if isinstance(dtype, str) else str(dtype.name)


def result_type(*kinds: Kind) -> str:
    """Return the dtype that values of these dtypes, and weak numbers, are computed in.

    >>> result_type("int64", "float32"), result_type("int32", float), result_type("int8", int)
    ('float32', 'float32', 'int8')
    """
    return _result_type(config.floatx(), frozenset(kinds))


@functools.lru_cache(4096)
def _result_type(floatx: str, kinds: frozenset[Kind]) -> str:
    strong = [kind for kind in kinds if isinstance(kind, str)]
    floats = [kind for kind in strong if kind in _FLOATS]
    if floats:
        return max(floats, key=_FLOATS.index)
    if any(kind.startswith("complex") for kind in strong):
        return max(strong)
    if float in kinds:
        return floatx
    integers = [kind for kind in strong if kind != "bool"]
    if integers:
        common = np.result_type(*integers)
        return floatx if common.kind == "f" else common.name
    return "int32" if int in kinds else "bool"


def standard_dtype(dtype: Any) -> str:
    """Return a dtype by its name; ``None`` and ``float`` are the default float type.

    >>> standard_dtype(np.int32), standard_dtype("bool"), standard_dtype(None)
    ('int32', 'bool', 'float32')
    """
    if dtype is None or dtype is float or dtype == "float":
        return config.floatx()
    if dtype is int or dtype == "int":
        return "int32"
    name = getattr(dtype, "name", dtype)
    if isinstance(name, str) and name.startswith("<dtype: "):
        name = name[9:-2]
    return np.dtype(name).name


def to_array(value: Any, dtype: str | None = None) -> Array:
    """Return an array of what NumPy makes one of; Python's floats get the default float type."""
    if isinstance(value, np.ndarray):
        array = value
    else:
        array = np.asarray(value)
        if dtype is None and not hasattr(value, "dtype"):
            dtype = _default(array.dtype.kind)
    return array if dtype is None or array.dtype == dtype else array.astype(dtype)


def _default(kind: str) -> str | None:
    return {"f": config.floatx(), "i": "int32"}.get(kind)
