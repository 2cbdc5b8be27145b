"""Model files: a description, weights, and what training needs to go on.

Two formats are written, both zip archives of ``config.json``, ``metadata.json`` and arrays:
Keras's ``.keras`` and ``.fastrnn``. Files of older versions of Keras, in HDF5 alone, are read.
"""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fastrnn._version import __version__
from fastrnn.core import errors
from fastrnn.core.serialization import serialize_keras_object
from fastrnn.formats.archive_format import CONFIG, METADATA, ArchiveFormat
from fastrnn.formats.atomic import PathLike, to_new_path, to_path, write_atomically
from fastrnn.formats.containers.hdf5 import open_hdf5
from fastrnn.formats.containers.json_data import parse_json
from fastrnn.formats.containers.zip_archive import Archive, open_archive, write_member
from fastrnn.formats.generators import generator_states, set_generators
from fastrnn.formats.keras.archive import KERAS, hdf5_arrays, write_hdf5
from fastrnn.formats.keras.legacy_h5 import LegacyArrays, is_legacy, legacy_description
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.native.archive import FORMAT_VERSION, NATIVE
from fastrnn.formats.places import (
    Place,
    count_scalars,
    load_optimizer,
    load_weights,
    optimizer_places,
    places_of,
)
from fastrnn.formats.protocols import SavableModel
from fastrnn.formats.stored import Stored, StoredWeights
from fastrnn.typing import Config

ARCHIVE_FORMATS = {made.suffix: made for made in (KERAS, NATIVE)}
MODEL_SUFFIXES = tuple(ARCHIVE_FORMATS)
LEGACY_SUFFIXES = (".h5", ".hdf5")  # of Keras 1 and 2, read only


# ---- writing -----------------------------------------------------------------------------------


def write_model(
    model: SavableModel, filepath: PathLike, overwrite: bool = True, zipped: bool | None = None
) -> None:
    """Write a model, its weights, and its optimizer with its state; see ``models.save_model``."""
    if zipped not in (None, True):
        raise ValueError(errors.bad_argument("zipped", zipped, "None or True"))
    path = to_new_path(filepath, MODEL_SUFFIXES, overwrite)
    chosen = ARCHIVE_FORMATS[path.suffix]
    places = places_of(model)
    config = json.dumps(serialize_keras_object(model), allow_nan=False)
    metadata = {"fastrnn_version": __version__, **chosen.metadata()}
    metadata["generators"] = generator_states(places)
    texts = {METADATA: json.dumps(metadata), CONFIG: config}
    places += optimizer_places(model)
    write_atomically(path, lambda file: _write(file, chosen, texts, places))


def _write(
    file: BinaryIO, chosen: ArchiveFormat, texts: Mapping[str, str], places: list[Place]
) -> None:
    with zipfile.ZipFile(file, "w") as writer:
        for name, text in texts.items():
            write_member(writer, name, text)
        chosen.write_arrays(writer, places)


# ---- reading -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredModel:
    """A model as its file holds it.

    Attributes:
        config: the description of the model, in the form of today; nothing of it is checked.
        where: the file and the place of the description, for messages.
        weights: the arrays.
        source: the file's name, for messages.
        generators: states of the layers' random generators, by their places.
    """

    config: object
    where: str
    weights: StoredWeights
    source: str
    generators: Config = field(default_factory=dict)

    def load_generators(self, model: SavableModel) -> None:
        """Set the layers' random generators, so that training goes on with the same numbers."""
        set_generators(places_of(model), self.generators, self.source)


@contextlib.contextmanager
def open_model(filepath: PathLike, strict_finite: bool = False) -> Iterator[StoredModel]:
    """Open a file of a model, and close it afterwards.

    Args:
        filepath: a path that ends in ``.keras``, ``.fastrnn``, ``.h5`` or ``.hdf5``.
        strict_finite: whether weights that are NaN or infinite are refused when they are loaded.

    Raises:
        ModelFileError: the file is refused.
        ValueError: another ending.
        FileNotFoundError: there is no such file.
        ImportError: h5py is not installed, for files that need it.
    """
    path = to_path(filepath, (*MODEL_SUFFIXES, *LEGACY_SUFFIXES))
    if path.suffix in LEGACY_SUFFIXES:
        with open_hdf5(path) as root:
            config, where = legacy_description(root)
            yield StoredModel(config, where, LegacyArrays(root, strict_finite), root.source)
        return
    with open_archive(path) as archive, ARCHIVE_FORMATS[path.suffix].open_arrays(archive) as stored:
        where = f"{archive.source}, {CONFIG}"
        config = parse_json(archive.read(CONFIG), where)
        generators = _read_metadata(archive).get("generators", {})
        arrays = ArraysByPlace(stored, archive.source, strict_finite)
        yield StoredModel(config, where, arrays, archive.source, generators)


def _read_metadata(archive: Archive) -> Config:
    source = f"{archive.source}, {METADATA}"
    metadata = parse_json(archive.read(METADATA), source)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("generators", {}), dict):
        raise ModelFileError("bad_metadata", source, "not what describes a model")
    if metadata.get("format_version", FORMAT_VERSION) != FORMAT_VERSION:
        message = f"version {metadata['format_version']!r} of the format; known is {FORMAT_VERSION}"
        raise ModelFileError("bad_metadata", source, message)
    return metadata


class ArraysByPlace:
    """Arrays under the places of their layers; see ``fastrnn.formats.places``."""

    def __init__(self, stored: Mapping[str, Stored], source: str, strict_finite: bool) -> None:
        self._stored, self._source, self._strict = stored, source, strict_finite

    @property
    def scalars(self) -> int:
        """How many numbers there are for weights."""
        return count_scalars(self._stored)

    def load_weights(self, model: SavableModel) -> None:
        """Set the weights of a model."""
        load_weights(places_of(model), self._stored, self._source, self._strict)

    def load_optimizer(self, model: SavableModel) -> None:
        """Set the variables of its optimizer."""
        load_optimizer(model, self._stored, self._source)


# ---- weights alone -----------------------------------------------------------------------------


def write_hdf5_weights(model: SavableModel, path: Path) -> None:
    """Write the weights, and the optimizer's state, to a ``.weights.h5`` as Keras does."""
    places = places_of(model) + optimizer_places(model)
    write_atomically(path, lambda file: write_hdf5(file, places))


def load_weights_from(model: SavableModel, path: Path, skip_mismatch: bool) -> None:
    """Set the weights of a model to those of an HDF5 file or of a whole model's file.

    Raises:
        ModelFileError: the file is refused; nothing has changed.
    """
    if path.suffix in ARCHIVE_FORMATS:
        chosen = ARCHIVE_FORMATS[path.suffix]
        with open_archive(path) as archive, chosen.open_arrays(archive) as stored:
            load_weights(places_of(model), stored, archive.source, skip_mismatch=skip_mismatch)
        return
    with open_hdf5(path) as root:
        if not is_legacy(root):
            arrays = hdf5_arrays(root)
            load_weights(places_of(model), arrays, root.source, skip_mismatch=skip_mismatch)
        elif skip_mismatch:
            expected = "False, for files of older versions of Keras"
            raise ValueError(errors.bad_argument("skip_mismatch", True, expected))
        else:
            LegacyArrays(root).load_weights(model)
