"""Zalando's articles of clothing: 70,000 images of 28 rows in 10 classes, in the form of MNIST.

They are not part of this package: they are read from where Keras keeps them, or downloaded there.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from fastrnn.core import errors
from fastrnn.datasets import files
from fastrnn.datasets.files import Array, Part
from fastrnn.utils.downloads import get_file

_HEAD = {1: 8, 3: 16}  # bytes before the numbers, by rank


def load_data() -> tuple[Part, Part]:
    """Return ``(x_train, y_train), (x_test, y_test)``.

    The files are those in ``datasets/fashion-mnist`` in ``$KERAS_HOME`` or ``~/.keras``; they are
    downloaded where they are not there.

    Returns:
        x: uint8 (images, 28, 28); y: uint8 (images,), from 0 to 9.

    Raises:
        OSError: there is no file, and no connection to download it.
        ValueError: a file is not as expected.
    """
    train, test = (
        (_read(f"{part}-images-idx3-ubyte.gz"), _read(f"{part}-labels-idx1-ubyte.gz"))
        for part in ("train", "t10k")
    )
    return train, test


def _read(name: str) -> Array:
    """Return the array of an IDX file: a head that says the sizes, then bytes."""
    path = Path(get_file(name, files.SITE + name, cache_subdir="datasets/fashion-mnist"))
    try:
        content = gzip.decompress(path.read_bytes())
        rank = content[3]
        sizes = np.frombuffer(content, ">i4", rank, 4)
        return np.frombuffer(content, np.uint8, offset=_HEAD[rank]).reshape(sizes).copy()
    except (EOFError, gzip.BadGzipFile, ValueError, KeyError, IndexError) as error:
        expected = "a whole file of bytes in the IDX format"
        remedy = f"It is none: {error}. Remove it, to fetch it again."
        raise ValueError(errors.bad_argument("path", str(path), expected, remedy)) from error
