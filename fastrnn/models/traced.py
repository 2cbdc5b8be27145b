"""Tracing: what a model's Python ``call`` amounts to, as a graph for each shape of the inputs."""

from __future__ import annotations

import inspect
from typing import Any, Protocol

import numpy as np

from fastrnn.core.checks import to_real_array, to_shape
from fastrnn.core.nest import flatten, is_shape, unflatten
from fastrnn.core.variable import Variable
from fastrnn.layers.core.input import Input
from fastrnn.models.graph import ModelGraph, map_shapes
from fastrnn.typing import Nest, ShapeLike

# Of the inputs of one model; the oldest are forgotten.
MOST_TRACES = 64


class Traceable(Protocol):
    """A model with a ``call`` of its own."""

    name: str

    def call(self, inputs: Nest) -> Any:
        """Call the layers."""
        ...

    @property
    def weights(self) -> list[Variable]:
        """All weights."""
        ...


class Traces:
    """The graphs of a model, by the shapes of its inputs and by ``training``."""

    def __init__(self) -> None:
        self._graphs: dict[tuple[str, bool], ModelGraph] = {}

    @property
    def first(self) -> ModelGraph | None:
        """The oldest graph; ``None`` before ``call`` has been followed."""
        return next(iter(self._graphs.values()), None)

    @property
    def of_inference(self) -> ModelGraph | None:
        """The oldest graph outside training."""
        found = (graph for (_, training), graph in self._graphs.items() if not training)
        return next(found, None)

    def follow(
        self, model: Traceable, shapes: Nest, training: bool, fixed_batch: bool
    ) -> ModelGraph:
        """Return the graph of ``model.call`` for inputs of these shapes.

        Args:
            model: the model.
            shapes: of the inputs, in their structure.
            training: what ``call`` is told, if it asks.
            fixed_batch: whether a layer keeps states, for so many samples.

        Raises:
            TypeError: ``call`` computes with values, which symbolic tensors have not.
            ValueError: the shapes do not fit its layers, or it returns no tensors.
        """
        inputs = _symbolic_inputs(shapes, fixed_batch)
        key = (repr(map_shapes(inputs)), training)
        if key not in self._graphs:
            graph = _follow(model, inputs, training)
            while len(self._graphs) >= MOST_TRACES:
                self._graphs.pop(next(iter(self._graphs)))
            self._graphs[key] = graph
        return self._graphs[key]


def _follow(model: Traceable, inputs: Nest, training: bool) -> ModelGraph:
    options = {}
    if "training" in inspect.signature(model.call).parameters:
        options["training"] = training
    graph = ModelGraph(inputs, model.call(inputs, **options))
    _require_kept(model, graph)
    for node in graph.nodes:
        node.layer.nodes.remove(node)  # not the user's calls
    return graph


def arrays_of(inputs: Nest, name: str = "inputs") -> Any:
    """Return inputs as an array, or as arrays in lists and dicts."""
    if isinstance(inputs, dict):
        return {key: arrays_of(value, f"{name}[{key!r}]") for key, value in inputs.items()}
    if isinstance(inputs, (list, tuple)) and inputs and isinstance(inputs[0], (np.ndarray, dict)):
        return [arrays_of(value, f"{name}[{k}]") for k, value in enumerate(inputs)]
    return to_real_array(name, inputs)


def _symbolic_inputs(shapes: Nest, fixed_batch: bool) -> Any:
    def one(shape: ShapeLike) -> Any:
        sizes = to_shape("input_shape", shape)
        return Input(batch_shape=sizes if fixed_batch else (None, *sizes[1:]))

    return unflatten(shapes, map(one, flatten(shapes, is_shape)), is_shape)


def _require_kept(model: Traceable, graph: ModelGraph) -> None:
    """Raise ``ValueError`` if ``call`` makes layers anew: each call would forget their weights."""
    kept = {id(variable) for variable in model.weights}
    used = {id(node.layer): node.layer for node in graph.nodes}.values()
    lost = [v.path for layer in used for v in layer.weights if id(v) not in kept]
    if lost:
        raise ValueError(
            f"The weights {', '.join(lost)} belong to layers that are no attributes of model "
            f"{model.name!r}: make them in `__init__` and keep them on `self`."
        )
