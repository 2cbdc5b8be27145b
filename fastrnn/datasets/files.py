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

Array = npt.NDArray[Any]

_TIMEOUT_SECONDS = 30


def find_file(path: str | os.PathLike[str], url: str, algorithm: str, checksum: str) -> Path:
    """Return the data file, downloading it only if it is not there.

    Args:
        path: a file; or a name in the folder where Keras keeps data sets, ``datasets`` in
            ``$KERAS_HOME`` or ``~/.keras``. A file that is there is used as it is.
        url: where to download it from.
        algorithm: name of the hash, see ``hashlib``.
        checksum: hexadecimal digest that a download must have.

    Raises:
        OSError: there is no file and it could not be downloaded.
        ValueError: the download has another checksum; it is not kept.
    """
    given = Path(path).expanduser()
    if given.is_file():
        return given
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    cached = home / "datasets" / given
    if not cached.is_file():
        _download(url, cached, algorithm, checksum)
    return cached


def _download(url: str, target: Path, algorithm: str, checksum: str) -> None:
    import hashlib
    import http.client
    import tempfile
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            content = response.read()
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        raise OSError(
            f"There is no file {target}, and downloading it from {url} failed: {error}. "
            f"Connect to the internet, or put the file there yourself."
        ) from error
    if hashlib.new(algorithm, content).hexdigest() != checksum:
        raise ValueError(
            f"The file from {url} does not have the {algorithm} checksum {checksum} and was not "
            "kept. Try again, or fetch the file another way."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(content)
    os.replace(file.name, target)


class _ArrayUnpickler(pickle.Unpickler):
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
        array = _ArrayUnpickler(file).load()
        if not isinstance(array, np.ndarray) or array.shape != shape:
            raise ValueError(f"no array of shape {shape} where its header says so")
        return array
    array = np.frombuffer(file.read(), dtype=dtype)
    return array.reshape(shape, order="F" if fortran_order else "C")
