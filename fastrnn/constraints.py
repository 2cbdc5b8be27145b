"""Conditions that weights are brought back to after each update, under Keras's names.

>>> import numpy as np
>>> from fastrnn import constraints
>>> constraints.NonNeg()(np.array([-1.0, 2.0]))
array([0., 2.])
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import config
from fastrnn.core import errors
from fastrnn.core.checks import to_axes, to_number
from fastrnn.core.registry import Registry

Array = npt.NDArray[Any]
Axis = int | tuple[int, ...]
registry = Registry("constraint", "keras.constraints")

get = registry.get
serialize = registry.serialize
deserialize = registry.deserialize


class Constraint:
    """Base class: subclass it and implement ``__call__``."""

    def __call__(self, w: Array) -> Array:
        """Return ``w``, changed as little as the condition asks for."""
        return w

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a constraint from what ``get_config`` returned."""
        return cls(**config)


def _norms(w: Array, axis: Axis) -> Array:
    try:
        return np.sqrt(np.square(w).sum(axis=axis, keepdims=True))
    except (ValueError, OverflowError):
        expected = f"axes of a weight of shape {w.shape}"
        raise ValueError(errors.bad_argument("axis", axis, expected)) from None


@registry.register()
class MaxNorm(Constraint):
    """Norms along ``axis`` are at most ``max_value``."""

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = to_number("max_value", max_value, 0)
        self.axis = to_axes("axis", axis)

    def __call__(self, w: Array) -> Array:
        """Scale down the vectors that are too long."""
        norms = _norms(w, self.axis)
        return w * (np.clip(norms, 0, self.max_value) / (config.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {"max_value": self.max_value, "axis": self.axis}


@registry.register()
class NonNeg(Constraint):
    """No entry is negative."""

    def __call__(self, w: Array) -> Array:
        """Replace negative entries by 0."""
        return np.maximum(w, 0)


@registry.register()
class UnitNorm(Constraint):
    """Norms along ``axis`` are 1."""

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = to_axes("axis", axis)

    def __call__(self, w: Array) -> Array:
        """Scale all vectors to length 1."""
        return w / (config.epsilon() + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {"axis": self.axis}


@registry.register()
class MinMaxNorm(Constraint):
    """Norms along ``axis`` lie between two values; ``rate`` 1 enforces it, less approaches it."""

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0
    ) -> None:
        self.min_value = to_number("min_value", min_value, 0)
        self.max_value = to_number("max_value", max_value, 0)
        self.rate = to_number("rate", rate)
        self.axis = to_axes("axis", axis)

    def __call__(self, w: Array) -> Array:
        """Scale the vectors that are too short or too long."""
        norms = _norms(w, self.axis)
        clipped = np.clip(norms, self.min_value, self.max_value)
        desired = self.rate * clipped + (1 - self.rate) * norms
        return w * (desired / (config.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm
