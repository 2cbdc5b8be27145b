"""Masking."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from fastrnn.core.options import Finite, takes_options
from fastrnn.layers.base.capabilities import OnnxGraph, not_in_onnx
from fastrnn.layers.base.layer import (
    CallContext,
    Layer,
    LayerOptions,
    Pullback,
    registry,
)
from fastrnn.layers.base.symbolic import Node
from fastrnn.typing import Array, MaskLike


@registry.register()
class Masking(Layer):
    """Marks the steps whose features all equal ``mask_value``, which later layers then skip.

    Args:
        mask_value: the number that marks a step.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: (batch, timesteps, features). Outputs: the same, marked steps zero.

    >>> import numpy as np
    >>> from fastrnn.layers import Masking
    >>> Masking().compute_mask(np.array([[[1.0], [0.0]]]))
    array([[ True, False]])
    """

    supports_masking = True
    stepwise = True
    min_input_rank = 2

    mask_value: float

    @takes_options
    def __init__(self, mask_value: Finite = 0.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    def refuse_stream(self, first: bool) -> str:
        """Return why the layer cannot be run one time step at a time."""
        return "a stream has no masks: leave out the call for a step that does not count"

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Raise ``ValueError``: ONNX has no masks."""
        raise ValueError(not_in_onnx(self, "Masking", "no masks"))

    def compute_mask(self, inputs: Array, mask: MaskLike = None) -> Any:
        """Return (batch, timesteps), True where some feature differs from ``mask_value``."""
        return np.not_equal(inputs, self.mask_value).any(axis=-1)

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Set the marked steps to zero."""
        keep = self.compute_mask(inputs)[..., None]

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            return np.where(keep, d_outputs, 0), []

        return np.where(keep, inputs, 0), pullback if context.gradient else None
