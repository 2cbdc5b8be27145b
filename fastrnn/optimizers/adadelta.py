"""Adadelta."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core.checks import to_number
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry

Array = npt.NDArray[Any]


@registry.register("adadelta")
class Adadelta(Optimizer):
    """Adadelta (Zeiler, 2012): steps in the variable's own units.

    The variable loses rate·gradient·sqrt(d + epsilon) / sqrt(g + epsilon), with g and d moving
    averages of the squares of the gradient and of the steps.

    Args:
        learning_rate: see ``Optimizer``.
        rho: weight of the old values in the averages.
        epsilon: stands inside the square roots.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs:
            see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Adadelta
    >>> Adadelta(rho=0.9).rho
    0.9
    """

    slots = (("accumulated_grad", "accumulated_delta_var"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
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
        self.rho = to_number("rho", rho, 0, 1)
        self.epsilon = to_number("epsilon", epsilon, 0)

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

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "rho": self.rho,
            "epsilon": self.epsilon,
        }
