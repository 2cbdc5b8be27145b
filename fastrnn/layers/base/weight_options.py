"""WeightOptions: the arguments of ``add_weight``, in every order that Keras has had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import integer_of
from fastrnn.core.user_warnings import deprecated

_KERAS_2 = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")
_KERAS_3 = ("shape", "initializer", "dtype", "trainable")
_NAMES = ("float", "int", "bool")


@dataclass(frozen=True)
class WeightOptions:
    """What a weight is made of.

    Attributes:
        shape: its shape.
        initializer: of its values.
        dtype: its type.
        name: last part of its path; "" where it has none yet.
        given: the other arguments.
    """

    shape: tuple[int, ...]
    initializer: Any
    dtype: str
    name: str
    given: dict[str, Any]

    @classmethod
    def of(
        cls,
        args: Sequence[Any],
        given: dict[str, Any],
        dtype: str,
        default: str = "glorot_uniform",
    ) -> WeightOptions:
        """Return the options that the arguments of ``add_weight`` mean.

        Args:
            args: those that are given by their places.
            given: those by their names, and defaults.
            dtype: that of the layer.
            default: the initializer of floats where none is given.

        Raises:
            TypeError: there are too many.
            ValueError: a shape is none.

        >>> options = WeightOptions.of(((3,),), {"name": "w"}, "float32")
        >>> options.name, options.shape, options.initializer
        ('w', (3,), 'glorot_uniform')
        """
        values = {**given, **_by_name(args)}
        name, shape = values.pop("name", None), values.pop("shape", None)
        own, initializer = values.pop("dtype", None), values.pop("initializer", None)
        own = dtype if own is None else np.dtype(own).name
        if initializer is None:
            initializer = default if own.startswith("float") else "zeros"
        return cls(_to_shape(shape), initializer, own, name or "", values)


def _by_name(args: Sequence[Any]) -> dict[str, Any]:
    """Return arguments that were given by their places by their names."""
    if not args:
        return {}
    names: tuple[str, ...] = _KERAS_3
    if isinstance(args[0], str) or (args[0] is None and len(args) > 1):
        names = _KERAS_2
        deprecated("add_weight(name, shape, …)", "add_weight(shape=…, name=…)")
    elif len(args) > 2 and isinstance(args[2], str) and not args[2].startswith(_NAMES):
        names = ("shape", "initializer", "name", "trainable", "regularizer", "constraint")
        deprecated("add_weight(shape, initializer, name)", "add_weight(shape=…, name=…)")
    if len(args) > len(names):
        raise TypeError(f"add_weight() takes at most {len(names)} arguments by their places")
    return dict(zip(names, args, strict=False))


def _to_shape(shape: Any) -> tuple[int, ...]:
    if shape is None:
        return ()
    entries = (shape,) if integer_of(shape) is not None else shape
    if not isinstance(entries, (list, tuple)) or any(integer_of(n) is None for n in entries):
        remedy = "Lengths that are not known, None, cannot be those of a weight."
        raise ValueError(errors.bad_argument("shape", shape, "a tuple of integers", remedy))
    return tuple(int(n) for n in entries)
