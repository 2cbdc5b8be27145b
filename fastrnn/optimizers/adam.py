"""Adam."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fastrnn.layers.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry

Array = npt.NDArray[Any]


@registry.register()
class Adam(Optimizer):
    """Adam (Kingma and Ba, 2014), the bias correction folded into the rate, as Keras has it.

    m and v are moving averages of the gradient and of its square; the variable loses
    alpha·m / (sqrt(v) + epsilon) with alpha = rate·sqrt(1 - beta_2^t) / (1 - beta_1^t).

    Args:
        learning_rate: see ``Optimizer``.
        beta_1, beta_2: weights of the old values in the averages.
        epsilon: stands outside the square root.
        amsgrad: whether the largest v so far takes the place of v (Reddi et al., 2018).
        **options: see ``Optimizer``.

    >>> from fastrnn.optimizers import Adam
    >>> Adam(clipnorm=1.0).clipnorm
    1.0
    """

    slots: ClassVar[tuple[str, ...]] = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **{"name": "adam", **options})
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad
        if amsgrad:
            self.slots = ("momentum", "velocity", "velocity_hat")  # type: ignore[misc]

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        m, v = slots["momentum"], slots["velocity"]
        t = int(self._iterations.value) + 1
        alpha = rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        change = self.scratch(variable.value)
        np.subtract(gradient, m, out=change)
        change *= 1 - self.beta_1
        m += change
        np.multiply(gradient, gradient, out=change)
        change -= v
        change *= 1 - self.beta_2
        v += change
        if self.amsgrad:
            v = np.maximum(slots["velocity_hat"], v, out=slots["velocity_hat"])
        np.sqrt(v, out=change)
        change += self.epsilon
        np.divide(m, change, out=change)
        change *= alpha
        variable.value -= change

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }
