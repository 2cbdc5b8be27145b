"""``.keras`` and ``.weights.h5``: Keras's archives, and the HDF5 files of weights in them."""

from __future__ import annotations

import contextlib
import datetime
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from fastrnn.formats.archive_format import ArchiveFormat
from fastrnn.formats.containers.hdf5 import Group, import_h5py, open_hdf5
from fastrnn.formats.containers.zip_archive import Archive, write_member
from fastrnn.formats.places import Place
from fastrnn.formats.stored import Stored
from fastrnn.formats.vocabularies import weights_beside
from fastrnn.typing import Config

KERAS_VERSION = "3.15.0"  # whose format is written
HDF5_MEMBER = "model.weights.h5"


def write_hdf5(file: BinaryIO, places: Sequence[Place]) -> None:
    """Write the variables of all places as Keras does, in groups ``vars``."""
    h5py = import_h5py()
    with h5py.File(file, "w") as root:
        for place in places:
            group = root.create_group(f"{place.path}/vars" if place.path else "vars")
            group.attrs["name"] = place.owner.name
            for k, variable in enumerate(place.variables):
                group[str(k)] = variable.value
            for path, weights in weights_beside(place).items():
                root[path] = weights


def hdf5_arrays(root: Group) -> dict[str, Stored]:
    """Return the arrays of an HDF5 file by their paths."""
    return {dataset.path.strip("/"): dataset for dataset in root.all_datasets()}


@contextlib.contextmanager
def _open_arrays(archive: Archive) -> Iterator[Mapping[str, Stored]]:
    with open_hdf5(archive.read(HDF5_MEMBER), f"{archive.source}, {HDF5_MEMBER}") as root:
        yield hdf5_arrays(root)


def _write_arrays(writer: zipfile.ZipFile, places: Sequence[Place]) -> None:
    weights = io.BytesIO()
    write_hdf5(weights, places)
    write_member(writer, HDF5_MEMBER, weights.getvalue())


def _metadata() -> Config:
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    return {"keras_version": KERAS_VERSION, "date_saved": now}


KERAS = ArchiveFormat(".keras", _metadata, _write_arrays, _open_arrays)
