"""Gate orders: how other systems stack the gates of a cell, beside ours, which is Keras's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fastrnn.engines.cells import CELLS
from fastrnn.typing import Array

Orders = Mapping[str, tuple[str, ...]]

# Cells and gates by the names that they have in the table of cells.
TORCH: Orders = {
    "simple_rnn": ("h",),
    "lstm": ("i", "f", "c", "o"),
    "gru_reset_after": ("r", "z", "h"),
    "projected_lstm": ("i", "f", "c", "o"),
}
ONNX: Orders = {
    "simple_rnn": ("h",),
    "lstm": ("i", "o", "f", "c"),
    "peephole_lstm": ("i", "o", "f", "c"),
    "gru": ("z", "r", "h"),
    "gru_reset_after": ("z", "r", "h"),
}


def to_ours(array: Array, cell: str, orders: Orders) -> Array:
    """Return ``array`` with the gates along its last axis in our order.

    >>> to_ours(np.array([1, 1, 2, 2, 3, 3]), "gru_reset_after", TORCH)
    array([2, 2, 1, 1, 3, 3])
    """
    return _reorder(array, orders[cell], CELLS[cell].gates)


def from_ours(array: Array, cell: str, orders: Orders) -> Array:
    """Return ``array`` with the gates along its last axis in the other order.

    >>> from_ours(np.array([1, 2, 3, 4]), "lstm", ONNX)
    array([1, 4, 2, 3])
    """
    return _reorder(array, CELLS[cell].gates, orders[cell])


def _reorder(array: Array, source: Sequence[str], target: Sequence[str]) -> Array:
    blocks = dict(zip(source, np.split(array, len(source), axis=-1), strict=True))
    return np.concatenate([blocks[gate] for gate in target], axis=-1)
