"""Stages that put elements together, or take them apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.data.elements import Element, leaves, map_leaves, rows_of, stack
from fastrnn.data.sources import orders
from fastrnn.data.sources.rows import Rows
from fastrnn.data.sources.source import UNKNOWN, Source
from fastrnn.typing import Array


def _batch_count(count: int, size: int, drop_remainder: bool) -> int:
    return count if count < 0 else count // size if drop_remainder else -(-count // size)


def groups(source: Source, size: int, drop_remainder: bool) -> Iterator[list[Element]]:
    """Yield so many elements at once."""
    elements = iter(source)
    while group := list(itertools.islice(elements, size)):
        if len(group) == size or not drop_remainder:
            yield group


class Batched(Source):
    """So many elements as one, along a new first axis."""

    def __init__(self, source: Source, size: int, drop_remainder: bool) -> None:
        self.parents, self.size, self.drop_remainder = (source,), size, drop_remainder

    def count(self) -> int:
        """Return the number of batches."""
        return _batch_count(self.parents[0].count(), self.size, self.drop_remainder)

    def __iter__(self) -> Iterator[Element]:
        source = self.parents[0]
        if isinstance(source, Rows):
            return map(source.at, orders.batches(source.order, self.size, self.drop_remainder))
        return map(stack, groups(source, self.size, self.drop_remainder))


class PaddedBatches(Batched):
    """So many elements as one, filled up at their ends to one shape.

    Args:
        source: the elements.
        size: of a batch.
        drop_remainder: whether to leave out a smaller one at the end.
        shapes: an element of shapes, ``None`` for the longest in the batch, or ``None`` for that
            everywhere.
        values: an element of what is filled in, one for all, or ``None`` for 0 and "".
    """

    def __init__(
        self, source: Source, size: int, drop_remainder: bool, shapes: Any, values: Any
    ) -> None:
        super().__init__(source, size, drop_remainder)
        self.shapes, self.values = shapes, values

    def __iter__(self) -> Iterator[Element]:
        for group in groups(self.parents[0], self.size, self.drop_remainder):
            yield pad(group, self.shapes, self.values)


def pad(elements: list[Element], shapes: Any, values: Any) -> Element:
    """Return elements as one, filled up to ``shapes`` with ``values``."""
    order = list(leaves(elements[0]))
    numbers = iter(range(len(order)))
    structure = map_leaves(lambda _: next(numbers), elements[0])
    wanted = _along(shapes, structure, len(order), is_shape=True)
    fill = _along(values, structure, len(order), is_shape=False)
    columns = zip(*(leaves(element) for element in elements), strict=True)
    padded = [_pad(*given) for given in zip(columns, wanted, fill, strict=True)]
    return map_leaves(lambda number: padded[number], structure)


def _along(given: Any, structure: Element, count: int, is_shape: bool) -> list[Any]:
    """Return what is given for each leaf: one for all, or in the structure of the elements."""
    found: list[Any] = [None] * count

    def place(number: Any, value: Any) -> None:
        if isinstance(number, (tuple, list)):
            for entry, own in zip(number, value, strict=True):
                place(entry, own)
        elif isinstance(number, dict):
            for key, entry in number.items():
                place(entry, value[key])
        elif number is not None:
            found[number] = value

    nested = isinstance(structure, (tuple, dict))
    for_all = given is None or not isinstance(given, (tuple, list, dict)) or not nested
    if for_all and (nested or not is_shape):
        return [given] * count
    place(structure, given)
    return found


def _pad(arrays: tuple[Array, ...], shape: Any, value: Any) -> Array:
    rank = arrays[0].ndim
    wanted = [None] * rank if shape is None else list(shape)
    longest = [max(array.shape[axis] for array in arrays) for axis in range(rank)]
    sizes = [
        long if n is None or n == -1 else int(n) for n, long in zip(wanted, longest, strict=True)
    ]
    if any(long > n for n, long in zip(sizes, longest, strict=True)):
        expected = f"at least the sizes of the elements, {tuple(longest)}"
        raise ValueError(errors.bad_argument("padded_shapes", tuple(sizes), expected))
    dtype = arrays[0].dtype
    if value is None:
        value = "" if dtype.kind == "O" else np.zeros((), dtype)[()]
    result = np.full((len(arrays), *sizes), value, dtype)
    for k, array in enumerate(arrays):
        place: tuple[int | slice, ...] = (k, *map(slice, array.shape))
        result[place] = array
    return result


class Unbatched(Source):
    """The entries of elements along their first axis."""

    def __init__(self, source: Source) -> None:
        self.parents = (source,)

    def count(self) -> int:
        """Return the number of entries, where they are known without making the batches."""
        source = self.parents[0]
        count = source.count()
        if count <= 0:
            return count
        if isinstance(source, Batched) and source.drop_remainder:
            return count * source.size
        return UNKNOWN

    def __iter__(self) -> Iterator[Element]:
        for element in self.parents[0]:
            for row in range(rows_of(element)):
                yield map_leaves(
                    lambda array, row=row: np.asarray(array[row], array.dtype), element
                )


def unbatch(source: Source) -> Source:
    """Return the entries of elements; those that were batched before as they were."""
    whole = type(source) is Batched and not source.drop_remainder
    return source.parents[0] if whole else Unbatched(source)


class Windows(Source):
    """Groups of elements that follow each other, ``shift`` apart.

    Each is an element whose leaves have a first axis more: arrays, or lists of arrays where their
    shapes differ.
    """

    def __init__(self, source: Source, size: int, shift: int, stride: int, whole: bool) -> None:
        self.parents = (source,)
        self.size, self.shift, self.stride, self.whole = size, shift, stride, whole

    @property
    def _span(self) -> int:
        """How many elements a window reaches over."""
        return (self.size - 1) * self.stride + 1

    def count(self) -> int:
        """Return the number of windows."""
        n = self.parents[0].count()
        if n < 0:
            return n
        span = self._span if self.whole else 1
        return max(-(-(n - span + 1) // self.shift), 0)

    def __iter__(self) -> Iterator[Element]:
        source = self.parents[0]
        if isinstance(source, Rows) and source.order.is_straight:
            n = source.count()
            for k in range(self.count()):
                start = k * self.shift
                yield source.at(range(start, min(start + self._span, n), self.stride))
            return
        for group in self._groups():
            yield map_leaves(_together, *group)

    def _groups(self) -> Iterator[list[Element]]:
        elements = iter(self.parents[0])
        window = list(itertools.islice(elements, self._span))
        while window and (len(window) == self._span or not self.whole):
            yield window[:: self.stride]
            gap = self.shift - len(window)
            if gap > 0 and len(window) == self._span:
                next(itertools.islice(elements, gap, gap), None)
            ahead = min(self.shift, self._span)
            window = window[self.shift :] + list(itertools.islice(elements, ahead))


def _together(*arrays: Array) -> Array | list[Array]:
    return np.stack(arrays) if len({array.shape for array in arrays}) == 1 else list(arrays)
