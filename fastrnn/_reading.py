"""What a description may make while a model is built from a file: no more than the file is worth.

Layers and the tables of classes ask here, so that a small file cannot ask for large arrays.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator, Sequence
from typing import Any

MOST_OBJECTS = 10_000


class RefusedConfig(ValueError):
    """A description was refused.

    Args:
        reason: the rule that it breaks, a short fixed code.
        message: what was found, and what is expected.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Reading:
    """One model that is being built from a description.

    Args:
        scalars: how many numbers its file has for the weights; ``None`` if it has no file, and the
            weights are made by their initializers.

    Attributes:
        shared: objects made so far that the description refers to by a number.
    """

    def __init__(self, scalars: int | None) -> None:
        self.scalars_left = scalars
        self.objects_left = MOST_OBJECTS
        self.shared: dict[int, Any] = {}

    def count_object(self) -> None:
        """Raise ``RefusedConfig`` if the description has made too many objects."""
        self.objects_left -= 1
        if self.objects_left < 0:
            message = f"The model has more than {MOST_OBJECTS} layers and other objects."
            raise RefusedConfig("too_many_objects", message)

    def has_weight(self, shape: Sequence[int], name: str) -> bool:
        """Return whether the file has the weight's values.

        Raises:
            RefusedConfig: the weights need more numbers than the file has.
        """
        if self.scalars_left is None:
            return False
        self.scalars_left -= math.prod(shape)
        if self.scalars_left < 0:
            message = (
                f"The weights of the described model, {name!r} of shape {tuple(shape)} among them, "
                "have more numbers than the file."
            )
            raise RefusedConfig("size_mismatch", message)
        return True


class _Current(threading.local):
    reading: Reading | None = None


_current = _Current()


def current() -> Reading | None:
    """Return the model that is being read, ``None`` while code alone makes objects."""
    return _current.reading


@contextlib.contextmanager
def reading(scalars: int | None = None) -> Iterator[Reading]:
    """Let objects be made of one description; see ``Reading``."""
    before, _current.reading = _current.reading, Reading(scalars)
    try:
        yield _current.reading
    finally:
        _current.reading = before
