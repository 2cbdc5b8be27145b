"""Weights in a ``.weights.npz`` file: NumPy's archive of one array for each weight, by its path."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastrnn import errors
from fastrnn.saving.atomic import to_new_path, to_path, write_atomically

if TYPE_CHECKING:  # the layers import much; nothing of it is needed to run this
    from fastrnn.layers.variable import Variable

Array = npt.NDArray[Any]
ENDING, HDF5_ENDING = WEIGHTS_ENDINGS = (".weights.npz", ".weights.h5")


class SavesWeights:
    """The methods of a model that save and load its weights."""

    weights: Any

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the weights to a file, under their paths and in their order.

        The file is there as a whole or not at all: a crash in between leaves the old one.

        Args:
            filepath: a path that ends in ``.weights.npz``, or in ``.weights.h5``, Keras's format,
                which needs the extra ``h5``.
            overwrite: whether a file of this name may be replaced.

        Raises:
            ValueError: another ending, a file that may not be replaced, or no weights yet.
        """
        path = to_new_path(filepath, WEIGHTS_ENDINGS, overwrite)
        variables = list(self.weights)
        arrays = {variable.path: variable.value for variable in variables}
        if not variables:
            raise ValueError("The model has no weights yet: build it, or call it once.")
        if path.name.endswith(HDF5_ENDING):
            from fastrnn.saving.model_files import save_hdf5_weights

            save_hdf5_weights(self, path)
            return
        if len(arrays) != len(variables):
            raise ValueError("Two weights have the same path: give the layers different names.")
        write_archive(path, arrays)

    def load_weights(self, filepath: Any) -> None:
        """Read the weights from a file that ``save_weights`` or ``save`` wrote.

        In ``.weights.npz``, paths must be the same, but for the numbers that Keras appends to names
        that it makes up: then the order tells which weight is which. In the other formats, names
        do not count: places of layers must be the same.

        Args:
            filepath: a path that ends in ``.weights.npz``, ``.weights.h5``, ``.keras`` or
                ``.fastrnn``.

        Raises:
            ValueError: another ending, a file that is no such archive, or other weights than the
                model's. Nothing is changed then.
            FileNotFoundError: there is no such file.
        """
        path = to_path(filepath, (*WEIGHTS_ENDINGS, ".keras", ".fastrnn"))
        variables = list(self.weights)
        if not path.name.endswith(ENDING):
            from fastrnn.saving.model_files import load_weights_from

            load_weights_from(self, path)
            return
        arrays = _in_order(read_archive(path), variables, str(path))
        for variable, array in zip(variables, arrays, strict=True):
            variable.value[...] = array


def write_archive(path: Path, arrays: dict[str, Array]) -> None:
    """Write arrays to an archive."""
    write_atomically(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


def read_archive(path: Path) -> dict[str, Array]:
    """Return the arrays of a file in their order, or raise ``ValueError`` if it holds others."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        expected = "an archive of arrays that save_weights wrote"
        raise ValueError(errors.bad_argument("filepath", str(path), expected)) from error


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
