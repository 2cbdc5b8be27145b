"""Weights as Keras 1 and 2 ordered and shaped them, for the layers of today."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastrnn.core.variable import Variable
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.protocols import SavableModel
from fastrnn.layers import GRU, LSTM, Activation, Bidirectional, Conv1D, Dense, TimeDistributed
from fastrnn.layers.base.layer import Layer, iterate_layers
from fastrnn.layers.rnn.cells import GRUCell, LSTMCell
from fastrnn.layers.rnn.recurrent_cell import RecurrentCell
from fastrnn.typing import Array

# The old hard_sigmoid is 0.2x + 0.5, the one of today x/6 + 0.5, both cut off at 0 and 1: the old
# one of x is today's of 1.2x.
HARD_SIGMOID_FACTOR = 1.2


TOP_LEVEL = "top_level_model_weights"  # the group of the weights that are in no layer


def in_legacy_order(layer: Layer) -> list[Variable]:
    """Return the variables of a layer as older files order them: those that are trained first."""
    return layer.trainable_weights + layer.non_trainable_weights


def own_in_legacy_order(model: SavableModel) -> list[Variable]:
    """Return the variables of a model that are in none of its layers, likewise."""
    return list(model.saved_variables)


def modern_arrays(layer: Layer, arrays: Sequence[Array]) -> list[Array]:
    """Return the arrays of a layer in the number, order and shapes of today."""
    if isinstance(layer, Bidirectional):
        half = len(arrays) // 2
        parts = [(layer.forward_layer, arrays[:half]), (layer.backward_layer, arrays[half:])]
        return [array for inner, own in parts for array in modern_arrays(inner, own)]
    if isinstance(layer, TimeDistributed):
        return modern_arrays(layer.layer, arrays)
    if isinstance(layer, (LSTM, GRU)):
        return _modern_recurrent(layer, list(arrays))
    if isinstance(layer, Conv1D) and arrays and arrays[0].ndim == 4:
        kernel = arrays[0]
        if kernel.shape[:2] != (*layer.kernel_size, 1):  # filters, features, length, 1
            kernel = kernel.transpose(2, 3, 1, 0)
        return [kernel[:, 0], *arrays[1:]]
    return list(arrays)


def _modern_recurrent(layer: LSTM | GRU, arrays: list[Array]) -> list[Array]:
    gates = 4 if isinstance(layer, LSTM) else 3
    if len(arrays) == 3 * gates:  # Keras 1: the three of each gate; LSTM's in the order i c f o
        order = (0, 2, 1, 3) if gates == 4 else (0, 1, 2)
        return [
            np.concatenate([arrays[3 * gate + kind] for gate in order], axis=-1)
            for kind in range(3)
        ]
    if len(arrays) == 3 and arrays[2].shape == (2 * gates * layer.units,):
        return _from_cudnn(layer, arrays, gates)
    return arrays


def _from_cudnn(layer: LSTM | GRU, arrays: list[Array], gates: int) -> list[Array]:
    """Each gate's matrices are transposed; there are two biases, which an LSTM adds."""
    kernel, recurrent_kernel, bias = arrays
    kernels = [part.T.reshape(part.shape, order="F") for part in np.split(kernel, gates, axis=1)]
    recurrent = [part.T for part in np.split(recurrent_kernel, gates, axis=1)]
    biases = bias.reshape(2, -1)
    return [
        np.concatenate(kernels, axis=1),
        np.concatenate(recurrent, axis=1),
        biases.sum(axis=0) if isinstance(layer, LSTM) else biases,
    ]


def scaled_parts(layers: Sequence[Layer], source: str) -> list[Array]:
    """Return the parts of the weights that must be multiplied by ``HARD_SIGMOID_FACTOR``.

    They are the sums to which ``hard_sigmoid`` is applied: scaled, the function of today gives what
    the function of Keras 1 and 2 gave.

    Raises:
        ModelFileError: ``bad_config`` where the function is not applied to such sums.
    """
    parts = []
    for layer in (inner for outer in layers for inner in iterate_layers(outer)):
        activation = getattr(getattr(layer, "activation", None), "name", None)
        if isinstance(layer, (LSTMCell, GRUCell)):
            parts += _gates(layer) if layer.recurrent_activation.name == "hard_sigmoid" else []
        elif isinstance(layer, (Dense, Conv1D)) and activation == "hard_sigmoid":
            parts += [variable.value for variable in layer.weights]
            continue
        if activation == "hard_sigmoid" and isinstance(layer, (RecurrentCell, Activation)):
            message = f"layer {layer.name!r} has the old hard_sigmoid, 0.2x + 0.5, as activation"
            raise ModelFileError("bad_config", source, message)
    return parts


def _gates(cell: RecurrentCell) -> list[Array]:
    """Return the columns of a cell's weights that belong to gates, not to the candidate."""
    candidates = ("c", "h")
    columns = [
        slice(k * cell.units, (k + 1) * cell.units)
        for k, gate in enumerate(cell.spec.gates)
        if gate not in candidates
    ]
    return [variable.value[..., part] for variable in cell.weights for part in columns]
