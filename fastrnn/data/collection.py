"""Collection: elements that one may go over, count and look at."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import integer_of
from fastrnn.core.tensor_array import TensorArray, tensor_array
from fastrnn.data.elements import Element, Nested, map_leaves, to_element, wrap
from fastrnn.data.sources.source import INFINITE, Source
from fastrnn.data.spec import specs


class ElementIterator:
    """One pass over a data set."""

    def __init__(self, elements: Iterator[Element]) -> None:
        self._elements = elements

    def __iter__(self) -> ElementIterator:
        return self

    def __next__(self) -> Element:
        return wrap(next(self._elements))

    def get_next(self) -> Element:
        """Return the next element."""
        return next(self)


class Collection(Nested):
    """What a data set is when it is made: the stages of ``Dataset`` make one of another.

    Attributes:
        class_names: names of the labels, where they come from a folder.
    """

    class_names: list[str] | None = None

    def __init__(self, source: Source) -> None:
        self._source = source

    def apply(self, transformation_func: Callable[..., Any]) -> Any:
        """Return what a function of the data set returns."""
        return transformation_func(self)

    def with_options(self, options: object) -> Self:
        """Return the data set: options tell TensorFlow how to run."""
        return self

    def __iter__(self) -> ElementIterator:
        return ElementIterator(iter(self._source))

    def __len__(self) -> int:
        count = self._source.count()
        if count < 0:
            reason = "it never ends" if count == INFINITE else "nobody has counted its elements"
            raise TypeError(f"The data set has no known length: {reason}.")
        return count

    def __bool__(self) -> bool:
        return True

    def cardinality(self) -> TensorArray:
        """Return the number of elements; -1 where it never ends, -2 where it is not known."""
        return tensor_array(self._source.count())

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Return an iterator over the elements with plain arrays, and numbers of NumPy."""
        return (map_leaves(lambda leaf: tensor_array(leaf).numpy(), e) for e in self._source)

    def get_single_element(self) -> Element:
        """Return the only element.

        Raises:
            ValueError: there is none, or more.
        """
        found = list(itertools.islice(self._source, 2))
        if len(found) != 1:
            received = "an empty data set" if not found else "more than one element"
            raise ValueError(errors.bad_argument("self", received, "one element"))
        return wrap(found[0])

    @property
    def element_spec(self) -> Any:
        """Shape and type of each array in an element, in its structure; one is made for it."""
        return specs(self._source)

    @property
    def generator(self) -> np.random.Generator | None:
        """What the order is drawn from, where one stage draws; training goes on from its state."""
        found = self._source.generators()
        return found[0] if len(found) == 1 else None

    def __repr__(self) -> str:
        return f"<Dataset of {self.element_spec}>"

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any]) -> Any:
        """Return the last state of ``reduce_func(state, element) -> state``, element by element.

        >>> import fastrnn
        >>> int(fastrnn.data.Dataset.range(5).reduce(np.int64(0), lambda state, x: state + x))
        10
        """
        state = to_element(initial_state)
        for element in self._source:
            state = to_element(reduce_func(wrap(state), wrap(element)))
        return wrap(state)


def to_count(argument: str, value: object, least: int | None) -> int:
    """Return an integer, of Python or in an array, that is at least ``least``."""
    number = integer_of(value[()] if isinstance(value, np.ndarray) and not value.ndim else value)
    if number is None or (least is not None and number < least):
        expected = "an integer" if least is None else f"an integer from {least} on"
        raise ValueError(errors.bad_argument(argument, value, expected))
    return number
