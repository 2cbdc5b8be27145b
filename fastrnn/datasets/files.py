"""Finding, downloading and reading data files."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.utils.downloads import cached, fetched

Array = npt.NDArray[Any]
Part = tuple[Array, Array]

SITE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def find_file(path: str | os.PathLike[str], url: str, file_hash: str) -> Path:
    """Return the data file, downloading it only if it is not there.

    Args:
        path: a file; or a name in the folder where Keras keeps data sets, ``datasets`` in
            ``$KERAS_HOME`` or ``~/.keras``. A file that is there is used as it is.
        url: where to download it from.
        file_hash: hexadecimal digest, md5 or sha256, that a download must have.

    Raises:
        OSError: there is no file and it could not be downloaded.
        ValueError: the download has another checksum; it is not kept.
    """
    given = Path(path).expanduser()
    if given.is_file():
        return given
    place = cached(Path("datasets", given))
    return place if place.is_file() else fetched(place, url, file_hash, "auto")


class ArrayUnpickler(pickle.Unpickler):
    """Builds arrays of plain values alone; a name of anything else is refused, not imported."""

    _ALLOWED = frozenset(
        [
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
        ]
    )

    def find_class(self, module: str, name: str) -> Any:
        """Return what builds arrays; nothing else is found."""
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, not lists of numbers alone")
        return super().find_class(module.replace("numpy.core.", "numpy._core."), name)


def read_npz(path: Path) -> dict[str, Array]:
    """Return the arrays of an .npz file, object arrays of plain values included.

    No code from the file is run: objects are built from lists and numbers alone.

    Raises:
        ValueError: the file is no .npz file, or holds objects of other kinds.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {}
            for member in archive.namelist():
                with archive.open(member) as file:
                    arrays[member.removesuffix(".npy")] = _read_npy(file)  # type: ignore[arg-type]
            return arrays
    except OSError:
        raise
    except Exception as error:  # a broken archive or pickle fails in a dozen ways
        expected = "a whole .npz file of numbers and of lists of numbers"
        remedy = f"It is none: {error}. Fetch it again."
        raise ValueError(errors.bad_argument("path", str(path), expected, remedy)) from error


def _read_npy(file: BinaryIO) -> Array:
    version = np.lib.format.read_magic(file)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read_header is None:
        raise ValueError(f"npy version {version}")
    shape, fortran_order, dtype = read_header(file)
    if dtype.hasobject:
        array = ArrayUnpickler(file).load()
        if not isinstance(array, np.ndarray) or array.shape != shape:
            raise ValueError(f"no array of shape {shape} where its header says so")
        return array
    array = np.frombuffer(file.read(), dtype=dtype)
    return array.reshape(shape, order="F" if fortran_order else "C")


def read_parts(
    path: str | os.PathLike[str], name: str, file_hash: str, keys: list[str]
) -> list[Array]:
    """Return the arrays of a data set in an .npz file, which is downloaded where it is not there.

    Raises:
        OSError, ValueError: see ``find_file`` and ``read_npz``, or an array is missing.
    """
    file = find_file(path, f"{SITE}{name}", file_hash)
    arrays = read_npz(file)
    missing = set(keys) - arrays.keys()
    if missing:
        expected = f"a file with the arrays {sorted(missing)}"
        raise ValueError(errors.bad_argument("path", str(file), expected))
    return [arrays[key] for key in keys]


def split_shuffled(x: Array, y: Array, test_split: float, seed: int) -> tuple[Part, Part]:
    """Return the samples in a drawn order, the last ones, a share of ``test_split``, for tests.

    Raises:
        ValueError: it is no share.
    """
    if not 0 <= test_split < 1:
        expected = "a number from 0 to below 1"
        raise ValueError(errors.bad_argument("test_split", test_split, expected))
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    at = int(len(x) * (1 - test_split))
    return (x[:at], y[:at]), (x[at:], y[at:])
