"""Stages that call a function of the user's on elements."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from fastrnn.data.elements import Element, call, to_element, wrap
from fastrnn.data.sources.source import Source, Stream

Function = Callable[..., Any]


class Mapped(Source):
    """What a function returns for each element."""

    def __init__(self, source: Source, function: Function) -> None:
        self.parents, self.function = (source,), function

    def __iter__(self) -> Iterator[Element]:
        for element in self.parents[0]:
            yield to_element(call(self.function, element))


def is_true(value: object) -> bool:
    """Return what a predicate said, an array of one or a bool."""
    return bool(np.asarray(value))


def filtered(source: Source, predicate: Function) -> Source:
    """Return the elements for which a predicate is true."""

    def start() -> Iterator[Element]:
        return (element for element in source if is_true(call(predicate, element)))

    return Stream(start, parents=(source,))


def taken_while(source: Source, predicate: Function) -> Source:
    """Return the elements before the first one for which a predicate is false."""

    def start() -> Iterator[Element]:
        return itertools.takewhile(lambda element: is_true(call(predicate, element)), source)

    return Stream(start, parents=(source,))


def interleaved(
    source: Source, elements_of: Callable[[Element], Iterable[Element]], cycle: int, block: int
) -> Source:
    """Return the elements of data sets, ``block`` of each in turn, ``cycle`` data sets at once."""

    def start() -> Iterator[Element]:
        opened = (iter(elements_of(element)) for element in source)
        active: list[Iterator[Element] | None] = [None] * cycle
        ended = False
        while not ended or any(active):
            for place in range(cycle):
                if active[place] is None and not ended:
                    active[place] = next(opened, None)
                    ended = active[place] is None
                current = active[place]
                if current is None:
                    continue
                given = list(itertools.islice(current, block))
                yield from given
                if len(given) < block:
                    active[place] = None

    return Stream(start, parents=(source,))


def scanned(source: Source, initial_state: Any, function: Function) -> Source:
    """Return what a function returns beside its state, for each element and the state before it."""

    def start() -> Iterator[Element]:
        state = to_element(initial_state)
        for element in source:
            new, output = function(wrap(state), wrap(element))
            state = to_element(new)
            yield to_element(output)

    return Stream(start, source.count(), (source,))
