"""Callbacks that set the learning rate: LearningRateScheduler, ReduceLROnPlateau."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn.callbacks.base import Callback, Logs
from fastrnn.callbacks.monitor import MonitorCallback
from fastrnn.core import errors
from fastrnn.core.checks import to_number
from fastrnn.core.old_keywords import takes_old_keywords


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch; the logs get it as ``learning_rate``.

    Args:
        schedule: function of the epoch, from 0, and the rate in force, or of the epoch alone. It
            returns the rate, a float.
        verbose: 1 prints the rate.

    Raises:
        TypeError: ``schedule`` is no function.
        ValueError: in training, if ``schedule`` returns no float.

    >>> from fastrnn.callbacks import LearningRateScheduler
    >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2)
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(errors.bad_argument("schedule", schedule, "a function"))
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Set the rate."""
        rate = self._rate(epoch, float(self.model.optimizer.learning_rate))
        if not isinstance(rate, (float, np.floating)):
            expected = "a function that returns a float"
            raise ValueError(errors.bad_argument("schedule", rate, expected))
        self.model.optimizer.learning_rate = rate
        if self.verbose:
            print(f"Epoch {epoch + 1}: the learning rate is set to {rate}.")

    def _rate(self, epoch: int, rate: float) -> Any:
        try:
            inspect.signature(self.schedule).bind(epoch, rate)
        except TypeError:
            return self.schedule(epoch)
        return self.schedule(epoch, rate)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Add the rate to the logs."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class ReduceLROnPlateau(MonitorCallback):
    """Lowers the learning rate when a value has not become better for some epochs.

    The logs get the rate as ``learning_rate``.

    Args:
        monitor: name in the logs.
        factor: factor of the rate, below 1.
        patience: number of epochs without a better value before the rate falls.
        verbose: 1 says so.
        mode: ``"min"`` if less is better, ``"max"`` if more is; ``"auto"`` tells by the metric.
        min_delta: a change of this or less is none.
        cooldown: number of epochs after a fall that are not watched.
        min_lr: the lowest rate.

    Raises:
        ValueError: an argument is unknown or out of range.

    >>> from fastrnn.callbacks import ReduceLROnPlateau
    >>> ReduceLROnPlateau(factor=0.5).factor
    0.5
    """

    @takes_old_keywords
    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 0.0001,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise ValueError(errors.unknown_arguments(type(self).__name__, kwargs))
        super().__init__(monitor, mode, min_delta)
        self.factor = to_number("factor", factor, 0, 1)
        if self.factor == 1:
            raise ValueError(errors.bad_argument("factor", factor, "a number from 0 to below 1"))
        to_number("patience", patience, 0)
        self.patience = patience
        self.verbose = verbose
        to_number("cooldown", cooldown, 0)
        self.cooldown = cooldown
        self.min_lr = to_number("min_lr", min_lr, 0)
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forget the last training."""
        self.best, self.wait, self.cooldown_counter = None, 0, 0

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Compare the value with the best one so far."""
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        current = self._current(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_better(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0

    def _reduce(self, epoch: int) -> bool:
        """Lower the rate; return whether it was above its least value."""
        rate = float(self.model.optimizer.learning_rate)
        if rate <= np.float32(self.min_lr):
            return False
        rate = max(rate * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = rate
        if self.verbose:
            print(
                f"Epoch {epoch + 1}: no better {self.monitor}, the learning rate falls to {rate}."
            )
        return True

    def in_cooldown(self) -> bool:
        """Return whether the last fall is too short ago to watch."""
        return self.cooldown_counter > 0
