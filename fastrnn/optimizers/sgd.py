"""SGD."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fastrnn import errors
from fastrnn.layers.variable import Variable
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
        **options: see ``Optimizer``.

    >>> from fastrnn.optimizers import SGD
    >>> float(SGD(0.5).learning_rate)
    0.5
    """

    slots: ClassVar[tuple[str, ...]] = ("momentum",)

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **{"name": "SGD", **options})
        if isinstance(momentum, str) or not 0 <= momentum <= 1:
            raise ValueError(errors.bad_argument("momentum", momentum, "a number from 0 to 1"))
        self.momentum, self.nesterov = momentum, nesterov
        if not momentum:
            self.slots = ()  # type: ignore[misc]

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
