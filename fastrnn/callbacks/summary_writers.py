"""Writers of summaries: event files of TensorBoard, or lines of JSON."""

from __future__ import annotations

import importlib
import json
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fastrnn.core.user_warnings import warn
from fastrnn.typing import Array

_BINS = 30
LINES = "scalars.jsonl"


class SummaryWriter(Protocol):
    """What a folder of summaries takes."""

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """Write one number."""

    def text(self, tag: str, text: str, step: int) -> None:
        """Write a text."""

    def histogram(self, tag: str, values: Array, step: int) -> None:
        """Write how values are distributed."""

    def flush(self) -> None:
        """Let readers see what has been written."""

    def close(self) -> None:
        """Write no more."""


def new_writer(folder: Path) -> SummaryWriter:
    """Return a writer of event files, or of lines where the package tensorboard is not there."""
    try:
        importlib.import_module("tensorboard")
    except ImportError:
        return JsonLines(folder)
    return EventFiles(folder)


class JsonLines:
    """Numbers as lines of JSON: ``step``, ``tag``, ``value`` and ``wall_time``.

    Args:
        folder: where ``scalars.jsonl`` is.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / LINES).open("a", encoding="utf-8")

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """Write a line."""
        line = {"step": step, "tag": tag, "value": float(value), "wall_time": time.time()}
        self._file.write(json.dumps(line) + "\n")

    def text(self, tag: str, text: str, step: int) -> None:
        """Write nothing: the lines are numbers."""

    def histogram(self, tag: str, values: Array, step: int) -> None:
        """Warn that there is none."""
        warn("Histograms need the extra `tensorboard`: pip install 'fastrnn[tensorboard]'.")

    def flush(self) -> None:
        """Write what waits."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class EventFiles:
    """Event files, in the form that TensorBoard's own writers give them.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        writers = importlib.import_module("tensorboard.summary.writer.event_file_writer")
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = writers.EventFileWriter(str(folder))
        self._events = importlib.import_module("tensorboard.compat.proto.event_pb2")
        self._summaries = importlib.import_module("tensorboard.compat.proto.summary_pb2")
        self._tensors = importlib.import_module("tensorboard.util.tensor_util")

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """Write a number, as the plugin of scalars reads it."""
        self._write(tag, "scalars", np.float32(value), step)

    def text(self, tag: str, text: str, step: int) -> None:
        """Write a text."""
        self._write(tag, "text", np.array([text.encode()], dtype=object), step)

    def histogram(self, tag: str, values: Array, step: int) -> None:
        """Write the counts in 30 bins, (bins, 3): from, to, count."""
        counts, edges = np.histogram(values, _BINS)
        bins = np.stack([edges[:-1], edges[1:], counts], axis=1)
        self._write(tag, "histograms", bins, step)

    def _write(self, tag: str, plugin: str, value: Any, step: int) -> None:
        metadata = self._summaries.SummaryMetadata(
            plugin_data={"plugin_name": plugin},
            data_class=self._summaries.DATA_CLASS_SCALAR
            if plugin == "scalars"
            else self._summaries.DATA_CLASS_TENSOR,
        )
        tensor = self._tensors.make_tensor_proto(value)
        entry = self._summaries.Summary.Value(tag=tag, tensor=tensor, metadata=metadata)
        event = self._events.Event(
            wall_time=time.time(), step=step, summary=self._summaries.Summary(value=[entry])
        )
        self._writer.add_event(event)

    def flush(self) -> None:
        """Write what waits."""
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()
