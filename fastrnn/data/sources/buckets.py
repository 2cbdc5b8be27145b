"""Buckets: batches of elements of similar lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_positive_int
from fastrnn.data.elements import Element, call, map_leaves, stack
from fastrnn.data.sources.batching import pad
from fastrnn.data.sources.source import UNKNOWN, Source


@dataclass
class Padding:
    """How the elements of a bucket become a batch.

    Attributes:
        shapes, values: see ``batching.pad``.
        to_boundary: whether axis 0 is filled up to the bucket's boundary less 1.
        none: whether elements are taken as they are.
    """

    shapes: Any
    values: Any
    to_boundary: bool
    none: bool


class Buckets(Source):
    """Padded batches of elements of similar lengths.

    Args:
        source: the elements.
        length_of: the length of an element.
        boundaries: a bucket holds the lengths from one boundary to below the next.
        sizes: of the batches of each bucket, one more than boundaries.
        padding: how elements become a batch.
        drop_remainder: whether to leave out the batches that did not get full.
    """

    def __init__(
        self,
        source: Source,
        length_of: Callable[..., Any],
        boundaries: Sequence[int],
        sizes: Sequence[int],
        padding: Padding,
        drop_remainder: bool,
    ) -> None:
        self.parents, self.length_of, self.padding = (source,), length_of, padding
        self.sizes = [to_positive_int("bucket_batch_sizes", size) for size in sizes]
        self.boundaries, self.drop_remainder = list(boundaries), drop_remainder
        if len(self.sizes) != len(self.boundaries) + 1:
            expected = f"one size more than there are boundaries, {len(self.boundaries) + 1}"
            raise ValueError(errors.bad_argument("bucket_batch_sizes", self.sizes, expected))

    def count(self) -> int:
        """Return that the number of batches is not known."""
        return UNKNOWN

    def __iter__(self) -> Iterator[Element]:
        buckets: list[list[Element]] = [[] for _ in self.sizes]
        for element in self.parents[0]:
            length = int(np.asarray(call(self.length_of, element)))
            bucket = int(np.searchsorted(self.boundaries, length, side="right"))
            buckets[bucket].append(element)
            if len(buckets[bucket]) == self.sizes[bucket]:
                yield self._batch(buckets[bucket], bucket)
                buckets[bucket] = []
        if not self.drop_remainder:
            for bucket, group in enumerate(buckets):
                if group:
                    yield self._batch(group, bucket)

    def _batch(self, group: list[Element], bucket: int) -> Element:
        if self.padding.none:
            return stack(group)
        shapes = self.padding.shapes
        if self.padding.to_boundary:
            shapes = self._shapes_to_boundary(group[0], bucket)
        return pad(group, shapes, self.padding.values)

    def _shapes_to_boundary(self, element: Element, bucket: int) -> Any:
        """Return shapes whose axis 0 goes to the boundary, where it is the element's length."""
        if bucket == len(self.boundaries):
            expected = f"lengths below the last boundary, {self.boundaries[-1]}"
            received = "a longer element"
            raise ValueError(errors.bad_argument("element_length_func", received, expected))
        length = int(np.asarray(call(self.length_of, element)))
        full = self.boundaries[bucket] - 1

        def shape(leaf: Any) -> list[int | None]:
            own = leaf.ndim > 0 and leaf.shape[0] == length
            return [full if axis == 0 and own else None for axis in range(leaf.ndim)]

        return map_leaves(shape, element)
