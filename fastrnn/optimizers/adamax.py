"""Adamax."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn.core.options import extends_options
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.options import Decay, Epsilon, OptimizerOptions
from fastrnn.typing import Array, LearningRateLike


@registry.register("adamax")
class Adamax(Optimizer):
    """Adam with the largest gradient in the place of the squares' average (Kingma and Ba, 2014).

    m is the moving average of the gradient and u = max(beta_2·u, |gradient|); the variable
    loses rate·m / ((1 - beta_1^t)·(u + epsilon)).

    Args:
        learning_rate: see ``Optimizer``.
        beta_1: weight of the old value in the average.
        beta_2: factor by which the largest gradient shrinks at each step.
        epsilon: added to the largest gradient.
        **options: see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Adamax
    >>> Adamax(beta_1=0.8).beta_1
    0.8
    """

    slots = (("momentum", "norm"),)

    beta_1: float
    beta_2: float
    epsilon: float

    @extends_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        beta_1: Decay = 0.9,
        beta_2: Decay = 0.999,
        epsilon: Epsilon = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        m, u = slots["momentum"], slots["norm"]
        change = self.scratch(variable.value)
        np.subtract(gradient, m, out=change)
        change *= 1 - self.beta_1
        m += change
        u *= self.beta_2
        np.maximum(u, np.abs(gradient, out=change), out=u)
        np.add(u, self.epsilon, out=change)
        np.divide(m, change, out=change)
        change *= rate / (1 - self.beta_1 ** (self._updates + 1))
        variable.value -= change
