"""Gradients of functions that compute with operators alone: ``x[:, -1] * 100 + y``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.layers.base import CallContext
from fastrnn.layers.naming import names_kept
from fastrnn.layers.symbolic import Node, SymbolicTensor, map_tensors, tensors_in

Array = npt.NDArray[Any]


class Trace:
    """What a function does to arrays of some shapes, as calls of layers.

    Args:
        function: takes a list of arrays and returns a list.
        shapes: those of the arrays.
        dtype: their type.

    Raises:
        Exception: the function asks more of its arguments than symbolic tensors have, which are
            shapes, ``+ - * /`` and indexing; or it calls layers with weights.
    """

    def __init__(self, function: Callable[[Any], Any], shapes: Any, dtype: str) -> None:
        with names_kept():
            self.inputs = [SymbolicTensor(shape, dtype, "x") for shape in shapes]
            self.outputs = list(function(self.inputs))
        self.nodes: list[Node] = []
        for tensor in self.outputs:
            self._collect(tensor)
        for node in self.nodes:
            node.layer.nodes.remove(node)  # not the user's calls
        if any(node.layer.weights for node in self.nodes):
            raise TypeError("the function calls layers with weights")

    def _collect(self, tensor: SymbolicTensor) -> None:
        """Append the nodes that ``tensor`` needs, in an order in which they can be computed."""
        node = tensor.node
        if node is None or any(node is known for known in self.nodes):
            return
        for source in node.tensors:
            self._collect(source)
        self.nodes.append(node)

    def run(self, arrays: list[Array]) -> tuple[list[Array], Callable[[Any], list[Array]]]:
        """Return the outputs, and the function that carries their gradients to the inputs."""
        values: dict[int, Any] = dict(zip(map(id, self.inputs), arrays, strict=True))
        calls = []
        for node in self.nodes:
            inputs = map_tensors(lambda tensor: values[id(tensor)], node.inputs)
            values[id(node.result)], pull = node.layer.run(inputs, CallContext(gradient=True))
            calls.append((node, pull))

        def pullback(d_outputs: Any) -> list[Array]:
            d: dict[int, Array] = {}
            for tensor, gradient in zip(self.outputs, d_outputs, strict=True):
                _add(d, tensor, gradient)
            for node, pull in reversed(calls):
                if id(node.result) in d:
                    d_inputs = pull(d.pop(id(node.result)))[0]
                    listed = d_inputs if isinstance(d_inputs, list) else [d_inputs]
                    for tensor, gradient in zip(tensors_in(node.inputs), listed, strict=True):
                        _add(d, tensor, gradient)
            return [
                d.get(id(tensor), np.zeros_like(x))
                for tensor, x in zip(self.inputs, arrays, strict=True)
            ]

        return [values[id(tensor)] for tensor in self.outputs], pullback


def _add(sums: dict[int, Array], tensor: SymbolicTensor, gradient: Array) -> None:
    sums[id(tensor)] = sums[id(tensor)] + gradient if id(tensor) in sums else gradient
