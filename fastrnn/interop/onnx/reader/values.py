"""What stands for the values of a graph while a model is made of it.

In a file the axes of an array stand in any order, and recurrent nodes have one more, for the
directions. Here an array is a symbolic tensor of ours, (batch, timesteps, features) or less, and
the names of the file's axes beside it say which is which: B, T and F, and D for the directions.
Moving axes then costs nothing: only the names move.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastrnn.typing import Array

# In arrays made of shapes: the length of an axis that has no fixed length.
UNKNOWN = -(2**40)


@dataclass(frozen=True)
class Value:
    """An array that the model computes.

    Attributes:
        tensors: one for each entry along D; one in all without D, or if they are joined.
        axes: names of the file's axes. ``"BT"`` is one axis in the place of two.
        joined: number of directions that stand side by side in the features of the only tensor,
            though the file has an axis for them; 0 if not.
    """

    tensors: tuple[Any, ...]
    axes: tuple[str, ...]
    joined: int = 0

    @property
    def tensor(self) -> Any:
        """The only tensor."""
        (tensor,) = self.tensors
        return tensor

    @property
    def directions(self) -> int:
        """Length of the axis D."""
        return self.joined or len(self.tensors)

    @property
    def parts(self) -> tuple[Any, ...]:
        """The tensors of each direction."""
        if self.joined < 2:
            return self.tensors
        units = self.tensor.shape[-1] // self.joined
        return tuple(self.tensor[..., k * units : (k + 1) * units] for k in range(self.joined))

    def lengths(self) -> list[int]:
        """Return the lengths of the file's axes, ``UNKNOWN`` where they are not fixed."""
        shape = self.tensors[0].shape
        names = ("B", "T", "F")[: len(shape)] if "T" in "".join(self.axes) else ("B", "F")
        known: dict[str, Any] = dict(zip(names, shape, strict=False))
        known["D"] = self.directions
        if self.joined:
            known["F"] = shape[-1] // self.joined
        return [UNKNOWN if known.get(axis) is None else known[axis] for axis in self.axes]

    def moved(self, axes: tuple[str, ...]) -> Value:
        """Return the same tensors with other names of the axes."""
        return replace(self, axes=axes)


@dataclass(frozen=True)
class Constant:
    """An array that the file holds, or that was computed of its shapes."""

    array: Array


@dataclass(frozen=True)
class Fill:
    """An array of one number throughout, of a shape that does not matter."""

    number: float


def is_zero(value: object) -> bool:
    """Whether a value is 0 throughout.

    >>> is_zero(Fill(0.0)), is_zero(Constant(np.ones(2)))
    (True, False)
    """
    if isinstance(value, Fill):
        return value.number == 0
    return isinstance(value, Constant) and not np.any(value.array)
