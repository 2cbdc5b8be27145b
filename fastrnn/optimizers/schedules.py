"""Schedules of the learning rate: functions of the number of batches so far.

>>> from fastrnn.optimizers import SGD
>>> optimizer = SGD(ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5))
>>> round(float(optimizer.learning_rate), 6)
0.1
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import Annotated, Self, SupportsFloat, TypeVar

from fastrnn.core import errors
from fastrnn.core.checks import to_number
from fastrnn.core.options import Configurable, Flag, as_given, number, set_defaults, takes_options
from fastrnn.core.registry import Registry
from fastrnn.typing import Config

T = TypeVar("T")

registry = Registry("learning_rate", "keras.optimizers.schedules")
serialize = registry.serialize
deserialize = registry.deserialize


class LearningRateSchedule:
    """Base class: a subclass implements ``__call__`` and ``get_config``."""

    def __call__(self, step: SupportsFloat) -> float:
        """Return the learning rate after ``step`` batches."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `__call__`.")

    def get_config(self) -> Config:
        """Return the constructor arguments."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `get_config`.")

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make a schedule from what ``get_config`` returned."""
        return cls(**config)


# Checked, and kept as they are: configs have integers where integers were given.
NonNegativeAsGiven = Annotated[float, as_given(number(0))]
PositiveAsGiven = Annotated[float, as_given(number(0, exclusive=True))]
FiniteAsGiven = Annotated[float, as_given(number())]


class _BuiltIn(Configurable, LearningRateSchedule):
    """A schedule whose config follows from its constructor."""


class _Decay(_BuiltIn):
    """What schedules share that count in ``decay_steps`` from ``initial_learning_rate``."""

    initial_learning_rate: float
    decay_steps: float

    @takes_options
    def __init__(
        self,
        initial_learning_rate: NonNegativeAsGiven,
        decay_steps: PositiveAsGiven,
        name: str = "",
    ) -> None:
        pass


class _RateDecay(_Decay):
    """What the schedules share that have a ``decay_rate`` and may go in stairs."""

    decay_rate: float
    staircase: bool

    @takes_options
    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: NonNegativeAsGiven,
        staircase: Flag = False,
        name: str = "",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, name)

    def _periods(self, step: SupportsFloat) -> float:
        periods = float(step) / self.decay_steps
        return math.floor(periods) if self.staircase else periods


def _named(cls: type[T]) -> type[T]:
    """Give a schedule its class's name as the default of ``name``."""
    set_defaults(cls, name=cls.__name__)
    return cls


@registry.register()
@_named
class ExponentialDecay(_RateDecay):
    """initial_learning_rate · decay_rate^(step / decay_steps).

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: number of batches, above 0, after which the rate has changed by the factor.
        decay_rate: the factor.
        staircase: whether the exponent is rounded down.
        name: name of the schedule.

    Raises:
        ValueError: an argument is out of range.

    >>> ExponentialDecay(0.8, 10, 0.5)(20)
    0.2
    """

    def __call__(self, step: SupportsFloat) -> float:
        """Return the learning rate after ``step`` batches."""
        return float(self.initial_learning_rate * self.decay_rate ** self._periods(step))


@registry.register()
@_named
class InverseTimeDecay(_RateDecay):
    """initial_learning_rate / (1 + decay_rate · step / decay_steps).

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: number of batches, above 0, in which the divisor grows by ``decay_rate``.
        decay_rate: how much the divisor grows.
        staircase: whether step / decay_steps is rounded down.
        name: name of the schedule.

    Raises:
        ValueError: an argument is out of range.

    >>> InverseTimeDecay(0.8, 10, 0.5)(20)
    0.4
    """

    def __call__(self, step: SupportsFloat) -> float:
        """Return the learning rate after ``step`` batches."""
        return float(self.initial_learning_rate / (1 + self.decay_rate * self._periods(step)))


@registry.register()
class PiecewiseConstantDecay(_BuiltIn):
    """values[k], where k is the number of ``boundaries`` below the step.

    Args:
        boundaries: numbers of batches, increasing.
        values: rates, one more than boundaries.
        name: name of the schedule.

    Raises:
        ValueError: the numbers do not fit, or the boundaries do not increase.

    >>> schedule = PiecewiseConstantDecay([10, 20], [0.1, 0.01, 0.001])
    >>> [schedule(step) for step in (10, 11, 21)]
    [0.1, 0.01, 0.001]
    """

    boundaries: Sequence[float]
    values: Sequence[float]

    @takes_options
    def __init__(
        self,
        boundaries: Sequence[float],
        values: Sequence[float],
        name: str = "PiecewiseConstant",
    ) -> None:
        if len(boundaries) != len(values) - 1:
            expected = f"{len(boundaries) + 1} rates, one more than boundaries"
            raise ValueError(errors.bad_argument("values", values, expected))
        if list(boundaries) != sorted(boundaries):
            raise ValueError(errors.bad_argument("boundaries", boundaries, "increasing numbers"))
        for value in values:
            to_number("values", value, 0)

    def __call__(self, step: SupportsFloat) -> float:
        """Return the learning rate after ``step`` batches."""
        return float(self.values[bisect.bisect_left(self.boundaries, float(step))])


@registry.register()
class PolynomialDecay(_Decay):
    """(initial_learning_rate - end_learning_rate) · (1 - step / decay_steps)^power + the end.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: number of batches, above 0, until the end.
        end_learning_rate: the rate from there on.
        power: exponent.
        cycle: whether the end is put off, each time it is reached, by ``decay_steps``.
        name: name of the schedule.

    Raises:
        ValueError: an argument is out of range.

    >>> PolynomialDecay(0.5, 10, end_learning_rate=0.25)(5)
    0.375
    """

    end_learning_rate: float
    power: float
    cycle: bool

    @takes_options
    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: NonNegativeAsGiven = 0.0001,
        power: FiniteAsGiven = 1.0,
        cycle: Flag = False,
        name: str = "PolynomialDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, name)

    def __call__(self, step: SupportsFloat) -> float:
        """Return the learning rate after ``step`` batches."""
        periods = float(step) / self.decay_steps
        done = periods / max(1, math.ceil(periods)) if self.cycle else min(1.0, periods)
        span = self.initial_learning_rate - self.end_learning_rate
        return float(span * (1 - done) ** self.power + self.end_learning_rate)


@registry.register()
class CosineDecay(_Decay):
    """Half a cosine from the rate down to ``alpha`` times it (Loshchilov and Hutter, 2016).

    With ``warmup_target`` the rate first rises in ``warmup_steps`` batches, in a straight line,
    from ``initial_learning_rate`` to the target, and falls from there.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: number of batches, above 0, from the top to the end.
        alpha: the last rate as a share of the top.
        name: name of the schedule.
        warmup_target: the top; ``None`` starts at it.
        warmup_steps: number of batches until the top.

    Raises:
        ValueError: an argument is out of range.

    >>> CosineDecay(0.0, 10, warmup_target=0.5, warmup_steps=4)(2)
    0.25
    """

    alpha: float
    warmup_target: float | None
    warmup_steps: float

    @takes_options
    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: NonNegativeAsGiven = 0.0,
        name: str = "CosineDecay",
        warmup_target: NonNegativeAsGiven | None = None,
        warmup_steps: NonNegativeAsGiven = 0,
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, name)

    def __call__(self, step: SupportsFloat) -> float:
        """Return the learning rate after ``step`` batches."""
        step, first, top = float(step), self.initial_learning_rate, self.warmup_target
        if top is None:
            top = first
        elif step < self.warmup_steps:
            return float(first + (top - first) * step / self.warmup_steps)
        else:
            step -= self.warmup_steps
        return float(top * _half_cosine(min(1.0, step / self.decay_steps), 1, self.alpha))


@registry.register()
class CosineDecayRestarts(_BuiltIn):
    """Half a cosine again and again (Loshchilov and Hutter, 2016).

    Args:
        initial_learning_rate: the rate at step 0.
        first_decay_steps: number of batches, above 0, of the first period.
        t_mul: factor of the length from each period to the next, 1 or more.
        m_mul: factor of the rate at the start from each period to the next.
        alpha: the lowest rate as a share of ``initial_learning_rate``.
        name: name of the schedule.

    Raises:
        ValueError: an argument is out of range.

    >>> CosineDecayRestarts(0.5, 10)(10)
    0.5
    """

    initial_learning_rate: float
    first_decay_steps: float
    t_mul: float
    m_mul: float
    alpha: float

    @takes_options
    def __init__(
        self,
        initial_learning_rate: NonNegativeAsGiven,
        first_decay_steps: PositiveAsGiven,
        t_mul: Annotated[float, as_given(number(1))] = 2.0,
        m_mul: NonNegativeAsGiven = 1.0,
        alpha: NonNegativeAsGiven = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        pass

    def __call__(self, step: SupportsFloat) -> float:
        """Return the learning rate after ``step`` batches."""
        done = float(step) / self.first_decay_steps
        restarts = math.floor(done)
        if self.t_mul == 1:
            done -= restarts
        else:
            # Periods of length 1, t, t² … end at (t^k - 1) / (t - 1).
            restarts = math.floor(math.log(1 + done * (self.t_mul - 1)) / math.log(self.t_mul))
            length = self.t_mul**restarts
            done = (done - (length - 1) / (self.t_mul - 1)) / length
        return float(
            self.initial_learning_rate * _half_cosine(done, self.m_mul**restarts, self.alpha)
        )


def _half_cosine(done: float, height: float, least: float) -> float:
    """Return the share of the rate when ``done``, from 0 to 1, of a period is over."""
    return (1 - least) * height * 0.5 * (1 + math.cos(math.pi * done)) + least
