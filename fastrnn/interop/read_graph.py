"""ReadGraph: what a file of another system amounts to, before a model is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastrnn.layers.base.layer import Layer
from fastrnn.layers.base.symbolic import SymbolicTensor
from fastrnn.typing import Array


@dataclass(frozen=True)
class ReadGraph:
    """Layers that are called on symbolic tensors, or a chain of layers that are not called yet.

    Attributes:
        inputs: the tensors that the model takes.
        outputs: the tensors that it gives.
        chain: its layers, if it has one input, which runs through all of them; they have no calls.
        weights: layers, and the arrays that they get once the model has built them.
    """

    inputs: Sequence[SymbolicTensor]
    outputs: Sequence[SymbolicTensor] = ()
    chain: Sequence[Layer] | None = None
    weights: Sequence[tuple[Layer, list[Array]]] = ()
