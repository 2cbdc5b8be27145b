"""SGD."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core.checks import to_number
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry

Array = npt.NDArray[Any]


@registry.register()
class SGD(Optimizer):
    """Gradient descent, with momentum if asked for.

    velocity = momentum·velocity - rate·gradient; the variable gains velocity, or with ``nesterov``
    momentum·velocity - rate·gradient (Nesterov, 1983; Sutskever et al., 2013).

    Args:
        learning_rate: see ``Optimizer``.
        momentum: from 0 to 1.
        nesterov: whether to look ahead.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs:
            see ``Optimizer``.

    >>> from fastrnn.optimizers import SGD
    >>> float(SGD(0.5).learning_rate)
    0.5
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
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
        self.momentum = to_number("momentum", momentum, 0, 1)
        self.nesterov = bool(nesterov)
        self.slots = (("momentum",),) if self.momentum else ()

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        step = np.multiply(gradient, rate, out=self.scratch(variable.value))
        if not self.momentum:
            variable.value -= step
            return
        velocity = slots["momentum"]
        velocity *= self.momentum
        velocity -= step
        if self.nesterov:
            variable.value -= step
            np.multiply(velocity, self.momentum, out=step)
            variable.value += step
        else:
            variable.value += velocity

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
