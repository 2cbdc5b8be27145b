"""timeseries_dataset_from_array."""

from __future__ import annotations

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_positive_int, to_real_array
from fastrnn.data.dataset import Dataset
from fastrnn.typing import ArrayLike


def timeseries_dataset_from_array(
    data: ArrayLike,
    targets: ArrayLike | None,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Dataset:
    """Return windows over a series, in batches that ``fit``, ``evaluate`` and ``predict`` take.

    Windows are views of the series until a batch is made of them.

    Window i holds ``data[i], data[i + sampling_rate], …``, of ``sequence_length`` steps, and its
    target is ``targets[i]``; i goes on by ``sequence_stride``.

    Args:
        data: series (timesteps, …).
        targets: array whose entry i belongs to the window that begins at i, or ``None``.
        sequence_length: steps in a window.
        sequence_stride: steps between the beginnings of windows.
        sampling_rate: steps between the entries of a window.
        batch_size: windows in a batch; ``None`` gives single windows.
        shuffle: whether the order is drawn anew at each iteration.
        seed: seed of that order.
        start_index, end_index: the part of ``data`` to use.
        format: ``"tf"`` or ``"grain"``; accepted, the result is the same.

    Raises:
        ValueError: an argument is out of range, or the series is too short for one window.

    >>> import numpy as np
    >>> series = np.arange(6)
    >>> for x, y in timeseries_dataset_from_array(series[:-2], series[2:], sequence_length=2):
    ...     print(x.tolist(), y.tolist())
    [[0, 1], [1, 2], [2, 3]] [2, 3, 4]
    """
    if format not in ("tf", "grain"):
        raise ValueError(errors.not_one_of("format", format, ("tf", "grain")))
    series = to_real_array("data", data)
    if series.ndim == 0 or series.size == 0:
        raise ValueError(errors.bad_shape("data", series.shape, "(timesteps, …)"))
    length = to_positive_int("sequence_length", sequence_length)
    stride = to_positive_int("sequence_stride", sequence_stride)
    rate = to_positive_int("sampling_rate", sampling_rate)
    if batch_size is not None:
        batch_size = to_positive_int("batch_size", batch_size)
    start = _index("start_index", start_index, 0, len(series))
    end = _index("end_index", end_index, len(series), len(series))
    if end <= start:
        raise ValueError(errors.bad_argument("end_index", end, f"more than start_index={start}"))
    part = series[start:end]
    span = (length - 1) * rate + 1
    count = len(part) - span + 1
    labels = None
    if targets is not None:
        whole = to_real_array("targets", targets)
        if whole.ndim == 0:
            raise ValueError(errors.bad_shape("targets", whole.shape, "one entry for each window"))
        labels = whole[start:end]
        count = min(count, len(labels))
    if count <= 0:
        expected = f"at least {span} steps: sequence_length={length}, sampling_rate={rate}"
        raise ValueError(errors.bad_argument("data", f"{len(part)} steps", expected))
    # (windows, …, span) -> (windows, sequence_length, …)
    windows = np.lib.stride_tricks.sliding_window_view(part, span, axis=0)
    windows = np.moveaxis(windows, -1, 1)[:count:stride, ::rate]
    parts = windows if labels is None else (windows, labels[:count:stride])
    dataset = Dataset.from_tensor_slices(parts)
    if shuffle:
        dataset = dataset.shuffle(len(windows), seed)
    return dataset if batch_size is None else dataset.batch(batch_size)


def _index(argument: str, value: int | None, default: int, length: int) -> int:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ValueError(errors.bad_argument(argument, value, "an integer"))
    if not 0 <= value <= length:
        raise ValueError(errors.bad_argument(argument, value, f"an integer from 0 to {length}"))
    return int(value)
