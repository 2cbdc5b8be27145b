"""Checks of arguments: each returns the value in its standard form, or raises an error."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, SupportsFloat

import numpy as np

from fastrnn.core import errors
from fastrnn.typing import Array

_PAD = "Pad the sequences to one length first: fastrnn.utils.pad_sequences."
_SEQUENCES = (list, tuple, np.ndarray)


def to_float_array(argument: str, value: object, dtype: str) -> Array:
    """Return ``value`` as a C-contiguous, native array of ``dtype``.

    Raises:
        ValueError: ragged or empty values, or such that are no real numbers.
    """
    array = to_real_array(argument, value)
    if array.size == 0:
        remedy = "Pass at least one sample and one time step."
        raise ValueError(errors.bad_shape(argument, array.shape, "no axis of length 0", remedy))
    return np.asarray(array, dtype=dtype, order="C")


def to_real_array(argument: str, value: object) -> Array:
    """Return ``value`` as an array of bools, integers or floats, of any byte order."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(
            errors.bad_argument(argument, type(value).__name__, "an array", _PAD)
        ) from None
    if array.dtype.kind == "O" and any(isinstance(e, _SEQUENCES) for e in array.flat):
        received, expected = "an array of arrays or lists", "entries of one length"
        raise ValueError(errors.bad_argument(argument, received, expected, _PAD))
    if array.dtype.kind not in "fiub":
        remedy = "Convert it first: numpy.asarray(…, dtype='float32')."
        raise ValueError(errors.bad_dtype(argument, array.dtype, "real numbers", remedy))
    return array


def to_mask(mask: object, shape: tuple[int, ...]) -> Array | None:
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


def integer_of(value: object) -> int | None:
    """Return an integer of Python or NumPy as an ``int``; ``None`` for all else, bools too."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    return None


def to_positive_int(argument: str, value: object) -> int:
    """Return ``value`` as an ``int``, or raise ``ValueError`` if it is no positive integer."""
    integer = integer_of(value)
    if integer is None or not 0 < integer < 2**63:
        raise ValueError(errors.bad_argument(argument, value, "a positive integer"))
    return integer


def to_int(argument: str, value: object) -> int:
    """Return ``value`` as an ``int``, or raise ``ValueError`` if it is no integer of 64 bits."""
    integer = integer_of(value)
    if integer is None or not -(2**63) <= integer < 2**63:
        raise ValueError(errors.bad_argument(argument, value, "an integer"))
    return integer


def to_number(
    argument: str,
    value: object,
    least: float = -np.inf,
    most: float = np.inf,
    *,
    exclusive: bool = False,
) -> float:
    """Return ``value`` as a finite ``float`` from ``least`` to ``most``.

    Args:
        argument: its name in the message.
        value: a number.
        least: the smallest number allowed.
        most: the largest number allowed.
        exclusive: whether ``least`` and ``most`` themselves are not allowed.

    Raises:
        ValueError: it is no number, or out of range.
    """
    number = np.nan
    if isinstance(value, SupportsFloat) and not isinstance(value, (bool, np.bool_)):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            number = float(value)
    inside = least < number < most if exclusive else least <= number <= most
    if not inside or not np.isfinite(number):
        raise ValueError(errors.bad_argument(argument, value, _range(least, most, exclusive)))
    return number


def _range(least: float, most: float, exclusive: bool) -> str:
    if np.isfinite(most):
        return f"a number from {least:g} to {most:g}" + (", exclusive" if exclusive else "")
    if np.isfinite(least):
        return f"a finite number {'above' if exclusive else 'from'} {least:g}" + (
            "" if exclusive else " on"
        )
    return "a finite number"


def to_axes(argument: str, value: object) -> int | tuple[int, ...]:
    """Return ``value`` as an axis, or a tuple of axes, or raise ``ValueError``."""
    if isinstance(value, (list, tuple)) and value:
        return tuple(to_int(argument, axis) for axis in value)
    return to_int(argument, value)


def to_choice(argument: str, value: object, known: Sequence[Any]) -> Any:
    """Return ``value``, or raise ``ValueError`` if it is none of ``known``."""
    if isinstance(value, np.ndarray) or value not in known:
        raise ValueError(errors.not_one_of(argument, value, known))
    return value


def to_name(argument: str, value: object) -> str:
    """Return ``value``, or raise ``ValueError`` if it cannot be a part of a weight's path."""
    if not isinstance(value, str) or "/" in value:
        raise ValueError(errors.bad_argument(argument, value, "a string without '/'"))
    return value


def to_shape(argument: str, shape: object) -> tuple[int | None, ...]:
    """Return ``shape`` as a tuple of positive integers and ``None``, or raise ``ValueError``."""
    if isinstance(shape, str | bytes) or not isinstance(shape, Sequence):
        remedy = "Write shape=(timesteps, features)."
        raise ValueError(errors.bad_argument(argument, shape, "a tuple of integers", remedy))
    return tuple(None if size is None else to_positive_int(argument, size) for size in shape)


def to_list(argument: str, value: object) -> list[Any]:
    """Return ``value`` as a list, or raise ``TypeError`` if it is neither list nor tuple."""
    if not isinstance(value, (list, tuple)):
        raise TypeError(errors.bad_argument(argument, value, "a list"))
    return list(value)
