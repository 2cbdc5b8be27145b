"""Arrays of strings: objects of ``str``, so that each takes the memory of its own length."""

from __future__ import annotations

import numpy as np

from fastrnn.core import errors
from fastrnn.typing import Array


def to_strings(argument: str, value: object, encoding: str = "utf-8") -> Array:
    """Return strings, or nested lists or arrays of them, as an array of ``str`` objects.

    Raises:
        ValueError: lists of different lengths, bytes in another encoding, or no strings.
    """
    array = np.asarray(value, object)
    flat = array.ravel()
    if any(isinstance(entry, (list, tuple, np.ndarray)) for entry in flat):
        remedy = "Fill the shorter ones up with '', or join the words of each text with blanks."
        expected = "lists of one length"
        raise ValueError(
            errors.bad_argument(argument, "lists of several lengths", expected, remedy)
        )
    texts = np.empty(flat.shape, object)
    try:
        texts[:] = [e.decode(encoding) if isinstance(e, bytes) else e for e in flat.tolist()]
    except UnicodeDecodeError as error:
        message = errors.bad_argument(argument, str(error), f"bytes in the encoding {encoding!r}")
        raise ValueError(message) from None
    wrong = next((text for text in texts if not isinstance(text, str)), None)
    if wrong is not None:
        raise ValueError(errors.bad_argument(argument, wrong, "strings"))
    return texts.reshape(array.shape)
