"""PassThrough: layers that change their inputs in training alone."""

from __future__ import annotations

from fastrnn.engines.contract import StreamStage
from fastrnn.layers.base.capabilities import OnnxGraph
from fastrnn.layers.base.layer import CallContext, Layer, Pullback
from fastrnn.layers.base.symbolic import Node
from fastrnn.typing import Array, MaskLike


class PassThrough(Layer):
    """The identity outside training; a subclass may implement ``disturb`` for training."""

    supports_masking = True
    stepwise = True

    @property
    def is_disturbing(self) -> bool:
        """Whether the layer changes its inputs in training."""
        return False

    def disturb(self, inputs: Array) -> tuple[Array, Array | None]:
        """Return the outputs in training, and their derivatives, ``None`` for 1 throughout."""
        raise NotImplementedError

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Disturb the inputs if training, else hand them through."""
        outputs, derivative = inputs, None
        if context.training and self.is_disturbing:
            outputs, derivative = self.disturb(inputs)

        def pullback(d: Array) -> tuple[Array, list[Array]]:
            return d if derivative is None else d * derivative, []

        return outputs, pullback if context.gradient else None

    def stream_ops(self, features: int) -> list[StreamStage]:
        """Return no operation."""
        return []

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append nothing."""
        return inputs
