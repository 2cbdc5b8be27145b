"""Options of optimizers."""

from __future__ import annotations

from typing import Annotated, TypedDict

from fastrnn.core import errors
from fastrnn.core.checks import to_int, to_number
from fastrnn.core.options import Kind, number
from fastrnn.core.user_warnings import deprecated


class UpdateOptions(TypedDict, total=False):
    """Those of ``Optimizer`` but for the learning rate and the weight decay."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class OptimizerOptions(UpdateOptions, total=False):
    """Those of ``Optimizer`` but for the learning rate."""

    weight_decay: float | None


def _to_decay(argument: str, value: object) -> float:
    rate = to_number(argument, value, 0, 1)
    # At 1 the averages would stay 0, and the bias correction divide by 0.
    if rate == 1:
        raise ValueError(errors.bad_argument(argument, value, "a number from 0 to below 1"))
    return rate


def _to_steps(argument: str, value: object) -> int:
    steps = to_int(argument, value)
    to_number(argument, steps, 0)
    return steps


def _to_accumulation_steps(argument: str, value: object) -> int:
    steps = to_int(argument, value)
    if steps < 2:
        raise ValueError(errors.bad_argument(argument, value, "an integer, 2 or more, or None"))
    return steps


def _to_epsilon(argument: str, value: object) -> float:
    if value is None:  # the default of Keras 2, as scripts copied it
        deprecated(f"{argument}=None", f"{argument}={_EPSILON}")
        return _EPSILON
    return to_number(argument, value, 0)


_EPSILON = 1e-7
# The weight of the old value in a moving average, and a number of steps.
Decay = Annotated[float, Kind(_to_decay)]
Steps = Annotated[int, Kind(_to_steps)]
AccumulationSteps = Annotated[int, Kind(_to_accumulation_steps)]
NonPositive = Annotated[float, number(most=0)]
# What keeps a divisor above 0.
Epsilon = Annotated[float, Kind(_to_epsilon)]
