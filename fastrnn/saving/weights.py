"""Weights in files: one array for each weight, by its path, in NumPy's archive or safetensors."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastrnn import errors
from fastrnn.saving.atomic import written_whole
from fastrnn.saving.pickles import refuse_pickle
from fastrnn.saving.safetensors import read_safetensors, write_safetensors

if TYPE_CHECKING:  # the layers import much; nothing of it is needed to run this
    from fastrnn.layers.variable import Variable

Array = npt.NDArray[Any]


class SavesWeights:
    """The methods of a model that save and load its weights."""

    weights: Any

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the weights to a file, under their paths and in their order.

        The file is there as a whole or not at all: a crash in between leaves the old one.

        Args:
            filepath: a path that ends in ``.weights.npz`` or ``.safetensors``.
            overwrite: whether a file of this name may be replaced.

        Raises:
            ValueError: another ending, a file that may not be replaced, or no weights yet.
        """
        path = to_path(filepath)
        if not overwrite and path.exists():
            raise ValueError(errors.bad_argument("filepath", str(path), "the name of a new file"))
        variables = list(self.weights)
        arrays = {variable.path: variable.value for variable in variables}
        if not variables:
            raise ValueError("The model has no weights yet: build it, or call it once.")
        if len(arrays) != len(variables):
            raise ValueError("Two weights have the same path: give the layers different names.")
        write, _ = _FORMATS[_ending(path)]
        write(path, arrays)

    def load_weights(self, filepath: Any) -> None:
        """Read the weights from a file that ``save_weights`` wrote.

        Paths must be the same, but for the numbers that Keras appends to names that it makes up:
        then the order tells which weight is which.

        Args:
            filepath: a path that ends in ``.weights.npz`` or ``.safetensors``.

        Raises:
            ValueError: another ending, a file that is no such archive, or other weights than the
                model's. Nothing is changed then.
            FileNotFoundError: there is no such file.
        """
        path = to_path(filepath)
        variables = list(self.weights)
        _, read = _FORMATS[_ending(path)]
        arrays = _in_order(read(path), variables, str(path))
        for variable, array in zip(variables, arrays, strict=True):
            variable.value[...] = array


def to_path(filepath: Any) -> Path:
    """Return ``filepath`` as a path, or raise ``ValueError`` if it has another ending.

    Raises:
        ModelFileError: its ending is that of a pickle.
    """
    if isinstance(filepath, (str, os.PathLike)):
        name = os.fspath(filepath)
        refuse_pickle(name)
        if name.endswith(tuple(_FORMATS)):
            return Path(filepath)
    expected = f"a path that ends in {' or '.join(_FORMATS)}"
    raise ValueError(errors.bad_argument("filepath", filepath, expected))


def _ending(path: Path) -> str:
    return next(ending for ending in _FORMATS if path.name.endswith(ending))


def write_archive(path: Path, arrays: dict[str, Array]) -> None:
    """Write arrays to an archive, in one step."""
    with written_whole(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_archive(path: Path) -> dict[str, Array]:
    """Return the arrays of a file in their order, or raise ``ValueError`` if it holds others."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        expected = "an archive of arrays that save_weights wrote"
        raise ValueError(errors.bad_argument("filepath", str(path), expected)) from error


# How weights are written and read, by the ending of the file.
_FORMATS: dict[str, tuple[Any, Any]] = {
    ".weights.npz": (write_archive, read_archive),
    ".safetensors": (write_safetensors, read_safetensors),
}


def _in_order(arrays: dict[str, Array], variables: Sequence[Variable], source: str) -> list[Array]:
    """Return the array of each variable, or raise ``ValueError`` if they do not fit."""
    paths = [variable.path for variable in variables]
    saved = list(arrays)
    if set(saved) == set(paths):
        saved = paths
    elif [_without_numbers(path) for path in saved] != [_without_numbers(path) for path in paths]:
        expected = f"the weights {', '.join(paths)}"
        remedy = f"The file has {', '.join(saved)}."
        raise ValueError(errors.bad_argument("filepath", source, expected, remedy))
    found = [arrays[path] for path in saved]
    for variable, array in zip(variables, found, strict=True):
        if array.shape != variable.shape:
            expected = f"{variable.shape}, that of {variable.path!r}"
            raise ValueError(errors.bad_shape("filepath", array.shape, expected))
        if array.dtype != variable.value.dtype:
            expected = f"{variable.dtype}, that of {variable.path!r}"
            raise ValueError(errors.bad_dtype("filepath", array.dtype, expected))
    return found


def _without_numbers(path: str) -> str:
    return re.sub(r"_\d+(?=/|$)", "", path)
