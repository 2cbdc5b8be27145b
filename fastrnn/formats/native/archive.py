"""``.fastrnn``: models in archives whose arrays are NumPy's ``.npy``."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fastrnn.formats import limits
from fastrnn.formats.archive_format import ArchiveFormat
from fastrnn.formats.containers.npy import read_npy, read_npy_header
from fastrnn.formats.containers.zip_archive import Archive, check_names, write_member
from fastrnn.formats.places import Place
from fastrnn.formats.stored import Stored
from fastrnn.typing import Array, Config, DType

FORMAT_VERSION = 1
_SUFFIX = ".npy"


class NpyMember:
    """An array in a member of an archive."""

    def __init__(self, archive: Archive, name: str) -> None:
        self._archive, self._name = archive, name
        self._place = f"{archive.source}, {name}"
        beginning = archive.read(name, limits.NPY_BYTES_BEFORE_VALUES)
        self._header = read_npy_header(beginning, self._place)

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self._header.shape

    @property
    def dtype(self) -> DType:
        """The array's dtype."""
        return self._header.dtype

    def read(self, shape: tuple[int, ...]) -> Array:
        """Return the values, which must have this shape."""
        return read_npy(self._archive.read(self._name), self._place, tuple(shape))


def npy_arrays(archive: Archive) -> dict[str, Stored]:
    """Return the arrays of an archive by their paths."""
    names = [name for name in archive.names if name.endswith(_SUFFIX)]
    return {name.removesuffix(_SUFFIX): NpyMember(archive, name) for name in names}


@contextlib.contextmanager
def _open_arrays(archive: Archive) -> Iterator[Mapping[str, Stored]]:
    yield npy_arrays(archive)


def _write_arrays(writer: zipfile.ZipFile, places: Sequence[Place]) -> None:
    """Write each variable as a member ``PATH.npy``."""
    paths = [path for place in places for path in place.paths()]
    check_names(paths, "the model")
    variables = [variable for place in places for variable in place.variables]
    for path, variable in zip(paths, variables, strict=True):
        content = io.BytesIO()
        np.save(content, variable.value, allow_pickle=False)
        write_member(writer, f"{path}{_SUFFIX}", content.getvalue())


def _metadata() -> Config:
    return {"format_version": FORMAT_VERSION}


NATIVE = ArchiveFormat(".fastrnn", _metadata, _write_arrays, _open_arrays)
