"""Places: where in the user's code an error of a trace came from."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import NoReturn

import numpy as np

# Frames in these are not the user's.
_LIBRARIES = (str(Path(__file__).parents[2]), str(Path(np.__file__).parent))


def raise_with_place(error: Exception, where: str) -> NoReturn:
    """Raise an error of the user's code again, with the line that it came from.

    Args:
        error: what was raised.
        where: the code, as it begins a sentence: "In `call` of layer 'a'".
    """
    if getattr(error, "has_place", False):
        raise error
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)]
    place = f"{where}, {own[-1].filename}, line {own[-1].lineno}" if own else where
    raised: Exception = error
    if type(error) in (TypeError, ValueError, NotImplementedError, AttributeError, IndexError):
        raised = type(error)(f"{str(error).removesuffix('.')}. {place}.")
    else:
        error.add_note(place)
    raised.has_place = True  # type: ignore[attr-defined]
    raise raised from (error if raised is not error else error.__cause__)
