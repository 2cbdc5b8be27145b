"""Weights in files of one array for each weight, by its path.

``.weights.npz`` is NumPy's archive of arrays, ``.safetensors`` a format that other systems share.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fastrnn.core import errors
from fastrnn.core.variable import Variable
from fastrnn.formats import limits
from fastrnn.formats.archive_format import CONFIG
from fastrnn.formats.atomic import PathLike, to_new_path, to_path, write_atomically
from fastrnn.formats.containers.npy import read_npy, read_npy_header
from fastrnn.formats.containers.safetensors import read_header, read_tensor, write_safetensors
from fastrnn.formats.containers.zip_archive import Archive, check_names, open_archive
from fastrnn.formats.file_kinds import (
    HDF5,
    LEGACY,
    NPZ,
    SAFETENSORS,
    Content,
    kind_of_weights,
    likely_content,
)
from fastrnn.formats.keras.legacy_h5_writer import write_legacy_weights
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.model_files import (
    ARCHIVE_FORMATS,
    load_weights_from,
    require_legacy,
    write_hdf5_weights,
)
from fastrnn.formats.pickles import refuse_pickle
from fastrnn.formats.protocols import SavableModel
from fastrnn.formats.source import open_source
from fastrnn.typing import Array, DType

MEMBER_SUFFIX = ".npy"


def save_weights(
    model: SavableModel,
    filepath: PathLike,
    overwrite: bool = True,
    save_format: str | None = None,
) -> None:
    """Write the weights of a model to a file; see ``Model.save_weights``."""
    kind = kind_of_weights(filepath, save_format)
    path = to_new_path(filepath, overwrite)
    variables = list(model.weights)
    if not variables:
        raise ValueError("The model has no weights yet: build it, or call it once.")
    if kind in (HDF5, LEGACY):
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == HDF5:
            write_hdf5_weights(model, path)
        else:
            write_atomically(path, lambda file: write_legacy_weights(file, model))
        return
    arrays = {variable.path: variable.value for variable in variables}
    if len(arrays) != len(variables):
        raise ValueError("Two weights have the same path: give the layers different names.")
    if kind == NPZ:
        check_names(arrays, "names of weights")
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == SAFETENSORS:
        write_safetensors(path, arrays)
    else:
        write_archive(path, arrays)


def load_weights(
    model: SavableModel, filepath: PathLike, skip_mismatch: bool = False, by_name: bool = False
) -> None:
    """Set the weights of a model to those of a file; see ``Model.load_weights``."""
    path = to_path(filepath)
    content = likely_content(path)
    read = read_tensors if content is Content.SAFETENSORS else read_arrays
    if content is not Content.SAFETENSORS and not _is_npz(path, content):
        load_weights_from(model, path, content, skip_mismatch, by_name)
        return
    require_legacy(by_name, path)
    if skip_mismatch:
        expected = f"False for {NPZ} and {SAFETENSORS}"
        raise ValueError(errors.bad_argument("skip_mismatch", True, expected))
    variables = list(model.weights)
    arrays = read(path, variables)
    for variable, array in zip(variables, arrays, strict=True):
        variable.value[...] = array


def _is_npz(path: Path, content: Content) -> bool:
    """Whether a file is an archive of arrays alone; a pickle of torch's is refused."""
    if content is not Content.ZIP or path.suffix in ARCHIVE_FORMATS:
        return False
    if path.suffix == ".npz":
        return True
    with open_archive(path) as archive:
        if all(name.endswith(MEMBER_SUFFIX) for name in archive.names):
            return True
        if CONFIG not in archive.names:
            refuse_pickle(path)
        return False


def write_archive(path: Path, arrays: dict[str, Array]) -> None:
    """Write arrays to an archive."""
    write_atomically(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


def read_archive(path: Path) -> dict[str, Array]:
    """Return all arrays of a file by their names.

    Raises:
        ModelFileError: a file that is no archive of arrays.
        FileNotFoundError: there is no such file.
    """
    with open_archive(path) as archive:
        return {
            member.removesuffix(MEMBER_SUFFIX): read_npy(
                archive.read(member), f"{archive.source}, {member}"
            )
            for member in archive.names
        }


def read_arrays(path: Path, variables: Sequence[Variable]) -> list[Array]:
    """Return the array of each variable from a file, all headers being checked before any array.

    Raises:
        ModelFileError: a file that is no such archive, or that holds other weights.
        FileNotFoundError: there is no such file.
        ValueError: a weight that may not be changed.
    """
    for variable in variables:
        variable.require_unfrozen()
    with open_archive(path) as archive:
        names = [name.removesuffix(MEMBER_SUFFIX) for name in archive.names]
        ordered = _in_order(names, variables, archive.source)
        members = [name + MEMBER_SUFFIX for name in ordered]
        for member, variable in zip(members, variables, strict=True):
            _check_header(archive, member, variable)
        return [read_npy(archive.read(member), f"{archive.source}, {member}") for member in members]


def read_tensors(path: Path, variables: Sequence[Variable]) -> list[Array]:
    """Return the array of each variable from a safetensors file, as ``read_arrays`` does."""
    with open_source(path) as opened:
        tensors = {tensor.name: tensor for tensor in read_header(opened)}
        ordered = _in_order(list(tensors), variables, opened.name)
        for name, variable in zip(ordered, variables, strict=True):
            _check_fit(tensors[name].shape, tensors[name].dtype, variable, f"{opened.name}, {name}")
        return [read_tensor(opened, tensors[name]) for name in ordered]


def _in_order(found: list[str], variables: Sequence[Variable], source: str) -> list[str]:
    """Return the name of each variable, or raise ``ModelFileError`` if they do not fit."""
    expected = [variable.path for variable in variables]
    if set(found) == set(expected):
        found = expected
    elif [_without_numbers(name) for name in found] != [
        _without_numbers(name) for name in expected
    ]:
        message = f"the arrays {_listed(found)}, where {_listed(expected)} are expected"
        raise ModelFileError("unexpected_weights", source, message)
    return found


def _check_header(archive: Archive, member: str, variable: Variable) -> None:
    place = f"{archive.source}, {member}"
    header = read_npy_header(archive.read(member, limits.NPY_BYTES_BEFORE_VALUES), place)
    _check_fit(header.shape, header.dtype, variable, place)


def _check_fit(shape: tuple[int, ...], dtype: DType, variable: Variable, place: str) -> None:
    whose = f"that of {variable.path!r}"
    if shape != variable.shape:
        message = f"shape {shape}, where {variable.shape} is expected, {whose}"
        raise ModelFileError("unexpected_shape", place, message)
    if dtype.newbyteorder("=") != variable.value.dtype:
        message = f"dtype {dtype}, where {variable.dtype} is expected, {whose}"
        raise ModelFileError("unexpected_dtype", place, message)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:20])
    return f"{shown} and {len(names) - 20} more" if len(names) > 20 else shown


def _without_numbers(path: str) -> str:
    return re.sub(r"_\d+(?=/|$)", "", path)
