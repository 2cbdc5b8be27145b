"""Adagrad."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn.core.options import NonNegative, extends_options
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.options import Epsilon, OptimizerOptions
from fastrnn.typing import Array, LearningRateLike


@registry.register("adagrad")
class Adagrad(Optimizer):
    """AdaGrad (Duchi et al., 2011): gradient / sqrt(sum of its squares + epsilon).

    Entries that have had large gradients move in smaller and smaller steps.

    Args:
        learning_rate: see ``Optimizer``.
        initial_accumulator_value: what the sums start at.
        epsilon: stands inside the square root.
        **options: see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Adagrad
    >>> Adagrad().initial_accumulator_value
    0.1
    """

    slots = (("accumulator",),)

    initial_accumulator_value: float
    epsilon: float

    @extends_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        initial_accumulator_value: NonNegative = 0.1,
        epsilon: Epsilon = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_values = {"accumulator": self.initial_accumulator_value}

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
