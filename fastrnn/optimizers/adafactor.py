"""Adafactor."""

from __future__ import annotations

import math
from typing import Unpack

import numpy as np

from fastrnn.core.options import Flag, NonNegative, Positive, extends_options
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.options import NonPositive, OptimizerOptions
from fastrnn.typing import Array, LearningRateLike


@registry.register("adafactor")
class Adafactor(Optimizer):
    """Adafactor (Shazeer and Stern, 2018): mean squares of rows and columns of the gradient alone.

    For a matrix, v is r·c / mean(r), with r and c moving averages of the mean squares of the
    gradient over its columns and its rows; otherwise the moving average of its squares. The weight
    of the old value is 1 - t^beta_2_decay. The step u = gradient / sqrt(v) is scaled down where its
    root mean square is above ``clip_threshold``, and the variable loses rho·max(epsilon_2,
    rms(variable))·u with rho = min(rate, 1 / sqrt(t)).

    Args:
        learning_rate: see ``Optimizer``.
        beta_2_decay: exponent of t, negative.
        epsilon_1: added to squares.
        epsilon_2: the least scale of a variable.
        clip_threshold: the largest root mean square of u.
        relative_step: accepted as in Keras; the rate is at most 1 / sqrt(t) in either case.
        **options: see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Adafactor
    >>> Adafactor(0.01).clip_threshold
    1.0
    """

    slots = (("r", "c", "velocity"),)

    beta_2_decay: float
    epsilon_1: float
    epsilon_2: float
    clip_threshold: float
    relative_step: bool

    @extends_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        beta_2_decay: NonPositive = -0.8,
        epsilon_1: NonNegative = 1e-30,
        epsilon_2: NonNegative = 1e-3,
        clip_threshold: Positive = 1.0,
        relative_step: Flag = True,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)

    def new_slot(self, variable: Variable, name: str) -> Variable | None:
        """Return the slot; r is without the last axis, c without the one before it."""
        if name not in ("r", "c"):
            return super().new_slot(variable, name)
        if variable.value.ndim < 2:  # one without use, as in the files of Keras
            unused = Variable(np.int32(0), name=variable.name, trainable=False)
            unused.path = variable.name
            return unused
        axis = -1 if name == "r" else -2
        zeros = np.zeros_like(variable.value.sum(axis))
        return Variable(zeros, name=variable.name, trainable=False)

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        t = self._updates + 1
        rho = min(rate, 1 / math.sqrt(t))
        v = slots["velocity"]
        squares = gradient * gradient + self.epsilon_1
        old = 1 - t**self.beta_2_decay
        if variable.value.ndim < 2:
            v *= old
            v += (1 - old) * squares
        else:
            r, c = slots["r"], slots["c"]
            for average, axis in ((r, -1), (c, -2)):
                average *= old
                average += (1 - old) * squares.mean(axis)
            row_shares = r / r.mean(axis=-1, keepdims=True)
            np.multiply(row_shares[..., None], c[..., None, :], out=v)
        step = gradient / np.sqrt(v)
        step /= max(1.0, _rms(step) / self.clip_threshold)
        step *= rho * max(self.epsilon_2, _rms(variable.value))
        variable.value -= step


def _rms(x: Array) -> float:
    return math.sqrt(float(np.mean(x * x)))
