"""Model: a layer with a graph of layers inside, which can be trained, saved and exported."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fastrnn.callbacks import History
from fastrnn.core import errors
from fastrnn.core.checks import to_int
from fastrnn.core.nest import flatten, flatten_up_to, paths
from fastrnn.core.old_members import OldMember
from fastrnn.core.serialization import serialize_keras_object
from fastrnn.layers.base.graph import Graph
from fastrnn.layers.base.layer import Layer, registry
from fastrnn.layers.base.symbolic import Node, tensors_in
from fastrnn.layers.base.traced import TracedCall
from fastrnn.layers.base.weights import in_saved_order
from fastrnn.layers.rnn.states import KeepsStates
from fastrnn.metrics import Metric
from fastrnn.models import files, old_methods, quantization
from fastrnn.models.graph import ModelGraph, different
from fastrnn.models.summary import print_summary
from fastrnn.models.trainer import compilation, compile_config, loop, own_steps, steps
from fastrnn.models.trainer.cursor import DataCursor
from fastrnn.models.trainer.objectives import Objectives
from fastrnn.optimizers import Optimizer
from fastrnn.typing import Config, Nest


class Model(KeepsStates, Layer):
    """A model. Made of layers in one of three ways:

    - ``Model(inputs, outputs)``, with what ``Input`` returned and layers called on it, makes a
      functional model;
    - a subclass makes its layers in ``__init__`` and calls them in ``call(self, inputs)``;
    - ``Sequential`` is a chain of layers.

    ``call`` is followed once with symbolic tensors for each form of its arguments and each value of
    ``training``, and then run as a functional model: it may choose by shapes and by ``training``,
    but not by values. A subclass without a ``call``, say for a ``train_step``, is made of inputs
    and outputs too.

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
            return super().__new__(cls, *args, **kwargs)
        if not args and not kwargs.keys() & {"inputs", "input"}:
            expected = "`inputs` and `outputs`, or a subclass with its own `call`"
            raise TypeError(errors.bad_argument("inputs", None, expected))
        return super().__new__(registry.classes["Functional"])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        functional: Any = registry.classes["Functional"]
        if (args or kwargs.keys() & {"inputs", "input"}) and not isinstance(self, functional):
            _make_functional(type(self), functional)
            functional.__init__(self, *args, **kwargs)
            return
        super().__init__(**kwargs)
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
    # A subclass may replace these.
    train_step = steps.train_step
    test_step = steps.test_step
    compute_loss = own_steps.compute_loss
    compute_metrics = own_steps.compute_metrics
    get_metrics_result = own_steps.get_metrics_result

    # The names of Keras 1 and 2.
    fit_generator = old_methods.fit_generator
    evaluate_generator = old_methods.evaluate_generator
    predict_generator = old_methods.predict_generator
    predict_classes = old_methods.predict_classes
    predict_proba = old_methods.predict_proba
    to_yaml = old_methods.to_yaml
    state_updates = OldMember(lambda model: [], "model.state_keepers")

    def predict_on_batch(self, x: Nest) -> Any:
        """Return the outputs for one batch, in inference mode."""
        return self(x)

    @property
    def metrics(self) -> list[Any]:
        """The tracker of the loss, the metrics once shapes are known, and those in attributes."""
        own = (leaf for value in vars(self).values() for leaf in flatten(value))
        found = [*self.objectives.metrics, *(leaf for leaf in own if isinstance(leaf, Metric))]
        return list({id(metric): metric for metric in found}.values())

    @property
    def metrics_names(self) -> list[str]:
        """Names of ``metrics``, as the logs have them."""
        return list(self.objectives.logs())

    def reset_metrics(self) -> None:
        """Forget what the metrics have seen."""
        self.objectives.reset()
        for metric in self.metrics:
            metric.reset_state()

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
        return [layer for inner in self.sublayers for layer in _state_keepers(inner)]

    # ---- computing -------------------------------------------------------------------------

    if TYPE_CHECKING:  # of models with a `call` of their own, see `OwnCall`

        def follow_shapes(self, input_shape: Nest, training: bool) -> TracedCall:
            """Return the traced ``call``."""
            ...

    @property
    def _graph(self) -> ModelGraph | None:
        """The calls of layers, as ``call`` made them first; ``None`` before it is followed."""
        return self._graph_of(self._traces.calls[0]) if self._traces.calls else None

    def _graph_of(self, traced: TracedCall) -> ModelGraph:
        return ModelGraph(traced.inputs, tensors_in(traced.outputs))

    @property
    def names_of_outputs(self) -> list[str] | None:
        """Names of the outputs; ``None`` before ``call`` has been followed."""
        if not self._traces.calls:
            return None
        outputs = self._traces.calls[0].outputs
        return paths(outputs, different([tensor.name for tensor in tensors_in(outputs)]))

    def flat_outputs(self, values: Nest) -> list[Any]:
        """Return what is given for each output, in the order of the outputs."""
        calls = self._traces.calls
        found = flatten_up_to(calls[0].outputs, values) if calls else None
        return flatten(values) if found is None else found

    def calls(self, input_shape: Nest) -> list[Node]:
        """Return the calls of layers that the model makes in training, in their order."""
        graph: Graph = self.follow_shapes(input_shape, training=True).graph
        return graph.nodes

    def stream_layers(self) -> list[Layer]:
        """Return the layers that a stream runs: those that ``call`` amounts to.

        Raises:
            ValueError: the model has not been called yet, or they are no chain.
        """
        graph = self._graph
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
        graph = self._graph
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


def _make_functional(cls: Any, functional: type) -> None:
    """Let a class that stands on ``Model`` stand on ``Functional``: it is made of outputs."""
    bases = tuple(functional if base is Model else base for base in cls.__bases__)
    if bases != cls.__bases__:
        cls.__bases__ = bases
    for base in bases:
        if base is not functional and issubclass(base, Model):
            _make_functional(base, functional)


def _state_keepers(layer: Layer) -> list[Any]:
    if hasattr(layer, "reset_state"):
        return [layer]
    return [keeper for inner in layer.sublayers for keeper in _state_keepers(inner)]
