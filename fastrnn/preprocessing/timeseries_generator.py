"""TimeseriesGenerator: windows over a series and the entry behind each, by number of the batch."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_int, to_positive_int
from fastrnn.models.trainer.py_dataset import PyDataset
from fastrnn.typing import Array, Config


class TimeseriesGenerator(PyDataset):
    """Batches of windows over a series; the target of a window is the one at the step behind it.

    Sample i is ``data[i - length : i : sampling_rate], targets[i]``.
    ``utils.timeseries_dataset_from_array`` is Keras's newer way to it.

    Args:
        data: series (timesteps, …).
        targets: as many entries as ``data``.
        length: steps that a window spans.
        sampling_rate: steps between the entries of a window.
        stride: steps between windows.
        start_index, end_index: the part of the series to use; both are in it.
        shuffle: whether each batch is drawn, by NumPy's global generator.
        reverse: whether windows run backwards in time.
        batch_size: windows in a batch; the last one may have fewer.
        **kwargs: those of ``utils.PyDataset``.

    Raises:
        ValueError: lengths differ, or the series is too short for one window.

    >>> import numpy as np
    >>> series = np.arange(6)
    >>> x, y = TimeseriesGenerator(series, series, length=2, batch_size=3)[0]
    >>> x.tolist(), y.tolist()
    ([[0, 1], [1, 2], [2, 3]], [2, 3, 4])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if len(data) != len(targets):
            expected = f"as many entries as `data`, {len(data)}"
            raise ValueError(errors.bad_argument("targets", f"{len(targets)} entries", expected))
        self.data, self.targets = data, targets
        self.length = to_positive_int("length", length)
        self.sampling_rate = to_positive_int("sampling_rate", sampling_rate)
        self.stride = to_positive_int("stride", stride)
        self.batch_size = to_positive_int("batch_size", batch_size)
        self.start_index = to_int("start_index", start_index) + self.length
        self.end_index = len(data) - 1 if end_index is None else to_int("end_index", end_index)
        self.shuffle, self.reverse = shuffle, reverse
        if self.start_index > self.end_index:
            expected = f"at least start_index + length = {self.start_index}"
            remedy = "No step is left behind a window: give more data, or a shorter length."
            raise ValueError(errors.bad_argument("end_index", self.end_index, expected, remedy))
        # Lists and frames become arrays once.
        self._series, self._labels = np.asarray(data), np.asarray(targets)

    def __len__(self) -> int:
        span = self.batch_size * self.stride
        return (self.end_index - self.start_index + span) // span

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        first, last = self.start_index, self.end_index + 1
        if self.shuffle:
            rows = np.random.randint(first, last, size=self.batch_size)  # noqa: NPY002 - as Keras
        else:
            if index < 0:
                index += len(self)
            span = self.batch_size * self.stride
            first += span * index
            rows = np.arange(first, min(first + span, last), self.stride)
        steps = np.arange(-self.length, 0, self.sampling_rate)
        if self.reverse:
            steps = steps[::-1]
        return self._series[rows[:, None] + steps], self._labels[rows]

    def get_config(self) -> Config:
        """Return the arguments; data and targets as JSON, as Keras writes them."""
        names = ("length", "sampling_rate", "stride", "start_index", "end_index", "shuffle")
        return {
            "data": json.dumps(self._series.tolist()),
            "targets": json.dumps(self._labels.tolist()),
            **{name: getattr(self, name) for name in (*names, "reverse", "batch_size")},
        }

    def to_json(self, **kwargs: Any) -> str:
        """Return the configuration as JSON.

        Args:
            **kwargs: for ``json.dumps``.
        """
        config = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(config, **kwargs)
