"""Model: what all models share, and models whose ``call`` is written in Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import to_int
from fastrnn.core.nest import leaves
from fastrnn.core.serialization import serialize
from fastrnn.layers.base.layer import INFERENCE, CallContext, Layer, Pullback
from fastrnn.layers.base.structures import shape_of
from fastrnn.layers.base.symbolic import Node
from fastrnn.layers.rnn.states import KeepsStates
from fastrnn.models.quantization import Quantizable
from fastrnn.models.summary import print_summary
from fastrnn.models.trainer.trainer import Trainer
from fastrnn.saving import OnnxFiles, TorchWeights

Array = npt.NDArray[Any]


class Model(KeepsStates, Quantizable, TorchWeights, OnnxFiles, Trainer):
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
        if cls is Model:
            if not args and "inputs" not in kwargs:
                expected = "`inputs` and `outputs`, or a subclass with its own `call`"
                raise TypeError(errors.bad_argument("inputs", None, expected))
            from fastrnn.models.functional import Functional

            return super().__new__(Functional)
        return super().__new__(cls)

    # ---- layers ----

    @property
    def layers(self) -> list[Layer]:
        """The layers."""
        return list(self.sublayers)

    @property
    def sublayers(self) -> list[Layer]:
        """The layers that are attributes, or in lists and dicts that are, in the order given."""
        found: dict[int, Layer] = {}
        for name, value in vars(self).items():
            if name not in _NOT_LAYERS:
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

    # ---- computing ----

    @property
    def names_of_outputs(self) -> list[str] | None:
        """Names of the outputs; ``None`` before ``call`` has been followed."""
        traces = list(self.__dict__.get("_traces", {}).values())
        return traces[0].names_of_outputs if traces else None

    def flat_outputs(self, values: Any) -> list[Any]:
        """Return what is given for each output, in the order of the outputs."""
        traces = list(self.__dict__.get("_traces", {}).values())
        return traces[0].flat_outputs(values) if traces else leaves(values)

    def call(self, inputs: Any) -> Any:
        """Call the layers; a subclass implements it, with ``training`` if it wants to know."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `call`.")

    def convert_inputs(self, inputs: Any) -> Any:
        """Return array, or list of arrays."""
        from fastrnn.models.traced import arrays_of

        return arrays_of(inputs)

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of ``input_shape``, by following ``call``."""
        if not self.built:
            self._trace(input_shape, False)

    def _trace(self, input_shape: Any, training: bool) -> Any:
        """Return the functional model that ``call`` amounts to."""
        from fastrnn.models.traced import trace

        model = trace(self, input_shape, training)
        if not self.built:
            self._build_shape = input_shape
        self.built = True
        return model

    def calls(self, input_shape: Any) -> list[Node]:
        """Return the calls of layers that the model makes in training, in their order."""
        found: list[Node] = self._trace(input_shape, True).graph.nodes
        return found

    def check_inputs(self, inputs: Any) -> None:
        """Leave the inputs to the layers."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the outputs for inputs of ``input_shape``."""
        return self._trace(input_shape, False).compute_output_shape(input_shape)

    def run(
        self, inputs: Any, context: CallContext, mask: Any = None, **options: Any
    ) -> tuple[Any, Pullback | None, Any]:
        """Return outputs, pullback and the mask that travels on with the outputs."""
        return self._trace(shape_of(inputs), context.training).run_for(self, inputs, context, mask)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask of the outputs; computes all layers to find it."""
        return self.run(inputs, INFERENCE, mask)[2]

    def stream_layers(self) -> list[Layer]:
        """Return the layers that a stream runs: those that ``call`` amounts to.

        Raises:
            ValueError: the model has not been called yet, or they are no chain.
        """
        traces = self.__dict__.get("_traces", {})
        followed = [made for (_, training), made in traces.items() if not training]
        if not followed:
            reason = "it has not been called on data yet"
            raise ValueError(errors.not_streamable(self.name, type(self).__name__, reason))
        layers: list[Layer] = followed[0].stream_layers()
        return layers

    # ---- description ----

    def save(self, filepath: Any, overwrite: bool = True, zipped: Any = None) -> None:
        """Write the whole model to a file; see ``fastrnn.saving.save_model``."""
        from fastrnn.saving import save_model

        save_model(self, filepath, overwrite, zipped)

    def get_build_config(self) -> dict[str, Any] | None:
        """Return what ``build_from_config`` needs, ``None`` before the model is built."""
        return {"input_shape": self._build_shape} if self._build_shape else None

    def to_json(self, **kwargs: Any) -> str:
        """Return the configuration as JSON, which ``models.model_from_json`` reads.

        Args:
            **kwargs: see ``json.dumps``.
        """
        return json.dumps(serialize(self), **kwargs)

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


# Attributes of a model itself that hold no layers of it.
_NOT_LAYERS = ("optimizer", "loss", "history", "stream", "_chosen", "_objectives", "_traces")


def _collect_layers(value: Any, found: dict[int, Layer]) -> None:
    if isinstance(value, Layer):
        found.setdefault(id(value), value)
    elif isinstance(value, (list, tuple, dict)):
        for entry in value.values() if isinstance(value, dict) else value:
            _collect_layers(entry, found)
