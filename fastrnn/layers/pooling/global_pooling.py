"""GlobalAveragePooling1D and GlobalMaxPooling1D."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Unpack

import numpy as np

from fastrnn.core.checks import to_mask
from fastrnn.core.options import Flag, takes_options
from fastrnn.layers.base.capabilities import ALL_STEPS, OnnxGraph
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.options import DataFormat
from fastrnn.layers.base.symbolic import Node
from fastrnn.typing import Array, MaskLike, Shape

Gradient = Callable[[Array], Array]


class GlobalPooling(Layer):
    """One vector for each sequence.

    Args:
        data_format: ``"channels_last"`` (also ``None``), (batch, timesteps, channels), or
            ``"channels_first"``, (batch, channels, timesteps).
        keepdims: whether the axis of time stays, with length 1.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Outputs: (batch, channels).
    """

    input_rank = 3
    input_axes = "(batch, timesteps, channels)"
    stream_refusal = ALL_STEPS
    onnx_operator: ClassVar[str]

    data_format: str
    keepdims: bool

    @takes_options
    def __init__(
        self, data_format: DataFormat = None, keepdims: Flag = False, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)

    @property
    def axis(self) -> int:
        """The axis of time."""
        return 1 if self.data_format == "channels_last" else 2

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return (batch, channels), or with an axis of length 1 for time."""
        shape = list(input_shape)
        if self.keepdims:
            shape[self.axis] = 1
        else:
            del shape[self.axis]
        return tuple(shape)

    def compute_mask(self, inputs: Array, mask: MaskLike = None) -> Any:
        """Return no mask: there are no steps left."""
        return None

    def pool(self, inputs: Array, mask: MaskLike) -> tuple[Array, Gradient]:
        """Return the outputs, and the function d -> d_inputs for d with an axis of time."""
        raise NotImplementedError

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Pool."""
        outputs, gradient = self.pool(inputs, mask)

        def pullback(d: Array) -> tuple[Array, list[Array]]:
            return gradient(d if self.keepdims else np.expand_dims(d, self.axis)), []

        return outputs, pullback if context.gradient else None

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append the operator."""
        keep = int(self.keepdims)
        return [graph.node(self.onnx_operator, inputs, axes=[self.axis], keepdims=keep)]


@registry.register("GlobalAvgPool1D")
class GlobalAveragePooling1D(GlobalPooling):
    """The mean over the steps that count; see ``GlobalPooling`` for the arguments.

    A sequence that is masked throughout gives 0 (Keras: NaN).

    >>> from fastrnn.layers import GlobalAveragePooling1D
    >>> GlobalAveragePooling1D()(np.arange(4.0).reshape(1, 4, 1))
    array([[1.5]], dtype=float32)
    """

    supports_masking = True
    onnx_operator = "ReduceMean"

    def pool(self, inputs: Array, mask: MaskLike) -> tuple[Array, Gradient]:
        """Average."""
        steps = inputs.shape[self.axis]
        if mask is None:
            weights = np.full((1, 1, 1), 1 / steps, inputs.dtype)
        else:
            counts = to_mask(mask, (len(inputs), steps))
            assert counts is not None
            total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
            weights = np.expand_dims((counts / total).astype(inputs.dtype), 3 - self.axis)
        kept = inputs if mask is None else np.where(weights != 0, inputs, 0)
        outputs = (kept * weights).sum(axis=self.axis, keepdims=self.keepdims)

        def gradient(d: Array) -> Array:
            return np.ascontiguousarray(np.broadcast_to(d * weights, inputs.shape))

        return outputs, gradient


@registry.register("GlobalMaxPool1D")
class GlobalMaxPooling1D(GlobalPooling):
    """The largest entry over all steps; see ``GlobalPooling`` for the arguments.

    Masks are ignored, as in Keras.

    >>> from fastrnn.layers import GlobalMaxPooling1D
    >>> GlobalMaxPooling1D()(np.arange(4.0).reshape(1, 4, 1))
    array([[3.]], dtype=float32)
    """

    onnx_operator = "ReduceMax"

    def pool(self, inputs: Array, mask: MaskLike) -> tuple[Array, Gradient]:
        """Take the largest; equal ones share the gradient."""
        outputs = inputs.max(axis=self.axis, keepdims=True)

        def gradient(d: Array) -> Array:
            best = (inputs == outputs).astype(inputs.dtype)
            best /= best.sum(axis=self.axis, keepdims=True)
            return best * d

        return outputs if self.keepdims else outputs.squeeze(self.axis), gradient
