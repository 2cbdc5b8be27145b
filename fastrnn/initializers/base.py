"""Initializer, the table of all of them, and the dtype that they give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn import config
from fastrnn.core.options import Configurable
from fastrnn.core.registry import Registry
from fastrnn.typing import Array, DType, DTypeLike


class _Initializers(Registry):
    def get(self, identifier: Any) -> Any:
        """Return the initializer that ``identifier`` means; an array is the values themselves."""
        if isinstance(identifier, (np.ndarray, np.generic)):
            return self.classes["Constant"](identifier)
        return super().get(identifier)


registry = _Initializers("initializer", "keras.initializers")


class Initializer(Configurable):
    """Base class: subclass it and implement ``__call__(shape, dtype=None)``."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = None) -> Array:
        """Return an array of ``shape`` and ``dtype`` (default: ``config.floatx()``)."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `__call__`.")


def to_dtype(dtype: DTypeLike) -> DType:
    """Return ``dtype``, or the default where it is ``None``."""
    return np.dtype(config.floatx() if dtype is None else dtype)
