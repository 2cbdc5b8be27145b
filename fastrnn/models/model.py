"""Model: what all models share, and models whose ``call`` is written in Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import to_choice, to_int
from fastrnn.core.nest import leaves
from fastrnn.core.serialization import serialize_keras_object
from fastrnn.formats.atomic import PathLike
from fastrnn.formats.model_files import write_model
from fastrnn.formats.source import Readable
from fastrnn.formats.weight_files import load_weights, save_weights
from fastrnn.interop.onnx import read_onnx, write_onnx
from fastrnn.interop.read_graph import ReadGraph
from fastrnn.interop.torch.weights import (
    ModuleNames,
    StateDict,
    load_from_torch,
    read_torch,
    weights_to_torch,
)
from fastrnn.layers.base.layer import INFERENCE, CallContext, Layer, Pullback, registry
from fastrnn.layers.base.structures import shape_of
from fastrnn.layers.base.symbolic import Node
from fastrnn.layers.base.weights import in_saved_order
from fastrnn.layers.rnn.states import KeepsStates
from fastrnn.models.quantization import Quantizable
from fastrnn.models.summary import print_summary
from fastrnn.models.trainer.trainer import Trainer

Array = npt.NDArray[Any]


class Model(KeepsStates, Quantizable, Trainer):
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

    def get_build_config(self) -> dict[str, Any] | None:
        """Return what ``build_from_config`` needs, ``None`` before the model is built."""
        return {"input_shape": self._build_shape} if self._build_shape else None

    def to_json(self, **kwargs: Any) -> str:
        """Return the configuration as JSON, which ``models.model_from_json`` reads.

        Args:
            **kwargs: see ``json.dumps``.
        """
        return json.dumps(serialize_keras_object(self), **kwargs)

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

    # ---- files ----

    def save(self, filepath: PathLike, overwrite: bool = True, zipped: bool | None = None) -> None:
        """Write the whole model to a file; see ``fastrnn.saving.save_model``."""
        write_model(self, filepath, overwrite, zipped)

    def save_weights(self, filepath: PathLike, overwrite: bool = True) -> None:
        """Write the weights to a file, under their paths and in their order.

        The file is there as a whole or not at all: a crash in between leaves the old one.

        Args:
            filepath: a path that ends in ``.weights.npz``, in ``.safetensors``, or in
                ``.weights.h5``, Keras's format, which needs the extra ``h5``.
            overwrite: whether a file of this name may be replaced.

        Raises:
            ValueError: another ending, a file that may not be replaced, no weights yet, or names
                of layers that are no plain names of files on every system.
        """
        save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: PathLike, skip_mismatch: bool = False) -> None:
        """Read the weights from a file that ``save_weights`` or ``save`` wrote.

        In ``.weights.npz`` and ``.safetensors``, paths must be the same, but for the numbers that
        Keras appends to names that it makes up: then the order tells which weight is which. In the
        other formats, names do not count: places of layers must be the same.

        Args:
            filepath: a path that ends in ``.weights.npz``, ``.safetensors``, ``.weights.h5``,
                ``.keras``, ``.fastrnn``, or ``.h5`` or ``.hdf5`` for files of older versions of
                Keras.
            skip_mismatch: whether layers whose number or shapes of weights are others than the
                file's keep their weights, with a warning; for ``.weights.h5``, ``.keras`` and
                ``.fastrnn``.

        Raises:
            ValueError: another ending, or one that ``skip_mismatch`` is not for.
            ModelFileError: a file that is no such archive, is damaged or hostile, or holds other
                weights than the model's. Nothing is changed then.
            FileNotFoundError: there is no such file.
        """
        load_weights(self, filepath, skip_mismatch)

    @property
    def saved_attributes(self) -> list[tuple[str, object]]:
        """The attributes in which layers may stand, ``layers`` among them."""
        return in_saved_order({**dict(super().saved_attributes), "layers": self.layers})

    # ---- exchange formats ----

    def export(
        self,
        filepath: PathLike,
        format: str = "onnx",
        verbose: bool | None = None,
        input_signature: None = None,
        **kwargs: Any,
    ) -> None:
        """Write what the model computes outside training to an ONNX file, for other runtimes.

        The layers are written that work step by step: recurrent ones, Bidirectional, Dense,
        Embedding, normalization, Activation and TimeDistributed of them, and joining ones; Dropout
        is left out. Inputs and outputs have the shapes and the types of the model's. The file is
        there as a whole or not at all.

        Args:
            filepath: a path that ends in ``.onnx``.
            format: ``"onnx"``.
            verbose: whether a line says that the file has been written.
            input_signature: accepted as ``None``: the model's inputs are the signature.
            **kwargs: ``opset_version``, accepted as 17.

        Raises:
            ValueError: a layer or an option has no counterpart in ONNX, such as masks; or another
                argument than described.
            ImportError: the package onnx is missing.
        """
        to_choice("format", format, ("onnx",))
        to_choice("input_signature", input_signature, (None,))
        write_onnx(self, filepath, **kwargs)
        if verbose:
            print(f"Written: {filepath}")

    @staticmethod
    def from_onnx(filepath: Readable) -> Model:
        """Make a model of an ONNX file, as torch, Keras and others write them.

        Recurrent nodes (RNN, LSTM, GRU, in either layout and any direction), dense and embedding
        layers, normalization and activations between them become layers; what has no counterpart
        is refused. The model takes and gives arrays with the batch first, whatever the file's
        order is. A state of several directions or layers, (directions, batch, units) in the file,
        is as many inputs or outputs (batch, units).

        Args:
            filepath: a path, bytes, or an open binary file.

        Returns:
            A ``Sequential`` model if the graph is a chain of layers, else a functional one.

        Raises:
            ModelFileError: the file is damaged, refers to other files, or has an operator or an
                attribute that fastrnn has not.
            ImportError: the package onnx is missing.
        """
        return _model_of(read_onnx(filepath))

    @staticmethod
    def from_torch(
        state_dict: StateDict,
        prefix: str | None = None,
        nonlinearity: str = "tanh",
        return_sequences: bool = True,
        return_state: bool = False,
        dtype: str | None = None,
    ) -> Model:
        """Make a model of the weights of torch's ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU``.

        The model takes (batch, timesteps, features), as torch does with ``batch_first=True``. It
        has a layer for each level, ``Bidirectional`` where there are two directions, and starts
        from states of zero. torch itself is not needed. What a state dict does not tell is lost:
        the dropout between levels.

        Args:
            state_dict: ``module.state_dict()``, arrays or tensors by name; or the path of a
                ``.safetensors`` file of them.
            prefix: name of the recurrent module, e.g. ``"encoder.rnn"``, where there are others
                beside it; ``None`` where there is but one.
            nonlinearity: of an ``nn.RNN``, ``"tanh"`` or ``"relu"``.
            return_sequences: whether the outputs are those of all steps, as torch's are.
            return_state: whether the model returns also the final states, in torch's order: by
                level, then by direction, h before c; (batch, units) each.
            dtype: of the model; ``None`` for float64 if all tensors are, else float32.

        Returns:
            A ``Sequential`` model; with ``return_state`` a functional one.

        Raises:
            ValueError: other tensors, shapes that do not fit each other, or a projection
                (``proj_size``).
            ModelFileError: a file that is a pickle, or no safetensors file.

        >>> import numpy as np
        >>> from fastrnn import Model
        >>> weights = {"weight_ih_l0": np.zeros((32, 3)), "weight_hh_l0": np.zeros((32, 8))}
        >>> Model.from_torch(weights)(np.zeros((2, 5, 3))).shape
        (2, 5, 8)
        """
        return _model_of(
            read_torch(state_dict, prefix, nonlinearity, return_sequences, return_state, dtype)
        )

    def load_torch_state_dict(self, state_dict: StateDict, names: ModuleNames = None) -> None:
        """Take the weights of a torch module: of its recurrent, linear and other parts.

        Layers: SimpleRNN, LSTM, GRU, Bidirectional, Dense (also in TimeDistributed), Embedding,
        LayerNormalization and BatchNormalization. Epsilons are no weights: torch's are 1e-5.

        Args:
            state_dict: as for ``from_torch``.
            names: torch's module for the name of each layer with weights, e.g.
                ``{"lstm": "rnn", "lstm_1": "rnn", "dense": "fc"}``; layers of one recurrent module
                take its levels in turn. ``None``: both have the same order.

        Raises:
            ValueError: a layer or a tensor is left over, or they do not fit. Nothing is changed.
            ModelFileError: as for ``from_torch``.

        >>> import numpy as np
        >>> from fastrnn import Input, Sequential
        >>> from fastrnn.layers import Dense
        >>> model = Sequential([Input((3,)), Dense(2)])
        >>> model.load_torch_state_dict({"fc.weight": np.ones((2, 3)), "fc.bias": np.zeros(2)})
        >>> model(np.ones((1, 3)))
        array([[3., 3.]], dtype=float32)
        """
        load_from_torch(self, state_dict, names)

    def to_torch(self, names: ModuleNames = None) -> dict[str, Array]:
        """Return the weights as arrays under torch's names, a state dict but for the tensors.

        ``module.load_state_dict({k: torch.from_numpy(v) for k, v in model.to_torch().items()})``
        gives them to torch. A model of recurrent layers alone gives the tensors of one
        ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU``; else those of each layer begin with its name.
        An LSTM or SimpleRNN has one bias: it is torch's first, and the second is zero.

        Args:
            names: torch's module for the name of each layer with weights, as for
                ``load_torch_state_dict``.

        Raises:
            ValueError: a layer has no counterpart in torch, or is not built; ``names`` are not
                those of the layers with weights.

        >>> from fastrnn import Input, Sequential
        >>> from fastrnn.layers import LSTM
        >>> list(Sequential([Input((5, 3)), LSTM(8)]).to_torch())
        ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0']
        """
        return weights_to_torch(self, names)


def _model_of(graph: ReadGraph) -> Model:
    """Return a Sequential model of a chain of layers, a functional one of other graphs."""
    if graph.chain is None:
        single = [ends[0] if len(ends) == 1 else ends for ends in (graph.inputs, graph.outputs)]
        model: Model = registry.classes["Functional"](*single)
    else:
        model = registry.classes["Sequential"]([*graph.inputs, *graph.chain])
    for layer, arrays in graph.weights:
        layer.set_weights(arrays)
    return model


# Attributes of a model itself that hold no layers of it.
_NOT_LAYERS = ("optimizer", "loss", "history", "stream", "_chosen", "_objectives", "_traces")


def _collect_layers(value: Any, found: dict[int, Layer]) -> None:
    if isinstance(value, Layer):
        found.setdefault(id(value), value)
    elif isinstance(value, (list, tuple, dict)):
        for entry in value.values() if isinstance(value, dict) else value:
            _collect_layers(entry, found)
