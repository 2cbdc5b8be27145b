"""Stored arrays: what a file holds, before it is read into a model."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from fastrnn.formats.protocols import SavableModel
from fastrnn.typing import Array


class Stored(Protocol):
    """An array in a file, not yet read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        ...

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Its dtype."""
        ...

    def read(self, shape: tuple[int, ...]) -> Array:
        """Return the values, which must have this shape."""
        ...


class StoredWeights(Protocol):
    """The arrays of a file: how many numbers they are, and where they belong in a model."""

    @property
    def scalars(self) -> int:
        """How many numbers there are for weights."""
        ...

    def load_weights(self, model: SavableModel) -> None:
        """Set the weights of a model."""
        ...

    def load_optimizer(self, model: SavableModel) -> None:
        """Set the variables of its optimizer."""
        ...
