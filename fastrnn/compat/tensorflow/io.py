"""`tf.io`: files."""

from __future__ import annotations

import glob
import os
import shutil
from types import SimpleNamespace
from typing import IO, Any

import numpy as np

from fastrnn.compat.tensorflow.names import attributes, gives_tensors
from fastrnn.core.tensor_array import TensorArray
from fastrnn.typing import Array


class GFile:
    """A file, opened when it is first used; ``tf.io.gfile.GFile``.

    >>> GFile("nothing.txt", "r").name
    'nothing.txt'
    """

    def __init__(self, name: str | os.PathLike[str], mode: str = "r") -> None:
        self.name, self.mode = os.fspath(name), mode
        self._file: IO[Any] | None = None

    def _open(self) -> IO[Any]:
        if self._file is None:
            encoding = None if "b" in self.mode else "utf-8"
            self._file = open(self.name, self.mode, encoding=encoding)  # noqa: SIM115 - close() does
        return self._file

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._open(), name)

    def __iter__(self) -> Any:
        yield from self._open()

    def __enter__(self) -> GFile:
        self._open()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _makedirs(path: str) -> None:
    os.makedirs(path, exist_ok=True)


def _copy(src: str, dst: str, overwrite: bool = False) -> None:
    if os.path.exists(dst) and not overwrite:
        raise FileExistsError(dst)
    shutil.copyfile(src, dst)


def _glob(pattern: str | list[str]) -> list[str]:
    patterns = [pattern] if isinstance(pattern, str) else pattern
    return [path for one in patterns for path in sorted(glob.glob(one))]


gfile = SimpleNamespace(
    GFile=GFile,
    Open=GFile,
    copy=_copy,
    exists=os.path.exists,
    glob=_glob,
    isdir=os.path.isdir,
    join=os.path.join,
    listdir=os.listdir,
    makedirs=_makedirs,
    mkdir=os.mkdir,
    remove=os.remove,
    rename=os.replace,
    rmtree=shutil.rmtree,
    stat=os.stat,
    walk=os.walk,
    # As TensorFlow 1 called them.
    Exists=os.path.exists,
    Glob=_glob,
    IsDirectory=os.path.isdir,
    ListDirectory=os.listdir,
    MakeDirs=_makedirs,
    MkDir=os.mkdir,
    Remove=os.remove,
    DeleteRecursively=shutil.rmtree,
)


@gives_tensors
def read_file(filename: Any) -> Array:
    """Return the content of a file, as bytes in an array."""
    with open(str(filename), "rb") as file:
        return np.array(file.read(), object)


def write_file(filename: Any, contents: Any) -> None:
    """Write bytes or text to a file."""
    data = contents.item() if isinstance(contents, TensorArray) else contents
    with open(str(filename), "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)


__getattr__, __dir__ = attributes("io", {}, {})
