"""SGD."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn.core.options import Flag, Share, extends_options
from fastrnn.core.variable import Variable
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.options import OptimizerOptions
from fastrnn.typing import Array, LearningRateLike


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

    momentum: float
    nesterov: bool

    @extends_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.01,
        momentum: Share = 0.0,
        nesterov: Flag = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
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
