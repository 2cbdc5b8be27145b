"""Which layers a stream can run one step at a time, and how the fused engine does it.

A layer can be streamed if its output at a step needs nothing but the step's input and states. For
most of these there is a ``contract.StreamStage``, or several; the others are run as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn.activations import Activation as Function
from fastrnn.core import errors
from fastrnn.engines.contract import StreamStage
from fastrnn.engines.dispatch import STREAM_ACTIVATIONS, STREAM_CELLS
from fastrnn.layers.activations.activations import ELU, LeakyReLU, ReLU, Softmax
from fastrnn.layers.attention.attention import AdditiveAttention, Attention
from fastrnn.layers.base.layer import Layer
from fastrnn.layers.convolution.convolutions import Conv1D
from fastrnn.layers.core.dense import Activation, Dense, Masking
from fastrnn.layers.core.embedding import Embedding
from fastrnn.layers.core.rescaling import Identity, Rescaling
from fastrnn.layers.normalization.batch_normalization import BatchNormalization
from fastrnn.layers.normalization.group_normalization import RMSNormalization
from fastrnn.layers.normalization.layer_normalization import LayerNormalization, UnitNormalization
from fastrnn.layers.pooling.global_pooling import GlobalAveragePooling1D, GlobalMaxPooling1D
from fastrnn.layers.pooling.windows import AveragePooling1D, MaxPooling1D
from fastrnn.layers.regularization.dropout import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
)
from fastrnn.layers.reshaping.reshaping import Flatten, Permute, RepeatVector, Reshape
from fastrnn.layers.rnn.base import RecurrentLayer
from fastrnn.layers.rnn.bidirectional import Bidirectional
from fastrnn.layers.rnn.gru import GRU
from fastrnn.layers.rnn.lstm import LSTM
from fastrnn.layers.rnn.recurrent_cell import RecurrentCell
from fastrnn.layers.rnn.rnn import RNN
from fastrnn.layers.rnn.simple_rnn import SimpleRNN
from fastrnn.layers.rnn.time_distributed import TimeDistributed

# What a layer is computed by, or None where the fused engine's stages do not cover it.
Stages = list[StreamStage] | None


# ---- the stages of each layer ----


def _values(**variables: Any) -> dict[str, Any]:
    return {name: None if v is None else v.value for name, v in variables.items()}


def _function_stages(function: Function, width: int) -> Stages:
    """Return the stages that apply an activation to rows of ``width`` numbers."""
    if not function.builtin:
        return None
    if function.name == "linear":
        return []
    if function.name == "softmax":
        return [StreamStage("softmax", width, width)]
    if function.name in STREAM_ACTIVATIONS:
        return [StreamStage("activate", width, width, activation=function.name)]
    return None


def _recurrent(layer: Any, inputs: int) -> Stages:
    cell = layer.cell
    pair = (cell.activation, cell.recurrent_activation)
    if not all(a.builtin and a.name in STREAM_ACTIVATIONS for a in pair):
        return None
    if cell.spec.name not in STREAM_CELLS:
        return None
    if cell.quantized is not None:  # its own steps read fewer bytes, and are what it is to compute
        return None
    weights = cell.weight_values
    names = {"activation": pair[0].name, "recurrent_activation": pair[1].name}
    return [StreamStage("recurrent", inputs, cell.units, weights, cell.spec.name, **names)]


def _dense(layer: Any, inputs: int) -> Stages:
    weights = _values(kernel=layer.kernel, bias=layer.bias)
    function = layer.activation
    if function.builtin and function.name in STREAM_ACTIVATIONS:
        return [StreamStage("dense", inputs, layer.units, weights, activation=function.name)]
    rest = _function_stages(function, layer.units)
    return None if rest is None else [StreamStage("dense", inputs, layer.units, weights), *rest]


def _batch_normalization(layer: Any, inputs: int) -> Stages:
    variance = layer.moving_variance.value
    weights = _values(mean=layer.moving_mean, gamma=layer.gamma, beta=layer.beta)
    weights["rate"] = 1 / np.sqrt(variance + variance.dtype.type(layer.epsilon))
    return [StreamStage("scale", inputs, inputs, weights)]


def _layer_normalization(layer: Any, inputs: int) -> Stages:
    weights = _values(gamma=layer.gamma, beta=layer.beta)
    return [StreamStage("normalize", inputs, inputs, weights, epsilon=layer.epsilon)]


def _rescaling(layer: Any, inputs: int) -> Stages:
    weights: dict[str, Any] = {
        "gamma": np.full(inputs, layer.scale, layer.dtype),
        "beta": np.full(inputs, layer.offset, layer.dtype),
    }
    return [StreamStage("scale", inputs, inputs, weights)]


def _embedding(layer: Any, inputs: int) -> Stages:
    weights = _values(kernel=layer.embeddings)
    return [StreamStage("embed", layer.input_dim, layer.output_dim, weights)]


def _relu(layer: Any, inputs: int) -> Stages:
    plain = (layer.max_value, layer.negative_slope, layer.threshold) == (None, 0, 0)
    return [StreamStage("activate", inputs, inputs, activation="relu")] if plain else None


def _identity(layer: Any, inputs: int) -> Stages:
    return []


def _uncovered(layer: Any, inputs: int) -> Stages:
    return None


_STAGES: dict[type[Layer], Callable[[Any, int], Stages]] = {
    RecurrentLayer: _recurrent,
    SimpleRNN: _recurrent,
    LSTM: _recurrent,
    GRU: _recurrent,
    Dense: _dense,
    Embedding: _embedding,
    BatchNormalization: _batch_normalization,
    LayerNormalization: _layer_normalization,
    RMSNormalization: _uncovered,
    UnitNormalization: _uncovered,
    Rescaling: _rescaling,
    Activation: lambda layer, inputs: _function_stages(layer.activation, inputs),
    ReLU: _relu,
    LeakyReLU: _uncovered,
    ELU: _uncovered,
    Softmax: lambda layer, inputs: [StreamStage("softmax", inputs, inputs)],
    AlphaDropout: _identity,
    Dropout: _identity,
    GaussianDropout: _identity,
    SpatialDropout1D: _identity,
    GaussianNoise: _identity,
    ActivityRegularization: _identity,
    Identity: _identity,
}


_NORMALIZATIONS = (
    BatchNormalization,
    LayerNormalization,
    RMSNormalization,
    Softmax,
    UnitNormalization,
)


def stages_of(layers: list[Layer], features: int) -> Stages:
    """Return the stages of a chain of layers, or ``None`` where one of them has none.

    Args:
        layers: layers that ``require_streamable`` has let through.
        features: numbers in a row that the first one takes.
    """
    stages: list[StreamStage] = []
    for layer in layers:
        own = _STAGES[_kind(layer)](layer, features)
        if own is None:
            return None
        stages += own
        features = own[-1].outputs if own else features
    return stages or [StreamStage("activate", features, features)]


def is_identity(layer: Layer) -> bool:
    """Whether the layer hands its inputs through when it is not trained."""
    return _STAGES[_kind(layer)] is _identity


def is_normalization(layer: Layer) -> bool:
    """Whether the layer computes along an axis, which has to be that of the features."""
    return isinstance(layer, _NORMALIZATIONS)


def feature_count(owner: Layer, layers: list[Layer]) -> int:
    """Return how many features a step of the chain ``layers`` has, that ``owner`` is made of.

    Raises:
        ValueError: nothing says it.
    """
    for layer in layers:
        for count in (layer.input_features, _weight_length(layer)):
            if count is not None:
                return count
        if isinstance(layer, (Dense, RecurrentLayer)):
            break
    shape = getattr(owner, "input_shape", None)
    if shape and shape[-1] is not None:
        return int(shape[-1])
    reason = "the number of features is not known: begin a model with an Input"
    raise ValueError(errors.not_streamable(owner.name, type(owner).__name__, reason))


def _weight_length(layer: Layer) -> int | None:
    if isinstance(layer, Embedding):
        return layer.input_dim
    if isinstance(layer, LayerNormalization) and layer.weights:
        return layer.weights[0].shape[0]
    return None


# ---- which layers can be streamed ----

_ONE_DIRECTION = "the other direction begins at the end of the sequence"
_WINDOW = "it computes with several steps at once"
_ALL_STEPS = "its output needs all steps of the sequence"
_MOVES_STEPS = "it changes which axis the steps stand on, or how many there are"
_REASONS: dict[type[Layer], str] = {
    Bidirectional: _ONE_DIRECTION,
    Masking: "a stream has no masks: leave out the call for a step that does not count",
    Conv1D: _WINDOW,
    AveragePooling1D: _WINDOW,
    MaxPooling1D: _WINDOW,
    GlobalAveragePooling1D: _ALL_STEPS,
    GlobalMaxPooling1D: _ALL_STEPS,
    Attention: _ALL_STEPS,
    AdditiveAttention: _ALL_STEPS,
    Flatten: _MOVES_STEPS,
    Permute: _MOVES_STEPS,
    RepeatVector: _MOVES_STEPS,
    Reshape: _MOVES_STEPS,
    RecurrentCell: "a cell has no steps of its own: stream a layer with it",
}


def expand(layer: Layer) -> list[Any]:
    """Return the layers that ``TimeDistributed`` or ``RNN`` runs on each step; else the layer."""
    if type(layer) is RNN:
        return list(layer._chain)
    if type(layer) is not TimeDistributed:
        return [layer]
    inside = [inner for outer in layer.layer.stream_layers() for inner in expand(outer)]
    if any(isinstance(inner, RecurrentLayer) for inner in inside):
        raise ValueError(_refusal(layer, "the layer inside has time steps of its own"))
    return inside


def require_streamable(layer: Any, first: bool) -> None:
    """Raise ``ValueError`` if the layer cannot be run one step at a time.

    Args:
        layer: one that ``expand`` has returned.
        first: whether it is the first of a chain.
    """
    reason = _reason_against(layer, first)
    if reason is not None:
        raise ValueError(_refusal(layer, reason))


def _reason_against(layer: Any, first: bool) -> str | None:
    if not isinstance(layer, Layer):
        return "its cell is not one of fastrnn's own"
    if _kind(layer) not in _STAGES:
        known = [reason for kind, reason in _REASONS.items() if isinstance(layer, kind)]
        return known[0] if known else "it is not known to compute each step on its own"
    if not layer.built and type(layer).make_weights is not Layer.make_weights:
        return "it has no weights yet: build it, or call it on data"
    if isinstance(layer, RecurrentLayer) and layer.go_backwards:
        return "it goes backwards, from the last step on"
    if isinstance(layer, Embedding) and layer.mask_zero:
        return "a stream has no masks: `mask_zero` would skip steps"
    if isinstance(layer, Embedding) and not first:
        return "an Embedding takes integers: it comes first"
    if is_normalization(layer) and not _on_features(layer):
        return "it computes along another axis than the features"
    return None


def _on_features(layer: Any) -> bool:
    """Whether the axis is the last one, that of the features."""
    if isinstance(layer, BatchNormalization):
        return layer.input_features is not None
    # Counted from the front, it is the last of (batch, timesteps, features).
    return layer.axis in (-1, [-1], 2, [2])


def _kind(layer: Layer) -> type[Layer]:
    """Return the class whose computation the layer's is."""
    for kind in type(layer).__mro__:
        if kind in _STAGES and type(layer).forward is kind.forward:
            return kind
    return type(layer)


def _refusal(layer: Any, reason: str) -> str:
    kind = type(layer).__name__
    return errors.not_streamable(getattr(layer, "name", kind), kind, reason)
