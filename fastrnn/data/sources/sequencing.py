"""Stages that change which elements come, and in which order: not the elements themselves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fastrnn.core import random
from fastrnn.data.elements import Element, map_leaves
from fastrnn.data.sources import orders
from fastrnn.data.sources.orders import Part, Repeated, Shuffled
from fastrnn.data.sources.rows import Rows, joined
from fastrnn.data.sources.source import INFINITE, UNKNOWN, Source


def part(source: Source, start: int, stop: int | None, step: int, count: int) -> Source:
    """Return every ``step``-th element, ``count`` of them."""
    if isinstance(source, Rows):
        return Rows(source.arrays, Part(source.order, start, stop, step, count))
    return _Part(source, start, stop, step, count)


class _Part(Source):
    def __init__(self, source: Source, start: int, stop: int | None, step: int, count: int) -> None:
        self.parents = (source,)
        self.start, self.stop, self.step, self._count = start, stop, step, count

    def count(self) -> int:
        """Return the number of elements."""
        return self._count

    def __iter__(self) -> Iterator[Element]:
        return itertools.islice(self.parents[0], self.start, self.stop, self.step)


def shuffle(source: Source, size: int, seed: int | None, anew: bool) -> Source:
    """Return the elements in an order drawn from a buffer of ``size``."""
    if isinstance(source, Rows):
        return Rows(source.arrays, Shuffled(source.order, size, seed, anew))
    return _Shuffle(source, size, seed, anew)


class _Shuffle(Source):
    def __init__(self, source: Source, size: int, seed: int | None, anew: bool) -> None:
        self.parents, self.size = (source,), size
        self.generator = random.generator(seed)
        self.seed = None if anew else random.draw_seed() if seed is None else seed

    def __iter__(self) -> Iterator[Element]:
        assert self.generator is not None
        drawn = self.generator if self.seed is None else random.generator(self.seed)
        return orders.shuffled(iter(self.parents[0]), self.size, drawn)


def repeat(source: Source, times: int | None) -> Source:
    """Return the elements several times, or for ever."""
    if isinstance(source, Rows):
        return Rows(source.arrays, Repeated(source.order, times))
    return _Repeat(source, times)


class _Repeat(Source):
    def __init__(self, source: Source, times: int | None) -> None:
        self.parents, self.times = (source,), times

    def count(self) -> int:
        """Return the number of elements."""
        return orders.repeated(self.parents[0].count(), self.times)

    def __iter__(self) -> Iterator[Element]:
        for _ in orders.rounds(self.times):
            empty = True
            for element in self.parents[0]:
                empty = False
                yield element
            if empty:
                return


class Concatenated(Source):
    """The elements of several data sets, one after the other."""

    def __init__(self, *sources: Source) -> None:
        self.parents = sources

    def count(self) -> int:
        """Return the number of elements."""
        counts = [source.count() for source in self.parents]
        return next((n for n in (INFINITE, UNKNOWN) if n in counts), sum(counts))

    def __iter__(self) -> Iterator[Element]:
        return itertools.chain.from_iterable(self.parents)


class Cached(Source):
    """Elements that are kept when they have all been gone over once."""

    def __init__(self, source: Source) -> None:
        self.parents = (source,)
        self._kept: list[Element] | None = None

    def __iter__(self) -> Iterator[Element]:
        if self._kept is not None:
            yield from self._kept
            return
        kept = []
        for element in self.parents[0]:
            kept.append(element)
            yield element
        self._kept = kept


def cache(source: Source) -> Source:
    """Return elements that are kept after a first pass; rows of arrays in order are kept as is."""
    kept = isinstance(source, Rows) and source.order.generator is None
    return source if kept else Cached(source)


def zipped(sources: list[Source], structure: Element) -> Source:
    """Return the elements of several data sets side by side, as many as the shortest has.

    Args:
        sources: the data sets.
        structure: their numbers, in the structure of the elements.
    """
    return joined(sources, structure) or _Zipped(sources, structure)


class _Zipped(Source):
    def __init__(self, sources: list[Source], structure: Element) -> None:
        self.parents, self.structure = tuple(sources), structure

    def count(self) -> int:
        """Return the number of elements."""
        counts = [source.count() for source in self.parents]
        if UNKNOWN in counts:
            return UNKNOWN
        return min((n for n in counts if n != INFINITE), default=INFINITE)

    def __iter__(self) -> Iterator[Element]:
        for parts in zip(*self.parents, strict=False):
            yield map_leaves(lambda number, parts=parts: parts[number], self.structure)
