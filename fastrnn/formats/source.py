"""Opening what a model is read from: once, so that what was checked is what is read."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from fastrnn.formats.model_file_error import ModelFileError

Readable = str | os.PathLike[str] | bytes | BinaryIO


@dataclass(frozen=True)
class Source:
    """An open file, its name for messages, and its size in bytes."""

    file: Any
    name: str
    size: int

    def read_at(self, position: int, count: int) -> bytes:
        """Return ``count`` bytes from ``position``; fewer where the file ends before."""
        self.file.seek(position)
        data: bytes = self.file.read(count)
        return data


@contextmanager
def open_source(source: Readable, name: str = "") -> Iterator[Source]:
    """Open a path, bytes or an open binary file for reading; close what was opened here.

    Args:
        source: what to read. An open file is read from its beginning, whatever its position.
        name: what messages call it; the path unless given.

    Raises:
        ModelFileError: ``not_a_file``: a folder, a device or a pipe.
        FileNotFoundError: there is no such file.
    """
    if isinstance(source, bytes):
        yield Source(io.BytesIO(source), name or "bytes", len(source))
    elif isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        name = name or os.path.basename(path)
        if not stat.S_ISREG(os.stat(path).st_mode):  # before opening, which waits for a pipe
            raise ModelFileError("not_a_file", name, "a regular file is expected")
        with open(path, "rb") as file:
            yield Source(file, name, os.fstat(file.fileno()).st_size)
    else:
        size = source.seek(0, os.SEEK_END)
        yield Source(source, name or "file", size)
