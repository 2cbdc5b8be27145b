"""Adam."""

from __future__ import annotations

import math
from typing import Unpack

import numpy as np

from fastrnn.core.options import Flag, NonNegative, extends_options
from fastrnn.core.variable import Variable
from fastrnn.engines.dispatch import adam
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.options import Decay, Epsilon, OptimizerOptions, UpdateOptions
from fastrnn.typing import Array, LearningRateLike


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

    slots: tuple[tuple[str, ...], ...] = (("momentum", "velocity"),)

    beta_1: float
    beta_2: float
    epsilon: float
    amsgrad: bool

    @extends_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        beta_1: Decay = 0.9,
        beta_2: Decay = 0.999,
        epsilon: Epsilon = 1e-7,
        amsgrad: Flag = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        if self.amsgrad:
            self.slots = (*self.slots, ("velocity_hat",))

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        t = self._updates + 1
        adam(
            variable.value,
            gradient,
            slots["momentum"],
            slots["velocity"],
            slots.get("velocity_hat"),
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            alpha=rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t),
        )


class AdamOptions(UpdateOptions, total=False):
    """The options of ``Adam`` but for the learning rate and the weight decay."""

    beta_1: float
    beta_2: float
    epsilon: float
    amsgrad: bool


@registry.register("adamw")
class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2017).

    Args:
        learning_rate: see ``Optimizer``.
        weight_decay: share of each weight, times the learning rate, taken off at each update.
        **options: see ``Adam``.

    Raises:
        ValueError: an argument is out of range, or ``weight_decay`` is ``None``.

    >>> from fastrnn.optimizers import AdamW
    >>> AdamW().weight_decay
    0.004
    """

    @extends_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        weight_decay: NonNegative = 0.004,
        **options: Unpack[AdamOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **options)


def move_averages(
    gradient: Array, m: Array, v: Array, beta_1: float, beta_2: float, scratch: Array
) -> None:
    """Move m towards the gradient and v towards its square."""
    np.subtract(gradient, m, out=scratch)
    scratch *= 1 - beta_1
    m += scratch
    np.multiply(gradient, gradient, out=scratch)
    scratch -= v
    scratch *= 1 - beta_2
    v += scratch
