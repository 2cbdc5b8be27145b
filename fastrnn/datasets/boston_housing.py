"""The Boston housing prices: 506 rows of 13 numbers, and prices.

They are not part of this package: they are read from where Keras keeps them, or downloaded there.
"""

from __future__ import annotations

import os

from fastrnn.datasets.files import Part, read_parts, split_shuffled

_SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(
    path: str | os.PathLike[str] = "boston_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> tuple[Part, Part]:
    """Return ``(x_train, y_train), (x_test, y_test)``.

    Args:
        path: a file, or a name in ``$KERAS_HOME/datasets`` or ``~/.keras/datasets``. It is used as
            it is; where there is none, it is downloaded and checked.
        test_split: share of the rows in the second part.
        seed: seed of the order of the rows.

    Returns:
        x: floats (rows, 13); y: floats (rows,).

    Raises:
        OSError: there is no file, and no connection to download it.
        ValueError: the file or an argument is not as expected.
    """
    x, y = read_parts(path, "boston_housing.npz", _SHA256, ["x", "y"])
    return split_shuffled(x, y, test_split, seed)
