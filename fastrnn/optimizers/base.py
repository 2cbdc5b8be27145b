"""Optimizer: what all optimizers share. Slots, clipping, decay, constraints."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import errors
from fastrnn._registry import Registry
from fastrnn.checks import to_name, to_number
from fastrnn.layers.base import auto_name
from fastrnn.layers.variable import Variable, name_scope

Array = npt.NDArray[Any]
registry = Registry("optimizer", "keras.optimizers")


class Optimizer:
    """Changes variables in place, by their gradients.

    A subclass names its slots, arrays that it keeps for each variable, and implements ``update``.

    Args:
        learning_rate: a number, or a function of the number of updates so far.
        weight_decay: share of each weight, times the learning rate, taken off at each update.
        clipnorm: each gradient is scaled down to at most this norm.
        clipvalue: entries of gradients are cut off at plus and minus this.
        global_clipnorm: all gradients together are scaled down to at most this norm.
        use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
            gradient_accumulation_steps: accepted at Keras's defaults only.
        name: name of the optimizer.

    Raises:
        ValueError: an argument is unknown or out of range, or more than one clips.
    """

    # Names of the arrays kept for each variable, of its shape, zero at first. `variables` lists
    # them group by group.
    slots: tuple[tuple[str, ...], ...] = ()

    def __init__(
        self,
        learning_rate: Any = 0.001,
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
        if kwargs.pop("decay", None) is not None:
            warnings.warn("Argument `decay` has no effect.", UserWarning, stacklevel=3)
        if kwargs:
            raise ValueError(errors.unknown_arguments(type(self).__name__, kwargs))
        unsupported = {
            "use_ema": use_ema,
            "ema_overwrite_frequency": ema_overwrite_frequency,
            "loss_scale_factor": loss_scale_factor,
            "gradient_accumulation_steps": gradient_accumulation_steps,
        }
        for argument, value in unsupported.items():
            if value:
                raise ValueError(errors.bad_argument(argument, value, "its default"))
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = {argument: value for argument, value in clips.items() if value is not None}
        for argument, value in given.items():
            to_number(argument, value, 0, exclusive=True)
        if len(given) > 1:
            raise ValueError(
                errors.bad_argument(
                    next(iter(given)), sorted(given), "one of the three clip arguments alone"
                )
            )
        self.name = auto_name(type(self).__name__) if name is None else to_name("name", name)
        if weight_decay is not None:
            to_number("weight_decay", weight_decay, 0)
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self._schedule: Callable[[int], float] | None = None
        with name_scope(self.name):
            self._iterations = Variable(np.int32(0), "iteration", trainable=False)
            self._learning_rate = Variable(np.float32(0.001), "learning_rate", trainable=False)
        self.learning_rate = learning_rate
        self._known: list[Variable] = []
        self._slots: dict[int, dict[str, Variable]] = {}
        self._scratch: dict[str, Array] = {}

    @property
    def learning_rate(self) -> Variable:
        """The learning rate in force: read it with ``float``; set it by assignment."""
        if self._schedule is not None:
            self._learning_rate.value[...] = self._schedule(int(self._iterations.value))
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if callable(value):
            self._schedule = value
            return
        value = value.value if isinstance(value, Variable) else value
        number = to_number("learning_rate", value, 0)
        self._schedule = None
        self._learning_rate.value[...] = number

    @property
    def iterations(self) -> Variable:
        """The number of updates so far."""
        return self._iterations

    @property
    def built(self) -> bool:
        """Whether the slots are there."""
        return bool(self._known)

    @property
    def variables(self) -> list[Variable]:
        """Iteration, learning rate, then the slots, in each group variable by variable."""
        slots = [
            self._slots[id(v)][name] for group in self.slots for v in self._known for name in group
        ]
        return [self._iterations, self._learning_rate, *slots]

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots for ``variables``; the first ``apply`` does it otherwise."""
        if self.built:
            return
        self._known = list(variables)
        names = [name for group in self.slots for name in group]
        with name_scope(self.name):
            for variable in self._known:
                path = variable.path.replace("/", "_")
                self._slots[id(variable)] = {
                    name: Variable(np.zeros_like(variable.value), f"{path}_{name}", trainable=False)
                    for name in names
                }

    def apply(
        self, gradients: Sequence[Array], variables: Sequence[Variable] | None = None
    ) -> None:
        """Update ``variables`` by ``gradients``, one each, then apply their constraints.

        Raises:
            ValueError: the numbers or shapes do not fit, or the optimizer was built for other
                variables. Nothing is changed then.
        """
        variables = self._known if variables is None else list(variables)
        if len(gradients) != len(variables):
            raise ValueError(
                errors.bad_argument(
                    "gradients", f"{len(gradients)} arrays", f"{len(variables)} arrays"
                )
            )
        for gradient, variable in zip(gradients, variables, strict=True):
            if np.shape(gradient) != variable.shape:
                expected = f"{variable.shape}, that of {variable.path!r}"
                raise ValueError(errors.bad_shape("gradients", np.shape(gradient), expected))
        self.build(variables)
        unknown = [v.path for v in variables if id(v) not in self._slots]
        if unknown:
            expected = "those that the optimizer was built for"
            remedy = "Use a new optimizer for another model."
            raise ValueError(errors.bad_argument("variables", unknown, expected, remedy))
        rate = float(self.learning_rate)
        for gradient, variable in zip(self._clip(gradients), variables, strict=True):
            if self.weight_decay:
                variable.value *= 1 - self.weight_decay * rate
            self.update(gradient, variable, rate, **self._arrays(variable))
            if variable.constraint is not None:
                variable.value[...] = variable.constraint(variable.value)
        self._iterations.value += 1

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Array, Variable]]) -> Variable:
        """Update by pairs of a gradient and a variable; return ``iterations``."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def update(self, gradient: Array, variable: Variable, rate: float, **slots: Array) -> None:
        """Change ``variable.value`` and the slots in place, for one gradient."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `update`.")

    def scratch(self, like: Array) -> Array:
        """Return an array of the shape of ``like`` to compute in; its contents do not last."""
        buffer = self._scratch.get(like.dtype.char)
        if buffer is None or buffer.size < like.size:
            buffer = self._scratch[like.dtype.char] = np.empty(like.size, like.dtype)
        return buffer[: like.size].reshape(like.shape)

    def _arrays(self, variable: Variable) -> dict[str, Array]:
        return {name: slot.value for name, slot in self._slots[id(variable)].items()}

    def _clip(self, gradients: Sequence[Array]) -> Sequence[Array]:
        if self.clipnorm is not None:
            return [g * _shrink(_norm([g]), self.clipnorm) for g in gradients]
        if self.global_clipnorm is not None:
            factor = _shrink(_norm(gradients), self.global_clipnorm)
            return [g * factor for g in gradients]
        if self.clipvalue is not None:
            return [np.clip(g, -self.clipvalue, self.clipvalue) for g in gradients]
        return gradients

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            "name": self.name,
            "learning_rate": self._schedule or float(self._learning_rate),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make an optimizer from what ``get_config`` returned."""
        return cls(**config)


def _norm(gradients: Sequence[Array]) -> float:
    return float(np.sqrt(sum(float(np.vdot(g, g)) for g in gradients)))


def _shrink(norm: float, most: float) -> float:
    return most / norm if norm > most else (1.0 if np.isfinite(norm) else float("nan"))
