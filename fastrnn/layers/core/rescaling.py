"""Rescaling."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from fastrnn.core.options import Finite, takes_options
from fastrnn.engines.contract import StreamStage
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.typing import Array, MaskLike


@registry.register()
class Rescaling(Layer):
    """inputs · scale + offset.

    Args:
        scale: a number.
        offset: a number.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: any shape. Outputs: the same.

    Raises:
        ValueError: ``scale`` or ``offset`` is no number.

    >>> import numpy as np
    >>> from fastrnn.layers import Rescaling
    >>> Rescaling(0.5, offset=-1.0)(np.array([[0.0, 4.0]]))
    array([[-1.,  1.]], dtype=float32)
    """

    supports_masking = True
    stepwise = True

    scale: float
    offset: float

    @takes_options
    def __init__(self, scale: Finite, offset: Finite = 0.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    def stream_ops(self, features: int) -> list[StreamStage]:
        """Return a scaling of the features."""
        numbers = {"gamma": self.scale, "beta": self.offset}
        weights = {name: np.full(features, n, self.dtype) for name, n in numbers.items()}
        return [StreamStage("scale", features, features, {**weights})]

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Scale and shift."""
        scale, offset = (np.asarray(v, inputs.dtype) for v in (self.scale, self.offset))
        return inputs * scale + offset, (lambda d: (d * scale, [])) if context.gradient else None
