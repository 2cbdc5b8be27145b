"""Whole models in files: configuration, weights, and what training needs to go on.

Two formats, both zip archives of ``config.json``, ``metadata.json`` and arrays: Keras's ``.keras``,
whose arrays stand in an HDF5 file inside, and ``.fastrnn``, whose arrays are NumPy's ``.npy``.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import random
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from fastrnn._version import __version__
from fastrnn.core import errors, load_budget, serialization
from fastrnn.core.custom_objects import CustomObjectScope
from fastrnn.core.load_budget import RefusedConfig
from fastrnn.formats.atomic import to_new_path, to_path, write_atomically
from fastrnn.formats.containers import containers
from fastrnn.formats.containers.hdf5 import open_hdf5
from fastrnn.formats.containers.json_data import parse_json
from fastrnn.formats.containers.zip_archive import Archive, open_archive
from fastrnn.formats.generators import generator_states, set_generators
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.places import (
    Place,
    Stored,
    count_scalars,
    load_optimizer,
    load_weights,
    optimizer_place,
    places_of,
)

KERAS, FASTRNN = ".keras", ".fastrnn"
MODEL_SUFFIXES = (KERAS, FASTRNN)
LEGACY_SUFFIXES = (".h5", ".hdf5")  # of Keras 1 and 2, read only
CONFIG, METADATA = "config.json", "metadata.json"
KERAS_VERSION = "3.15.0"  # whose format is written
FORMAT_VERSION = 1  # of `.fastrnn`


# ---- writing -----------------------------------------------------------------------------------


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: Any = None) -> None:
    """Write a model, its weights, and its optimizer with its state.

    The file is there as a whole or not at all: a crash in between leaves the old one.

    Args:
        model: a model.
        filepath: a path that ends in ``.keras``, which Keras reads (needs the extra ``h5``), or in
            ``.fastrnn``.
        overwrite: whether a file of this name may be replaced.
        zipped: accepted as ``None`` and ``True``.

    Raises:
        ValueError: another ending, a file that may not be replaced, or a model with something
            that cannot be described, such as a function without a name.
        ImportError: h5py is not installed, for ``.keras``.

    >>> import os, tempfile
    >>> from fastrnn import Input, Sequential, layers, models
    >>> path = os.path.join(tempfile.mkdtemp(), "model.fastrnn")
    >>> models.save_model(Sequential([Input((5, 3)), layers.GRU(4)]), path)
    >>> models.load_model(path).output_shape
    (None, 4)
    """
    from fastrnn.models import Model

    if not isinstance(model, Model):
        raise ValueError(errors.bad_argument("model", model, "a model"))
    if zipped not in (None, True):
        raise ValueError(errors.bad_argument("zipped", zipped, "None or True"))
    path = to_new_path(filepath, MODEL_SUFFIXES, overwrite)
    places = places_of(model)
    config = json.dumps(serialization.serialize(model), allow_nan=False)
    metadata: dict[str, Any] = {"fastrnn_version": __version__}
    if path.name.endswith(KERAS):
        now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
        metadata |= {"keras_version": KERAS_VERSION, "date_saved": now}
    else:
        metadata["format_version"] = FORMAT_VERSION
    metadata["generators"] = generator_states(places)
    places += optimizer_place(model)
    texts = {METADATA: json.dumps(metadata), CONFIG: config}
    write_atomically(path, lambda file: _write(file, path, texts, places))


def _write(file: BinaryIO, path: Path, texts: dict[str, str], places: list[Place]) -> None:
    with zipfile.ZipFile(file, "w") as writer:
        for name, text in texts.items():
            containers.write_member(writer, name, text)
        if path.name.endswith(FASTRNN):
            containers.write_npy_members(writer, places)
            return
        weights = io.BytesIO()
        containers.write_hdf5(weights, places)
        containers.write_member(writer, containers.HDF5_MEMBER, weights.getvalue())


# ---- reading -----------------------------------------------------------------------------------


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    *,
    strict_finite: bool = False,
) -> Any:
    """Read a model that ``save_model`` or Keras wrote.

    Nothing in the file is executed or imported, and no path in it is followed: classes come from
    the closed list of built-in ones, and from ``custom_objects`` and
    ``saving.register_keras_serializable``.

    Args:
        filepath: a path that ends in ``.keras`` or, written by any version of Keras, in ``.h5`` or
            ``.hdf5`` (these need the extra ``h5``), or in ``.fastrnn``.
        custom_objects: classes and functions of your own by their names.
        compile: whether the model gets the optimizer, with its state, the losses and the metrics
            of the file. What of them is not known is left out, with a warning.
        strict_finite: whether weights that are NaN or infinite are refused, not just reported.

    Raises:
        ModelFileError: the file is refused; its ``reason`` says by which rule.
        ValueError: another ending.
        FileNotFoundError: there is no such file.
        ImportError: h5py is not installed, for files that need it.
    """
    path = to_path(filepath, (*MODEL_SUFFIXES, *LEGACY_SUFFIXES))
    if path.name.endswith(LEGACY_SUFFIXES):
        from fastrnn.formats.keras.legacy_h5 import load_legacy_model

        return load_legacy_model(path, custom_objects, compile, strict_finite)
    with open_archive(path) as archive, _arrays(archive, path) as stored:
        config = parse_json(archive.read(CONFIG), f"{archive.source}, {CONFIG}")
        metadata = _read_metadata(archive)
        arrays = ArraysByPlace(stored, archive.source, strict_finite)
        where = f"{archive.source}, {CONFIG}"
        model = model_of(config, arrays, where, custom_objects, compile)
        set_generators(places_of(model), metadata.get("generators", {}), archive.source)
    return model


@contextlib.contextmanager
def _arrays(archive: Archive, path: Path) -> Iterator[Mapping[str, Stored]]:
    """Give the arrays of an archive by their paths."""
    if path.name.endswith(FASTRNN):
        yield containers.npy_arrays(archive)
        return
    member = containers.HDF5_MEMBER
    with open_hdf5(archive.read(member), f"{archive.source}, {member}") as root:
        yield containers.arrays_of(root)


def _read_metadata(archive: Archive) -> dict[str, Any]:
    source = f"{archive.source}, {METADATA}"
    metadata = parse_json(archive.read(METADATA), source)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("generators", {}), dict):
        raise ModelFileError("bad_metadata", source, "not what describes a model")
    if metadata.get("format_version", FORMAT_VERSION) != FORMAT_VERSION:
        message = f"version {metadata['format_version']!r} of the format; known is {FORMAT_VERSION}"
        raise ModelFileError("bad_metadata", source, message)
    return metadata


class Arrays(Protocol):
    """The arrays of a file: how many numbers they are, and where they belong in a model."""

    @property
    def scalars(self) -> int:
        """How many numbers there are for weights."""
        ...

    def load_weights(self, model: Any) -> None:
        """Set the weights of a model."""
        ...

    def load_optimizer(self, model: Any) -> None:
        """Set the variables of its optimizer."""
        ...


class ArraysByPlace:
    """Arrays under the places of their layers; see ``fastrnn.formats.places``."""

    def __init__(self, stored: Mapping[str, Stored], source: str, strict_finite: bool) -> None:
        self._stored, self._source, self._strict = stored, source, strict_finite

    @property
    def scalars(self) -> int:
        """How many numbers there are for weights."""
        return count_scalars(self._stored)

    def load_weights(self, model: Any) -> None:
        """Set the weights of a model."""
        load_weights(places_of(model), self._stored, self._source, self._strict)

    def load_optimizer(self, model: Any) -> None:
        """Set the variables of its optimizer."""
        load_optimizer(model, self._stored, self._source)


def model_of(
    config: Any,
    arrays: Arrays,
    where: str,
    custom_objects: dict[str, Any] | None,
    compile: bool,
) -> Any:
    """Return the model that a description and the arrays of a file make.

    Raises:
        ModelFileError: the description or the arrays are refused.
    """
    from fastrnn.models import Model

    check_names_of_layers(config, where)
    state = random.getstate()  # layers draw seeds; loading a model leaves the order of draws alone
    try:
        with CustomObjectScope(custom_objects), refusals(where):
            with load_budget.reading(arrays.scalars):
                model = serialization.deserialize(config)
                if not isinstance(model, Model):
                    raise ModelFileError("not_a_model", where, "the description of no model")
                if isinstance(config.get("build_config"), dict) and not model.built:
                    model.build_from_config(config["build_config"])
            arrays.load_weights(model)
            if compile and isinstance(config.get("compile_config"), dict):
                model.compile_from_config(config["compile_config"])
                if model.compiled:
                    arrays.load_optimizer(model)
    finally:
        random.setstate(state)
    return model


def check_names_of_layers(config: Any, source: str) -> None:
    """Check the names in a description, or raise ``ModelFileError``."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        if not isinstance(value, dict):
            continue
        waiting += value.values()
        name = value.get("name", "")
        if isinstance(name, str) and not name.isprintable():
            raise ModelFileError("bad_name", source, f"the name {name[:60]!r}")


@contextlib.contextmanager
def refusals(source: str) -> Iterator[None]:
    """Turn what descriptions that fit nothing raise into ``ModelFileError``."""
    try:
        yield
    except ModelFileError:
        raise
    except RefusedConfig as error:
        raise ModelFileError(error.reason, source, str(error)) from error
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        MemoryError,
        NotImplementedError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        message = f"the described model cannot be made: {error}"
        raise ModelFileError("bad_config", source, message) from error


# ---- weights alone -----------------------------------------------------------------------------


def save_hdf5_weights(model: Any, path: Path) -> None:
    """Write the weights, and the optimizer's state, to a ``.weights.h5`` as Keras does."""
    places = places_of(model) + optimizer_place(model)
    write_atomically(path, lambda file: containers.write_hdf5(file, places))


def load_weights_from(model: Any, path: Path, skip_mismatch: bool) -> None:
    """Set the weights of a model to those of an HDF5 file or of a whole model's file.

    Raises:
        ModelFileError: the file is refused; nothing has changed.
    """
    from fastrnn.formats.keras.legacy_h5 import LegacyArrays, is_legacy

    if path.name.endswith(MODEL_SUFFIXES):
        with open_archive(path) as archive, _arrays(archive, path) as stored:
            load_weights(places_of(model), stored, archive.source, skip_mismatch=skip_mismatch)
        return
    with open_hdf5(path) as root:
        if not is_legacy(root):
            arrays = containers.arrays_of(root)
            load_weights(places_of(model), arrays, root.source, skip_mismatch=skip_mismatch)
        elif skip_mismatch:
            expected = "False, for files of older versions of Keras"
            raise ValueError(errors.bad_argument("skip_mismatch", True, expected))
        else:
            LegacyArrays(root).load_weights(model)
