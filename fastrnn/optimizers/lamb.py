"""Lamb."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core.checks import to_number
from fastrnn.core.variable import Variable
from fastrnn.optimizers.adam import move_averages, to_decay
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.clipping import norm

Array = npt.NDArray[Any]


@registry.register()
class Lamb(Optimizer):
    """Lamb (You et al., 2019): Adam's steps, as long as the variable times the rate.

    With m and v, corrected for their bias, and u = m / (sqrt(v) + epsilon), the variable loses
    rate·|variable| / |u|·u; rate·u where one of the norms is 0.

    Args:
        learning_rate: see ``Optimizer``.
        beta_1, beta_2: weights of the old values in the averages m and v.
        epsilon: stands outside the square root.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs:
            see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Lamb
    >>> Lamb(beta_1=0.8).beta_1
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

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
