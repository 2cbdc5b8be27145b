"""Elements of data sets: arrays in tuples and dicts, at any depth.

Lists are arrays, as in ``tf.data``. Between the stages of a data set arrays are plain; the
user's functions and loops get them as ``TensorArray``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.tensor_array import tensor_array
from fastrnn.typing import Array, DTypeLike

# An array, or tuples and dicts of elements; a data set where `window` makes some.
Element = Any
_NARROW = {"i": np.int32, "f": np.float32}  # the types of numbers of Python, as in TensorFlow


class Nested:
    """A data set, which may stand in an element though it is no array: ``window`` makes such."""


def map_leaves(function: Callable[..., Any], *elements: Element) -> Element:
    """Apply a function to the leaves of elements of one structure; ``None`` stays."""
    first = elements[0]
    if isinstance(first, tuple):
        parts = [map_leaves(function, *entries) for entries in zip(*elements, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
    if isinstance(first, dict):
        return {key: map_leaves(function, *(e[key] for e in elements)) for key in first}
    return None if first is None else function(*elements)


def leaves(element: Element) -> Iterator[Any]:
    """Yield the leaves of an element."""
    if isinstance(element, (tuple, dict)):
        for entry in element.values() if isinstance(element, dict) else element:
            yield from leaves(entry)
    elif element is not None:
        yield element


def to_leaf(value: object, dtype: DTypeLike = None) -> Array:
    """Return a value as a plain array: strings as objects, numbers of Python of 32 bits.

    Raises:
        ValueError: it is a list of arrays or lists of different lengths.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind not in "USO":
        return np.asarray(value, dtype)
    try:
        array = np.asarray(value)
    except ValueError:
        remedy = "Pad them to one length first: fastrnn.utils.pad_sequences; or use from_generator."
        expected = "arrays, or lists of entries of one shape"
        raise ValueError(errors.bad_argument("tensors", "a list", expected, remedy)) from None
    if array.dtype.kind in "US":  # of one width: memory for the longest, in each entry
        return np.asarray(value, object)
    if array.dtype.kind == "O":
        return _objects(array, dtype)
    if dtype is None and not isinstance(value, np.generic) and not hasattr(value, "__array__"):
        dtype = _NARROW.get(array.dtype.kind) if _fits(array) else None
    return np.asarray(array, dtype)


def _objects(array: Array, dtype: DTypeLike) -> Array:
    """Return an array of objects: of strings as it is, of numbers in their type."""
    if all(isinstance(entry, (str, bytes)) for entry in array.ravel().tolist()):
        return np.asarray(array)
    try:
        return np.asarray(np.array(array.tolist()), dtype)
    except ValueError:
        remedy = "Pad them to one length first: fastrnn.utils.pad_sequences; or use from_generator."
        expected = "arrays of numbers or of strings"
        raise ValueError(
            errors.bad_argument("tensors", "an array of objects", expected, remedy)
        ) from None


def _fits(array: Array) -> bool:
    """Whether integers fit 32 bits."""
    limit = 2**31
    return array.dtype.kind != "i" or not array.size or -limit <= array.min() <= array.max() < limit


def to_element(value: object) -> Element:
    """Return what a user's function returned as an element."""
    if isinstance(value, (tuple, dict)):
        return map_leaves(_to_leaf, value)
    return None if value is None else _to_leaf(value)


def _to_leaf(value: object) -> Any:
    # A data set inside a data set is no array.
    return value if isinstance(value, Nested) else to_leaf(value)


def wrap(element: Element) -> Element:
    """Return an element as users see it, its arrays with ``numpy()``."""
    if type(element) is np.ndarray:
        return tensor_array(element)
    return map_leaves(
        lambda leaf: leaf if isinstance(leaf, Nested) else tensor_array(leaf), element
    )


def call(function: Callable[..., Any], element: Element) -> Any:
    """Call a user's function on an element; the entries of a tuple are its arguments."""
    wrapped = wrap(element)
    return function(*wrapped) if isinstance(wrapped, tuple) else function(wrapped)


def stack(elements: list[Element]) -> Element:
    """Return elements as one, along a new first axis.

    Raises:
        ValueError: their shapes differ.
    """
    return map_leaves(_stack, *elements)


def _stack(*arrays: Any) -> Any:
    if isinstance(arrays[0], Nested):
        expected = "elements that are arrays"
        remedy = "Use flat_map(lambda window: window.batch(size)) on the windows first."
        raise ValueError(
            errors.bad_argument("batch_size", "elements of data sets", expected, remedy)
        )
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        expected = "elements of one shape in a batch"
        remedy = "Use padded_batch, or fastrnn.utils.pad_sequences first."
        raise ValueError(errors.bad_argument("batch_size", sorted(shapes), expected, remedy))
    return np.stack(arrays)


def rows_of(element: Element) -> int:
    """Return the length of the first axis of an element's arrays.

    Raises:
        ValueError: they have none, or different ones.
    """
    sizes = {leaf.shape[0] if leaf.ndim else -1 for leaf in leaves(element)}
    if len(sizes) != 1 or -1 in sizes:
        shapes = [leaf.shape for leaf in leaves(element)]
        expected = "arrays with a first axis of one length"
        raise ValueError(errors.bad_argument("tensors", f"shapes {shapes}", expected))
    return sizes.pop()
