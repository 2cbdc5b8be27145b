"""Dot: products of two inputs over an axis of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Unpack

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_axes
from fastrnn.core.options import Flag, Kind, takes_options
from fastrnn.engines.dispatch import matmul
from fastrnn.layers.base.layer import CallContext, LayerOptions, Pullback, registry
from fastrnn.layers.base.structures import fixed
from fastrnn.layers.merging.base import MultiInputLayer
from fastrnn.typing import Array, MultiMask, Shape


def _to_dot_axes(argument: str, value: object) -> int | tuple[int, ...]:
    if isinstance(value, (list, tuple)) and len(value) != 2:
        raise ValueError(errors.bad_argument(argument, value, "one axis or two"))
    return to_axes(argument, value)


DotAxes = Annotated[int | Sequence[int], Kind(_to_dot_axes)]


@registry.register()
class Dot(MultiInputLayer):
    """The products of two inputs, summed over an axis of each.

    Args:
        axes: the axis of both inputs, or one of each; not the batch.
        normalize: whether the inputs are divided by their norms along the axis first, which makes
            the cosine of vectors.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: two arrays (batch, …). Outputs: (batch, other axes of the first, other axes of the
    second), (batch, 1) if there are none.

    Raises:
        ValueError: the axes are no axes of the inputs, or differ in length.

    >>> from fastrnn.layers import Dot
    >>> Dot(axes=(2, 1))([np.ones((2, 3, 5)), np.ones((2, 5, 4))]).shape
    (2, 3, 4)
    """

    least_inputs, most_inputs = 2, 2

    axes: int | tuple[int, ...]
    normalize: bool

    @takes_options
    def __init__(
        self, axes: DotAxes, normalize: Flag = False, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)

    def _axes_for(self, shapes: Sequence[Shape]) -> tuple[int, int]:
        """Return the axes of both inputs, counted from the front."""
        pair = self.axes if isinstance(self.axes, tuple) else (self.axes, self.axes)
        found = []
        for axis, shape in zip(pair, shapes, strict=True):
            if not -len(shape) <= axis < len(shape) or axis % len(shape) == 0:
                expected = f"an axis of shape {tuple(shape)} that is not the batch"
                raise ValueError(errors.bad_argument("axes", axis, expected))
            found.append(axis % len(shape))
        return found[0], found[1]

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """Return the axes that are left."""
        self.check_count(input_shape)
        x, y = (list(shape) for shape in input_shape)
        i, j = self._axes_for(input_shape)
        m, n = x.pop(i), y.pop(j)
        if None not in (m, n) and m != n:
            expected = f"axis {j} as long as axis {i} of the first input, {m}"
            raise ValueError(errors.bad_shape("inputs", input_shape[1], expected))
        shape = (*x, *y[1:])
        return shape if len(shape) > 1 else (*shape, 1)

    def compute_mask(self, inputs: list[Array], mask: MultiMask = None) -> Any:
        """Return no mask."""
        return None

    def forward(
        self, inputs: list[Array], context: CallContext, mask: MultiMask = None
    ) -> tuple[Array, Pullback | None]:
        """Multiply and sum, as one matrix product for each sample."""
        shape = self.compute_output_shape([x.shape for x in inputs])
        axes = self._axes_for([x.shape for x in inputs])
        unit = inputs
        back: list[Callable[[Array], Array]] = [_identity, _identity]
        if self.normalize:
            pairs = [_unit_vectors(x, axis) for x, axis in zip(inputs, axes, strict=True)]
            unit, back = [u for u, _ in pairs], [b for _, b in pairs]
        last = [np.moveaxis(x, axis, -1) for x, axis in zip(unit, axes, strict=True)]
        x, y = (a.reshape(len(a), -1, a.shape[-1]) for a in last)

        def pullback(d_outputs: Array) -> tuple[list[Array], list[Array]]:
            d = d_outputs.reshape(len(x), x.shape[1], y.shape[1])
            products = (matmul(d, y), matmul(d.transpose(0, 2, 1), x))
            d_inputs = [
                b(np.moveaxis(p.reshape(a.shape), -1, axis))
                for p, a, axis, b in zip(products, last, axes, back, strict=True)
            ]
            return [np.ascontiguousarray(d) for d in d_inputs], []

        outputs = matmul(x, y.transpose(0, 2, 1)).reshape(fixed(shape))
        return outputs, pullback if context.gradient else None


def _identity(d: Array) -> Array:
    return d


def _unit_vectors(x: Array, axis: int) -> tuple[Array, Callable[[Array], Array]]:
    """Return x / |x|, and d -> (d - u·(u·d)) / |x|."""
    norm = np.maximum(np.sqrt((x * x).sum(axis=axis, keepdims=True)), 1e-12)
    u = x / norm
    return u, lambda d: (d - u * (u * d).sum(axis=axis, keepdims=True)) / norm


def dot(
    inputs: Sequence[Any], axes: int | Sequence[int] = -1, **kwargs: Unpack[LayerOptions]
) -> Any:
    """Return ``Dot(axes, **kwargs)(inputs)``."""
    return Dot(axes=axes, **kwargs)(inputs)
