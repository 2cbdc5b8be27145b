"""Softmax."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn import activations
from fastrnn.core import errors
from fastrnn.core.checks import to_real_array
from fastrnn.core.options import AxesOption, takes_options
from fastrnn.engines.contract import StreamStage
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.stream_lowering import activation_ops
from fastrnn.typing import Array, MaskLike

# Added to what a mask hides from Softmax, as in Keras.
HIDDEN = -1e9


@registry.register()
class Softmax(Layer):
    """exp(x) by its sum along ``axis``.

    Args:
        axis: the axis, or a tuple of axes that count as one.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Call arguments: ``mask``, of a shape that broadcasts to the inputs', True (or above 0.5) where
    an entry counts; the outputs of the others are 0.

    Raises:
        ValueError: the inputs have no such axis, or the mask does not fit.

    >>> import numpy as np
    >>> from fastrnn.layers import Softmax
    >>> Softmax()(np.zeros((1, 3)), mask=np.array([[True, True, False]]))
    array([[0.5, 0.5, 0. ]], dtype=float32)
    """

    supports_masking = True
    stepwise = True
    min_input_rank = 1

    axis: int | tuple[int, ...]

    @takes_options
    def __init__(self, axis: AxesOption = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    @property
    def mixed_axes(self) -> tuple[int, ...]:
        """The axes of the sum."""
        return self.axis if isinstance(self.axis, tuple) else (self.axis,)

    def stream_ops(self, features: int) -> list[StreamStage] | None:
        """Return the activation."""
        return activation_ops(activations.softmax, features)

    def check_inputs(self, inputs: Array) -> None:
        """Raise ``ValueError`` if the inputs have not the axes."""
        super().check_inputs(inputs)
        axes = self.mixed_axes
        if not all(-inputs.ndim <= axis < inputs.ndim for axis in axes):
            expected = f"axes {axes}, for layer {self.name!r}"
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Compute the shares."""
        keep = None if mask is None else _to_keep(mask, inputs.shape)
        x = inputs if keep is None else np.where(keep, inputs, inputs.dtype.type(HIDDEN))
        e = np.exp(x - x.max(axis=self.axis, keepdims=True))
        outputs = e / e.sum(axis=self.axis, keepdims=True)
        if keep is not None:
            outputs = np.where(keep, outputs, 0)

        def pullback(d: Array) -> tuple[Array, list[Array]]:
            # Outputs that the mask sets to 0 have no part in either term.
            return outputs * (d - (d * outputs).sum(axis=self.axis, keepdims=True)), []

        return outputs, pullback if context.gradient else None


def _to_keep(mask: MaskLike, shape: tuple[int, ...]) -> Array:
    """Return ``mask`` as bools, or raise ``ValueError`` if it does not broadcast to ``shape``."""
    mask = to_real_array("mask", mask)
    pairs = zip(mask.shape[::-1], shape[::-1], strict=False)
    if mask.ndim > len(shape) or any(n not in (1, size) for n, size in pairs):
        expected = f"one that is broadcastable to {shape}"
        remedy = "A mask must not have more dimensions than the inputs."
        raise ValueError(errors.bad_shape("mask", mask.shape, expected, remedy))
    return mask if mask.dtype == bool else mask > 0.5
