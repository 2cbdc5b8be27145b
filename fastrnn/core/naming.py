"""Automatic names: lstm, lstm_1, lstm_2 …"""

from __future__ import annotations

import collections
import contextlib
import threading
from collections.abc import Iterator

from fastrnn.core.class_table import to_snake_case


class _Names(threading.local):
    """Counts the automatic names given so far: lstm, lstm_1, lstm_2 …"""

    def __init__(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()

    def next(self, prefix: str) -> str:
        count = self.counts[prefix]
        self.counts[prefix] += 1
        return f"{prefix}_{count}" if count else prefix


_names = _Names()


def auto_name(class_name: str) -> str:
    """Return the next free automatic name for an object of this class."""
    return _names.next(to_snake_case(class_name))


def reset_names() -> None:
    """Start the automatic names again from the beginning."""
    _names.counts.clear()


@contextlib.contextmanager
def names_kept() -> Iterator[None]:
    """Forget the automatic names that are given inside."""
    counts = _names.counts.copy()
    try:
        yield
    finally:
        _names.counts = counts
