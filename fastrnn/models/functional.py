"""Functional: a model of the calls between its inputs and its outputs."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import to_real_array
from fastrnn.core.nest import Test, along, is_node, is_shape, leaves, never, paths, rebuild
from fastrnn.layers.base.graph import Graph, check_tensors
from fastrnn.layers.base.layer import CallContext, Layer, Pullback, registry
from fastrnn.layers.base.symbolic import Node, SymbolicTensor, map_tensors, unique
from fastrnn.layers.core.input import InputLayer
from fastrnn.models.model import Model
from fastrnn.models.trainer.data import sole_array

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
        self._names_of_outputs = paths(outputs, _different(self.output_names))
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
        """Keys of the outputs where they are in dicts, else ``output_names``, made different."""
        return self._names_of_outputs

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

    def calls(self, input_shape: Any) -> list[Node]:
        """Return the calls of layers that the model makes, in their order."""
        return self.graph.nodes

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shapes of the outputs for inputs of ``input_shape``, in their structure."""
        return self._structured(self.graph.shapes(self._in_order(input_shape, is_shape)))

    # ---- computing ----

    def convert_inputs(self, inputs: Any) -> Any:
        """Return the array, or the arrays in the structure of the model's inputs.

        Raises:
            ValueError: there are too few or too many, or something is no array of numbers.
        """
        if len(self.inputs) == 1:
            if isinstance(inputs, dict):
                inputs = self._in_order(inputs)[0]
            rank = self.inputs[0].ndim
            return to_real_array("inputs", sole_array(inputs, lambda x: x.ndim == rank))
        arrays = enumerate(self._in_order(inputs))
        return self._as_inputs([to_real_array(f"inputs[{k}]", array) for k, array in arrays])

    def arrange(self, inputs: Any) -> Any:
        """Return symbolic inputs in the structure of the model's inputs."""
        return self._as_inputs(self._in_order(inputs))

    def _as_inputs(self, values: list[Any]) -> Any:
        """Return one value, or several in the structure of the inputs."""
        return values[0] if len(values) == 1 else rebuild(self._input_structure, values)

    def _in_order(self, inputs: Any, is_leaf: Test = never) -> list[Any]:
        """Return what is given for each input: in their structure, in a list, or by their names."""
        found = along(self._input_structure, inputs, is_leaf)
        if found is None:
            found = along(self.inputs, inputs, is_leaf)
        if found is None and len(self.inputs) == 1:
            found = along(self.inputs[0], inputs, is_leaf)
        if found is None and isinstance(inputs, dict):
            by_name = dict(zip(self.input_names, self.inputs, strict=True))
            found = along(by_name, inputs, is_leaf)
        if found is not None:
            return found
        if isinstance(inputs, dict):
            structure = self._input_structure
            keys = [*structure] if isinstance(structure, dict) else self.input_names
            raise ValueError(errors.bad_argument("inputs", [*inputs], f"the keys {keys}"))
        received = f"{len(inputs)} entries" if isinstance(inputs, (list, tuple)) else "an array"
        expected = f"a list of {len(self.inputs)} arrays: {', '.join(self.input_names)}"
        raise ValueError(errors.bad_argument("inputs", received, expected))

    def check_inputs(self, inputs: Any) -> None:
        """Raise ``ValueError`` if the inputs are not of the shapes that the model was made for."""
        arrays = leaves(inputs)
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
        if len(arrays) > 1 and len({array.shape[:1] for array in arrays}) > 1:
            received = [array.shape for array in arrays]
            expected = "as many samples in each array"
            raise ValueError(errors.bad_argument("inputs", received, expected))

    def run(
        self, inputs: Any, context: CallContext, mask: Any = None, **options: Any
    ) -> tuple[Any, Pullback | None, Any]:
        """Return outputs, pullback and the mask that travels on with the outputs."""
        return self.run_for(self, inputs, context, mask)

    def run_for(
        self, owner: Layer, inputs: Any, context: CallContext, mask: Any
    ) -> tuple[Any, Pullback | None, Any]:
        """Run; the pullback returns the gradients of ``owner``'s weights, in its order."""
        arrays = leaves(inputs)
        masks = self._in_order(mask) if is_node(mask) else [mask] * len(arrays)
        outputs, pull, out_masks = self.graph.run(arrays, context, masks)
        result, out_mask = self._structured(outputs), self._structured(out_masks)
        if pull is None:
            return result, None, out_mask

        def pullback(d_result: Any) -> tuple[Any, list[Array]]:
            d_inputs, by_id = pull(self.flat_outputs(d_result))
            d_weights = [
                by_id[id(v)] if id(v) in by_id else np.zeros_like(v.value)
                for v in owner.trainable_weights
            ]
            return self._as_inputs(d_inputs), d_weights

        return result, pullback, out_mask

    def _structured(self, values: list[Any]) -> Any:
        return rebuild(self._output_structure, values)

    def flat_outputs(self, values: Any) -> list[Any]:
        """Return what is given for each output, in the order of the outputs."""
        found = along(self._output_structure, values)
        return leaves(values) if found is None else found

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

    def stream_layers(self) -> list[Layer]:
        """Return the layers that a stream runs, those of models among them.

        Raises:
            ValueError: the calls are no chain from one input to one output.
        """
        given, layers = self.inputs[0], []
        for node in self.graph.nodes:
            kind = type(node.layer).__name__
            alone = node.inputs is given and len(node.tensors) == 1
            if len(self.inputs) > 1 or not alone:
                reason = "it takes something else than the output of the layer before it"
                raise ValueError(errors.not_streamable(node.layer.name, kind, reason))
            if node.options.get("training"):
                reason = "it is called with training=True"
                raise ValueError(errors.not_streamable(node.layer.name, kind, reason))
            layers += node.layer.stream_layers()
            given = node.outputs[0]
        if self.outputs != [given]:
            reason = "a stream gives the one output of the last layer"
            raise ValueError(errors.not_streamable(self.name, "Model", reason))
        return layers

    @property
    def saved_attributes(self) -> list[tuple[str, object]]:
        """The layers, and then the other attributes in which layers may stand."""
        others = [(k, value) for k, value in super().saved_attributes if k != "layers"]
        return [("layers", self.layers), *others]

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


def _different(names: list[str]) -> list[str]:
    """Return the names with numbers behind those that come again."""
    return [
        name if names.count(name) == 1 else f"{name}_{names[:k].count(name)}".removesuffix("_0")
        for k, name in enumerate(names)
    ]
