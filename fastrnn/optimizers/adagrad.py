"""Adagrad."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core.checks import to_number
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry

Array = npt.NDArray[Any]


@registry.register("adagrad")
class Adagrad(Optimizer):
    """AdaGrad (Duchi et al., 2011): gradient / sqrt(sum of its squares + epsilon).

    Entries that have had large gradients move in smaller and smaller steps.

    Args:
        learning_rate: see ``Optimizer``.
        initial_accumulator_value: what the sums start at.
        epsilon: stands inside the square root.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs:
            see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Adagrad
    >>> Adagrad().initial_accumulator_value
    0.1
    """

    slots = (("accumulator",),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
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
        self.initial_accumulator_value = to_number(
            "initial_accumulator_value", initial_accumulator_value, 0
        )
        self.initial_values = {"accumulator": self.initial_accumulator_value}
        self.epsilon = to_number("epsilon", epsilon, 0)

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        total = slots["accumulator"]
        change = np.multiply(gradient, gradient, out=self.scratch(variable.value))
        total += change
        np.add(total, self.epsilon, out=change)
        np.sqrt(change, out=change)
        np.divide(gradient, change, out=change)
        change *= rate
        variable.value -= change

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
