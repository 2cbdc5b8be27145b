"""Lamb."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn.core.options import NonNegative, extends_options
from fastrnn.core.variable import Variable
from fastrnn.optimizers.adam import move_averages
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.clipping import norm
from fastrnn.optimizers.options import Decay, OptimizerOptions
from fastrnn.typing import Array, LearningRateLike


@registry.register()
class Lamb(Optimizer):
    """Lamb (You et al., 2019): Adam's steps, as long as the variable times the rate.

    With m and v, corrected for their bias, and u = m / (sqrt(v) + epsilon), the variable loses
    rate·|variable| / |u|·u; rate·u where one of the norms is 0.

    Args:
        learning_rate: see ``Optimizer``.
        beta_1, beta_2: weights of the old values in the averages m and v.
        epsilon: stands outside the square root.
        **options: see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Lamb
    >>> Lamb(beta_1=0.8).beta_1
    0.8
    """

    slots = (("momentum", "velocity"),)

    beta_1: float
    beta_2: float
    epsilon: float

    @extends_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        beta_1: Decay = 0.9,
        beta_2: Decay = 0.999,
        epsilon: NonNegative = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        m, v = slots["momentum"], slots["velocity"]
        t = self._updates + 1
        change = self.scratch(variable.value)
        move_averages(gradient, m, v, self.beta_1, self.beta_2, change)
        np.divide(v, 1 - self.beta_2**t, out=change)
        np.sqrt(change, out=change)
        change += self.epsilon
        np.divide(m / (1 - self.beta_1**t), change, out=change)
        lengths = norm([variable.value]), norm([change])
        change *= rate * lengths[0] / lengths[1] if all(lengths) else rate
        variable.value -= change
