"""Class numbers as vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.ops.dtypes import standard_dtype
from fastrnn.ops.operation import operation
from fastrnn.typing import Array, DTypeLike


def _dense(sparse: bool) -> None:
    if sparse:
        raise ValueError(errors.bad_argument("sparse", sparse, "False: arrays are dense"))


@operation((None,))
def one_hot(
    x: Array, num_classes: int, axis: int = -1, dtype: DTypeLike = None, sparse: bool = False
) -> Array:
    """Return for each class number a vector of zeros with 1 in its place, along a new axis.

    Numbers out of range give zeros alone.
    """
    _dense(sparse)
    wanted = standard_dtype(dtype)
    y = (x.astype("int64")[..., None] == np.arange(num_classes)).astype(wanted)
    return np.moveaxis(y, -1, axis)


@operation((None,))
def multi_hot(
    inputs: Array,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: DTypeLike = None,
    sparse: bool = False,
) -> Array:
    """Return for each row of class numbers one vector of zeros with 1 in their places."""
    _dense(sparse)
    if num_classes is None:
        raise ValueError(errors.bad_argument("num_classes", num_classes, "a positive integer"))
    hot = inputs.astype("int64")[..., None] == np.arange(num_classes)
    rows = hot.any(axis=-2) if inputs.ndim else hot
    result: Any = np.moveaxis(rows.astype(standard_dtype(dtype)), -1, axis)
    return result
