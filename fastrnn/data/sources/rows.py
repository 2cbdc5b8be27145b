"""Rows: the rows of arrays, in an order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastrnn.data.elements import Element, leaves, map_leaves, rows_of
from fastrnn.data.sources.orders import Order
from fastrnn.data.sources.source import Source
from fastrnn.typing import Array


class Rows(Source):
    """The rows of arrays.

    Args:
        arrays: an element whose arrays have a first axis of one length.
        order: of the rows; one after the other unless given.

    Raises:
        ValueError: the lengths differ.
    """

    def __init__(self, arrays: Element, order: Order | None = None) -> None:
        self.arrays = arrays
        self.order = Order(rows_of(arrays)) if order is None else order
        self.generator = self.order.generator

    def count(self) -> int:
        """Return the number of rows that come."""
        return self.order.count

    def __iter__(self) -> Iterator[Element]:
        for chunk in self.order:
            for row in chunk:
                yield map_leaves(lambda array, row=row: _row(array, row), self.arrays)

    def at(self, chunk: Any) -> Element:
        """Return the rows of a chunk, a view where they follow each other."""
        if isinstance(chunk, range):
            chunk = slice(chunk.start, max(chunk.stop, 0), chunk.step)
        return map_leaves(lambda array: _writeable(array[chunk]), self.arrays)


def _writeable(rows: Array) -> Array:
    """Return rows as they are, those of windows that overlap as a copy."""
    return rows if rows.flags.writeable else rows.copy()


def _row(array: Array, row: int) -> Array:
    found = array[row]
    return found if isinstance(found, np.ndarray) else np.asarray(found, array.dtype)


def joined(sources: list[Source], structure: Element) -> Rows | None:
    """Return several data sets as one, where all are arrays in straight order; else ``None``.

    Args:
        sources: the data sets.
        structure: their numbers, in the structure of the elements.
    """
    if not all(isinstance(source, Rows) and source.order.is_straight for source in sources):
        return None
    rows: list[Any] = sources
    count = min(source.count() for source in rows)
    arrays = [map_leaves(lambda array: array[:count], source.arrays) for source in rows]
    joint = map_leaves(lambda number: arrays[number], structure)
    return Rows(joint, Order(count)) if any(True for _ in leaves(joint)) else None
