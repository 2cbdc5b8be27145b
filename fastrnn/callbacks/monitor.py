"""Monitoring of one value of the logs; EarlyStopping."""

from __future__ import annotations

import warnings
from typing import Any

from fastrnn import metrics
from fastrnn.callbacks.base import Callback, Logs
from fastrnn.callbacks.old_logs import name_in
from fastrnn.core import errors
from fastrnn.core.checks import to_number
from fastrnn.core.user_warnings import warn

# Metrics of which more is better, by a part of their class names. The others measure errors.
_MORE_IS_BETTER = (
    "Accuracy", "AUC", "Precision", "Recall", "At", "TruePos", "TrueNeg", "IoU", "FBeta", "F1",
    "R2", "CosineSimilarity", "Correlation",
)  # fmt: skip


class MonitorCallback(Callback):
    """Base of the callbacks that ask whether a value of the logs has become better.

    Args:
        monitor: name in the logs.
        mode: ``"min"`` if less is better, ``"max"`` if more is; ``"auto"`` tells by the metric, and
            stands for any other, with a warning.
        min_delta: a change of this or less is none.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, monitor: str, mode: str = "auto", min_delta: float = 0) -> None:
        super().__init__()
        self.monitor = monitor
        if mode not in ("auto", "min", "max"):
            expected = "'auto', 'min' or 'max'"
            warn(errors.bad_argument("mode", mode, expected, "It is taken for 'auto'."))
            mode = "auto"
        self.mode = mode
        self.min_delta = abs(to_number("min_delta", min_delta))
        self.best: float | None = None
        self._sign = 0  # 1 if less is better, -1 if more is; 0 as long as it is not known

    def _current(self, logs: Logs) -> float | None:
        """Return the value watched, or warn that there is none."""
        self.monitor = name_in(logs or {}, self.monitor)
        if self._sign == 0:
            self._sign = self._find_sign()
        value: float | None = (logs or {}).get(self.monitor)
        if value is None:
            warnings.warn(
                f"{type(self).__name__} has nothing to watch: the logs have no `{self.monitor}`, "
                f"but {', '.join(logs or {})}.",
                UserWarning,
                stacklevel=4,
            )
        return value

    def _is_better(self, value: float, than: float | None) -> bool:
        return than is None or self._sign * (than - value) > self.min_delta

    def _find_sign(self) -> int:
        if self.mode != "auto":
            return 1 if self.mode == "min" else -1
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return 1
        for metric in self.model.metrics:
            kind = type(metric).__name__
            if metric.name != name or type(metric) in (metrics.Mean, metrics.Sum):
                continue
            return -1 if any(part in kind for part in _MORE_IS_BETTER) else 1
        remedy = "Pass mode='min' or mode='max'."
        expected = "'loss' or a metric whose better values are known"
        raise ValueError(errors.bad_argument("monitor", self.monitor, expected, remedy))


class EarlyStopping(MonitorCallback):
    """Ends training when a value has not become better for some epochs.

    Args:
        monitor: name in the logs.
        min_delta: a change of this or less is none.
        patience: number of epochs without a better value after which training ends; the first one
            is the best so far, so training does not end there.
        verbose: 1 says so.
        mode: ``"min"`` if less is better, ``"max"`` if more is; ``"auto"`` tells by the metric.
        baseline: better values count only once they are better than this.
        restore_best_weights: whether training ends with the weights of the best epoch, also where
            it was not ended early.
        start_from_epoch: number of epochs, at the start, that are not watched.

    Attributes:
        stopped_epoch: the epoch after which training ended, from 0; 0 if it was not ended.
        best, best_epoch, best_weights: the best value, and where it was.

    Raises:
        ValueError: an argument is out of range; when training begins to be watched, if ``mode`` is
            ``"auto"`` and nothing tells it.

    >>> from fastrnn.callbacks import EarlyStopping
    >>> EarlyStopping("loss", patience=3).patience
    3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        to_number("patience", patience, 0)
        self.patience = patience
        self.verbose = verbose
        self.baseline = None if baseline is None else to_number("baseline", baseline)
        self.restore_best_weights = bool(restore_best_weights)
        to_number("start_from_epoch", start_from_epoch, 0)
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = None
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forget the last training."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Compare the value with the best one so far."""
        current = self._current(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)
        self.wait += 1
        if self._is_better(current, self.best):
            self.best = current
            self._keep(epoch)
            if self.baseline is None or self._is_better(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _keep(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def on_train_end(self, logs: Logs = None) -> None:
        """Put back the best weights, if asked for."""
        if self.stopped_epoch > 0 and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: no better {self.monitor}, training ends.")
        if self.best_weights is not None:
            if self.verbose:
                print(f"The weights of epoch {self.best_epoch + 1}, the best one, are put back.")
            self.model.set_weights(self.best_weights)
