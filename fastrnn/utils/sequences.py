"""pad_sequences."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_positive_int
from fastrnn.typing import Array, DTypeLike


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: object = 0.0,
) -> Array:
    """Bring sequences to one length.

    Args:
        sequences: sequences of numbers, or of arrays of one shape.
        maxlen: the length; that of the longest sequence unless given.
        dtype: of the result.
        padding: ``"pre"`` or ``"post"``: the end at which shorter sequences are filled up.
        truncating: ``"pre"`` or ``"post"``: the end at which longer ones are cut off.
        value: what they are filled with.

    Returns:
        Array (samples, maxlen, …).

    Raises:
        ValueError: an entry is no sequence, shapes differ, or an argument is unknown.

    >>> pad_sequences([[1], [2, 3]])
    array([[0, 1],
           [2, 3]], dtype=int32)
    """
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise ValueError(errors.bad_argument("dtype", dtype, "a dtype of NumPy")) from None
    for argument, side in {"padding": padding, "truncating": truncating}.items():
        if side not in ("pre", "post"):
            raise ValueError(errors.not_one_of(argument, side, ("pre", "post")))
    if not hasattr(sequences, "__len__"):
        raise ValueError(errors.bad_argument("sequences", sequences, "a list of sequences"))
    for k, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__"):
            expected = "a list of sequences"
            raise ValueError(errors.bad_argument(f"sequences[{k}]", sequence, expected))
    if maxlen is None:
        maxlen = max((len(sequence) for sequence in sequences), default=0)
    elif maxlen != 0:
        maxlen = to_positive_int("maxlen", maxlen)
    first = next((k for k, sequence in enumerate(sequences) if len(sequence)), None)
    shape = () if first is None else _to_array(sequences[first], first, dtype).shape[1:]
    result = _filled((len(sequences), maxlen, *shape), value, dtype)
    if maxlen == 0:
        return result
    for k, sequence in enumerate(sequences):
        if not len(sequence):
            continue
        kept = sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen]
        array = _to_array(kept, k, dtype)
        if array.shape[1:] != shape:
            expected = f"entries of shape {shape}, as in the first sequence"
            raise ValueError(errors.bad_shape(f"sequences[{k}]", array.shape[1:], expected))
        rows = slice(None, len(array)) if padding == "post" else slice(-len(array), None)
        result[k, rows] = array
    return result


def _filled(shape: tuple[int, ...], value: object, dtype: np.dtype[Any]) -> Array:
    # NumPy would read the number in a string; Keras does not.
    if not (isinstance(value, str) and dtype.kind not in "OSU"):
        with contextlib.suppress(TypeError, ValueError):
            return np.full(shape, value, dtype=dtype)
    expected = f"a value of dtype {dtype}"
    raise ValueError(errors.bad_argument("value", value, expected, "Or give another `dtype`."))


def _to_array(sequence: object, k: int, dtype: np.dtype[Any]) -> Array:
    try:
        return np.asarray(sequence, dtype=dtype)
    except (TypeError, ValueError, OverflowError):
        expected = f"numbers, or arrays of one shape, of dtype {dtype}"
        remedy = "Give another `dtype`, or convert the entries first."
        raise ValueError(
            errors.bad_argument(f"sequences[{k}]", sequence, expected, remedy)
        ) from None
