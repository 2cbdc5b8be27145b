"""TensorSpec: the shape and the type of an array in an element."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.core import random
from fastrnn.core.tensor_array import TensorShape
from fastrnn.data.elements import Element, Nested, map_leaves, to_leaf
from fastrnn.data.sources.batching import Batched, Unbatched
from fastrnn.data.sources.source import Source
from fastrnn.typing import DType


class TensorSpec:
    """Shape and dtype of an array.

    Args:
        shape: sizes, ``None`` where one is not fixed; ``None`` for any shape.
        dtype: of NumPy or its name; ``"string"`` for texts.
        name: its name.

    >>> TensorSpec((None, 3), "float32")
    TensorSpec(shape=(None, 3), dtype='float32')
    """

    def __init__(self, shape: Any = None, dtype: Any = "float32", name: str | None = None) -> None:
        self.shape = None if shape is None else TensorShape(shape)
        self.dtype = to_dtype(dtype)
        self.name = name

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, TensorSpec)
        return same and (self.shape, self.dtype) == (other.shape, other.dtype)  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        name = "string" if self.dtype.kind == "O" else self.dtype.name
        return f"TensorSpec(shape={self.shape}, dtype={name!r})"


def to_dtype(dtype: Any) -> DType:
    """Return a dtype of NumPy; that of objects for strings."""
    found = (
        np.dtype(object) if dtype == "string" else np.dtype(getattr(dtype, "as_numpy_dtype", dtype))
    )
    return np.dtype(object) if found.kind in "US" else found


def spec_of(element: Element) -> Any:
    """Return the spec of each array of an element."""
    return map_leaves(
        lambda leaf: leaf if isinstance(leaf, Nested) else TensorSpec(leaf.shape, leaf.dtype),
        element,
    )


def in_form(value: Any, form: Any) -> Element:
    """Return a generator's item as an element: in the structure and of the types of ``form``.

    Args:
        value: what the generator gave.
        form: specs or types in tuples and dicts; ``None`` takes the item as it is.
    """
    if isinstance(form, (tuple, list)):
        return tuple(in_form(*pair) for pair in zip(value, form, strict=True))
    if isinstance(form, dict):
        return {key: in_form(value[key], entry) for key, entry in form.items()}
    # A type of NumPy has an attribute of that name too, which is none.
    return to_leaf(
        value, to_dtype(form if isinstance(form, type) else getattr(form, "dtype", form))
    )


def specs(source: Source) -> Any:
    """Return the spec of the elements of a data set, from its first one; nothing is drawn for good.

    The size of batches is open, unless smaller ones are left out.
    """
    generators = source.generators()
    states = [random.state_of(generator) for generator in generators]
    try:
        first = next(iter(source), None)
    finally:
        for generator, state in zip(generators, states, strict=True):
            random.set_state(generator, state)
    found = spec_of(first)
    size = _open_size(source)
    return found if size is None else map_leaves(lambda spec: _open(spec, size), found)


def _open(spec: Any, size: int) -> Any:
    if isinstance(spec, TensorSpec) and spec.shape and spec.shape[0] == size:
        return TensorSpec((None, *spec.shape[1:]), spec.dtype)
    return spec


def _open_size(source: Source) -> int | None:
    """Return the size of batches, where the last one may be smaller."""
    if isinstance(source, Batched):
        return None if source.drop_remainder else source.size
    if isinstance(source, Unbatched) or not source.parents:
        return None
    return _open_size(source.parents[0])
