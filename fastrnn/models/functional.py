"""Functional: a model of the calls between its inputs and its outputs."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import errors
from fastrnn.checks import to_real_array
from fastrnn.layers.base import CallContext, Layer, Pullback, registry
from fastrnn.layers.input import InputLayer
from fastrnn.layers.symbolic import SymbolicTensor, holds_shapes, map_tensors, unique
from fastrnn.models.data import sole_array
from fastrnn.models.graph import Graph, check_tensors
from fastrnn.models.model import Model

Array = npt.NDArray[Any]


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

    def __init__(
        self, inputs: Any, outputs: Any, trainable: bool = True, name: str | None = None
    ) -> None:
        self.inputs = check_tensors("inputs", inputs)
        self.outputs = check_tensors("outputs", outputs)
        if len(unique(self.inputs)) < len(self.inputs):
            expected = "each input once"
            raise ValueError(errors.bad_argument("inputs", [t.name for t in self.inputs], expected))
        self._input_structure, self._output_structure = inputs, outputs
        self.graph = Graph(self.inputs, self.outputs)
        self._layers: list[Layer] = [
            InputLayer.of(item) if isinstance(item, SymbolicTensor) else item
            for item in self.graph.layers
        ]
        self._check_names()
        super().__init__(name=name)
        if not trainable:  # else layers that are frozen stay so
            self.trainable = False
        self.built = True
        for node in self.graph.nodes:
            shapes = [tensor.shape for tensor in node.outputs]
            node.layer.summary_shape = shapes[0] if len(shapes) == 1 else tuple(shapes)

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
        return [tensor.name for tensor in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """Names of the layers that give the outputs."""
        return [tensor.name for tensor in self.outputs]

    @property
    def names_of_outputs(self) -> list[str]:
        """Keys of the outputs where they are a dict, else ``output_names``, made different."""
        if isinstance(self._output_structure, dict):
            return [*self._output_structure]
        names = self.output_names
        return [
            name if names.count(name) == 1 else f"{name}_{names[:k].count(name)}".removesuffix("_0")
            for k, name in enumerate(names)
        ]

    @property
    def input(self) -> Any:
        """The tensors that the model takes, in the structure that it was given."""
        return self._input_structure

    @property
    def output(self) -> Any:
        """The tensors that the model gives, in the structure that it was given."""
        return self._output_structure

    @property
    def input_shape(self) -> Any:
        """Shapes of the inputs, in their structure."""
        return map_tensors(lambda tensor: tensor.shape, self._input_structure)

    @property
    def output_shape(self) -> Any:
        """Shapes of the outputs, in their structure."""
        return map_tensors(lambda tensor: tensor.shape, self._output_structure)

    def build(self, input_shape: Any = None) -> None:
        """Do nothing: the weights are there."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shapes of the outputs for inputs of ``input_shape``, in their structure."""
        several = isinstance(input_shape, dict) or holds_shapes(input_shape)
        shapes = self.graph.shapes(self._in_order(input_shape) if several else [input_shape])
        known = {id(t): shape for t, shape in zip(self.outputs, shapes, strict=True)}
        return map_tensors(lambda tensor: known[id(tensor)], self._output_structure)

    # ---- computing ----

    def convert_inputs(self, inputs: Any) -> Any:
        """Return the array, or the list of arrays in the order of ``inputs``.

        Raises:
            ValueError: there are too few or too many, or something is no array of numbers.
        """
        if len(self.inputs) == 1:
            if isinstance(inputs, dict):
                inputs = self._in_order(inputs)[0]
            rank = self.inputs[0].ndim
            return to_real_array("inputs", sole_array(inputs, lambda x: x.ndim == rank))
        arrays = self._in_order(inputs)
        return [to_real_array(f"inputs[{k}]", array) for k, array in enumerate(arrays)]

    def _in_order(self, inputs: Any) -> list[Any]:
        """Return what is given for each input, by its place, its name or its key."""
        if isinstance(inputs, dict):
            structure = self._input_structure
            keys = [*structure] if isinstance(structure, dict) else self.input_names
            if any(key not in inputs for key in keys):
                keys = self.input_names
            missing = [key for key in keys if key not in inputs]
            if missing:
                raise ValueError(errors.bad_argument("inputs", [*inputs], f"the keys {keys}"))
            return [inputs[key] for key in keys]
        if not isinstance(inputs, (list, tuple)) or len(inputs) != len(self.inputs):
            received = f"{len(inputs)} entries" if isinstance(inputs, (list, tuple)) else "an array"
            expected = f"a list of {len(self.inputs)} arrays: {', '.join(self.input_names)}"
            raise ValueError(errors.bad_argument("inputs", received, expected))
        return list(inputs)

    def check_inputs(self, inputs: Any) -> None:
        """Raise ``ValueError`` if the inputs are not of the shapes that the model was made for."""
        arrays = inputs if isinstance(inputs, list) else [inputs]
        for tensor, array in zip(self.inputs, arrays, strict=True):
            fits = array.ndim == tensor.ndim and all(
                n is None or size in (n, None)
                for n, size in zip(tensor.shape, array.shape, strict=True)
            )
            if not fits:
                text = f"{tensor.shape}, those of {tensor.name!r} of model {self.name!r}"
                raise ValueError(errors.bad_shape("inputs", array.shape, text))
            if 0 in array.shape:
                raise ValueError(errors.bad_shape("inputs", array.shape, "no axis of length 0"))
        if len({array.shape[:1] for array in arrays}) > 1:
            received = [array.shape for array in arrays]
            expected = "as many samples in each array"
            raise ValueError(errors.bad_argument("inputs", received, expected))

    def run_masked(
        self, inputs: Any, context: CallContext, mask: Any = None, **options: Any
    ) -> tuple[Any, Pullback | None, Any]:
        """Return outputs, pullback and the mask that travels on with the outputs."""
        return self.run_for(self, inputs, context, mask)

    def run_for(
        self, owner: Layer, inputs: Any, context: CallContext, mask: Any
    ) -> tuple[Any, Pullback | None, Any]:
        """Run; the pullback returns the gradients of ``owner``'s weights, in its order."""
        inputs = self.convert_inputs(inputs)
        self.check_inputs(inputs)
        arrays = inputs if isinstance(inputs, list) else [inputs]
        masks = list(mask) if isinstance(mask, (list, tuple)) else [mask] * len(arrays)
        outputs, pull, out_masks = self.graph.run(arrays, context, masks)
        result, out_mask = self._structured(outputs), self._structured(out_masks)
        if pull is None:
            return result, None, out_mask

        def pullback(d_result: Any) -> tuple[Any, list[Array]]:
            d_inputs, by_id = pull(self._flat_outputs(d_result))
            d_weights = [
                by_id[id(v)] if id(v) in by_id else np.zeros_like(v.value)
                for v in owner.trainable_weights
            ]
            return d_inputs if isinstance(inputs, list) else d_inputs[0], d_weights

        return result, pullback, out_mask

    def _structured(self, values: list[Any]) -> Any:
        known = {id(t): value for t, value in zip(self.outputs, values, strict=True)}
        return map_tensors(lambda tensor: known[id(tensor)], self._output_structure)

    def _flat_outputs(self, values: Any) -> list[Any]:
        structure = self._output_structure
        if isinstance(structure, dict):
            return [values[key] for key in structure]
        return list(values) if isinstance(structure, (list, tuple)) else [values]

    def connections(self) -> dict[str, str] | None:
        """Return for each layer the outputs that its calls take, as text; ``None`` for a chain."""
        nodes = self.graph.nodes
        called = [id(node.layer) for node in nodes]
        chain = len(set(called)) == len(called) and all(len(n.tensors) == 1 for n in nodes)
        if chain and len({id(node.tensors[0].node) for node in nodes}) == len(nodes):
            return None
        texts: dict[str, list[str]] = {layer.name: [] for layer in self.layers}
        for node in nodes:
            for tensor in node.tensors:
                place = 0 if tensor.node is None else tensor.node.layer.nodes.index(tensor.node)
                texts[node.layer.name].append(f"{tensor.name}[{place}][{tensor.index}]")
        return {name: ", ".join(found) or "-" for name, found in texts.items()}

    # ---- configuration ----

    def get_config(self) -> dict[str, Any]:
        """Return name, layers and calls, as plain data."""
        from fastrnn.models.graph_config import graph_config

        return {"name": self.name, "trainable": self._trainable, **graph_config(self)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a model, with new weights, from what ``get_config`` returned."""
        from fastrnn.models.graph_config import graph_from_config

        inputs, outputs = graph_from_config(config)
        return cls(inputs, outputs, config.get("trainable", True), config.get("name"))
