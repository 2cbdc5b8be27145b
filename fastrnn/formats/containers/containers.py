"""Where the arrays of a model stand: HDF5 as Keras writes it, or one ``.npy`` for each."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from fastrnn.formats import limits
from fastrnn.formats.containers.hdf5 import Group, import_h5py
from fastrnn.formats.containers.npy import NpyHeader, read_npy, read_npy_header
from fastrnn.formats.containers.zip_archive import Archive, check_names
from fastrnn.formats.places import Place, Stored

Array = npt.NDArray[Any]
HDF5_MEMBER = "model.weights.h5"
_DATE = (1980, 1, 1, 0, 0, 0)  # the same model gives the same bytes


# ---- HDF5 --------------------------------------------------------------------------------------


def write_hdf5(file: BinaryIO, places: Sequence[Place]) -> None:
    """Write the variables of all places as Keras does, in groups ``vars``."""
    h5py = import_h5py()
    with h5py.File(file, "w") as root:
        for place in places:
            group = root.create_group(f"{place.path}/vars" if place.path else "vars")
            group.attrs["name"] = place.owner.name
            for k, variable in enumerate(place.variables):
                group[str(k)] = variable.value


def arrays_of(root: Group) -> dict[str, Stored]:
    """Return the arrays of an HDF5 file by their paths."""
    return {dataset.path.strip("/"): dataset for dataset in root.all_datasets()}


# ---- zip ---------------------------------------------------------------------------------------


class NpyMember:
    """An array in a member of an archive."""

    def __init__(self, archive: Archive, name: str) -> None:
        self._archive, self._name = archive, name
        self._place = f"{archive.source}, {name}"
        beginning = archive.read(name, limits.NPY_BYTES_BEFORE_VALUES)
        self._header: NpyHeader = read_npy_header(beginning, self._place)

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self._header.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The array's dtype."""
        return self._header.dtype

    def read(self, shape: tuple[int, ...]) -> Array:
        """Return the values, which must have this shape."""
        return read_npy(self._archive.read(self._name), self._place, tuple(shape))


def npy_arrays(archive: Archive) -> dict[str, Stored]:
    """Return the arrays of an archive by their paths."""
    ending = ".npy"
    names = [name for name in archive.names if name.endswith(ending)]
    return {name.removesuffix(ending): NpyMember(archive, name) for name in names}


def write_npy_members(writer: zipfile.ZipFile, places: Sequence[Place]) -> None:
    """Write each variable as a member ``PATH.npy``."""
    paths = [path for place in places for path in place.paths()]
    check_names(paths, "the model")
    variables = [variable for place in places for variable in place.variables]
    for path, variable in zip(paths, variables, strict=True):
        content = io.BytesIO()
        np.save(content, variable.value, allow_pickle=False)
        write_member(writer, f"{path}.npy", content.getvalue())


def write_member(writer: zipfile.ZipFile, name: str, content: str | bytes) -> None:
    """Write a member of an archive."""
    writer.writestr(zipfile.ZipInfo(name, _DATE), content)
