"""ScheduleFreeAdamW."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn.core import errors
from fastrnn.core.options import NonNegative, extends_options
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.options import Decay, OptimizerOptions, Steps
from fastrnn.typing import Array, LearningRateLike


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
        **options: see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import ScheduleFreeAdamW
    >>> ScheduleFreeAdamW(warmup_steps=10).warmup_steps
    10
    """

    slots = (("momentum", "velocity"),)  # z and the average of squares

    beta_1: float
    beta_2: float
    epsilon: float
    warmup_steps: int

    @extends_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.0025,
        beta_1: Decay = 0.9,
        beta_2: Decay = 0.999,
        epsilon: NonNegative = 1e-8,
        warmup_steps: Steps = 0,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        if self.beta_1 == 0:
            raise ValueError(errors.bad_argument("beta_1", beta_1, "above 0, below 1"))

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
