"""pad_sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import errors

Array = npt.NDArray[Any]


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
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
    for argument, side in {"padding": padding, "truncating": truncating}.items():
        if side not in ("pre", "post"):
            raise ValueError(errors.not_one_of(argument, side, ("pre", "post")))
    if not hasattr(sequences, "__len__"):
        raise ValueError(errors.bad_argument("sequences", sequences, "a list of sequences"))
    for k, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__"):
            expected = "a list of sequences"
            raise ValueError(errors.bad_argument(f"sequences[{k}]", sequence, expected))
    textual = np.issubdtype(dtype, np.str_) or np.issubdtype(dtype, np.bytes_)
    if isinstance(value, str) and dtype is not object and dtype != "object" and not textual:
        raise ValueError(errors.bad_argument("value", value, f"a value of dtype {dtype}"))
    if maxlen is None:
        maxlen = max((len(sequence) for sequence in sequences), default=0)
    shape = next((np.asarray(s).shape[1:] for s in sequences if len(s)), ())
    result = np.full((len(sequences), maxlen, *shape), value, dtype=dtype)
    if maxlen == 0:
        return result
    for k, sequence in enumerate(sequences):
        if not len(sequence):
            continue
        kept = sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen]
        array = np.asarray(kept, dtype=dtype)
        if array.shape[1:] != shape:
            expected = f"entries of shape {shape}, as in the first sequence"
            raise ValueError(errors.bad_shape(f"sequences[{k}]", array.shape[1:], expected))
        rows = slice(None, len(array)) if padding == "post" else slice(-len(array), None)
        result[k, rows] = array
    return result
