"""Axes over which operations reduce."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastrnn.ops.shapes import Spec
from fastrnn.typing import Array, Axes, Shape

AxesLike = int | Sequence[int] | None


def to_axes(axis: AxesLike) -> Axes | None:
    """Return axes as NumPy takes them."""
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis  # type: ignore[return-value]


def reduced_shape(
    x: Spec, axis: AxesLike = None, keepdims: bool = False, **options: object
) -> Shape:
    """Return the shape of what is reduced over axes."""
    axes = set(axes_of(axis, x.ndim))
    if keepdims:
        return tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    return tuple(n for k, n in enumerate(x.shape) if k not in axes)


def axes_of(axis: AxesLike, ndim: int) -> tuple[int, ...]:
    """Return axes counted from the front, all of them for ``None``."""
    if axis is None:
        return tuple(range(ndim))
    axes = (axis,) if isinstance(axis, (int, np.integer)) else axis
    for k in axes:
        if not -ndim <= k < ndim:
            raise np.exceptions.AxisError(k, ndim)
    return tuple(k % ndim for k in axes)


def spread(d: Array, x: Array, axis: AxesLike, keepdims: bool) -> Array:
    """Return what was reduced over axes with these axes again, of length 1."""
    return d if keepdims else np.expand_dims(d, axes_of(axis, x.ndim))
