"""ModelCheckpoint."""

from __future__ import annotations

import os
from typing import Any

from fastrnn.callbacks.base import Logs
from fastrnn.callbacks.monitor import MonitorCallback
from fastrnn.callbacks.old_logs import name_in
from fastrnn.core import errors
from fastrnn.core.checks import to_number, to_positive_int
from fastrnn.core.user_warnings import deprecated
from fastrnn.formats.atomic import PathLike, to_path
from fastrnn.formats.file_kinds import kind_of_model, kind_of_weights


class ModelCheckpoint(MonitorCallback):
    """Saves the model after each epoch, or after each so many batches.

    Args:
        filepath: path as ``Model.save`` takes it, for weights alone ``Model.save_weights``;
            ``{epoch}`` (from 1), ``{batch}`` (from 1, where batches are counted) and names of
            the logs in it are filled in.
        monitor: name in the logs.
        verbose: 1 says so.
        save_best_only: whether the model is saved only when the value is better than ever.
        save_weights_only: whether the weights are saved alone, not the whole model with its
            optimizer.
        mode: ``"min"`` if less is better, ``"max"`` if more is; ``"auto"`` tells by the metric.
        save_freq: ``"epoch"``, or a number of batches, counted across epochs.
        initial_value_threshold: the value to be better than at first; ``None`` is none.
        period: of Keras 2: save after each so many epochs, with a warning.

    Raises:
        ValueError: an argument is out of range; when the model is saved, if ``filepath`` has names
            that the logs do not have.

    >>> from fastrnn.callbacks import ModelCheckpoint
    >>> ModelCheckpoint("best.weights.npz", save_best_only=True, save_weights_only=True).save_freq
    'epoch'
    """

    def __init__(
        self,
        filepath: PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None,
        *,
        period: int | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        to_path(filepath)
        (kind_of_weights if save_weights_only else kind_of_model)(filepath)
        if period is not None:
            deprecated("ModelCheckpoint(period=…)", "ModelCheckpoint(save_freq=batches)")
        self.period = 1 if period is None else to_positive_int("period", period)
        if save_freq != "epoch":
            to_positive_int("save_freq", save_freq)
        if initial_value_threshold is not None:
            to_number("initial_value_threshold", initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = bool(save_best_only)
        self.save_weights_only = bool(save_weights_only)
        self.save_freq = save_freq
        self.best = initial_value_threshold
        self._batches = 0
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Take note of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Save, if batches are counted and it is time."""
        self._batches += 1
        if self.save_freq != "epoch" and self._batches >= int(self.save_freq):
            self._batches = 0
            self._save({"batch": batch + 1, **(logs or {})}, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Save, if epochs are counted."""
        if self.save_freq == "epoch" and (epoch + 1) % self.period == 0:
            self._save(logs or {}, logs)

    def _save(self, names: dict[str, Any], logs: Logs) -> None:
        try:
            path = self.filepath.format_map(_Names({"epoch": self._epoch + 1, **names}))
        except KeyError as error:
            expected = f"names among epoch, {', '.join(names)}"
            raise ValueError(errors.bad_argument("filepath", self.filepath, expected)) from error
        if self.save_best_only and not self._is_best(logs):
            return
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if self.verbose:
            what = "weights are" if self.save_weights_only else "model is"
            print(f"Epoch {self._epoch + 1}: the {what} saved to {path}.")

    def _is_best(self, logs: Logs) -> bool:
        current = self._current(logs)
        if current is None:  # as Keras: better saved than lost
            return True
        if not self._is_better(current, self.best):
            return False
        self.best = current
        return True


class _Names(dict[str, Any]):
    """The logs, also under the names that earlier versions of Keras had for them."""

    def __missing__(self, name: str) -> Any:
        found = name_in(self, name)
        if found == name:
            raise KeyError(name)
        return self[found]
