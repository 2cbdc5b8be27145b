"""``keras.src.backend`` for its tests: arrays are NumPy's, variables and tensors fastrnn's."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

import fastrnn
from fastrnn.config import floatx
from fastrnn.core.variable import Variable as _Variable
from fastrnn.core.variable import name_scope as _name_scope
from fastrnn.layers.base.symbolic import SymbolicTensor

SUPPORTS_SPARSE_TENSORS = SUPPORTS_RAGGED_TENSORS = SUPPORTS_COMPLEX_DTYPES = False
FLOATS = {"bfloat16", "float16", "float32", "float64"}
INTEGERS = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
PYTHON_TYPES = {bool: "bool", int: "int32", float: "float32", str: "string"}


def backend() -> str:
    return "fastrnn"


def is_float_dtype(dtype: Any) -> bool:
    return standardize_dtype(dtype) in FLOATS


def is_int_dtype(dtype: Any) -> bool:
    return standardize_dtype(dtype) in INTEGERS


def standardize_dtype(dtype: Any) -> str:
    if dtype is None:
        return floatx()
    name = (
        PYTHON_TYPES.get(dtype) or getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)
    )
    if name not in FLOATS | INTEGERS | {"bool", "string"}:
        raise ValueError(f"Invalid dtype: {dtype}")
    return str(name)


def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None) -> Any:
    array = convert_to_numpy(x)
    if dtype is None and not hasattr(x, "dtype"):
        dtype = {"f": floatx(), "i": "int32"}.get(array.dtype.kind)
    return array if dtype is None else array.astype(standardize_dtype(dtype))


def convert_to_numpy(x: Any) -> Any:
    return np.asarray(getattr(x, "value", x))


def is_tensor(x: Any) -> bool:
    return isinstance(x, np.ndarray)


def shape(x: Any) -> tuple[Any, ...]:
    return tuple(x.shape)


def image_data_format() -> str:
    return "channels_last"


def clear_session(free_memory: bool = True) -> None:
    fastrnn.utils.clear_session()


def is_traceback_filtering_enabled() -> bool:
    return False


def keras_export(path: Any) -> Any:
    return lambda thing: thing


class _Symbolic(type):
    def __instancecheck__(cls, thing: Any) -> bool:
        return isinstance(thing, SymbolicTensor)


class _IsVariable(type):
    def __instancecheck__(cls, thing: Any) -> bool:
        return isinstance(thing, _Variable)


class _Package:
    """A package that may be installed, imported once it is asked for something."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def available(self) -> bool:
        with contextlib.suppress(ImportError):
            return __import__(self._name) is not None
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(__import__(self._name), name)


class _RegisteredNames:
    def __getitem__(self, thing: Any) -> str:
        return fastrnn.saving.get_registered_name(thing)


GLOBAL_CUSTOM_NAMES = _RegisteredNames()
optree, dmtree, tensorflow = _Package("optree"), _Package("tree"), _Package("tensorflow")


def is_nested_tensor(x: Any) -> bool:
    return False


def get_keras_mask(x: Any) -> Any:
    return getattr(x, "_keras_mask", None)


def set_keras_mask(x: Any, mask: Any) -> None:
    x._keras_mask = mask


def cast(x: Any, dtype: Any) -> Any:
    return convert_to_tensor(x, dtype)


def random_seed_dtype() -> str:
    return "uint32"


def standardize_shape(shape: Any) -> tuple[Any, ...]:
    return tuple(shape)


class KerasTensor(metaclass=_Symbolic):
    """Made as Keras makes it, and an instance of what fastrnn has for it."""

    def __new__(
        cls,
        shape: Any,
        dtype: Any = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
    ) -> Any:
        return fastrnn.Input(batch_shape=shape, dtype=dtype, name=name)


class Variable(metaclass=_IsVariable):
    def __new__(
        cls,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **options: Any,
    ) -> Any:
        if callable(initializer):
            initializer = initializer(shape, dtype=dtype)
        return _Variable(convert_to_tensor(initializer, dtype), name or "variable", trainable)


def enable_flash_attention() -> None:
    """Nothing is there to enable."""


disable_flash_attention = is_flash_attention_enabled = enable_flash_attention


@contextlib.contextmanager
def name_scope(name: str, **options: Any) -> Any:
    with _name_scope(name):
        yield


def removesuffix(text: str, suffix: str) -> str:
    return text.removesuffix(suffix)
