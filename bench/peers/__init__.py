"""One adapter for each library that fastrnn is compared with, and one for fastrnn itself.

An adapter is a module with two functions:

- ``start(threads) -> version`` imports its library and sets the threads as that library wants it;
  ``ImportError`` means that the library is not installed;
- ``prepare(case, weights, x, y) -> Work`` builds what is timed. ``weights`` are Keras's, those of
  ``fastrnn.bench.cases.build_model``; it raises ``Unsupported`` where the library lacks the cell.

Each is loaded in a process of its own: their thread pools would disturb one another.
Inputs are converted beforehand to the type and the layout that the library likes best, so that its
conversions are not timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray

# The first is measured against the others.
MODULES = {
    "fastrnn": "peers.fastrnn_layers",
    "torch": "peers.pytorch",
    "keras-tf": "peers.keras_tensorflow",
    "keras-torch": "peers.keras_torch",
    "onnxruntime": "peers.onnx_runtime",
    "openvino": "peers.open_vino",
    "jax": "peers.jax_scan",
    "thinc": "peers.thinc_lstm",
}


class Unsupported(Exception):
    """The library has no such cell."""


class Training(NamedTuple):
    """One way to train.

    Attributes:
        step: one step of SGD on mean squared error.
        weights: returns the weights as they are now, in Keras's order and layout.
    """

    step: Callable[[], Any]
    weights: Callable[[], list[Array]]


@dataclass
class Work:
    """What a library does in one case. Of several ways, all are checked and the fastest is timed.

    Attributes:
        forward: ways of inference; the last output only.
        read: turns what they return into an array (batch, units of all directions).
        training: ways to train; none where the library has none.
    """

    forward: list[Callable[[], Any]]
    read: Callable[[Any], Array] = np.asarray
    training: list[Training] = field(default_factory=list)


class Direction(NamedTuple):
    """Keras's weights of one direction."""

    kernel: Array
    recurrent_kernel: Array
    bias: Array


def split_directions(case: Any, weights: list[Array]) -> list[Direction]:
    """Return the recurrent weights, one tuple for each direction."""
    return [Direction(*weights[3 * d : 3 * d + 3]) for d in range(case.directions)]


def reorder_gates(array: Array, order: Iterable[int]) -> Array:
    """Return ``array`` with the gate blocks of its last axis in another order."""
    order = list(order)
    blocks = np.split(array, len(order), axis=-1)
    return np.concatenate([blocks[index] for index in order], axis=-1)


def two_biases(direction: Direction) -> tuple[Array, Array]:
    """Return the biases of the input and of the recurrent product: the second may be zero."""
    if direction.bias.ndim == 2:
        return direction.bias[0], direction.bias[1]
    return direction.bias, np.zeros_like(direction.bias)
