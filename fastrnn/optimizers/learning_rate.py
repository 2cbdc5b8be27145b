"""HasLearningRate: the learning rate of an optimizer: a number, a schedule or a decay."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_number
from fastrnn.core.user_warnings import deprecated
from fastrnn.core.variable import Variable
from fastrnn.optimizers import schedules
from fastrnn.typing import LearningRateLike


class HasLearningRate:
    """An optimizer with a learning rate, which may depend on the number of updates."""

    _iterations: Variable
    _schedule: Callable[[int], float] | None = None
    _time_decay = 0.0

    @property
    def _updates(self) -> int:
        """The number of updates so far."""
        raise NotImplementedError

    def _make_learning_rate(self, rate: LearningRateLike) -> None:
        self._learning_rate = Variable(np.float32(0.001), name="learning_rate", trainable=False)
        self._take_rate(rate)

    @property
    def _has_constant_rate(self) -> bool:
        return self._schedule is None and not self._time_decay

    def _rate_of_update(self) -> float:
        return float(self.learning_rate) / (1 + self._time_decay * self._updates)

    def _rate_as_data(self) -> Any:
        """Return the rate as it is now, for a configuration."""
        number = float(self._learning_rate)
        decayed = schedules.InverseTimeDecay(number, 1, self._time_decay)
        return schedules.serialize(self._schedule or (decayed if self._time_decay else number))

    def _take_time_decay(self, kwargs: dict[str, Any], rate: LearningRateLike | Variable) -> float:
        """Take out ``decay`` of Keras 2: each update divides the rate by 1 + decay·updates."""
        decay = kwargs.pop("decay", None)
        if decay is None:
            return 0.0
        schedule = "optimizers.schedules.InverseTimeDecay(rate, 1, decay)"
        deprecated(f"{type(self).__name__}(decay=…)", f"learning_rate={schedule}")
        if decay and callable(rate):
            raise ValueError(errors.bad_argument("decay", decay, "0 beside a schedule"))
        return to_number("decay", decay, 0)

    @property
    def learning_rate(self) -> Variable:
        """The learning rate in force: read it with ``float``; set it by assignment.

        Raises:
            TypeError: a number is set, but the optimizer was made with a schedule.
        """
        if self._schedule is not None:
            self._learning_rate.value[...] = self._schedule(int(self._iterations.value))
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: LearningRateLike | Variable) -> None:
        self._take_rate(value)

    def _take_rate(self, value: LearningRateLike | Variable) -> None:
        if callable(value):
            self._schedule = _of_step(value)
            return
        value = value.value if isinstance(value, Variable) else value
        number = to_number("learning_rate", value, 0)
        if isinstance(self._schedule, schedules.LearningRateSchedule):
            remedy = (
                "This optimizer was created with a `LearningRateSchedule`: make it with a number "
                "to set its learning rate later."
            )
            expected = "a schedule"
            raise TypeError(errors.bad_argument("learning_rate", value, expected, remedy))
        self._schedule = None
        self._learning_rate.value[...] = number


def _of_step(rate: Callable[..., float]) -> Callable[[int], float]:
    """Return a learning rate as a function of the number of updates; Keras's may take nothing."""
    try:
        inspect.signature(rate).bind(0)
    except TypeError:
        return lambda step: rate()
    return rate
