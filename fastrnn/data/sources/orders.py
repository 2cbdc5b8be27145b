"""Orders: which elements come, one after the other, and how often.

An order is iterated over in chunks of row numbers, ranges where they follow each other: a data set
over arrays takes whole batches out of them at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from fastrnn.core import random
from fastrnn.data.sources.source import INFINITE, UNKNOWN

Chunk = Any  # a range or an array of integers
_DRAWN_AT_ONCE = 1024


def taken(count: int, most: int) -> int:
    """Return the number of elements that are left when at most so many are taken; -1 takes all."""
    if most < 0 or count == UNKNOWN:
        return count
    return most if count == INFINITE else min(count, most)


def skipped(count: int, first: int) -> int:
    """Return the number that is left when so many are skipped; -1 skips all."""
    if first < 0:
        return 0
    return count if count < 0 else max(count - first, 0)


def sharded(count: int, shards: int, index: int) -> int:
    """Return the number of elements in a shard."""
    return count if count < 0 else len(range(index, count, shards))


def repeated(count: int, times: int | None) -> int:
    """Return the number of elements of so many passes; ``None`` or less than 0 is for ever."""
    if times == 0 or count == 0:
        return 0
    if times is None or times < 0 or count == INFINITE:
        return INFINITE
    return count if count == UNKNOWN else count * times


def rounds(times: int | None) -> Iterable[int]:
    """Return what counts so many passes."""
    return itertools.count() if times is None or times < 0 else range(times)


def shuffled(items: Iterator[Any], size: int, generator: np.random.Generator) -> Iterator[Any]:
    """Yield items out of a buffer of so many, drawn, and filled up by the next item.

    What TensorFlow does: with a buffer for all items, any order is as likely as any other.
    """
    buffer = list(itertools.islice(items, size))
    draws = _draws(len(buffer), generator)
    for item in items:
        k = next(draws)
        yield buffer[k]
        buffer[k] = item
    generator.shuffle(buffer)
    yield from buffer


def _draws(size: int, generator: np.random.Generator) -> Iterator[int]:
    while True:
        yield from generator.integers(0, size, _DRAWN_AT_ONCE).tolist()


class Order:
    """Row numbers from 0 on, each once.

    Attributes:
        count: number of row numbers, or ``INFINITE``.
        is_straight: whether they are 0, 1, 2 ….
        generator: what the order is drawn from, if it is.
    """

    is_straight = True

    def __init__(self, count: int, generator: np.random.Generator | None = None) -> None:
        self.count, self.generator = count, generator

    def __iter__(self) -> Iterator[Chunk]:
        yield range(self.count)


class Shuffled(Order):
    """An order drawn from another one, anew at each iteration or once."""

    is_straight = False

    def __init__(self, order: Order, size: int, seed: int | None, anew: bool) -> None:
        super().__init__(order.count, random.generator(seed))
        self.order, self.size = order, size
        self.seed = None if anew else random.draw_seed() if seed is None else seed

    def __iter__(self) -> Iterator[Chunk]:
        assert self.generator is not None
        drawn = self.generator if self.seed is None else random.generator(self.seed)
        if 0 <= self.count <= self.size:
            numbers = [np.asarray(chunk, np.intp) for chunk in self.order]
            yield drawn.permutation(np.concatenate(numbers)) if numbers else range(0)
            return
        stream = itertools.chain.from_iterable(self.order)
        rows = shuffled(stream, self.size, drawn)
        while chunk := list(itertools.islice(rows, _DRAWN_AT_ONCE)):
            yield np.array(chunk, np.intp)


class Part(Order):
    """Every ``step``-th row number of another order, from one place to another."""

    is_straight = False

    def __init__(self, order: Order, start: int, stop: int | None, step: int, count: int) -> None:
        super().__init__(count, order.generator)
        self.order, self.start, self.stop, self.step = order, start, stop, step

    def __iter__(self) -> Iterator[Chunk]:
        passed, start = 0, self.start  # start: place of the next number, from the first chunk on
        for chunk in self.order:
            stop = len(chunk) if self.stop is None else self.stop - passed
            if stop <= 0:
                return
            part = chunk[max(start - passed, 0) : max(stop, 0) : self.step]
            start += len(part) * self.step
            passed += len(chunk)
            if len(part):
                yield part


class Repeated(Order):
    """Another order, several times or for ever."""

    is_straight = False

    def __init__(self, order: Order, times: int | None) -> None:
        super().__init__(repeated(order.count, times), order.generator)
        self.order, self.times = order, times

    def __iter__(self) -> Iterator[Chunk]:
        if self.count:
            for _ in rounds(self.times):
                yield from self.order


def batches(order: Order, size: int, drop_remainder: bool) -> Iterator[Chunk]:
    """Yield the row numbers of an order, so many at once."""
    rest: list[Chunk] = []
    missing = size
    for chunk in order:
        start = 0
        while len(chunk) - start >= missing:
            part = chunk[start : start + missing]
            start += missing
            yield np.concatenate([*rest, part]) if rest else part
            rest, missing = [], size
        if start < len(chunk):
            rest.append(chunk[start:])
            missing -= len(chunk) - start
    if rest and not drop_remainder:
        yield np.concatenate(rest) if len(rest) > 1 else rest[0]
