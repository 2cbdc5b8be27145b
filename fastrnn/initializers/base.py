"""Initializer, the table of all of them, and the dtype that they give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from fastrnn import config
from fastrnn.core.registry import Registry

Array = npt.NDArray[Any]
registry = Registry("initializer", "keras.initializers")


class Initializer:
    """Base class: subclass it and implement ``__call__(shape, dtype=None)``."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        """Return an array of ``shape`` and ``dtype`` (default: ``config.floatx()``)."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `__call__`.")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make an initializer from what ``get_config`` returned."""
        return cls(**config)


def to_dtype(dtype: Any) -> Any:
    """Return ``dtype``, or the default where it is ``None``."""
    return config.floatx() if dtype is None else dtype
