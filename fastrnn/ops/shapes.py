"""Shapes of tensors, and how they broadcast; lengths may be unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastrnn.core import errors, tracing
from fastrnn.typing import Array, Shape


class Spec(NamedTuple):
    """Shape and dtype of an array; lengths may be unknown."""

    shape: Shape
    dtype: str

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)


def require_known(name: str, lengths: Sequence[int | None]) -> tuple[int, ...]:
    """Return lengths that are all known, or raise ``UnknownLength`` in the name of an operation."""
    if any(n is None for n in lengths):
        raise tracing.UnknownLength(
            f"ops.{name} needs all lengths, but in {tuple(lengths)} one is not known before there "
            "is data: write -1 for one length of a reshape, or ops.zeros_like(x) …, or fix the "
            "length in Input."
        )
    return tuple(int(n) for n in lengths if n is not None)


def sum_to(d: Array, shape: tuple[int, ...]) -> Array:
    """Return ``d`` summed over the axes along which an array of ``shape`` was repeated.

    >>> sum_to(np.ones((4, 3)), (1, 3))
    array([[4., 4., 4.]])
    """
    added = d.ndim - len(shape)
    if added > 0:
        d = d.sum(axis=tuple(range(added)))
    repeated = tuple(k for k, n in enumerate(shape) if n == 1 and d.shape[k] != 1)
    d = d.sum(axis=repeated, keepdims=True) if repeated else d
    return d if d.shape == shape else np.broadcast_to(d, shape)


def broadcast_shapes(*shapes: Shape) -> Shape:
    """Return the shape that shapes broadcast to; unknown where one is, and none is above 1.

    Raises:
        ValueError: they do not fit.

    >>> broadcast_shapes((None, 1, 4), (3, 1))
    (None, 3, 4)
    """
    rank = max(map(len, shapes), default=0)
    full = [(*(1,) * (rank - len(shape)), *shape) for shape in shapes]
    result: list[int | None] = []
    for lengths in zip(*full, strict=True):
        fixed = {n for n in lengths if n not in (None, 1)}
        if len(fixed) > 1:
            raise ValueError(errors.bad_argument("shapes", shapes, "shapes that broadcast"))
        result.append(fixed.pop() if fixed else None if None in lengths else 1)
    return tuple(result)
