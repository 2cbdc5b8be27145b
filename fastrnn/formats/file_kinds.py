"""Kinds of files: which one a name means when it is written, and what is there when it is read.

A file that is written has the format that its name ends in; where the ending is none of these, the
arguments of earlier versions of Keras and a default decide. A file that is read has the format that
its content shows, whatever its name.
"""

from __future__ import annotations

import os
import stat
from enum import Enum
from pathlib import Path

from fastrnn.core import errors
from fastrnn.core.user_warnings import deprecated
from fastrnn.formats.archive_format import CONFIG
from fastrnn.formats.atomic import PathLike, to_path
from fastrnn.formats.containers.hdf5 import SIGNATURE
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.pickles import refuse_pickle

NPZ, HDF5, SAFETENSORS = ".weights.npz", ".weights.h5", ".safetensors"
KERAS, NATIVE = ".keras", ".fastrnn"
LEGACY, FOLDER = ".h5", "folder"  # the layouts of Keras 1 and 2, and of an unzipped archive

_LEGACY_SUFFIXES = (".h5", ".hdf5")
_SAVE_FORMATS = {"h5": LEGACY, "keras": KERAS, "tf": FOLDER}
_OF_WEIGHTS = "`save_weights` writes it"
# Endings that mean something else than what is saved.
_OTHERS = {
    ".onnx": "`export` writes it",
    ".json": "`to_json` gives the text",
    ".yaml": "`to_json` gives the description",
    **dict.fromkeys((".npz", ".npy", HDF5, SAFETENSORS), _OF_WEIGHTS),
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".pt", ".pth"), "fastrnn writes no pickles"),
}


class Content(Enum):
    """What a file is, by its first bytes."""

    ZIP = "zip"
    HDF5 = "hdf5"
    SAFETENSORS = "safetensors"
    FOLDER = "folder"
    UNKNOWN = "unknown"


def kind_of_model(filepath: PathLike, save_format: str | None = None) -> str:
    """Return the format of a whole model that is written to a path.

    Args:
        filepath: ends in ``.keras``, ``.fastrnn``, ``.h5`` or ``.hdf5``. Another name is that of
            a folder, as it was for Keras 2.
        save_format: of Keras 2: ``"h5"``, ``"keras"`` or ``"tf"``, for names of other endings.

    Raises:
        ValueError: an ending that means something else, or another format.

    >>> kind_of_model("best.hdf5"), kind_of_model("lstm.fastrnn")
    ('.h5', '.fastrnn')
    """
    name = os.fspath(to_path(filepath))
    asked = _asked_format("model.save", save_format)
    for suffix in (KERAS, NATIVE):
        if name.endswith(suffix):
            return suffix
    _refuse_others(name, _OTHERS)
    if name.endswith(_LEGACY_SUFFIXES):
        return LEGACY
    return asked or FOLDER


def kind_of_weights(filepath: PathLike, save_format: str | None = None) -> str:
    """Return the format of weights that are written to a path.

    Args:
        filepath: ends in ``.weights.h5``, ``.safetensors`` or ``.npz``; ``.h5``, ``.hdf5`` and
            ``.keras`` mean the layout of Keras 2. Under any other name, NumPy's archive is written.
        save_format: of Keras 2: ``"h5"`` or ``"tf"``, for names of other endings.

    Raises:
        ValueError: an ending that means something else, or another format.

    >>> kind_of_weights("best.weights.h5"), kind_of_weights("w.h5"), kind_of_weights("cp.ckpt")
    ('.weights.h5', '.h5', '.weights.npz')
    """
    name = os.fspath(to_path(filepath))
    asked = _asked_format("model.save_weights", save_format)
    for suffix in (HDF5, SAFETENSORS):
        if name.endswith(suffix):
            return suffix
    if name.endswith((*_LEGACY_SUFFIXES, KERAS)):
        return LEGACY
    others = {ending: why for ending, why in _OTHERS.items() if why is not _OF_WEIGHTS}
    _refuse_others(name, {NATIVE: "`save` writes it", **others})
    return LEGACY if asked == LEGACY else NPZ


def _asked_format(call: str, save_format: str | None) -> str | None:
    """Return the format that an argument of Keras 2 names, with a warning."""
    if save_format is None:
        return None
    if save_format not in _SAVE_FORMATS:
        raise ValueError(errors.not_one_of("save_format", save_format, _SAVE_FORMATS))
    deprecated(f"{call}(save_format={save_format!r})", "a name that ends in .keras or .weights.h5")
    return _SAVE_FORMATS[save_format]


def _refuse_others(name: str, others: dict[str, str]) -> None:
    for suffix, why in others.items():
        if name.lower().endswith(suffix):
            expected = f"another ending than {suffix}: {why}"
            raise ValueError(errors.bad_argument("filepath", name, expected))


def content_of(path: Path) -> Content:
    """Return what a file is.

    Raises:
        FileNotFoundError: there is no such file.
        ModelFileError: ``foreign_file``, what TensorFlow alone reads; ``not_a_file``, a device.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if path.with_name(f"{path.name}.index").exists():
            raise ModelFileError("foreign_file", path.name, _CHECKPOINT) from None
        raise
    if stat.S_ISDIR(mode):
        if (path / "saved_model.pb").exists():
            raise ModelFileError("foreign_file", path.name, _SAVED_MODEL)
        return Content.FOLDER
    if not stat.S_ISREG(mode):  # reading a pipe would wait
        raise ModelFileError("not_a_file", path.name, "a regular file is expected")
    with path.open("rb") as file:
        start = file.read(9)
    if start.startswith(SIGNATURE):
        return Content.HDF5
    if start.startswith(b"PK"):
        return Content.ZIP
    return Content.SAFETENSORS if start[8:] == b"{" else Content.UNKNOWN


def likely_content(path: Path) -> Content:
    """Return what a file is; by its name where the content shows nothing.

    Raises:
        FileNotFoundError: there is no such file.
        ModelFileError: a pickle, or what another system alone reads.
        ValueError: neither name nor content are known.
    """
    found = content_of(path)
    if found is Content.FOLDER and not os.path.lexists(path / CONFIG):
        expected = f"a file, or a folder with a {CONFIG} in it"
        raise ValueError(errors.bad_argument("filepath", str(path), expected))
    if found is not Content.UNKNOWN:
        return found
    refuse_pickle(path)
    if path.name.endswith(_LEGACY_SUFFIXES):
        return Content.HDF5
    if path.name.endswith((KERAS, NATIVE, ".npz")):
        return Content.ZIP
    if path.name.endswith(SAFETENSORS):
        return Content.SAFETENSORS
    endings = f"{KERAS}, {NATIVE}, .h5, {HDF5}, {NPZ} or {SAFETENSORS}"
    expected = f"a file of a model or of weights, such as one that ends in {endings}"
    raise ValueError(errors.bad_argument("filepath", str(path), expected))


_CONVERT = "Load it with Keras 2, call model.save('model.h5') there, and load that file here."
_SAVED_MODEL = f"a SavedModel, whose code TensorFlow alone runs. {_CONVERT}"
_CHECKPOINT = f"a checkpoint of TensorFlow, which it alone reads. {_CONVERT}"
