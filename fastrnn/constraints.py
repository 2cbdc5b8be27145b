"""Conditions that weights are brought back to after each update, under Keras's names.

>>> import numpy as np
>>> from fastrnn import constraints
>>> constraints.NonNeg()(np.array([-1.0, 2.0]))
array([0., 2.])
"""

from __future__ import annotations

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.core.lazy import lazy_attributes
from fastrnn.core.old_names import OLD_NAMES
from fastrnn.core.options import AxesOption, Configurable, Finite, NonNegative, takes_options
from fastrnn.core.registry import Registry
from fastrnn.typing import Array, Axes

registry = Registry("constraint", "keras.constraints")

get = registry.get
serialize = registry.serialize
deserialize = registry.deserialize
__getattr__ = lazy_attributes(__name__, {}, OLD_NAMES["constraints"])


class Constraint(Configurable):
    """Base class: subclass it and implement ``__call__``."""

    def __call__(self, w: Array) -> Array:
        """Return ``w``, changed as little as the condition asks for."""
        return w


def _norms(w: Array, axis: Axes) -> Array:
    try:
        return np.sqrt(np.square(w).sum(axis=axis, keepdims=True))
    except (ValueError, OverflowError):
        expected = f"axes of a weight of shape {w.shape}"
        raise ValueError(errors.bad_argument("axis", axis, expected)) from None


@registry.register()
class MaxNorm(Constraint):
    """Norms along ``axis`` are at most ``max_value``."""

    max_value: float
    axis: Axes

    @takes_options
    def __init__(self, max_value: NonNegative = 2, axis: AxesOption = 0) -> None:
        pass

    def __call__(self, w: Array) -> Array:
        """Scale down the vectors that are too long."""
        norms = _norms(w, self.axis)
        return w * (np.clip(norms, 0, self.max_value) / (config.epsilon() + norms))


@registry.register()
class NonNeg(Constraint):
    """No entry is negative."""

    def __call__(self, w: Array) -> Array:
        """Replace negative entries by 0."""
        return np.maximum(w, 0)


@registry.register()
class UnitNorm(Constraint):
    """Norms along ``axis`` are 1."""

    axis: Axes

    @takes_options
    def __init__(self, axis: AxesOption = 0) -> None:
        pass

    def __call__(self, w: Array) -> Array:
        """Scale all vectors to length 1."""
        return w / (config.epsilon() + _norms(w, self.axis))


@registry.register()
class MinMaxNorm(Constraint):
    """Norms along ``axis`` lie between two values; ``rate`` 1 enforces it, less approaches it."""

    min_value: float
    max_value: float
    rate: float
    axis: Axes

    @takes_options
    def __init__(
        self,
        min_value: NonNegative = 0.0,
        max_value: NonNegative = 1.0,
        rate: Finite = 1.0,
        axis: AxesOption = 0,
    ) -> None:
        pass

    def __call__(self, w: Array) -> Array:
        """Scale the vectors that are too short or too long."""
        norms = _norms(w, self.axis)
        clipped = np.clip(norms, self.min_value, self.max_value)
        desired = self.rate * clipped + (1 - self.rate) * norms
        return w * (desired / (config.epsilon() + norms))


max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm
