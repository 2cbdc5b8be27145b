"""LossScaleOptimizer."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.options import Kind, Positive, PositiveInt, takes_options
from fastrnn.core.variable import Variable, name_scope
from fastrnn.optimizers.base import Optimizer, registry
from fastrnn.typing import Array, Config, LearningRateLike


def _to_optimizer(argument: str, value: object) -> Optimizer:
    found = registry.deserialize(value) if isinstance(value, dict) else value
    if not isinstance(found, Optimizer):
        raise ValueError(errors.bad_argument(argument, value, "an optimizer"))
    return found


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

    inner_optimizer: Optimizer
    initial_scale: float
    dynamic_growth_steps: int

    @takes_options
    def __init__(
        self,
        inner_optimizer: Annotated[Optimizer, Kind(_to_optimizer, registry.serialize)],
        initial_scale: Positive = 2.0**15,
        dynamic_growth_steps: PositiveInt = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        defaults = inspect.signature(Optimizer).parameters
        for argument in [n for n in kwargs if n in defaults or n == "dynamic"]:
            value = kwargs.pop(argument)
            default = True if argument == "dynamic" else defaults[argument].default
            if value != default:
                remedy = "Set it on the `inner_optimizer`."
                raise ValueError(errors.bad_argument(argument, value, repr(default), remedy))
        super().__init__(0.0, name=name, **kwargs)
        inner_optimizer.loss_scale_factor = None

    @property
    def learning_rate(self) -> Variable:
        """The learning rate of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: LearningRateLike | Variable) -> None:
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
            self._step_counter = Variable(np.int32(0), name="step_counter", trainable=False)
            scale = np.float32(self.initial_scale)
            self._dynamic_scale = Variable(scale, name="dynamic_scale", trainable=False)
        super().build(variables)

    def scale_loss(self, loss: float) -> float:
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

    def get_config(self) -> Config:
        """Return the constructor arguments."""
        names = ("name", "inner_optimizer", "initial_scale", "dynamic_growth_steps")
        config = super().get_config()
        return {name: config[name] for name in names}
