"""Optimizer: slots, clipping, decay, constraints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from fastrnn.core import errors
from fastrnn.core.naming import auto_name
from fastrnn.core.options import (
    ConfigOrder,
    Configurable,
    Flag,
    Name,
    NonNegative,
    Positive,
    PositiveInt,
    Share,
    takes_options,
)
from fastrnn.core.registry import Registry
from fastrnn.core.user_warnings import warn
from fastrnn.core.variable import Variable, name_scope
from fastrnn.optimizers import schedules
from fastrnn.optimizers.clipping import Clipping
from fastrnn.optimizers.learning_rate import HasLearningRate
from fastrnn.optimizers.options import AccumulationSteps
from fastrnn.optimizers.state import HasState
from fastrnn.typing import Array, Config, LearningRateLike

registry = Registry("optimizer", "keras.optimizers", any_case=True)


class Optimizer(Configurable, HasLearningRate, HasState):
    """Changes variables in place, by their gradients.

    A subclass names its slots, arrays that it keeps for each variable, and implements ``update``.

    Args:
        learning_rate: a number, a schedule (see ``fastrnn.optimizers.schedules``), or a function
            of the number of batches so far.
        weight_decay: share of each weight, times the learning rate, taken off at each update.
        clipnorm: each gradient is scaled down to at most this norm.
        clipvalue: entries of gradients are cut off at plus and minus this.
        global_clipnorm: all gradients together are scaled down to at most this norm.
        use_ema: whether to keep a moving average of the variables, in which the old value has the
            weight ``ema_momentum``. ``finalize_variable_values``, which ``fit`` calls at its end,
            puts it in the place of the variables.
        ema_momentum: from 0 to 1.
        ema_overwrite_frequency: the average takes the variables' place after each so many updates
            too; ``None`` is never.
        loss_scale_factor: ``apply`` divides gradients by it first: they are those of
            ``scale_loss(loss)``.
        gradient_accumulation_steps: number of batches, 2 or more, whose mean gradient makes one
            update; ``None`` updates after each.
        name: name of the optimizer.

    Raises:
        ValueError: an argument is unknown or out of range, or more than one clips.
    """

    # Names of the arrays kept for each variable, of its shape. `variables` lists them group by
    # group. They start at 0, or at what `initial_values` says.
    slots: tuple[tuple[str, ...], ...] = ()
    initial_values: Mapping[str, float] = MappingProxyType({})

    loss_scale_factor: float | None
    weight_decay: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    gradient_accumulation_steps: int | None
    config_order: ClassVar[ConfigOrder] = (
        "name",
        "learning_rate",
        "weight_decay",
        "clipnorm",
        "global_clipnorm",
    )

    @takes_options
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        weight_decay: NonNegative | None = None,
        clipnorm: Positive | None = None,
        clipvalue: Positive | None = None,
        global_clipnorm: Positive | None = None,
        use_ema: Flag = False,
        ema_momentum: Share = 0.99,
        ema_overwrite_frequency: PositiveInt | None = None,
        loss_scale_factor: Positive | None = None,
        gradient_accumulation_steps: AccumulationSteps | None = None,
        name: Name | None = None,
        **kwargs: Any,
    ) -> None:
        self._time_decay = self._take_time_decay(kwargs, learning_rate)
        if kwargs:
            raise ValueError(errors.unknown_arguments(type(self).__name__, kwargs))
        self._clip = Clipping(clipnorm, clipvalue, global_clipnorm)
        self.name = auto_name(type(self).__name__) if name is None else name
        with name_scope(self.name):
            self._iterations = Variable(np.int32(0), name="iteration", trainable=False)
            self._make_learning_rate(learning_rate)
        self._known: list[Variable] = []
        self._slots: dict[int, dict[str, Variable]] = {}
        self._scratch: dict[str, Array] = {}
        self._not_decayed: set[int] = set()
        self._not_decayed_names: re.Pattern[str] | None = None

    @property
    def iterations(self) -> Variable | int:
        """The number of updates so far."""
        return self._updates if self.gradient_accumulation_steps else self._iterations

    @property
    def _updates(self) -> int:
        return int(self._iterations) // (self.gradient_accumulation_steps or 1)

    @property
    def built(self) -> bool:
        """Whether the slots are there."""
        return bool(self._known)

    @property
    def variables(self) -> list[Variable]:
        """Iteration, learning rate (but for a schedule), then the slots.

        Those of all optimizers come first, averages and sums of gradients; then in each group of
        ``slots`` variable by variable.
        """
        slots = [
            self._slots[id(v)][name]
            for group in self._all_slots
            for v in self._known
            for name in group
            if name in self._slots[id(v)]
        ]
        rate = [self._learning_rate] if self._has_constant_rate else []
        return [self._iterations, *rate, *slots, *self._scalars]

    @property
    def _all_slots(self) -> tuple[tuple[str, ...], ...]:
        average = (("average",),) if self.use_ema else ()
        summed = (("gradient_accumulator",),) if self.gradient_accumulation_steps else ()
        return (*average, *summed, *self.slots)

    @property
    def _scalars(self) -> list[Variable]:
        """What a subclass keeps for all variables together, last in ``variables``."""
        return []

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots for ``variables``; the first ``apply`` does it otherwise."""
        if self.built:
            return
        self._known = list(variables)
        with name_scope(self.name):
            for variable in self._known:
                made = {
                    name: self.new_slot(variable, name)
                    for group in self._all_slots
                    for name in group
                }
                self._slots[id(variable)] = {
                    k: slot for k, slot in made.items() if slot is not None
                }

    def __getstate__(self) -> dict[str, Any]:
        slots = [self._slots.get(id(variable)) for variable in self._known]
        not_decayed = [id(variable) in self._not_decayed for variable in self._known]
        return {**self.__dict__, "_slots": slots, "_not_decayed": not_decayed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # Copied variables have other ids.
        ids = [id(variable) for variable in self._known]
        pairs = zip(ids, state["_slots"], strict=True)
        self._slots = {key: slots for key, slots in pairs if slots is not None}
        self._not_decayed = {
            key for key, is_kept in zip(ids, state["_not_decayed"], strict=True) if is_kept
        }

    def new_slot(self, variable: Variable, name: str) -> Variable | None:
        """Return the slot of this name for a variable, or ``None`` where it needs none."""
        value = np.full_like(variable.value, self.initial_values.get(name, 0))
        path = f"{variable.path.replace('/', '_')}_{name}"
        return Variable(value, name=path, trainable=False)

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Leave variables out of weight decay; a second call forgets the first.

        Args:
            var_list: the variables.
            var_names: regular expressions; each variable in whose name one is found is left out.

        Raises:
            ValueError: the optimizer is built already.

        >>> from fastrnn.optimizers import AdamW
        >>> AdamW().exclude_from_weight_decay(var_names=["bias"])
        """
        if self.built:
            raise ValueError(
                "`exclude_from_weight_decay` must be called before the optimizer is built, which "
                "the first update does."
            )
        self._not_decayed = {id(variable) for variable in var_list or ()}
        names = list(var_names or ())
        self._not_decayed_names = re.compile("|".join(names)) if names else None

    def apply(
        self, gradients: Sequence[Array], variables: Sequence[Variable] | None = None
    ) -> None:
        """Update ``variables`` by ``gradients``, one each, then apply their constraints.

        Raises:
            ValueError: the numbers or shapes do not fit, there is no gradient at all, or the
                optimizer was built for other variables. Nothing is changed then.
        """
        variables = self._known if variables is None else list(variables)
        if len(gradients) != len(variables):
            raise ValueError(
                errors.bad_argument(
                    "gradients", f"{len(gradients)} arrays", f"{len(variables)} arrays"
                )
            )
        every = variables
        if any(gradient is None for gradient in gradients):
            gradients, variables = _with_gradients(gradients, variables)
        for gradient, variable in zip(gradients, variables, strict=True):
            if np.shape(gradient) != variable.shape:
                expected = f"{variable.shape}, that of {variable.path!r}"
                raise ValueError(errors.bad_shape("gradients", np.shape(gradient), expected))
        self.build(every)
        self._check_known("variables", variables)
        if self.loss_scale_factor is not None:
            gradients = [gradient / self.loss_scale_factor for gradient in gradients]
        if self._accumulate(gradients, variables):
            self._update_all(self._clip(self._mean_gradients(gradients, variables)), variables)
        if self.use_ema:
            self._average()
        for variable in variables:
            if variable.constraint is not None:
                variable.value[...] = variable.constraint(variable.value)
        self._iterations.value += 1

    def scale_loss(self, loss: float) -> float:
        """Return the loss times ``loss_scale_factor``; ``apply`` takes the gradients of that."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def _update_all(self, gradients: Sequence[Array], variables: Sequence[Variable]) -> None:
        rate = self._rate_of_update()
        self.begin_update()
        for gradient, variable in zip(gradients, variables, strict=True):
            decay = self.decay_of(variable)
            if decay and self._decays(variable):
                variable.value *= 1 - decay * rate
            self.update(gradient, variable, rate, **self._arrays(variable))

    def _accumulate(self, gradients: Sequence[Array], variables: Sequence[Variable]) -> bool:
        """Add up gradients, if asked for; return whether it is time for an update."""
        steps = self.gradient_accumulation_steps
        if not steps:
            return True
        for gradient, variable in zip(gradients, variables, strict=True):
            self._slots[id(variable)]["gradient_accumulator"].value += gradient
        return (int(self._iterations) + 1) % steps == 0

    def _mean_gradients(
        self, gradients: Sequence[Array], variables: Sequence[Variable]
    ) -> Sequence[Array]:
        """Return the gradients of an update; sums of several batches start anew."""
        steps = self.gradient_accumulation_steps
        if not steps:
            return gradients
        sums = [self._slots[id(variable)]["gradient_accumulator"].value for variable in variables]
        means = [total / steps for total in sums]
        for total in sums:
            total[...] = 0
        return means

    def decay_of(self, variable: Variable) -> float | None:
        """Return the weight decay of a variable, if it is not left out."""
        return self.weight_decay

    def _decays(self, variable: Variable) -> bool:
        names = self._not_decayed_names
        excluded = names is not None and names.search(variable.name) is not None
        return not excluded and id(variable) not in self._not_decayed

    def _average(self) -> None:
        """Move the averages; let them take the variables' place where it is time for that."""
        updates = self._updates
        for variable in self._known:
            average = self._slots[id(variable)]["average"].value
            if updates == 0:  # nothing to average with
                average[...] = variable.value
                continue
            change = np.subtract(variable.value, average, out=self.scratch(average))
            change *= 1 - self.ema_momentum
            average += change
        frequency = self.ema_overwrite_frequency
        if frequency and (updates + 1) % frequency == 0:
            self.finalize_variable_values(self._known)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Put the averages in the place of ``var_list``; without ``use_ema``, do nothing.

        Raises:
            ValueError: the optimizer was built for other variables.
        """
        if not self.use_ema or not self.built:
            return
        self._check_known("var_list", var_list)
        for variable in var_list:
            variable.value[...] = self._slots[id(variable)]["average"].value

    def averages(self) -> list[tuple[Variable, Variable]]:
        """Return each variable and its average; none without ``use_ema``, or before the build."""
        if not self.use_ema:
            return []
        return [(variable, self._slots[id(variable)]["average"]) for variable in self._known]

    def _check_known(self, argument: str, variables: Sequence[Variable]) -> None:
        unknown = [v.path for v in variables if id(v) not in self._slots]
        if unknown:
            expected = "those that the optimizer was built for"
            remedy = "Use a new optimizer for another model."
            raise ValueError(errors.bad_argument(argument, unknown, expected, remedy))

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Array, Variable]]) -> Variable:
        """Update by pairs of a gradient and a variable; return ``iterations``."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def begin_update(self) -> None:
        """Prepare the updates of all variables: called once before them."""

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

    def get_config(self) -> Config:
        """Return the constructor arguments, the learning rate as it is now."""
        return {**super().get_config(), "learning_rate": self._rate_as_data()}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make an optimizer from what ``get_config`` returned."""
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            config = {**config, "learning_rate": schedules.deserialize(rate)}
        return cls(**config)


def _with_gradients(
    gradients: Sequence[Array | None], variables: Sequence[Variable]
) -> tuple[list[Array], list[Variable]]:
    """Leave out the variables that nothing depends on, with a warning."""
    pairs = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
    if not pairs:
        raise ValueError("No gradients provided for any variable.")
    missing = [v.path for g, v in zip(gradients, variables, strict=True) if g is None]
    warn(f"Gradients do not exist for variables {missing}: they are left as they are.")
    return [g for g, _ in pairs], [v for _, v in pairs]
