"""Activation: an activation function as a layer."""

from __future__ import annotations

from typing import Unpack

from fastrnn import activations
from fastrnn.core.options import takes_options
from fastrnn.engines.contract import StreamStage
from fastrnn.layers.base.capabilities import OnnxGraph
from fastrnn.layers.base.layer import (
    CallContext,
    Layer,
    LayerOptions,
    Pullback,
    registry,
)
from fastrnn.layers.base.stream_lowering import activation_ops
from fastrnn.layers.base.symbolic import Node
from fastrnn.typing import ActivationLike, Array, MaskLike


@registry.register()
class Activation(Layer):
    """Applies an activation function.

    Args:
        activation: name or function, see ``fastrnn.activations``.
        **kwargs: ``name``, ``dtype``, ``trainable``, ``activity_regularizer``.

    >>> import numpy as np
    >>> from fastrnn.layers import Activation
    >>> Activation("relu")(np.array([[-1.0, 2.0]]))
    array([[0., 2.]], dtype=float32)
    """

    supports_masking = True
    stepwise = True

    activation: activations.Activation

    @takes_options
    def __init__(self, activation: ActivationLike, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    def stream_ops(self, features: int) -> list[StreamStage] | None:
        """Return the activation."""
        return activation_ops(self.activation, features)

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append the activation."""
        return [graph.activate(self.activation, inputs[0], self)]

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Apply the activation."""
        outputs = self.activation(inputs)

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            return self.activation.vjp(inputs, outputs, d_outputs), []

        return outputs, pullback if context.gradient else None
