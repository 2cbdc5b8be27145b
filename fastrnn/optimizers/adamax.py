"""Adamax."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core.checks import to_number
from fastrnn.core.variable import Variable
from fastrnn.optimizers.adam import to_decay
from fastrnn.optimizers.base import Optimizer, registry

Array = npt.NDArray[Any]


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
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs:
            see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Adamax
    >>> Adamax(beta_1=0.8).beta_1
    0.8
    """

    slots = (("momentum", "norm"),)

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

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
