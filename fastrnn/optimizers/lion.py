"""Lion."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import to_number
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry

Array = npt.NDArray[Any]


@registry.register("lion")
class Lion(Optimizer):
    """Lion (Chen et al., 2023): steps of one size, the sign of an average.

    The variable loses rate·sign(beta_1·m + (1 - beta_1)·gradient), and then m becomes
    beta_2·m + (1 - beta_2)·gradient.

    Args:
        learning_rate: see ``Optimizer``.
        beta_1: weight of m in the step, above 0.
        beta_2: weight of the old value in m.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs:
            see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Lion
    >>> Lion(beta_1=0.8).beta_1
    0.8
    """

    slots = (("momentum",),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
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
        self.beta_1 = to_number("beta_1", beta_1, 0, 1)
        if self.beta_1 == 0:
            remedy = "At 0 the steps would ignore m."
            raise ValueError(errors.bad_argument("beta_1", beta_1, "above 0, up to 1", remedy))
        self.beta_2 = to_number("beta_2", beta_2, 0, 1)

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        m = slots["momentum"]
        change = np.multiply(gradient, 1 - self.beta_1, out=self.scratch(variable.value))
        change += self.beta_1 * m
        np.sign(change, out=change)
        change *= rate
        variable.value -= change
        np.multiply(gradient, 1 - self.beta_2, out=change)
        m *= self.beta_2
        m += change

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
        }
