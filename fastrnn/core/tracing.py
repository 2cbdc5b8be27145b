"""Tracing: what a function of the user's does beside its outputs, while it is followed.

Layers, models, losses and cells of the user's own are called once with symbolic tensors, which
have no values. What they do to tensors stands in the graph; what they do besides is noted in a
``Trace``.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any


class Trace:
    """One call that is being followed.

    Attributes:
        losses: what ``add_loss`` was given: the layer, and the tensor.
        updates: by the ``id`` of a variable: the variable, and what it is assigned in the end.
    """

    def __init__(self) -> None:
        self.losses: list[tuple[Any, Any]] = []
        self.updates: dict[int, tuple[Any, Any]] = {}

    def assign(self, variable: Any, value: Any) -> None:
        """Note that ``variable`` becomes ``value``, a tensor or array, when the call is run."""
        self.updates[id(variable)] = (variable, value)

    def value_of(self, variable: Any) -> Any:
        """Return what ``variable`` was assigned in this trace; ``None`` if nothing was."""
        return self.updates.get(id(variable), (None, None))[1]


class _Active(threading.local):
    """The trace that is being made in this thread; ``None`` while functions run on arrays."""

    trace: Trace | None = None


ACTIVE = _Active()


@contextlib.contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """Let ``ACTIVE.trace`` be ``trace``; the one before it goes on afterwards.

    >>> with tracing(Trace()) as trace:
    ...     ACTIVE.trace is trace
    True
    >>> ACTIVE.trace is None
    True
    """
    before, ACTIVE.trace = ACTIVE.trace, trace
    try:
        yield trace
    finally:
        ACTIVE.trace = before
