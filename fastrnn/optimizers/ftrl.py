"""Ftrl."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn.core.options import NonNegative, extends_options
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.options import NonPositive, OptimizerOptions
from fastrnn.typing import Array, LearningRateLike


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
        **options: see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Ftrl
    >>> Ftrl(beta=0.1).beta
    0.1
    """

    slots = (("accumulator", "linear"),)

    learning_rate_power: float
    initial_accumulator_value: float
    l1_regularization_strength: float
    l2_regularization_strength: float
    l2_shrinkage_regularization_strength: float
    beta: float

    @extends_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        learning_rate_power: NonPositive = -0.5,
        initial_accumulator_value: NonNegative = 0.1,
        l1_regularization_strength: NonNegative = 0.0,
        l2_regularization_strength: NonNegative = 0.0,
        l2_shrinkage_regularization_strength: NonNegative = 0.0,
        beta: NonNegative = 0.0,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_values = {"accumulator": self.initial_accumulator_value}

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
