"""Checks of arguments: each returns the value in its standard form, or raises an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import errors

Array = npt.NDArray[Any]


def to_float_array(argument: str, value: Any, dtype: str) -> Array:
    """Return ``value`` as a C-contiguous, native array of ``dtype``.

    Raises:
        ValueError: ragged or empty values, or such that are no real numbers.
    """
    array = to_real_array(argument, value)
    if array.size == 0:
        remedy = "Pass at least one sample and one time step."
        raise ValueError(errors.bad_shape(argument, array.shape, "no axis of length 0", remedy))
    return np.ascontiguousarray(array, dtype=dtype)


def to_real_array(argument: str, value: Any) -> Array:
    """Return ``value`` as an array of bools, integers or floats, of any byte order."""
    try:
        array = np.asarray(value)
    except ValueError:
        remedy = "Pad the sequences to one length first: fastrnn.utils.pad_sequences."
        raise ValueError(
            errors.bad_argument(argument, type(value).__name__, "an array", remedy)
        ) from None
    if array.dtype.kind not in "fiub":
        remedy = "Convert it first: numpy.asarray(…, dtype='float32')."
        raise ValueError(errors.bad_dtype(argument, array.dtype, "real numbers", remedy))
    return array


def to_mask(mask: Any, shape: tuple[int, ...]) -> Array | None:
    """Return ``mask`` as a bool array of ``shape``, or ``None`` where it is ``None``.

    Raises:
        ValueError: it has another shape, or values that are neither bool nor numbers.
    """
    if mask is None:
        return None
    array = to_real_array("mask", mask)
    if array.shape != shape:
        raise ValueError(errors.bad_shape("mask", array.shape, f"{shape}, (batch, timesteps)"))
    return np.ascontiguousarray(array, dtype=bool)


def to_positive_int(argument: str, value: Any) -> int:
    """Return ``value`` as an ``int``, or raise ``ValueError`` if it is no positive integer."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value <= 0:
        raise ValueError(errors.bad_argument(argument, value, "a positive integer"))
    return int(value)
