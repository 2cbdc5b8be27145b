"""LossScaleOptimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import to_number, to_positive_int
from fastrnn.core.variable import Variable, name_scope
from fastrnn.optimizers.base import Optimizer, registry

Array = npt.NDArray[Any]

# Options that belong to the optimizer inside; here they are accepted at these values.
_INNER_OPTIONS = {
    "weight_decay": None, "clipnorm": None, "global_clipnorm": None, "clipvalue": None,
    "use_ema": False, "ema_momentum": 0.99, "ema_overwrite_frequency": None,
    "loss_scale_factor": None, "gradient_accumulation_steps": None,
}  # fmt: skip


@registry.register("lossscaleoptimizer")
class LossScaleOptimizer(Optimizer):
    """Another optimizer, for gradients of a loss that is scaled as much as they stay finite.

    The scale doubles after so many updates in a row; where a gradient is infinite or NaN it is
    halved, and nothing else changes. In single and double precision this is of no use but for the
    updates that are left out; scripts for half precision use it.

    Args:
        inner_optimizer: the other optimizer; its ``loss_scale_factor`` is set to ``None``.
        initial_scale: the scale at first.
        dynamic_growth_steps: the number of updates after which it doubles.
        name: name of the optimizer.
        **kwargs: options of the inner optimizer, accepted at their defaults.

    Raises:
        ValueError: an argument is not as described.

    >>> from fastrnn.optimizers import SGD, LossScaleOptimizer
    >>> LossScaleOptimizer(SGD(), initial_scale=8.0).scale_loss(0.5)
    4.0
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(inner_optimizer, Optimizer):
            expected = "an optimizer"
            raise ValueError(errors.bad_argument("inner_optimizer", inner_optimizer, expected))
        options = {"dynamic": True, **_INNER_OPTIONS}
        for argument in [argument for argument in kwargs if argument in options]:
            value = kwargs.pop(argument)
            if value != options[argument]:
                remedy = "Give it to the inner optimizer."
                expected = repr(options[argument])
                raise ValueError(errors.bad_argument(argument, value, expected, remedy))
        super().__init__(0.0, name=name, **kwargs)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = to_number("initial_scale", initial_scale, 0, exclusive=True)
        self.dynamic_growth_steps = to_positive_int("dynamic_growth_steps", dynamic_growth_steps)
        inner_optimizer.loss_scale_factor = None

    @property
    def learning_rate(self) -> Variable:
        """The learning rate of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    @property
    def iterations(self) -> Variable | int:
        """The number of updates so far."""
        return self.inner_optimizer.iterations

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own variables, then those of the inner optimizer."""
        return [*super().variables, *self.inner_optimizer.variables]

    @property
    def _scalars(self) -> list[Variable]:
        return [self._step_counter, self._dynamic_scale] if self.built else []

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the variables of both optimizers."""
        if self.built:
            return
        self.inner_optimizer.build(variables)
        with name_scope(self.name):
            self._step_counter = Variable(np.int32(0), "step_counter", trainable=False)
            scale = np.float32(self.initial_scale)
            self._dynamic_scale = Variable(scale, "dynamic_scale", trainable=False)
        super().build(variables)

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times the scale in force; ``apply`` takes the gradients of that."""
        return loss * (float(self._dynamic_scale) if self.built else self.initial_scale)

    def apply(
        self, gradients: Sequence[Array], variables: Sequence[Variable] | None = None
    ) -> None:
        """Update by the inner optimizer, unless a gradient is infinite or NaN.

        Raises:
            ValueError: as ``Optimizer.apply``.
        """
        self.build(self._known if variables is None else list(variables))
        scale = self._dynamic_scale.value
        if not all(np.isfinite(gradient).all() for gradient in gradients):
            self._step_counter.value[...] = 0
            scale *= 0.5
            return
        factor = float(scale)
        self.inner_optimizer.apply([gradient / factor for gradient in gradients], variables)
        self._step_counter.value += 1
        if self._step_counter.value == self.dynamic_growth_steps:
            self._step_counter.value[...] = 0
            scale *= 2

    def averages(self) -> list[tuple[Variable, Variable]]:
        """Return those of the inner optimizer."""
        return self.inner_optimizer.averages()

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Let the inner optimizer put averages in the place of variables, if it has any."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            "name": self.name,
            "inner_optimizer": registry.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make an optimizer from what ``get_config`` returned."""
        inner = registry.deserialize(config["inner_optimizer"])
        return cls(**{**config, "inner_optimizer": inner})
