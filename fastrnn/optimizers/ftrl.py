"""Ftrl."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core.checks import to_number
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry

Array = npt.NDArray[Any]


@registry.register("ftrl")
class Ftrl(Optimizer):
    """FTRL (McMahan et al., 2013), with a shrinkage for online learning.

    With n the sum of squared gradients, p = -learning_rate_power and s = (n'^p - n^p) / rate, z
    gains gradient + 2·shrinkage·w - s·w, and the variable becomes
    (clip(z, -l1, l1) - z) / (n'^p / rate + 2·l2 + beta / rate).

    Args:
        learning_rate: see ``Optimizer``.
        learning_rate_power: at most 0; 0 keeps the rate.
        initial_accumulator_value: what n starts at.
        l1_regularization_strength, l2_regularization_strength: penalties, 0 or more.
        l2_shrinkage_regularization_strength: penalty that enters through the gradient alone.
        beta: added to the square root of n, in effect.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs:
            see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Ftrl
    >>> Ftrl(beta=0.1).beta
    0.1
    """

    slots = (("accumulator", "linear"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
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
        self.learning_rate_power = to_number("learning_rate_power", learning_rate_power, most=0)
        self.initial_accumulator_value = to_number(
            "initial_accumulator_value", initial_accumulator_value, 0
        )
        self.initial_values = {"accumulator": self.initial_accumulator_value}
        self.l1_regularization_strength = to_number(
            "l1_regularization_strength", l1_regularization_strength, 0
        )
        self.l2_regularization_strength = to_number(
            "l2_regularization_strength", l2_regularization_strength, 0
        )
        self.l2_shrinkage_regularization_strength = to_number(
            "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength, 0
        )
        self.beta = to_number("beta", beta, 0)

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        n, z, w = slots["accumulator"], slots["linear"], variable.value
        power = -self.learning_rate_power
        before = n**power
        n += np.multiply(gradient, gradient, out=self.scratch(w))
        after = n**power
        z += gradient
        z += (2 * self.l2_shrinkage_regularization_strength - (after - before) / rate) * w
        after /= rate
        after += 2 * self.l2_regularization_strength + self.beta / rate
        most = self.l1_regularization_strength
        np.clip(z, -most, most, out=w)
        w -= z
        w /= after

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
