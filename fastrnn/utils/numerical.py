"""to_categorical and normalize."""

from __future__ import annotations

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_positive_int, to_real_array
from fastrnn.core.old_keywords import takes_old_keywords
from fastrnn.core.user_warnings import deprecated
from fastrnn.typing import Array, ArrayLike, DTypeLike


@takes_old_keywords
def to_categorical(x: ArrayLike, num_classes: int | None = None, dtype: DTypeLike = None) -> Array:
    """Return one-hot vectors for class numbers.

    Args:
        x: integers from 0 on, any shape; a last axis of length 1 is dropped.
        num_classes: length of the vectors; the largest number + 1 unless given.
        dtype: of Keras 2; today ``.astype`` does it.

    Returns:
        Array of float64, as Keras gives it, or of ``dtype``; shape of ``x`` and (num_classes,).

    Raises:
        ValueError: numbers are negative, fractions, or not below ``num_classes``.

    >>> to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    given = to_real_array("x", x)
    if given.dtype.kind == "f" and not (given == np.floor(given)).all():
        raise ValueError(errors.bad_argument("x", "fractions or NaN", "integers"))
    labels = given.astype(np.int64)
    shape = labels.shape
    if len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    flat = labels.ravel()
    if num_classes is None:
        num_classes = int(flat.max(initial=0)) + 1
    num_classes = to_positive_int("num_classes", num_classes)
    if flat.size and (flat.min() < 0 or flat.max() >= num_classes):
        received = f"integers from {flat.min()} to {flat.max()}"
        expected = f"integers from 0 to num_classes - 1 = {num_classes - 1}"
        raise ValueError(errors.bad_argument("x", received, expected))
    if dtype is not None:
        deprecated("to_categorical(…, dtype=…)", "to_categorical(…).astype(…)")
    result = np.zeros((flat.size, num_classes), dtype)
    result[np.arange(flat.size), flat] = 1
    return result.reshape(*shape, num_classes)


def normalize(x: ArrayLike, axis: int = -1, order: int = 2) -> Array:
    """Return ``x`` divided by its norms along ``axis``; zeros stay zero.

    Args:
        x: array.
        axis: the axis of the vectors.
        order: of the norm, see ``numpy.linalg.norm``.

    >>> normalize([[3.0, 4.0]])
    array([[0.6, 0.8]])
    """
    array = np.atleast_1d(to_real_array("x", x))
    norms = np.linalg.norm(array, order, axis, keepdims=True)
    return array / np.where(norms == 0, 1, norms)
