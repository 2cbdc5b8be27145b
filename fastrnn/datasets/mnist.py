"""The MNIST digits: 70,000 images of 28 rows, which recurrent models read row by row.

They are not part of this package: they are read from where Keras keeps them, or downloaded there.
"""

from __future__ import annotations

import os

from fastrnn.datasets.files import Part, read_parts

_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str | os.PathLike[str] = "mnist.npz") -> tuple[Part, Part]:
    """Return ``(x_train, y_train), (x_test, y_test)``.

    Args:
        path: a file, or a name in ``$KERAS_HOME/datasets`` or ``~/.keras/datasets``. It is used as
            it is; where there is none, it is downloaded and checked.

    Returns:
        x: uint8 (images, 28, 28); y: uint8 (images,), the digits.

    Raises:
        OSError: there is no file, and no connection to download it.
        ValueError: the file is not as expected.
    """
    keys = ["x_train", "y_train", "x_test", "y_test"]
    x_train, y_train, x_test, y_test = read_parts(path, "mnist.npz", _SHA256, keys)
    return (x_train, y_train), (x_test, y_test)
