"""Adam."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import to_number
from fastrnn.core.variable import Variable
from fastrnn.engines.dispatch import adam
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
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs:
            see ``Optimizer``.

    >>> from fastrnn.optimizers import Adam
    >>> Adam(clipnorm=1.0).clipnorm
    1.0
    """

    slots: tuple[tuple[str, ...], ...] = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
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
        self.epsilon = to_number("epsilon", epsilon, 0)
        self.amsgrad = bool(amsgrad)
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

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


@registry.register("adamw")
class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2017).

    Args:
        learning_rate: see ``Optimizer``.
        weight_decay: share of each weight, times the learning rate, taken off at each update.
        beta_1, beta_2, epsilon, amsgrad: see ``Adam``.
        clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name, **kwargs: see ``Optimizer``.

    Raises:
        ValueError: an argument is out of range, or ``weight_decay`` is ``None``.

    >>> from fastrnn.optimizers import AdamW
    >>> AdamW().weight_decay
    0.004
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
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
        to_number("weight_decay", weight_decay, 0)
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad,
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


def to_decay(argument: str, value: Any) -> float:
    """Return ``value`` as the weight of the old value in an average, from 0 to below 1."""
    number = to_number(argument, value, 0, 1)
    # At 1 the averages would stay 0, and the bias correction divide by 0.
    if number == 1:
        raise ValueError(errors.bad_argument(argument, value, "a number from 0 to below 1"))
    return number
