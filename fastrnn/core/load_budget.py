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
MOST_CALLS = 10_000
# The states that stateful layers keep are as large as the batch, and a file says its size only.
MOST_STATES = 1 << 22


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
        from_file = scalars is not None
        self.calls_left = MOST_CALLS if from_file else math.inf
        self.states_left = MOST_STATES if from_file else math.inf
        self.shared: dict[int, Any] = {}

    def count_object(self) -> None:
        """Raise ``RefusedConfig`` if the description has made too many objects."""
        self.objects_left -= 1
        if self.objects_left < 0:
            message = f"The model has more than {MOST_OBJECTS} layers and other objects."
            raise RefusedConfig("too_many_objects", message)

    def count_call(self) -> None:
        """Raise ``RefusedConfig`` if too many calls were followed.

        Models in models that are called several times have far more calls than descriptions.
        """
        self.calls_left -= 1
        if self.calls_left < 0:
            message = f"The model has more than {MOST_CALLS} calls of layers."
            raise RefusedConfig("too_many_calls", message)

    def count_states(self, numbers: int) -> None:
        """Raise ``RefusedConfig`` if all kept states together have too many numbers."""
        self.states_left -= numbers
        if self.states_left < 0:
            message = f"The states that stateful layers keep have more than {MOST_STATES} numbers."
            raise RefusedConfig("kept_states", message)

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


def count_call() -> None:
    """Count a call of a layer, or of an operation, if a model is being read."""
    if _current.reading is not None:
        _current.reading.count_call()


@contextlib.contextmanager
def reading(scalars: int | None = None) -> Iterator[Reading]:
    """Let objects be made of one description; see ``Reading``."""
    before, _current.reading = _current.reading, Reading(scalars)
    try:
        yield _current.reading
    finally:
        _current.reading = before
