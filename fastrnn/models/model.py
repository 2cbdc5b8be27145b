"""Model: a layer with a graph of layers inside, which can be trained, saved and exported."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastrnn.callbacks import History
from fastrnn.core import errors
from fastrnn.core.checks import to_int
from fastrnn.core.nest import flatten, is_node
from fastrnn.core.serialization import serialize_keras_object
from fastrnn.layers.base.layer import (
    INFERENCE,
    CallContext,
    Layer,
    Pullback,
    iterate_layers,
    registry,
)
from fastrnn.layers.base.structures import shape_of
from fastrnn.layers.base.symbolic import Node
from fastrnn.layers.base.weights import in_saved_order
from fastrnn.layers.rnn.states import KeepsStates
from fastrnn.models import files, old_methods, quantization
from fastrnn.models.graph import ModelGraph
from fastrnn.models.summary import print_summary
from fastrnn.models.traced import Traces, arrays_of
from fastrnn.models.trainer import compilation, compile_config, loop, steps
from fastrnn.models.trainer.cursor import DataCursor
from fastrnn.models.trainer.objectives import Objectives
from fastrnn.optimizers import Optimizer
from fastrnn.typing import Array, Config, Nest


class Model(KeepsStates, Layer):
    """A model. Made of layers in one of three ways:

    - ``Model(inputs, outputs)``, with what ``Input`` returned and layers called on it, makes a
      functional model;
    - a subclass makes its layers in ``__init__`` and calls them in ``call(self, inputs)``;
    - ``Sequential`` is a chain of layers.

    ``call`` is followed once with symbolic tensors for each shape of the inputs and each value of
    ``training``, and then run as a functional model: it may choose by shapes and by ``training``,
    but not compute with values other than by layers and operators.

    Args:
        inputs: a tensor, or a list or dict of tensors.
        outputs: the same.
        trainable: whether training changes the weights.
        name: name of the model.

    Attributes:
        optimizer: what updates the weights; ``None`` before ``compile``.
        loss: as it was given to ``compile``.
        compiled: whether ``compile`` has been called.
        objectives: the losses and metrics of the outputs.
        history: of the last ``fit``.
        stop_training: callbacks set it to end ``fit``.
        cursor: the place in the data of the ``fit`` that is running.

    Raises:
        ValueError: something else is given, or outputs need other inputs.

    >>> import numpy as np
    >>> from fastrnn import Input, Model
    >>> from fastrnn.layers import GRU, Dense
    >>> x = Input((20, 3))
    >>> outputs, state = GRU(8, return_sequences=True, return_state=True)(x)
    >>> model = Model(x, [Dense(1)(state), outputs])
    >>> [y.shape for y in model(np.zeros((4, 20, 3)))]
    [(4, 1), (4, 20, 8)]
    """

    supports_masking = True

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a functional model of inputs and outputs, or an object of the subclass."""
        if cls is not Model:
            return super().__new__(cls)
        if not args and not kwargs.keys() & {"inputs", "input"}:
            expected = "`inputs` and `outputs`, or a subclass with its own `call`"
            raise TypeError(errors.bad_argument("inputs", None, expected))
        return super().__new__(registry.classes["Functional"])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._traces = Traces()
        self.optimizer: Optimizer | None = None
        self.loss: Any = None
        self.compiled = False
        self.objectives = Objectives(self)
        self.history: History | None = None
        self.stop_training = False
        self.cursor: DataCursor | None = None

    # ---- training --------------------------------------------------------------------------

    compile = compilation.compile
    get_compile_config = compile_config.get_compile_config
    compile_from_config = compile_config.compile_from_config
    fit = loop.fit
    evaluate = loop.evaluate
    predict = loop.predict
    train_on_batch = steps.train_on_batch
    test_on_batch = steps.test_on_batch
    # A subclass may replace these two.
    train_step = steps.train_step
    test_step = steps.test_step

    # The names of Keras 1 and 2.
    fit_generator = old_methods.fit_generator
    evaluate_generator = old_methods.evaluate_generator
    predict_generator = old_methods.predict_generator
    predict_classes = old_methods.predict_classes
    predict_proba = old_methods.predict_proba

    def predict_on_batch(self, x: Nest) -> Any:
        """Return the outputs for one batch, in inference mode."""
        return self(x)

    @property
    def metrics(self) -> list[Any]:
        """The tracker of the loss, and the metrics once shapes are known."""
        return self.objectives.metrics

    @property
    def metrics_names(self) -> list[str]:
        """Names of ``metrics``, as the logs have them."""
        return list(self.objectives.logs())

    def reset_metrics(self) -> None:
        """Forget what the metrics have seen."""
        self.objectives.reset()

    # ---- files -----------------------------------------------------------------------------

    save = files.save
    save_weights = files.save_weights
    load_weights = files.load_weights
    export = files.export
    from_onnx = staticmethod(files.from_onnx)
    from_torch = staticmethod(files.from_torch)
    load_torch_state_dict = files.load_torch_state_dict
    to_torch = files.to_torch
    quantize = quantization.quantize

    @property
    def saved_attributes(self) -> list[tuple[str, object]]:
        """The attributes in which layers may stand, ``layers`` among them."""
        return in_saved_order({**dict(super().saved_attributes), "layers": self.layers})

    # ---- layers ----------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers."""
        return list(self.sublayers)

    @property
    def sublayers(self) -> list[Layer]:
        """The layers that are attributes, or in lists and dicts that are, in the order given."""
        found: dict[int, Layer] = {}
        for value in vars(self).values():
            _collect_layers(value, found)
        return list(found.values())

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer of this name, or at this place.

        Raises:
            ValueError: there is none, or neither or both arguments are given.
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ValueError(errors.bad_argument("name", name, "one of `name` and `index`"))
        if index is not None:
            if not -len(layers) <= to_int("index", index) < len(layers):
                expected = f"an index below {len(layers)}"
                raise ValueError(errors.bad_argument("index", index, expected))
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(errors.not_one_of("name", name, [layer.name for layer in layers]))

    @property
    def state_keepers(self) -> list[Any]:
        """The layers that may keep states."""
        return [layer for layer in self.sublayers if hasattr(layer, "reset_state")]

    # ---- computing -------------------------------------------------------------------------

    def call(self, inputs: Any) -> Any:
        """Call the layers; a subclass implements it, with ``training`` if it wants to know."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `call`.")

    def graph_for(self, input_shape: Nest, training: bool) -> ModelGraph:
        """Return the calls of layers that the model makes for inputs of ``input_shape``."""
        fixed_batch = any(layer.stateful for layer in iterate_layers(self))
        graph = self._traces.follow(self, input_shape, training, fixed_batch)
        if not self.built:
            self._build_shape = input_shape
        self.built = True
        return graph

    def _graph_of(self, inputs: Nest, training: bool) -> ModelGraph:
        """Return the calls of layers for arrays that ``accept`` returned."""
        return self.graph_for(shape_of(inputs), training)

    @property
    def names_of_outputs(self) -> list[str] | None:
        """Names of the outputs; ``None`` before ``call`` has been followed."""
        graph = self._traces.first
        return None if graph is None else graph.names_of_outputs

    def flat_outputs(self, values: Nest) -> list[Any]:
        """Return what is given for each output, in the order of the outputs."""
        graph = self._traces.first
        return flatten(values) if graph is None else graph.flat_outputs(values)

    def build(self, input_shape: Nest) -> None:
        """Make the weights for inputs of ``input_shape``, by following ``call``."""
        if not self.built:
            self.graph_for(input_shape, False)

    def calls(self, input_shape: Nest) -> list[Node]:
        """Return the calls of layers that the model makes in training, in their order."""
        return self.graph_for(input_shape, True).nodes

    def convert_inputs(self, inputs: Nest) -> Any:
        """Return array, or list of arrays."""
        return arrays_of(inputs)

    def check_inputs(self, inputs: Nest) -> None:
        """Leave the inputs to the layers."""

    def compute_output_shape(self, input_shape: Nest) -> Any:
        """Return the shape of the outputs for inputs of ``input_shape``."""
        return self.graph_for(input_shape, False).output_shape(input_shape)

    def run(
        self, inputs: Nest, context: CallContext, mask: Nest = None, **options: Any
    ) -> tuple[Any, Pullback | None, Any]:
        """Return outputs, pullback and the mask that travels on with the outputs."""
        graph = self._graph_of(inputs, context.training)
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

    def stream_layers(self) -> list[Layer]:
        """Return the layers that a stream runs: those that ``call`` amounts to.

        Raises:
            ValueError: the model has not been called yet, or they are no chain.
        """
        graph = self._traces.of_inference
        if graph is None:
            reason = "it has not been called on data yet"
            raise ValueError(errors.not_streamable(self.name, type(self).__name__, reason))
        return graph.stream_layers(self.name)

    # ---- description -----------------------------------------------------------------------

    @classmethod
    def from_config(cls, config: Config) -> Any:
        """Make a model, with new weights, from what ``get_config`` returned."""
        made: Any = super() if cls is not Model else registry.classes["Functional"]
        return made.from_config(config)

    def get_build_config(self) -> Config | None:
        """Return what ``build_from_config`` needs, ``None`` before the model is built."""
        return {"input_shape": self._build_shape} if self._build_shape else None

    def to_json(self, **kwargs: Any) -> str:
        """Return the configuration as JSON, which ``models.model_from_json`` reads.

        Args:
            **kwargs: see ``json.dumps``.
        """
        return json.dumps(serialize_keras_object(self), **kwargs)

    def summary_entries(self) -> list[tuple[Layer, Any]]:
        """Return the layers, and the shapes of their outputs, ``None`` where not known."""
        graph = self._traces.first
        shapes = {} if graph is None else graph.shapes_of_layers()
        return [(layer, shapes.get(id(layer))) for layer in self.layers]

    def connections(self) -> dict[str, str] | None:
        """Return for each layer the outputs that its calls take, as text; ``None`` for a chain."""
        return None

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print a table of the layers, their output shapes and numbers of parameters.

        Args:
            line_length: width of the table; that of the terminal, at most 88, unless given.
            positions: right edges of the columns, as shares of the width.
            print_fn: gets the text, instead of standard output.
            expand_nested: whether the layers of models inside this one are listed.
            show_trainable: whether a column says what training changes.
            layer_range: names (or patterns) of the first and the last layer to list.
        """
        print_summary(
            self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range
        )


def _collect_layers(value: Any, found: dict[int, Layer]) -> None:
    if isinstance(value, Layer):
        found.setdefault(id(value), value)
    elif isinstance(value, (list, tuple, dict)):
        for entry in value.values() if isinstance(value, dict) else value:
            _collect_layers(entry, found)
