"""Nadam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import config
from fastrnn.core.checks import to_number
from fastrnn.core.variable import Variable, name_scope
from fastrnn.optimizers.adam import move_averages, to_decay
from fastrnn.optimizers.base import Optimizer, registry

Array = npt.NDArray[Any]


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
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs:
            see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Nadam
    >>> Nadam(beta_1=0.8).beta_1
    0.8
    """

    slots = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )
        self.beta_1, self.beta_2 = to_decay("beta_1", beta_1), to_decay("beta_2", beta_2)
        self.epsilon = to_number("epsilon", epsilon, 0)

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots, and the product of the momenta of all steps so far."""
        if not self.built:
            one = np.ones((), variables[0].dtype if variables else config.floatx())
            with name_scope(self.name):
                self._u_product = Variable(one, "u_product", trainable=False)
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

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
