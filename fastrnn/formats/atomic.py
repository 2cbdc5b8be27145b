"""Writing files as a whole: a crash or a kill in between leaves what was there before."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeAlias

from fastrnn.core import errors

PathLike: TypeAlias = str | os.PathLike[str]


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a file beside ``path``, then put it in its place in one step."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def to_new_path(filepath: PathLike, overwrite: bool) -> Path:
    """Return ``filepath`` as a path that may be written.

    Raises:
        ValueError: it is no path, or that of a file that may not be replaced.
    """
    path = to_path(filepath)
    if not overwrite and path.exists():
        raise ValueError(errors.bad_argument("filepath", str(path), "the name of a new file"))
    return path


def to_path(filepath: PathLike, endings: tuple[str, ...] = ("",)) -> Path:
    """Return ``filepath`` as a path, or raise ``ValueError`` if it is none or ends otherwise."""
    fits = isinstance(filepath, (str, os.PathLike)) and os.fspath(filepath).endswith(endings)
    if not fits or not os.fspath(filepath) or "://" in os.fspath(filepath):
        expected = f"a path that ends in {' or '.join(endings)}" if endings[0] else "a local path"
        raise ValueError(errors.bad_argument("filepath", filepath, expected))
    return Path(filepath)
