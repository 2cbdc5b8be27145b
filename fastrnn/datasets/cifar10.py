"""The CIFAR-10 images: 60,000 of 32 rows in 10 classes.

They are not part of this package: they are read from where Keras keeps them, or downloaded there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fastrnn.core import errors
from fastrnn.datasets.files import Array, ArrayUnpickler, Part
from fastrnn.utils.downloads import get_file

_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
_FOLDER = "cifar-10-batches-py"


def load_data() -> tuple[Part, Part]:
    """Return ``(x_train, y_train), (x_test, y_test)``.

    The archive is ``datasets/cifar-10-batches-py-target_archive`` in ``$KERAS_HOME`` or
    ``~/.keras``; it is downloaded where it is not there.

    Returns:
        x: uint8 (images, 32, 32, 3); y: uint8 (images, 1), from 0 to 9.

    Raises:
        OSError: there is no file, and no connection to download it.
        ValueError: a file is not as expected.
    """
    unpacked = get_file(f"{_FOLDER}-target", _ORIGIN, file_hash=_SHA256, extract=True)
    folder = Path(unpacked, _FOLDER)
    batches = [_read(folder / f"data_batch_{k}") for k in range(1, 6)]
    x, y = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    return (x, y), _read(folder / "test_batch")


def _read(path: Path) -> Part:
    """Return images (images, 32, 32, 3) and labels (images, 1) of a file."""
    try:
        with path.open("rb") as file:
            entries = ArrayUnpickler(file, encoding="bytes").load()
        images: Array = entries[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return images, np.asarray(entries[b"labels"], np.uint8).reshape(len(images), 1)
    except OSError:
        raise
    except Exception as error:  # a broken pickle fails in a dozen ways
        expected = "a whole file of images and labels"
        raise ValueError(errors.bad_argument("path", str(path), expected, f"{error}")) from error
