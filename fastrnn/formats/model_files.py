"""Model files: a description, weights, and what training needs to go on.

``.keras``, which is Keras's, and ``.fastrnn`` are zip archives of ``config.json``,
``metadata.json`` and arrays; a folder holds the same files as ``.keras`` does. ``.h5`` is the
layout of older versions of Keras, HDF5 alone.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fastrnn._version import __version__
from fastrnn.core import errors
from fastrnn.core.serialization import serialize_keras_object
from fastrnn.core.user_warnings import deprecated
from fastrnn.formats.archive_format import CONFIG, METADATA, ArchiveFormat
from fastrnn.formats.atomic import PathLike, to_new_path, to_path, write_atomically
from fastrnn.formats.containers.folder import FolderArchive
from fastrnn.formats.containers.hdf5 import open_hdf5
from fastrnn.formats.containers.json_data import parse_json
from fastrnn.formats.containers.zip_archive import Archive, open_archive, write_member
from fastrnn.formats.file_kinds import FOLDER, LEGACY, Content, kind_of_model, likely_content
from fastrnn.formats.generators import generator_states, set_generators
from fastrnn.formats.keras.archive import HDF5_MEMBER, KERAS, hdf5_arrays, write_hdf5
from fastrnn.formats.keras.legacy_h5 import LegacyArrays, is_legacy, legacy_description
from fastrnn.formats.keras.legacy_h5_writer import write_legacy_model
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
from fastrnn.formats.vocabularies import load_vocabularies
from fastrnn.typing import Config

ARCHIVE_FORMATS = {made.suffix: made for made in (KERAS, NATIVE)}


# ---- writing -----------------------------------------------------------------------------------


def write_model(
    model: SavableModel,
    filepath: PathLike,
    overwrite: bool = True,
    zipped: bool | None = None,
    *,
    include_optimizer: bool = True,
    save_format: str | None = None,
) -> None:
    """Write a model, its weights, and its optimizer with its state; see ``models.save_model``."""
    kind = kind_of_model(filepath, save_format) if _in_one_file(zipped) else FOLDER
    path = to_new_path(filepath, overwrite)
    if kind == FOLDER and zipped is None and save_format is None:
        deprecated(f"model.save({path.name!r})", f"model.save('{path.name}{KERAS.suffix}')")
    if kind == FOLDER and path.exists() and not path.is_dir():
        expected = "the name of a folder; a file has it"
        raise ValueError(errors.bad_argument("filepath", str(path), expected))
    description = serialize_keras_object(model)
    if not include_optimizer:
        description.pop("compile_config", None)
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == LEGACY:
        optimizer = model.optimizer if include_optimizer else None
        write_atomically(path, lambda file: write_legacy_model(file, model, description, optimizer))
        return
    chosen = ARCHIVE_FORMATS.get(kind, KERAS)
    places = places_of(model)
    metadata = {"fastrnn_version": __version__, **chosen.metadata()}
    metadata["generators"] = generator_states(places)
    texts = {METADATA: json.dumps(metadata), CONFIG: json.dumps(description, allow_nan=False)}
    if include_optimizer:
        places += optimizer_places(model)
    if kind == FOLDER:
        _write_folder(path, texts, places)
    else:
        write_atomically(path, lambda file: _write(file, chosen, texts, places))


def _in_one_file(zipped: object) -> bool:
    """Return whether a model is written to one file, or raise ``ValueError``."""
    if zipped not in (None, True, False):
        raise ValueError(errors.bad_argument("zipped", zipped, "None, True or False"))
    return zipped is not False


def _write(
    file: BinaryIO, chosen: ArchiveFormat, texts: Mapping[str, str], places: list[Place]
) -> None:
    with zipfile.ZipFile(file, "w") as writer:
        for name, text in texts.items():
            write_member(writer, name, text)
        chosen.write_arrays(writer, places)


def _write_folder(path: Path, texts: Mapping[str, str], places: list[Place]) -> None:
    """Write the members of a ``.keras`` as files; other files of the folder stay."""
    weights = io.BytesIO()
    write_hdf5(weights, places)  # before the folder is made: h5py may be missing
    contents = {HDF5_MEMBER: weights.getvalue()}
    contents |= {name: text.encode() for name, text in texts.items()}
    path.mkdir(exist_ok=True)
    for name, content in contents.items():
        write_atomically(path / name, functools.partial(_write_bytes, content))


def _write_bytes(content: bytes, file: BinaryIO) -> None:
    file.write(content)


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
        filepath: a path; what is there is told by its content.
        strict_finite: whether weights that are NaN or infinite are refused when they are loaded.

    Raises:
        ModelFileError: the file is refused.
        ValueError: neither its name nor its content are those of a model.
        FileNotFoundError: there is no such file.
        ImportError: h5py is not installed, for files that need it.
    """
    path = to_path(filepath)
    content = likely_content(path)
    if content is Content.HDF5:
        with open_hdf5(path) as root:
            config, where = legacy_description(root)
            yield StoredModel(config, where, LegacyArrays(root, strict_finite), root.source)
        return
    if content is Content.SAFETENSORS:
        message = "weights alone: make the model, and call its load_weights"
        raise ModelFileError("not_a_model", path.name, message)
    with _open_any_archive(path, content) as (archive, stored):
        where = f"{archive.source}, {CONFIG}"
        config = parse_json(archive.read(CONFIG), where)
        generators = _read_metadata(archive).get("generators", {})
        arrays = ArraysByPlace(stored, archive, strict_finite)
        yield StoredModel(config, where, arrays, archive.source, generators)


@contextlib.contextmanager
def _open_any_archive(
    path: Path, content: Content
) -> Iterator[tuple[Archive, Mapping[str, Stored]]]:
    """Open a folder or a zip archive of a model, and give the arrays in it."""
    with contextlib.ExitStack() as stack:
        archive: Archive
        if content is Content.FOLDER:
            archive = FolderArchive(path)
        else:
            archive = stack.enter_context(open_archive(path))
        by_members = KERAS if HDF5_MEMBER in archive.names else NATIVE
        chosen = ARCHIVE_FORMATS.get(path.suffix, by_members)
        if content is Content.FOLDER:
            chosen = KERAS
        yield archive, stack.enter_context(chosen.open_arrays(archive))


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

    def __init__(self, stored: Mapping[str, Stored], archive: Archive, strict_finite: bool) -> None:
        self._stored, self._archive, self._strict = stored, archive, strict_finite
        self._source = archive.source

    @property
    def scalars(self) -> int:
        """How many numbers there are for weights."""
        return count_scalars(self._stored)

    def load_weights(self, model: SavableModel) -> None:
        """Set the weights of a model, and the vocabularies that Keras writes beside them."""
        places = places_of(model)
        load_weights(places, self._stored, self._source, self._strict)
        load_vocabularies(places, self._stored, self._archive)

    def load_optimizer(self, model: SavableModel) -> None:
        """Set the variables of its optimizer."""
        load_optimizer(model, self._stored, self._source)


# ---- weights alone -----------------------------------------------------------------------------


def write_hdf5_weights(model: SavableModel, path: Path) -> None:
    """Write the weights, and the optimizer's state, to a ``.weights.h5`` as Keras does."""
    places = places_of(model) + optimizer_places(model)
    write_atomically(path, lambda file: write_hdf5(file, places))


def load_weights_from(
    model: SavableModel, path: Path, content: Content, skip_mismatch: bool, by_name: bool
) -> None:
    """Set the weights of a model to those of an HDF5 file or of a whole model's file.

    Raises:
        ModelFileError: the file is refused; nothing has changed.
        ValueError: ``by_name`` is for the layout of older versions of Keras alone.
    """
    if content is not Content.HDF5:
        require_legacy(by_name, path)
        with _open_any_archive(path, content) as (archive, stored):
            load_weights(places_of(model), stored, archive.source, skip_mismatch=skip_mismatch)
        return
    with open_hdf5(path) as root:
        if is_legacy(root):
            LegacyArrays(root).load_weights(model, by_name, skip_mismatch)
        else:
            require_legacy(by_name, path)
            arrays = hdf5_arrays(root)
            load_weights(places_of(model), arrays, root.source, skip_mismatch=skip_mismatch)


def require_legacy(by_name: bool, path: Path) -> None:
    """Raise ``ValueError`` if layers are to be told by names in a file that has none."""
    if by_name:
        expected = f"False: {path.name} is no file of weights in the layout of Keras 2"
        raise ValueError(errors.bad_argument("by_name", by_name, expected))
