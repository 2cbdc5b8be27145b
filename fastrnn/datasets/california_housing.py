"""The California housing prices: 20,640 rows of 8 numbers, and prices.

They are not part of this package: they are read from where Keras keeps them, or downloaded there.
"""

from __future__ import annotations

import os

from fastrnn.core.checks import to_choice
from fastrnn.datasets.files import Part, read_parts, split_shuffled

_SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"


def load_data(
    version: str = "large",
    path: str | os.PathLike[str] = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> tuple[Part, Part]:
    """Return ``(x_train, y_train), (x_test, y_test)``.

    Args:
        version: ``"large"``, or ``"small"`` for the first 600 rows.
        path: a file, or a name in ``$KERAS_HOME/datasets`` or ``~/.keras/datasets``. It is used as
            it is; where there is none, it is downloaded and checked.
        test_split: share of the rows in the second part.
        seed: seed of the order of the rows.

    Returns:
        x: floats (rows, 8); y: floats (rows,).

    Raises:
        OSError: there is no file, and no connection to download it.
        ValueError: the file or an argument is not as expected.
    """
    to_choice("version", version, ("large", "small"))
    x, y = read_parts(path, "california_housing.npz", _SHA256, ["x", "y"])
    if version == "small":
        x, y = x[:600], y[:600]
    return split_shuffled(x, y, test_split, seed)
