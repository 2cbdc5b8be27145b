"""States carried from one call to the next, by layers that are not stateful otherwise."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from fastrnn.layers.rnn.base import RecurrentLayer
from fastrnn.layers.rnn.rnn import RNN


def loops_of(layer: Any) -> list[Any]:
    """Return what keeps the states of a layer: one loop for each cell; none if it is not recurrent.

    A loop has ``states``, a list of arrays or ``None``, ``stateful`` and ``get_initial_state``.
    """
    if isinstance(layer, RNN):
        return layer.loops
    return [layer] if isinstance(layer, RecurrentLayer) else []


@contextlib.contextmanager
def carried_states(layers: Iterable[Any], batch_size: int) -> Iterator[None]:
    """Let each call of recurrent layers start with the states that the one before it ended with.

    The first call starts with zeros, and afterwards the layers are as they were before. Layers that
    are stateful carry their states by themselves and are left alone.

    Args:
        layers: ``SimpleRNN``, ``LSTM``, ``GRU`` or ``RNN``, built.
        batch_size: that of all calls.
    """
    loops = [loop for layer in layers for loop in loops_of(layer) if not loop.stateful]
    try:
        for loop in loops:
            loop.stateful, loop.states = True, loop.get_initial_state(batch_size)
        yield
    finally:
        for loop in loops:
            loop.stateful, loop.states = False, None
