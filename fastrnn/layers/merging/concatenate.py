"""Concatenate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np

from fastrnn.core import errors
from fastrnn.core.options import Integer, takes_options
from fastrnn.layers.base.capabilities import OnnxGraph
from fastrnn.layers.base.layer import CallContext, LayerOptions, Pullback, registry
from fastrnn.layers.base.symbolic import Node
from fastrnn.layers.merging.base import MultiInputLayer
from fastrnn.typing import Array, MultiMask, Shape

# Of each input: where it counts, with axes to broadcast to it, or True.
Masks = list[Array | bool]
Gradients = Callable[[Array], list[Array]]


@registry.register()
class Concatenate(MultiInputLayer):
    """The inputs one after the other along an axis.

    Args:
        axis: the axis; all others have equal lengths.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: a list of arrays (batch, …). Outputs: as the inputs, but for the length of the axis.

    Raises:
        ValueError: other axes differ.

    >>> from fastrnn.layers import Concatenate
    >>> Concatenate()([np.zeros((2, 3)), np.zeros((2, 4))]).shape
    (2, 7)
    """

    stepwise = True

    axis: int

    @takes_options
    def __init__(self, axis: Integer = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    @property
    def mixed_axes(self) -> tuple[int, ...]:
        """The axis along which the inputs stand."""
        return (self.axis,)

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append the operator."""
        return [graph.node("Concat", inputs, axis=self.axis)]

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """Return the shape of the inputs, the axis as long as all together."""
        self.check_count(input_shape)
        first, rank = input_shape[0], len(input_shape[0])
        if not -rank <= self.axis < rank:
            expected = f"an axis of inputs of shape {tuple(first)}"
            raise ValueError(errors.bad_argument("axis", self.axis, expected))
        axis = self.axis % rank
        shape: list[int | None] = list(first)
        for other in input_shape[1:]:
            fits = len(other) == rank and all(
                k == axis or None in (m, n) or m == n
                for k, (m, n) in enumerate(zip(shape, other, strict=True))
            )
            if not fits:
                expected = f"{tuple(first)}, but for axis {self.axis}"
                remedy = (
                    f"{self.name!r} requires inputs with matching shapes except for the "
                    "concatenation axis."
                )
                raise ValueError(errors.bad_shape("inputs", other, expected, remedy))
            for k, n in enumerate(other):
                if k != axis:
                    shape[k] = n if shape[k] is None else shape[k]
                else:
                    length = shape[k]
                    shape[k] = None if n is None or length is None else length + n
        return tuple(shape)

    def compute_mask(self, inputs: list[Array], mask: MultiMask = None) -> Any:
        """Return the masks joined as the inputs are; an input without one counts throughout."""
        masks = self.masks_of(inputs, mask)
        if masks is None or all(m is None for m in masks):
            return None
        full = []
        for x, m in zip(inputs, masks, strict=True):
            m = np.ones(x.shape, bool) if m is None else np.asarray(m, dtype=bool)
            full.append(np.broadcast_to(m[..., None], x.shape) if m.ndim < x.ndim else m)
        return np.concatenate(full, axis=self.axis).any(axis=-1)

    def forward(
        self, inputs: list[Array], context: CallContext, mask: MultiMask = None
    ) -> tuple[Array, Pullback | None]:
        """Join the inputs."""
        edges = np.cumsum([x.shape[self.axis] for x in inputs])[:-1]

        def pullback(d_outputs: Array) -> tuple[list[Array], list[Array]]:
            parts = np.split(d_outputs, edges, axis=self.axis)
            return [np.ascontiguousarray(part) for part in parts], []

        return np.concatenate(inputs, axis=self.axis), pullback if context.gradient else None


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Unpack[LayerOptions]) -> Any:
    """Return ``Concatenate(axis, **kwargs)(inputs)``."""
    return Concatenate(axis=axis, **kwargs)(inputs)
