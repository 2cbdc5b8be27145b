"""Lion."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn.core import errors
from fastrnn.core.options import extends_options
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.options import Decay, OptimizerOptions
from fastrnn.typing import Array, LearningRateLike


@registry.register("lion")
class Lion(Optimizer):
    """Lion (Chen et al., 2023): steps of one size, the sign of an average.

    The variable loses rate·sign(beta_1·m + (1 - beta_1)·gradient), and then m becomes
    beta_2·m + (1 - beta_2)·gradient.

    Args:
        learning_rate: see ``Optimizer``.
        beta_1: weight of m in the step, above 0.
        beta_2: weight of the old value in m.
        **options: see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Lion
    >>> Lion(beta_1=0.8).beta_1
    0.8
    """

    slots = (("momentum",),)

    beta_1: float
    beta_2: float

    @extends_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        beta_1: Decay = 0.9,
        beta_2: Decay = 0.99,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        if self.beta_1 == 0:
            remedy = "At 0 the steps would ignore m."
            raise ValueError(errors.bad_argument("beta_1", beta_1, "above 0, up to 1", remedy))

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
