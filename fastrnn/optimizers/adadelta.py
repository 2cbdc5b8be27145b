"""Adadelta."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn.core.options import Share, extends_options
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.options import Epsilon, OptimizerOptions
from fastrnn.typing import Array, LearningRateLike


@registry.register("adadelta")
class Adadelta(Optimizer):
    """Adadelta (Zeiler, 2012): steps in the variable's own units.

    The variable loses rate·gradient·sqrt(d + epsilon) / sqrt(g + epsilon), with g and d moving
    averages of the squares of the gradient and of the steps.

    Args:
        learning_rate: see ``Optimizer``.
        rho: weight of the old values in the averages.
        epsilon: stands inside the square roots.
        **options: see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Adadelta
    >>> Adadelta(rho=0.9).rho
    0.9
    """

    slots = (("accumulated_grad", "accumulated_delta_var"),)

    rho: float
    epsilon: float

    @extends_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        rho: Share = 0.95,
        epsilon: Epsilon = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        squares, steps = slots["accumulated_grad"], slots["accumulated_delta_var"]
        step = self.scratch(variable.value)
        np.multiply(gradient, gradient, out=step)
        step *= 1 - self.rho
        squares *= self.rho
        squares += step
        np.add(steps, self.epsilon, out=step)
        step /= squares + self.epsilon
        np.sqrt(step, out=step)
        step *= gradient
        steps *= self.rho
        steps += (1 - self.rho) * step * step
        step *= rate
        variable.value -= step
