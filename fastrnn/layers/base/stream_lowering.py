"""Lowering of a chain of layers to the operations of the fused engine's stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from fastrnn.activations import Activation
from fastrnn.core import errors
from fastrnn.core.variable import Variable
from fastrnn.engines.contract import StreamStage
from fastrnn.engines.dispatch import STREAM_ACTIVATIONS
from fastrnn.layers.base.capabilities import Capabilities, describes_forward
from fastrnn.layers.base.weights import HasWeights

Array = npt.NDArray[Any]


def values_of(**variables: Variable | None) -> dict[str, Array | None]:
    """Return the arrays of weights by the names that the engine has for them."""
    return {name: None if v is None else v.value for name, v in variables.items()}


def is_fused(function: Activation) -> bool:
    """Whether the fused engine's stream has the activation."""
    return function.builtin and function.name in STREAM_ACTIVATIONS


def activation_ops(function: Activation, width: int) -> list[StreamStage] | None:
    """Return the operations that apply an activation to rows of ``width`` numbers, if any do."""
    if is_fused(function):
        linear = function.name == "linear"
        return [] if linear else [StreamStage("activate", width, width, activation=function.name)]
    softmax = function.builtin and function.name == "softmax"
    return [StreamStage("softmax", width, width)] if softmax else None


def lower(layers: Sequence[Capabilities], features: int) -> list[StreamStage] | None:
    """Return the operations of a chain of layers, or ``None`` where one of them has none.

    Args:
        layers: layers that ``require_streamable`` has let through.
        features: numbers in a step that the first one takes.
    """
    ops: list[StreamStage] = []
    for layer in layers:
        own = layer.stream_ops(features) if describes_forward(type(layer), "stream_ops") else None
        if own is None:
            return None
        ops += own
        features = own[-1].outputs if own else features
    return ops or [StreamStage("activate", features, features)]


def feature_count(owner: Capabilities, layers: Sequence[Capabilities]) -> int:
    """Return how many features a step of the chain ``layers`` has, that ``owner`` is made of.

    Raises:
        ValueError: nothing says it.
    """
    for layer in layers:
        if layer.stream_features is not None:
            return layer.stream_features
    shape = owner.streamed_shape
    if shape and shape[-1] is not None:
        return int(shape[-1])
    reason = "the number of features is not known: begin a model with an Input"
    raise ValueError(errors.not_streamable(owner.name, type(owner).__name__, reason))


def require_streamable(layer: Capabilities, first: bool) -> None:
    """Raise ``ValueError`` if the layer cannot be run one step at a time.

    Args:
        layer: one of those that ``Layer.stream_layers`` returns.
        first: whether it is the first of a chain.
    """
    reason = layer.refuse_stream(first)
    if reason is None and isinstance(layer, HasWeights) and layer.lacks_weights:
        reason = "it has no weights yet: build it, or call it on data"
    if reason is not None:
        raise ValueError(errors.not_streamable(layer.name, type(layer).__name__, reason))
