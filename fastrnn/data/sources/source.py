"""Source: what a data set goes over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fastrnn.data.elements import Element

INFINITE, UNKNOWN = -1, -2


class Source:
    """Elements that may be gone over again and again.

    Attributes:
        parents: the stages before this one.
        generator: what the stage draws from, if it does.
    """

    parents: tuple[Source, ...] = ()
    generator: np.random.Generator | None = None

    def __iter__(self) -> Iterator[Element]:
        raise NotImplementedError

    def count(self) -> int:
        """Return the number of elements, or ``INFINITE`` or ``UNKNOWN``."""
        return self.parents[0].count()

    def generators(self) -> list[np.random.Generator]:
        """Return what this stage and those before it draw from."""
        before = [found for parent in self.parents for found in parent.generators()]
        return before if self.generator is None else [*before, self.generator]


class Stream(Source):
    """What a function iterates over, of a known number of elements or not."""

    def __init__(
        self,
        start: Callable[[], Iterator[Any]],
        count: int = UNKNOWN,
        parents: tuple[Source, ...] = (),
        generator: np.random.Generator | None = None,
    ) -> None:
        self.start, self._count, self.parents, self.generator = start, count, parents, generator

    def __iter__(self) -> Iterator[Element]:
        return self.start()

    def count(self) -> int:
        """Return the number of elements."""
        return self._count
