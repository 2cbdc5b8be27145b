"""Nadam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np

from fastrnn import config
from fastrnn.core.options import extends_options
from fastrnn.core.variable import Variable, name_scope
from fastrnn.optimizers.adam import move_averages
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.options import Decay, Epsilon, OptimizerOptions
from fastrnn.typing import Array, LearningRateLike


@registry.register("nadam")
class Nadam(Optimizer):
    """Adam with Nesterov's momentum (Dozat, 2016).

    m and v are those of Adam. The momentum of step t is u_t = beta_1·(1 - 0.96^t / 2), and
    the variable loses rate·(u_{t+1}·m / (1 - u_1·…·u_{t+1}) + (1 - u_t)·gradient /
    (1 - u_1·…·u_t)) / (sqrt(v / (1 - beta_2^t)) + epsilon).

    Args:
        learning_rate: see ``Optimizer``.
        beta_1, beta_2: weights of the old values in the averages.
        epsilon: stands outside the square root.
        **options: see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Nadam
    >>> Nadam(beta_1=0.8).beta_1
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
        epsilon: Epsilon = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots, and the product of the momenta of all steps so far."""
        if not self.built:
            one = np.ones((), variables[0].dtype if variables else config.floatx())
            with name_scope(self.name):
                self._u_product = Variable(one, name="u_product", trainable=False)
        super().build(variables)

    @property
    def _scalars(self) -> list[Variable]:
        return [self._u_product] if self.built else []

    def _momentum_of(self, t: int) -> float:
        return self.beta_1 * (1 - 0.5 * 0.96**t)

    def begin_update(self) -> None:
        """Multiply the momenta of the steps so far by that of this one."""
        self._u_product.value *= self._momentum_of(self._updates + 1)

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        m, v = slots["momentum"], slots["velocity"]
        t = self._updates + 1
        product = float(self._u_product)
        u, u_next = self._momentum_of(t), self._momentum_of(t + 1)
        change = self.scratch(variable.value)
        move_averages(gradient, m, v, self.beta_1, self.beta_2, change)
        np.divide(v, 1 - self.beta_2**t, out=change)
        np.sqrt(change, out=change)
        change += self.epsilon
        ahead = m * (rate * u_next / (1 - product * u_next))
        ahead += gradient * (rate * (1 - u) / (1 - product))
        np.divide(ahead, change, out=change)
        variable.value -= change
