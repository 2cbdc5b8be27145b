"""Files: the methods of ``Model`` that write it, and read and write other formats."""

from __future__ import annotations

from typing import Any

from fastrnn.core.checks import to_choice
from fastrnn.formats import weight_files
from fastrnn.formats.atomic import PathLike
from fastrnn.formats.model_files import write_model
from fastrnn.formats.protocols import SavableModel
from fastrnn.formats.source import Readable
from fastrnn.interop.onnx import read_onnx, write_onnx
from fastrnn.interop.read_graph import ReadGraph
from fastrnn.interop.torch.weights import (
    ModuleNames,
    StateDict,
    load_from_torch,
    read_torch,
    weights_to_torch,
)
from fastrnn.layers.base.layer import Layer, registry
from fastrnn.typing import Array


def save(
    self: SavableModel,
    filepath: PathLike,
    overwrite: bool = True,
    zipped: bool | None = None,
    *,
    include_optimizer: bool = True,
    save_format: str | None = None,
) -> None:
    """Write the whole model to a file; see ``fastrnn.saving.save_model``."""
    write_model(
        self,
        filepath,
        overwrite,
        zipped,
        include_optimizer=include_optimizer,
        save_format=save_format,
    )


def save_weights(
    self: SavableModel,
    filepath: PathLike,
    overwrite: bool = True,
    save_format: str | None = None,
) -> None:
    """Write the weights to a file, under their paths and in their order.

    The file is there as a whole or not at all: a crash in between leaves the old one.

    Args:
        filepath: a path. The ending says what is written: ``.weights.h5`` Keras's format,
            ``.safetensors``, ``.h5``, ``.hdf5`` or ``.keras`` the layout of Keras 2, any other,
            such as ``.weights.npz`` or none, an archive of NumPy. HDF5 needs the extra ``h5``.
        overwrite: whether a file of this name may be replaced.
        save_format: of Keras 2: ``"h5"`` or ``"tf"``, with a warning.

    Raises:
        ValueError: an ending of something else, a file that may not be replaced, no weights yet,
            or names of layers that are no plain names of files on every system.
    """
    weight_files.save_weights(self, filepath, overwrite, save_format)


def load_weights(
    self: SavableModel,
    filepath: PathLike,
    skip_mismatch: bool = False,
    by_name: bool = False,
) -> None:
    """Read the weights from a file that ``save_weights`` or ``save`` wrote.

    What the file is, its content tells, whatever its name. In ``.weights.npz`` and
    ``.safetensors``, paths must be the same, but for the numbers that
    Keras appends to names that it makes up: then the order tells which weight is which. In the
    other formats, names do not count: places of layers must be the same.

    Args:
        filepath: a path: any file that ``save_weights`` or ``save`` wrote, here or in Keras.
        skip_mismatch: whether layers whose number or shapes of weights are others than the
            file's keep their weights, with a warning; not for archives of NumPy and
            ``.safetensors``.
        by_name: whether layers get the weights that the file has under their names, and others
            keep theirs; for the layout of Keras 2 alone.

    Raises:
        ValueError: a file that ``skip_mismatch`` or ``by_name`` is not for, or none of these.
        ModelFileError: a file that is damaged or hostile, or holds other
            weights than the model's. Nothing is changed then.
        FileNotFoundError: there is no such file.
    """
    weight_files.load_weights(self, filepath, skip_mismatch, by_name)


def export(
    self: Layer,
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


def from_onnx(filepath: Readable) -> Any:
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


def from_torch(
    state_dict: StateDict,
    prefix: str | None = None,
    nonlinearity: str = "tanh",
    return_sequences: bool = True,
    return_state: bool = False,
    dtype: str | None = None,
) -> Any:
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


def load_torch_state_dict(self: Layer, state_dict: StateDict, names: ModuleNames = None) -> None:
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


def to_torch(self: Layer, names: ModuleNames = None) -> dict[str, Array]:
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


def _model_of(graph: ReadGraph) -> Any:
    """Return a Sequential model of a chain of layers, a functional one of other graphs."""
    if graph.chain is None:
        single = [ends[0] if len(ends) == 1 else ends for ends in (graph.inputs, graph.outputs)]
        model = registry.classes["Functional"](*single)
    else:
        model = registry.classes["Sequential"]([*graph.inputs, *graph.chain])
    for layer, arrays in graph.weights:
        layer.set_weights(arrays)
    return model
