"""Weights in files of one array for each weight, by its path.

``.weights.npz`` is NumPy's archive of arrays, ``.safetensors`` a format that other systems share.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.formats import limits
from fastrnn.formats.atomic import to_new_path, to_path, write_atomically
from fastrnn.formats.containers.npy import read_npy, read_npy_header
from fastrnn.formats.containers.safetensors import read_header, read_tensor, write_safetensors
from fastrnn.formats.containers.zip_archive import Archive, check_names, open_archive
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.pickles import refuse_pickle
from fastrnn.formats.source import open_source

if TYPE_CHECKING:  # the layers import much; nothing of it is needed to run this
    from fastrnn.core.variable import Variable

Array = npt.NDArray[Any]
WEIGHT_SUFFIXES = (".weights.npz", ".weights.h5", ".safetensors")
NPZ, HDF5, SAFETENSORS = WEIGHT_SUFFIXES
MEMBER_SUFFIX = ".npy"


class SavesWeights:
    """The methods of a model that save and load its weights."""

    weights: Any

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the weights to a file, under their paths and in their order.

        The file is there as a whole or not at all: a crash in between leaves the old one.

        Args:
            filepath: a path that ends in ``.weights.npz``, in ``.safetensors``, or in
                ``.weights.h5``, Keras's format, which needs the extra ``h5``.
            overwrite: whether a file of this name may be replaced.

        Raises:
            ValueError: another ending, a file that may not be replaced, no weights yet, or names
                of layers that are no plain names of files on every system.
        """
        path = to_new_path(filepath, WEIGHT_SUFFIXES, overwrite)
        variables = list(self.weights)
        arrays = {variable.path: variable.value for variable in variables}
        if not variables:
            raise ValueError("The model has no weights yet: build it, or call it once.")
        if path.name.endswith(HDF5):
            from fastrnn.formats.model_files import save_hdf5_weights

            save_hdf5_weights(self, path)
            return
        if len(arrays) != len(variables):
            raise ValueError("Two weights have the same path: give the layers different names.")
        if path.name.endswith(SAFETENSORS):
            write_safetensors(path, arrays)
            return
        check_names(arrays, "names of weights")
        write_archive(path, arrays)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False) -> None:
        """Read the weights from a file that ``save_weights`` or ``save`` wrote.

        In ``.weights.npz`` and ``.safetensors``, paths must be the same, but for the numbers that
        Keras appends to names that it makes up: then the order tells which weight is which. In the
        other formats, names do not count: places of layers must be the same.

        Args:
            filepath: a path that ends in ``.weights.npz``, ``.safetensors``, ``.weights.h5``,
                ``.keras``, ``.fastrnn``, or ``.h5`` or ``.hdf5`` for files of older versions of
                Keras.
            skip_mismatch: whether layers whose number or shapes of weights are others than the
                file's keep their weights, with a warning; for ``.weights.h5``, ``.keras`` and
                ``.fastrnn``.

        Raises:
            ValueError: another ending, or one that ``skip_mismatch`` is not for.
            ModelFileError: a file that is no such archive, is damaged or hostile, or holds other
                weights than the model's. Nothing is changed then.
            FileNotFoundError: there is no such file.
        """
        refuse_pickle(filepath)
        path = to_path(filepath, (*WEIGHT_SUFFIXES, ".keras", ".fastrnn", ".h5", ".hdf5"))
        variables = list(self.weights)
        if not path.name.endswith((NPZ, SAFETENSORS)):
            from fastrnn.formats.model_files import load_weights_from

            load_weights_from(self, path, skip_mismatch)
            return
        if skip_mismatch:
            expected = f"False for {NPZ} and {SAFETENSORS}"
            raise ValueError(errors.bad_argument("skip_mismatch", True, expected))
        read = read_arrays if path.name.endswith(NPZ) else read_tensors
        arrays = read(path, variables)
        for variable, array in zip(variables, arrays, strict=True):
            variable.value[...] = array


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


def _check_fit(shape: Any, dtype: np.dtype[Any], variable: Variable, place: str) -> None:
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
