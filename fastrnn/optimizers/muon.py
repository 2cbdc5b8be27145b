"""Muon."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Unpack

import numpy as np

from fastrnn.core.options import Finite, Flag, NonNegative, Share, extends_options
from fastrnn.core.variable import Variable
from fastrnn.optimizers.adam import move_averages
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.optimizers.options import Decay, Steps, UpdateOptions
from fastrnn.typing import Array, LearningRateLike


@registry.register()
class Muon(Optimizer):
    """Muon (Jordan et al., 2024; Liu et al., 2025): steps that are orthogonal matrices, nearly.

    A matrix loses rate·rms_rate·sqrt(max(rows, columns))·O, where O is nearly the orthogonal matrix
    next to the momentum, by iterations X ← a·X + (b·A + c·A²)·X with A = X·Xᵀ. Other variables,
    those of embeddings, and those of ``exclude_layers`` take the steps of ``AdamW``.

    Args:
        learning_rate: see ``Optimizer``.
        adam_beta_1, adam_beta_2, epsilon: see ``Adam``, for the variables that take its steps.
        adam_weight_decay: ``weight_decay`` of those variables.
        weight_decay, **options: see ``Optimizer``.
        exclude_layers: regular expressions; variables in whose paths one is found are excluded.
        exclude_embeddings: whether variables with "embedding" in their paths are.
        muon_a, muon_b, muon_c: a, b and c of the iterations.
        adam_lr_ratio: factor of the rate for Adam's steps.
        momentum: weight of the old value in the momentum.
        ns_steps: number of iterations.
        nesterov: whether the gradient is added to the momentum once more.
        rms_rate: see above; ``None`` leaves the factors behind the rate out.

    Raises:
        ValueError: an argument is out of range.

    >>> from fastrnn.optimizers import Muon
    >>> Muon(exclude_layers=["output"]).ns_steps
    5
    """

    slots = (("momentum", "velocity"),)

    config_order = (..., "exclude_embeddings", "adam_weight_decay", "rms_rate")
    adam_beta_1: float
    adam_beta_2: float
    adam_weight_decay: float | None
    epsilon: float
    exclude_embeddings: bool
    muon_a: float
    muon_b: float
    muon_c: float
    adam_lr_ratio: float
    momentum: float
    ns_steps: int
    nesterov: bool
    rms_rate: float | None

    @extends_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        adam_beta_1: Decay = 0.9,
        adam_beta_2: Decay = 0.999,
        adam_weight_decay: NonNegative | None = 0.004,
        epsilon: NonNegative = 1e-7,
        weight_decay: NonNegative | None = 0.004,
        *,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: Flag = True,
        muon_a: Finite = 3.4445,
        muon_b: Finite = -4.7750,
        muon_c: Finite = 2.0315,
        adam_lr_ratio: NonNegative = 1,
        momentum: Share = 0.95,
        ns_steps: Steps = 5,
        nesterov: Flag = True,
        rms_rate: NonNegative | None = 0.2,
        **options: Unpack[UpdateOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay, **options)
        self.exclude_layers = list(exclude_layers or [])

    def takes_adams_steps(self, variable: Variable) -> bool:
        """Whether a variable is no matrix, or excluded."""
        path = variable.path
        if variable.value.ndim != 2 or (self.exclude_embeddings and "embedding" in path.lower()):
            return True
        return any(re.search(pattern, path) for pattern in self.exclude_layers)

    def new_slot(self, variable: Variable, name: str) -> Variable | None:
        """Return the slot; the velocity is Adam's alone."""
        if name == "velocity" and not self.takes_adams_steps(variable):
            return None
        return super().new_slot(variable, name)

    def decay_of(self, variable: Variable) -> float | None:
        """Return the weight decay of a variable."""
        adam = self.takes_adams_steps(variable)
        return self.adam_weight_decay if adam else self.weight_decay

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Take one step."""
        m = slots["momentum"]
        if "velocity" in slots:
            self._adam_step(gradient, variable, rate * self.adam_lr_ratio, m, slots["velocity"])
            return
        m *= self.momentum
        m += gradient
        step = self.orthogonal(gradient + self.momentum * m if self.nesterov else m)
        if self.rms_rate is not None:
            rate *= self.rms_rate * math.sqrt(max(step.shape))
        variable.value -= rate * step

    def _adam_step(
        self, gradient: Array, variable: Variable, rate: float, m: Array, v: Array
    ) -> None:
        t = self._updates + 1
        rate *= math.sqrt(1 - self.adam_beta_2**t) / (1 - self.adam_beta_1**t)
        change = self.scratch(variable.value)
        move_averages(gradient, m, v, self.adam_beta_1, self.adam_beta_2, change)
        variable.value -= rate * m / (np.sqrt(v) + self.epsilon)

    def orthogonal(self, x: Array) -> Array:
        """Return the matrix near the orthogonal one that is next to ``x``."""
        wide = x.shape[0] <= x.shape[1]
        y = x if wide else x.T
        y = y / (np.linalg.norm(y) + 1e-7)
        for _ in range(self.ns_steps):
            a = y @ y.T
            y = self.muon_a * y + (self.muon_b * a + self.muon_c * (a @ a)) @ y
        return y if wide else y.T
