"""Layers that other systems have too: a built-in cell, run over sequences in one or two ways."""

from __future__ import annotations

from typing import Any

from fastrnn.layers import Bidirectional
from fastrnn.layers.base.layer import Layer
from fastrnn.layers.rnn.recurrent_cell import RecurrentCell


def directions_of(layer: Layer) -> list[Any]:
    """Return the layer that runs the cell in each direction; none for a layer of another kind.

    >>> from fastrnn.layers import LSTM, Dense
    >>> len(directions_of(LSTM(3))), len(directions_of(Bidirectional(LSTM(3))))
    (1, 2)
    >>> directions_of(Dense(3))
    []
    """
    found = layer.sublayers if isinstance(layer, Bidirectional) else [layer]
    built_in = all(isinstance(getattr(inner, "cell", None), RecurrentCell) for inner in found)
    return list(found) if built_in else []
