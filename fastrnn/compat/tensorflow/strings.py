"""`tf.strings` on arrays of strings: what text is cleaned with before it is looked up."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn.compat.tensorflow.names import attributes, gives_tensors
from fastrnn.typing import Array, DTypeLike


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _each(function: Callable[[str], Any], strings: Any, dtype: DTypeLike = object) -> Array:
    """Return the results of ``function`` for each string of an array."""
    array = np.asarray(strings, object)
    results = [function(_text(value)) for value in array.ravel()]
    found = np.empty(len(results), object)
    found[:] = results
    return found.reshape(array.shape).astype(dtype)


@gives_tensors
def lower(input: Any, encoding: str = "") -> Array:
    """Return strings in lower case."""
    return _each(str.lower, input)


@gives_tensors
def upper(input: Any, encoding: str = "") -> Array:
    """Return strings in upper case."""
    return _each(str.upper, input)


@gives_tensors
def strip(input: Any) -> Array:
    """Return strings without white space at their ends."""
    return _each(str.strip, input)


@gives_tensors
def length(input: Any, unit: str = "BYTE") -> Array:
    """Return the lengths of strings, in bytes or in characters (``unit="UTF8_CHAR"``)."""
    if unit == "BYTE":
        return _each(lambda text: len(text.encode()), input, "int32")
    return _each(len, input, "int32")


@gives_tensors
def regex_replace(input: Any, pattern: str, rewrite: str, replace_global: bool = True) -> Array:
    r"""Return strings with the places that match ``pattern`` replaced; ``\1`` is a group."""
    compiled = re.compile(_text(pattern))
    return _each(lambda text: compiled.sub(_text(rewrite), text, 0 if replace_global else 1), input)


@gives_tensors
def regex_full_match(input: Any, pattern: str) -> Array:
    """Return whether each string matches ``pattern`` as a whole."""
    compiled = re.compile(_text(pattern))
    return _each(lambda text: compiled.fullmatch(text) is not None, input, bool)


@gives_tensors
def split(input: Any, sep: str | None = None, maxsplit: int = -1) -> Array:
    """Return the parts of a string; of several strings, an array of lists."""
    parts = _each(lambda text: text.split(_text(sep) if sep else None, maxsplit), input)
    return np.array(parts[()], object) if parts.ndim == 0 else parts


@gives_tensors
def unicode_split(input: Any, input_encoding: str = "UTF-8") -> Array:
    """Return the characters of a string; of several strings, an array of lists."""
    parts = _each(list, input)
    return np.array(parts[()], object) if parts.ndim == 0 else parts


@gives_tensors
def join(inputs: Any, separator: str = "") -> Array:
    """Return strings put together, entry by entry."""
    arrays = np.broadcast_arrays(*(np.asarray(part, object) for part in inputs))
    rows = zip(*(array.ravel() for array in arrays), strict=True)
    joined = [separator.join(map(_text, row)) for row in rows]
    return np.array(joined, object).reshape(arrays[0].shape)


@gives_tensors
def reduce_join(
    inputs: Any, axis: int | None = None, keepdims: bool = False, separator: str = ""
) -> Array:
    """Return the strings along an axis put together; all of them unless ``axis`` is given."""
    array = np.asarray(inputs, object)
    rows = array.reshape(1, -1) if axis is None else np.moveaxis(array, axis, -1)
    joined = np.array(
        [separator.join(map(_text, row)) for row in rows.reshape(-1, rows.shape[-1])], object
    )
    if axis is None:
        return joined.reshape((1,) * array.ndim if keepdims else ())
    shaped = joined.reshape(rows.shape[:-1])
    return np.expand_dims(shaped, axis) if keepdims else shaped


@gives_tensors
def as_string(input: Any) -> Array:
    """Return numbers as strings."""
    return _each(str, input)


@gives_tensors
def to_number(input: Any, out_type: DTypeLike = "float32") -> Array:
    """Return strings as numbers."""
    return _each(float, input, out_type)


@gives_tensors
def substr(input: Any, pos: int, len: int) -> Array:
    """Return the part of each string of ``len`` characters from ``pos``."""
    return _each(lambda text: text[pos:][:len], input)


__getattr__, __dir__ = attributes("strings", {}, {})
