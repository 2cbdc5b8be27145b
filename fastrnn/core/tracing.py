"""Traces: what is noted while a function runs on symbolic tensors.

Layers, models, losses and cells of the user's own are called once with symbolic tensors, which
have no values. What they do to tensors stands in the graph; what they do besides is noted in a
``Trace``.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any


class UnknownLength(ValueError):
    """An operation needs a length that a symbolic tensor has not: ``None``."""


class Trace:
    """One run of a function on symbolic tensors.

    Attributes:
        updates: what variables are assigned, in order: by ``id``, the variable and its new value.
        losses: what ``add_loss`` was given, in order: the layer and the tensor.
        training: what the function is followed for, where that is known.
    """

    training: bool | None = None

    def __init__(self) -> None:
        self.updates: dict[int, tuple[Any, Any]] = {}
        self.losses: list[tuple[Any, Any]] = []

    def assign(self, variable: Any, value: Any) -> None:
        """Note that a variable gets a value; later reads in the same trace see it."""
        self.updates.pop(id(variable), None)
        self.updates[id(variable)] = (variable, value)

    def note(self, node: object) -> None:
        """Take note of a call; a graph finds its calls by itself."""

    def losses_of(self, layer: object) -> list[Any] | None:
        """Return the penalties of a layer as tensors, where they are such; else ``None``."""
        return None

    def read(self, variable: Any) -> Any:
        """Return the value that a variable was assigned in this trace, else the variable."""
        return self.updates.get(id(variable), (variable, variable))[1]


class _Stack(threading.local):
    def __init__(self) -> None:
        self.traces: list[Trace | None] = []


_stack = _Stack()


def active() -> Trace | None:
    """Return the innermost trace of this thread; ``None`` outside of all."""
    return _stack.traces[-1] if _stack.traces else None


@contextlib.contextmanager
def tracing(trace: Trace | None) -> Iterator[None]:
    """Note in ``trace`` what runs inside; with ``None`` variables are their values there.

    >>> trace = Trace()
    >>> with tracing(trace):
    ...     active() is trace
    True
    >>> active() is None
    True
    """
    _stack.traces.append(trace)
    try:
        yield
    finally:
        _stack.traces.pop()
