"""Central differences: the root of the chain of trust."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors

Array = npt.NDArray[Any]


def numerical_gradient(function: Callable[[], float], array: Array, step: float = 1e-6) -> Array:
    """Return the gradient of ``function`` with respect to ``array``, which it reads.

    Each entry is moved by ±``step`` in place and put back; the error is of the order step².

    Args:
        function: computes the scalar, from ``array`` as it stands.
        array: float64, any shape.
        step: the distance moved.

    Raises:
        ValueError: ``array`` is not float64, whose rounding alone would hide the differences.

    >>> x = np.array([1.0, 2.0])
    >>> numerical_gradient(lambda: float((x**2).sum()), x).round(6)
    array([2., 4.])
    """
    if array.dtype != np.float64:
        raise ValueError(errors.bad_dtype("array", array.dtype, "float64"))
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = function()
        array[index] = kept - step
        below = function()
        array[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient
