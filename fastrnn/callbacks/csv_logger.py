"""CSVLogger."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TextIO

from fastrnn.callbacks.base import Callback, Logs
from fastrnn.core import errors
from fastrnn.formats.atomic import PathLike


class CSVLogger(Callback):
    """Writes the logs of each epoch as a line of a file: the epoch, then the values by name.

    A value that an epoch does not have is ``NA``. Where the first epoch has no validation, columns
    for it are there all the same.

    Args:
        filename: the file.
        separator: what stands between two values.
        append: whether to go on with a file that is there, instead of a new one.

    Raises:
        TypeError: ``filename`` is no path, or ``separator`` no single character.

    >>> from fastrnn.callbacks import CSVLogger
    >>> CSVLogger("training.csv").filename
    'training.csv'
    """

    def __init__(self, filename: PathLike, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        if not isinstance(filename, (str, os.PathLike)):
            raise TypeError(errors.bad_argument("filename", filename, "a path"))
        if not isinstance(separator, str) or len(separator) != 1:
            raise TypeError(errors.bad_argument("separator", separator, "one character"))
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = bool(append)
        self._file: TextIO | None = None
        self._keys: list[str] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Open the file."""
        self._close()
        path = Path(self.filename)
        self._has_header = self.append and path.exists() and path.stat().st_size > 0
        # Lines end as csv writes them, on every system.
        self._file = path.open("a" if self.append else "w", newline="", encoding="utf-8")
        self._keys = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write a line."""
        assert self._file is not None
        logs = logs or {}
        writer = csv.writer(self._file, delimiter=self.sep)
        if self._keys is None:
            self._keys = sorted(logs)
            if not any(key.startswith("val_") for key in self._keys):
                self._keys += [f"val_{key}" for key in self._keys]
            if not self._has_header:
                writer.writerow(["epoch", *self._keys])
        writer.writerow([epoch, *(logs.get(key, "NA") for key in self._keys)])
        self._file.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None
