"""RMSprop."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core.checks import to_number
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry

Array = npt.NDArray[Any]


@registry.register("rmsprop")
class RMSprop(Optimizer):
    """RMSprop (Hinton, 2012): gradient / sqrt(v + epsilon), v a moving average of its square.

    Args:
        learning_rate: see ``Optimizer``.
        rho: weight of the old value in the averages.
        momentum: weight of the last step in this one.
        epsilon: stands inside the square root.
        centered: whether the squared average of the gradient is taken off v.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs:
            see ``Optimizer``.

    >>> from fastrnn.optimizers import RMSprop
    >>> RMSprop(rho=0.8).rho
    0.8
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
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
        self.momentum = to_number("momentum", momentum, 0, 1)
        self.epsilon = to_number("epsilon", epsilon, 0)
        self.centered = bool(centered)
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

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
