"""Sequential: a model that is a chain of layers."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import to_shape
from fastrnn.core.naming import auto_name
from fastrnn.core.nest import flatten
from fastrnn.core.variable import name_scope
from fastrnn.layers.base.chain import run_chain, several_outputs
from fastrnn.layers.base.graph import Graph
from fastrnn.layers.base.layer import CallContext, Layer, Pullback, Shape, registry
from fastrnn.layers.base.symbolic import Node, SymbolicTensor
from fastrnn.layers.core.input import Input, InputLayer
from fastrnn.models.graph import check_batch_size, with_rank
from fastrnn.models.model import Model
from fastrnn.models.trainer.batches import sole_array
from fastrnn.typing import Nest

Array = npt.NDArray[Any]


@registry.register(module="keras")
class Sequential(Model):
    """Layers one after the other; masks travel along.

    Args:
        layers: the layers, the first of which may be an ``Input``: then the weights are made at
            once, otherwise by the first data.
        trainable: whether training changes the weights.
        name: name of the model.

    Raises:
        TypeError: something in ``layers`` is no layer.
        ValueError: two layers have one name.

    >>> import numpy as np
    >>> from fastrnn import Input, Sequential
    >>> from fastrnn.layers import GRU, Dense
    >>> model = Sequential([Input((20, 3)), GRU(8), Dense(1)])
    >>> model.output_shape
    (None, 1)
    >>> model(np.zeros((4, 20, 3))).shape
    (4, 1)
    """

    def __init__(
        self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None
    ) -> None:
        self._layers: list[Layer] = []
        self._input: SymbolicTensor | None = None
        # Shape and symbolic tensor of the inputs, then of each layer's outputs, when known.
        self._shapes: list[Any] = []
        self._tensors: list[Any] = []
        super().__init__(trainable=trainable, name=name)
        for layer in layers or []:
            self.add(layer, rebuild=False)
        self._take_name()

    @property
    def names_of_outputs(self) -> list[str]:
        """The one output goes by the name of the model."""
        return [self.name]

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The tensor that the model takes, in a list: the start of a functional model.

        They are several where the first layer is a model of several inputs.
        """
        self._require_shapes()
        return flatten(self._tensors[0])

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The tensor that the model gives, in a list."""
        self._require_shapes()
        return self._tensors[-1:]

    @property
    def input_names(self) -> list[str]:
        """The name of the input, in a list."""
        return [tensor.name for tensor in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """The name of the layer that gives the output, in a list."""
        return [tensor.name for tensor in self.outputs]

    @property
    def input(self) -> SymbolicTensor:
        """The tensor that the model takes."""
        return self.inputs[0]

    @property
    def output(self) -> SymbolicTensor:
        """The tensor that the model gives."""
        return self.outputs[0]

    # ---- layers ----

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input."""
        return list(self._layers)

    @property
    def sublayers(self) -> list[Layer]:
        """The layers, without the input."""
        return self._layers

    def add(self, layer: Layer | SymbolicTensor, rebuild: bool = True) -> None:
        """Append a layer, or begin with an ``Input``.

        Raises:
            TypeError: ``layer`` is no layer.
            ValueError: its name is taken, or it is an input and not the first.
        """
        if isinstance(layer, InputLayer):
            layer = layer.tensor
        if isinstance(layer, SymbolicTensor):
            self._set_input(layer)
            return
        if not isinstance(layer, Layer):
            remedy = "Pass an object, not its class."
            raise TypeError(errors.bad_argument("layer", layer, "a layer", remedy))
        if any(layer.name == other.name for other in self._layers):
            remedy = "Give one of the layers another `name`."
            raise ValueError(errors.bad_argument("layer", layer.name, "a name not taken", remedy))
        if not self._layers and self._input is None:
            self._begin_as_stated(layer)
        if self._shapes:
            self._build_next(layer)
        self._layers.append(layer)
        self.built = bool(self._shapes)
        if rebuild:
            self._take_name()

    def _begin_as_stated(self, layer: Layer) -> None:
        """Begin with what the first layer says of the inputs."""
        if layer.stated_shape is not None:
            self._set_input(Input(batch_shape=layer.stated_shape))
        elif isinstance(layer, Model) and len(inputs := getattr(layer, "inputs", [])) > 1:
            # A functional model of several inputs, which are those of the chain.
            self._tensors = [[Input(batch_shape=t.shape, dtype=t.dtype) for t in inputs]]
            self._shapes = [tuple(tensor.shape for tensor in self._tensors[0])]
        elif layer.likely_shape is not None and not self._shapes:
            # As after a call on data: other lengths are taken too.
            tensor = Input(batch_shape=layer.likely_shape)
            self._shapes, self._tensors = [tensor.shape], [tensor]

    def _take_name(self) -> None:
        """Use up a name where Keras makes a functional model: later names are Keras's."""
        if self._shapes and self._layers:
            auto_name("Functional")

    def _set_input(self, tensor: SymbolicTensor) -> None:
        if self._layers or self._input is not None:
            expected = "an Input as the first entry alone"
            raise ValueError(errors.bad_argument("layer", tensor.name, expected))
        self._input = tensor
        self._shapes, self._tensors = [tensor.shape], [tensor]

    def _build_next(self, layer: Layer) -> None:
        """Build ``layer`` on the outputs of the last one."""
        shape = self._shapes[-1]
        if self._layers and shape and isinstance(shape[0], tuple):
            raise ValueError(several_outputs(self._layers[-1].name))
        if not layer.built:
            with name_scope(self.name):
                layer.build(shape)
        self._shapes.append(layer.compute_output_shape(shape))
        self._tensors.append(layer(self._tensors[-1]))

    def pop(self, rebuild: bool = True) -> Layer:
        """Remove the last layer and return it.

        Raises:
            ValueError: there is none.
        """
        if not self._layers:
            raise ValueError(errors.bad_argument("layers", [], "at least one layer"))
        if len(self._shapes) > 1:
            self._shapes.pop()
            self._tensors.pop()
            self._layers[-1].nodes.pop()
        return self._layers.pop()

    # ---- shapes ----

    @property
    def input_shape(self) -> Shape:
        """Shape of the inputs, batch first."""
        self._require_shapes()
        return self._shapes[0]

    streamed_shape = input_shape

    @property
    def output_shape(self) -> Any:
        """Shape of the outputs, batch first."""
        self._require_shapes()
        return self._shapes[-1]

    def _require_shapes(self) -> None:
        if not self._shapes:
            raise ValueError(
                f"Model {self.name!r} has no shapes yet: begin it with an Input, or call it on "
                "data."
            )

    def build(self, input_shape: Nest = None) -> None:
        """Make all weights for inputs of ``input_shape``, batch first.

        Raises:
            ValueError: there is no layer, or a layer cannot take the shape.
        """
        if input_shape is None:
            self._require_shapes()
            return
        if not self._layers:
            raise ValueError(errors.bad_argument("layers", [], "at least one layer"))
        if self._shapes:
            return
        shape = to_shape("input_shape", input_shape)
        layers, self._layers, self._shapes = self._layers, [], [shape]
        self._tensors = [Input(batch_shape=(None, *shape[1:]))]
        try:
            for layer in layers:
                self._build_next(layer)
                self._layers.append(layer)
        except Exception:
            self._layers, self._shapes, self._tensors = layers, [], []
            raise
        self.built = True
        self._take_name()

    def calls(self, input_shape: Nest) -> list[Node]:
        """Return the calls of layers that the model makes, in their order."""
        return Graph(self.inputs, self.outputs).nodes

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the shape of the inputs, if it is known."""
        return {"input_shape": self._shapes[0]} if self._shapes else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the outputs for inputs of ``input_shape``."""
        shape = tuple(input_shape)
        for layer in self._layers:
            shape = layer.compute_output_shape(shape)
        return shape

    # ---- computing ----

    def convert_inputs(self, inputs: Nest) -> Any:
        """Convert as the first layer does."""
        if not self._layers:
            raise ValueError(errors.bad_argument("layers", [], "at least one layer"))
        shape = self._shapes[0] if self._shapes else None
        inputs = sole_array(inputs, lambda x: shape is None or x.ndim == len(shape))
        converted = self._layers[0].convert_inputs(inputs)
        if shape is None or isinstance(shape[0], tuple):
            return converted
        return with_rank(converted, shape)

    def check_inputs(self, inputs: Any) -> None:
        """Raise ``ValueError`` if the inputs are not of the shape that the model was made for.

        As in Keras, sequences may be of another length than that of the ``Input``.
        """
        expected = self._shapes[0]
        if isinstance(expected[0], tuple):
            self._layers[0].check_inputs(inputs)
            return
        fits = inputs.ndim == len(expected)
        if fits and inputs.ndim > 2:
            fits = expected[-1] in (None, inputs.shape[-1])
        if not fits:
            text = f"{(None, *expected[1:])}, the inputs of model {self.name!r}"
            raise ValueError(errors.bad_shape("inputs", inputs.shape, text))
        check_batch_size(expected, inputs.shape, self._layers)
        self._layers[0].check_inputs(inputs)

    def run(
        self, inputs: Nest, context: CallContext, mask: Nest = None, **options: Any
    ) -> tuple[Any, Pullback | None, Any]:
        """Return outputs, pullback and the mask that travels on with the outputs."""
        outputs, pull, mask = run_chain(self._layers, inputs, context, mask)
        if pull is None or self._trainable:
            return outputs, pull, mask
        return outputs, lambda d_outputs: (pull(d_outputs)[0], []), mask

    def summary_entries(self) -> list[tuple[Layer, Any]]:
        """Return the layers, and the shapes of their outputs, ``None`` where not known."""
        shapes = self._shapes[1:] or [None] * len(self._layers)
        return list(zip(self._layers, shapes, strict=True))

    def stream_layers(self) -> list[Layer]:
        """Return the layers that a stream runs, those of models among them."""
        return [inner for layer in self._layers for inner in layer.stream_layers()]

    # ---- description ----

    @property
    def saved_attributes(self) -> list[tuple[str, object]]:
        """The layers, and then the other attributes in which layers may stand."""
        others = [(k, value) for k, value in super().saved_attributes if k != "layers"]
        return [("layers", self.layers), *others]

    def get_config(self) -> dict[str, Any]:
        """Return name and layers, as plain data."""
        layers = [registry.serialize(layer) for layer in self._layers]
        if self._input is not None:
            layers.insert(0, registry.serialize(InputLayer.of(self._input)))
        return {"name": self.name, "trainable": self._trainable, "layers": layers}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a model, with new weights, from what ``get_config`` returned."""
        config = copy.deepcopy(config)
        layers = [registry.deserialize(layer) for layer in config.get("layers", [])]
        return cls(layers, trainable=config.get("trainable", True), name=config.get("name"))
