"""RMSprop."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn.core.options import Flag, Share, extends_options
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.options import Epsilon, OptimizerOptions
from fastrnn.typing import Array, LearningRateLike


@registry.register("rmsprop")
class RMSprop(Optimizer):
    """RMSprop (Hinton, 2012): gradient / sqrt(v + epsilon), v a moving average of its square.

    Args:
        learning_rate: see ``Optimizer``.
        rho: weight of the old value in the averages.
        momentum: weight of the last step in this one.
        epsilon: stands inside the square root.
        centered: whether the squared average of the gradient is taken off v.
        **options: see ``Optimizer``.

    >>> from fastrnn.optimizers import RMSprop
    >>> RMSprop(rho=0.8).rho
    0.8
    """

    rho: float
    momentum: float
    epsilon: float
    centered: bool

    @extends_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        rho: Share = 0.9,
        momentum: Share = 0.0,
        epsilon: Epsilon = 1e-7,
        centered: Flag = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        wanted = {"velocity": True, "momentum": momentum > 0, "average_gradient": self.centered}
        self.slots = tuple((name,) for name, use in wanted.items() if use)

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        v = slots["velocity"]
        step = self.scratch(variable.value)
        np.multiply(gradient, gradient, out=step)
        step *= 1 - self.rho
        v *= self.rho
        v += step
        if self.centered:
            average = slots["average_gradient"]
            average *= self.rho
            average += (1 - self.rho) * gradient
            np.subtract(v, average * average, out=step)
            step += self.epsilon
        else:
            np.add(v, self.epsilon, out=step)
        np.sqrt(step, out=step)
        np.divide(gradient, step, out=step)
        step *= rate
        if self.momentum > 0:
            momentum = slots["momentum"]
            momentum *= self.momentum
            momentum += step
            step = momentum
        variable.value -= step
