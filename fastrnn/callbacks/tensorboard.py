"""TensorBoard: what training reports, where TensorBoard finds it."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fastrnn.callbacks.base import Callback, Logs
from fastrnn.callbacks.summary_writers import SummaryWriter, new_writer
from fastrnn.core import errors
from fastrnn.core.checks import to_int, to_positive_int
from fastrnn.core.old_keywords import takes_old_keywords
from fastrnn.core.user_warnings import warn
from fastrnn.formats.atomic import PathLike

UpdateFreq = int | Literal["epoch", "batch"]


class TensorBoard(Callback):
    """Writes loss, metrics and learning rate of each epoch, and what else is asked for.

    With the extra ``tensorboard``, event files in ``log_dir/train`` and ``log_dir/validation``, as
    Keras writes them; without, lines of JSON in ``scalars.jsonl`` there, one for each number.

    Args:
        log_dir: the folder.
        histogram_freq: histograms of all weights after each so many epochs; 0 for none. They need
            the extra.
        write_graph: whether the description of the model is written, as text.
        write_images: accepted.
        write_steps_per_second: whether batches per second are written.
        update_freq: ``"epoch"``, or after how many batches numbers are written too; ``"batch"``
            is 1.
        profile_batch: accepted as 0; anything else warns: nothing is profiled.
        embeddings_freq: accepted as 0.
        embeddings_metadata: accepted as ``None``.

    Raises:
        ValueError: an argument is out of range, or asks for what is not there.

    >>> from fastrnn.callbacks import TensorBoard
    >>> TensorBoard("logs/run", histogram_freq=1).log_dir
    'logs/run'
    """

    @takes_old_keywords
    def __init__(
        self,
        log_dir: PathLike = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: UpdateFreq = "epoch",
        profile_batch: int | str | tuple[int, int] = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        if embeddings_freq or embeddings_metadata:
            raise ValueError(errors.bad_argument("embeddings_freq", embeddings_freq, "0"))
        if profile_batch not in (0, "0", None):
            warn("TensorBoard profiles nothing here: `profile_batch` has no effect.")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = to_int("histogram_freq", histogram_freq)
        self.write_graph = bool(write_graph)
        self.write_steps_per_second = bool(write_steps_per_second)
        self.update_freq: int | str = "epoch"
        if update_freq != "epoch":
            frequency = 1 if update_freq == "batch" else update_freq
            self.update_freq = to_positive_int("update_freq", frequency)
        self._writers: dict[str, SummaryWriter] = {}
        self._trained, self._training = 0, False  # batches so far, and whether `fit` runs

    def _writer(self, part: str) -> SummaryWriter:
        if part not in self._writers:
            self._writers[part] = new_writer(Path(self.log_dir) / part)
        return self._writers[part]

    # ---- hooks ----

    def on_train_begin(self, logs: Logs = None) -> None:
        """Begin new files."""
        self._trained, self._training = 0, True
        if self.write_graph:
            self._write_description()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Write the numbers of a batch, where it is time."""
        self._trained += 1
        if self.update_freq != "epoch" and self._trained % int(self.update_freq) == 0:
            for name, value in (logs or {}).items():
                self._writer("train").scalar(f"batch_{name}", value, self._trained)

    def on_test_end(self, logs: Logs = None) -> None:
        """Write the numbers of an evaluation, by the number of updates so far."""
        for name, value in (logs or {}).items():
            tag = f"evaluation_{name}_vs_iterations"
            self._writer("validation").scalar(tag, value, self._iterations())
        if not self._training:
            self._close()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Take the time."""
        self._began, self._batches_before = time.perf_counter(), self._trained

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write the numbers of an epoch, and histograms where it is time."""
        numbers = dict(logs or {})
        train, rate = self._writer("train"), self.model.optimizer.learning_rate
        if "learning_rate" not in numbers:
            numbers["learning_rate"] = float(rate)
        if self.write_steps_per_second:
            seconds = max(time.perf_counter() - self._began, 1e-9)
            numbers["steps_per_second"] = (self._trained - self._batches_before) / seconds
        for name, value in numbers.items():
            of_validation = name.startswith("val_")
            writer = self._writer("validation") if of_validation else train
            writer.scalar(f"epoch_{name.removeprefix('val_')}", value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for weight in self.model.weights:
                train.histogram(f"{weight.path}/histogram", weight.value, epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        """Close the files."""
        self._training = False
        self._close()

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _write_description(self) -> None:
        with contextlib.suppress(TypeError, ValueError, NotImplementedError):  # of one's own code
            self._writer("train").text("keras", self.model.to_json(), 0)

    def _iterations(self) -> int:
        optimizer = self.model.optimizer
        return 0 if optimizer is None else int(np.asarray(optimizer.iterations))
