"""ScheduleFreeAdamW."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import to_int, to_number
from fastrnn.core.variable import Variable
from fastrnn.optimizers.adam import to_decay
from fastrnn.optimizers.base import Optimizer, registry

Array = npt.NDArray[Any]


@registry.register("schedulefreeadamw")
class ScheduleFreeAdamW(Optimizer):
    """AdamW whose steps are averaged instead of decayed (Defazio et al., 2024).

    z takes Adam's steps without momentum, x is the mean of all z so far, and the variable stands
    between them: (1 - beta_1)·z + beta_1·x.

    Args:
        learning_rate: see ``Optimizer``.
        beta_1: weight of x in the variable, above 0.
        beta_2: weight of the old value in the moving average of squares.
        epsilon: stands outside the square root.
        warmup_steps: number of updates in which the rate rises from 0.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs:
            see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import ScheduleFreeAdamW
    >>> ScheduleFreeAdamW(warmup_steps=10).warmup_steps
    10
    """

    slots = (("momentum", "velocity"),)  # z and the average of squares

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
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
        if self.beta_1 == 0:
            raise ValueError(errors.bad_argument("beta_1", beta_1, "above 0, below 1"))
        self.epsilon = to_number("epsilon", epsilon, 0)
        to_number("warmup_steps", to_int("warmup_steps", warmup_steps), 0)
        self.warmup_steps = warmup_steps

    def new_slot(self, variable: Variable, name: str) -> Variable | None:
        """Return the slot; z begins as the variable."""
        slot = super().new_slot(variable, name)
        if slot is not None and name == "momentum":
            slot.value[...] = variable.value
        return slot

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        z, v = slots["momentum"], slots["velocity"]
        t = self._updates + 1
        if self.warmup_steps:
            rate *= min(t / self.warmup_steps, 1)
        x = (variable.value - (1 - self.beta_1) * z) / self.beta_1
        v += (1 - self.beta_2) * (gradient * gradient - v)
        z -= rate * gradient / (np.sqrt(v / (1 - self.beta_2**t)) + self.epsilon)
        x += (z - x) / t
        variable.value[...] = (1 - self.beta_1) * z + self.beta_1 * x

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
