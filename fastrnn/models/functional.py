"""Functional: a model of the calls between its inputs and its outputs."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.nest import flatten, is_node
from fastrnn.core.old_keywords import takes_old_keywords
from fastrnn.layers.base.context import INFERENCE, CallContext, Pullback
from fastrnn.layers.base.layer import Layer, registry
from fastrnn.layers.base.symbolic import Node, SymbolicTensor
from fastrnn.layers.core.input import InputLayer
from fastrnn.models.graph import ModelGraph, map_shapes
from fastrnn.models.graph_config import graph_config, graph_from_config
from fastrnn.models.model import Model
from fastrnn.typing import Array, Config, Nest


@registry.register(module="keras.src.models.functional")
class Functional(Model):
    """What ``Model(inputs, outputs)`` makes; see ``Model``.

    Attributes:
        graph: the calls.
        inputs: the tensors that it takes.
        outputs: the tensors that it gives.
        input_names: names of the inputs.
        output_names: names of the layers that give the outputs.
    """

    first_call = 1  # the 0th is its own graph

    @takes_old_keywords
    def __init__(
        self, inputs: Nest, outputs: Nest, trainable: bool = True, name: str | None = None
    ) -> None:
        self.graph = ModelGraph(inputs, outputs)
        self.inputs, self.outputs = self.graph.inputs, self.graph.outputs
        self._layers: list[Layer] = [
            InputLayer.of(item) if isinstance(item, SymbolicTensor) else item
            for item in self.graph.layers
        ]
        self._check_names()
        super().__init__(name=name)
        if not trainable:  # else layers that are frozen stay so
            self.trainable = False
        self.built = True

    def _check_names(self) -> None:
        names = collections.Counter(layer.name for layer in self._layers)
        repeated = sorted(name for name, count in names.items() if count > 1)
        if repeated:
            remedy = "Give one of the layers another `name`."
            raise ValueError(
                errors.bad_argument("outputs", repeated, "layers of different names", remedy)
            )

    @property
    def layers(self) -> list[Layer]:
        """The layers, inputs among them."""
        return list(self._layers)

    @property
    def sublayers(self) -> list[Layer]:
        """The layers, inputs among them."""
        return self._layers

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return self.graph.input_names

    @property
    def output_names(self) -> list[str]:
        """Names of the layers that give the outputs."""
        return [tensor.name for tensor in self.outputs]

    @property
    def names_of_outputs(self) -> list[str]:
        """Keys of the outputs where they are in dicts, else ``output_names``, made different."""
        return self.graph.names_of_outputs

    @property
    def input(self) -> Any:
        """The tensors that the model takes, in the structure that it was given."""
        return self.graph.input_structure

    @property
    def output(self) -> Any:
        """The tensors that the model gives, in the structure that it was given."""
        return self.graph.output_structure

    @property
    def input_shape(self) -> Any:
        """Shapes of the inputs, in their structure."""
        return map_shapes(self.graph.input_structure)

    streamed_shape = input_shape

    @property
    def output_shape(self) -> Any:
        """Shapes of the outputs, in their structure."""
        return map_shapes(self.graph.output_structure)

    def build(self, input_shape: Nest = None) -> None:
        """Do nothing: the weights are there."""

    # ---- computing ----

    def calls(self, input_shape: Nest) -> list[Node]:
        """Return the calls of layers that the model makes, in their order."""
        return self.graph.nodes

    def compute_output_shape(self, input_shape: Nest) -> Any:
        """Return the shape of the outputs for inputs of ``input_shape``."""
        return self.graph.output_shape(input_shape)

    def run(
        self, inputs: Nest, context: CallContext, mask: Nest = None, **options: Any
    ) -> tuple[Any, Pullback | None, Any]:
        """Return outputs, pullback and the mask that travels on with the outputs."""
        graph = self.graph
        arrays = flatten(inputs)
        masks = graph.in_order(mask) if is_node(mask) else [mask] * len(arrays)
        outputs, pull, out_masks = graph.run(arrays, context, masks)
        result, out_mask = graph.as_outputs(outputs), graph.as_outputs(out_masks)
        if pull is None:
            return result, None, out_mask

        def pullback(d_result: Any) -> tuple[Any, list[Array]]:
            d_inputs, by_id = pull(graph.flat_outputs(d_result))
            d_weights = [
                by_id[id(v)] if id(v) in by_id else np.zeros_like(v.value)
                for v in self.trainable_weights
            ]
            return graph.as_inputs(d_inputs), d_weights

        return result, pullback, out_mask

    def compute_mask(self, inputs: Nest, mask: Nest = None) -> Any:
        """Return the mask of the outputs; computes all layers to find it."""
        return self.run(inputs, INFERENCE, mask)[2]

    def convert_inputs(self, inputs: Nest) -> Any:
        """Return the array, or the arrays in the structure of the model's inputs.

        Raises:
            ValueError: there are too few or too many, or something is no array of numbers.
        """
        return self.graph.convert_inputs(inputs)

    def arrange(self, inputs: Nest) -> Any:
        """Return symbolic inputs in the structure of the model's inputs."""
        return self.graph.as_inputs(self.graph.in_order(inputs))

    def check_inputs(self, inputs: Nest) -> None:
        """Raise ``ValueError`` if the inputs are not of the shapes that the model was made for."""
        self.graph.check_inputs(inputs, self.name)

    def flat_outputs(self, values: Nest) -> list[Any]:
        """Return what is given for each output, in the order of the outputs."""
        return self.graph.flat_outputs(values)

    def summary_entries(self) -> list[tuple[Layer, Any]]:
        """Return the layers, inputs among them, and the shapes of their outputs."""
        shapes = self.graph.shapes_of_layers()
        return [
            (layer, layer.tensor.shape if isinstance(layer, InputLayer) else shapes[id(layer)])
            for layer in self._layers
        ]

    def connections(self) -> dict[str, str] | None:
        """Return for each layer the outputs that its calls take, as text; ``None`` for a chain."""
        return self.graph.connections()

    def stream_layers(self) -> list[Layer]:
        """Return the layers that a stream runs, those of models among them.

        Raises:
            ValueError: the calls are no chain from one input to one output.
        """
        return self.graph.stream_layers(self.name)

    @property
    def saved_attributes(self) -> list[tuple[str, object]]:
        """The layers, and then the other attributes in which layers may stand."""
        others = [(k, value) for k, value in super().saved_attributes if k != "layers"]
        return [("layers", self.layers), *others]

    # ---- configuration ----

    def get_config(self) -> Config:
        """Return name, layers and calls, as plain data."""
        return {"name": self.name, "trainable": self._trainable, **graph_config(self)}

    @classmethod
    def from_config(cls, config: Config) -> Any:
        """Make a model, with new weights, from what ``get_config`` returned."""
        inputs, outputs = graph_from_config(config)
        return cls(inputs, outputs, config.get("trainable", True), config.get("name"))
