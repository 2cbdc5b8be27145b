"""BackupAndRestore."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from fastrnn.callbacks.base import Callback, Logs
from fastrnn.core import errors
from fastrnn.core.checks import to_positive_int
from fastrnn.formats.atomic import PathLike
from fastrnn.formats.training_state import restore_training_state, training_state
from fastrnn.formats.weight_files import read_archive, write_archive


class BackupAndRestore(Callback):
    """Keeps the state of a training in a file, and lets a new ``fit`` go on from there.

    A training that was interrupted, and is started again by the same script, ends with the same
    bits as one that ran through: the state holds weights, the optimizer's variables, states of
    stateful layers, what metrics have seen of the epoch, the place in the data, and the states of
    the generators of fastrnn: dropout, and the order of the samples. What it does not hold is what
    other callbacks remember, and what data of your own draw at random. Let it be the last in the
    list of callbacks, behind those that change the learning rate.

    The file is there as a whole or not at all, whenever the process dies. Data that come from an
    iterator are read up to the place where the training stopped.

    Args:
        backup_dir: the directory of the file ``latest.npz``, of this training alone; it is made if
            need be.
        save_freq: ``"epoch"``; a number of batches, counted across epochs; or ``False`` for never.
        double_checkpoint: whether the state before the last one is kept too, as ``previous.npz``,
            and used when the last one cannot be read.
        delete_checkpoint: whether the files, and the directory if there is nothing else in it, are
            deleted when training is finished.

    Raises:
        ValueError: an argument is not as described; in ``fit``, if the file cannot be read, or
            holds the state of another model, optimizer or data.

    >>> from fastrnn.callbacks import BackupAndRestore
    >>> BackupAndRestore("backup", save_freq=100).save_freq
    100
    """

    def __init__(
        self,
        backup_dir: PathLike,
        save_freq: int | str | bool = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not isinstance(backup_dir, (str, os.PathLike)) or not os.fspath(backup_dir):
            raise ValueError(errors.bad_argument("backup_dir", backup_dir, "a path"))
        if save_freq != "epoch" and save_freq is not False:
            save_freq = to_positive_int("save_freq", save_freq)
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = bool(double_checkpoint)
        self.delete_checkpoint = bool(delete_checkpoint)
        self._batches = 0
        self._latest = Path(self.backup_dir, "latest.npz")
        self._previous = Path(self.backup_dir, "previous.npz")

    def on_train_begin(self, logs: Logs = None) -> None:
        """Go on from the last state, if there is one."""
        self._batches = 0
        paths = [path for path in (self._latest, self._previous) if path.exists()]
        for path in paths:
            try:
                arrays = read_archive(path)
            except (ValueError, OSError) as error:
                if path is not paths[-1]:
                    continue
                expected = "a directory with a file that can be read"
                remedy = f"Delete {path} to begin anew."
                raise ValueError(
                    errors.bad_argument("backup_dir", self.backup_dir, expected, remedy)
                ) from error
            restore_training_state(self.model, arrays)
            return

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Keep the state, if batches are counted and it is time."""
        self._batches += 1
        if self.save_freq not in ("epoch", False) and self._batches >= int(self.save_freq):
            self._batches = 0
            self._save()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Keep the state, if epochs are counted."""
        if self.save_freq == "epoch":
            self._save()

    def on_train_end(self, logs: Logs = None) -> None:
        """Delete the files, if asked for."""
        if self.delete_checkpoint:
            unfinished = self._latest.parent.glob(f".{self._latest.name}.*")  # of killed processes
            for path in (self._latest, self._previous, *unfinished):
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty, or never made
                self._latest.parent.rmdir()

    def _save(self) -> None:
        self._latest.parent.mkdir(parents=True, exist_ok=True)
        if self.double_checkpoint and self._latest.exists():
            self._latest.replace(self._previous)
        write_archive(self._latest, training_state(self.model))
