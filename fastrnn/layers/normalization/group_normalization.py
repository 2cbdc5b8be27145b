"""GroupNormalization and RMSNormalization."""

from __future__ import annotations

from typing import Annotated, Any, Unpack

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_positive_int
from fastrnn.core.options import Integer, Kind, NonNegative, inserts_options, takes_options
from fastrnn.core.variable import Variable
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.structures import fixed
from fastrnn.layers.normalization.layer_normalization import (
    LayerNormalization,
    ListedAxes,
    NormalizationOptions,
    as_axes,
    normalized_axes,
)
from fastrnn.typing import Array, MaskLike, Shape


def _to_groups(argument: str, value: object) -> int:
    return -1 if value == -1 else to_positive_int(argument, value)


Groups = Annotated[int, Kind(_to_groups)]


@registry.register()
class GroupNormalization(LayerNormalization):
    """gamma·(x - mean)/sqrt(variance + epsilon) + beta, of groups of channels (Wu and He, 2018).

    Mean and variance are those of all steps and all channels of a group, for each sample.

    Args:
        groups: number of groups, a divisor of the number of channels; -1 for a group for each.
        axis: the axis of the channels.
        epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer,
            gamma_regularizer, beta_constraint, gamma_constraint: see ``LayerNormalization``.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: gamma and beta, (channels,). Outputs: as the inputs.

    Raises:
        ValueError: the channels cannot be parted into so many groups, or the axis is none of the
            inputs' or has no fixed length.

    >>> from fastrnn.layers import GroupNormalization
    >>> GroupNormalization(groups=2)(np.array([[1.0, 3.0, 10.0, 30.0]])).round(2)
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    groups: int

    @inserts_options(after={"axis": "groups"})
    def __init__(
        self,
        groups: Groups = 32,
        *,
        axis: Integer = -1,
        **kwargs: Unpack[NormalizationOptions],
    ) -> None:
        super().__init__(axis, **kwargs)

    stepwise = False  # the mean is also over the steps

    def make_weights(self, input_shape: Shape) -> None:
        """Make gamma and beta."""
        (axis,) = normalized_axes(self.axis, input_shape)
        channels = input_shape[axis]
        if axis == 0 or (channels is not None and channels % self._count(channels)):
            expected = f"channels on axis {self.axis} that groups={self.groups} divides"
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected))
        super().make_weights(input_shape)

    def _count(self, channels: int) -> int:
        return channels if self.groups == -1 else self.groups

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Normalize."""
        moved = np.moveaxis(inputs, self.axis, -1)
        batch, channels = len(inputs), moved.shape[-1]
        groups = self._count(channels)
        x = moved.reshape(batch, -1, groups, channels // groups)
        centred = x - x.mean(axis=(1, 3), keepdims=True)
        variance = (centred * centred).mean(axis=(1, 3), keepdims=True)
        rate = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        x_hat = centred * rate
        parts = x.shape[2:]
        gamma = None if self.gamma is None else self.gamma.value.reshape(parts)
        outputs = x_hat if gamma is None else x_hat * gamma
        if self.beta is not None:
            outputs = outputs + self.beta.value.reshape(parts)

        def restore(y: Array) -> Array:
            return np.ascontiguousarray(np.moveaxis(y.reshape(moved.shape), -1, self.axis))

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d = np.moveaxis(d_outputs, self.axis, -1).reshape(x.shape)
            sums = [(g.sum(axis=(0, 1)).ravel()) for g in (d * x_hat, d)]
            d_weights = self.gradients_of((self.gamma, sums[0]), (self.beta, sums[1]))
            d = d if gamma is None else d * gamma
            mean = d.mean(axis=(1, 3), keepdims=True)
            along = (d * x_hat).mean(axis=(1, 3), keepdims=True)
            return restore(rate * (d - mean - x_hat * along)), d_weights

        return restore(outputs), pullback if context.gradient else None


@registry.register()
class RMSNormalization(Layer):
    """scale·x / sqrt(mean(x²) + epsilon) (Zhang and Sennrich, 2019).

    Args:
        axis: axis or axes over which the mean is taken.
        epsilon: added to it.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: scale, of the shape of the axes. Outputs: as the inputs.

    Raises:
        ValueError: an axis is none of the inputs', or has no fixed length.

    >>> from fastrnn.layers import RMSNormalization
    >>> RMSNormalization()(np.array([[1.0, 7.0]])).round(2)
    array([[0.2, 1.4]], dtype=float32)
    """

    stepwise = True

    axis: int | list[int]
    epsilon: float

    @takes_options
    def __init__(
        self, axis: ListedAxes = -1, epsilon: NonNegative = 1e-6, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.scale: Variable

    @property
    def mixed_axes(self) -> tuple[int, ...]:
        """The axes of the mean."""
        return as_axes(self.axis)

    def make_weights(self, input_shape: Shape) -> None:
        """Make the scale."""
        shape = [input_shape[axis] for axis in normalized_axes(self.axis, input_shape)]
        if None in shape:
            expected = f"fixed lengths of axis {self.axis}"
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected))
        self.scale = self.add_weight(fixed(shape), initializer="ones", name="scale")

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape of the inputs."""
        normalized_axes(self.axis, input_shape)
        return tuple(input_shape)

    def check_inputs(self, inputs: Array) -> None:
        """Raise ``ValueError`` if the axes have not the lengths of the scale."""
        axes = normalized_axes(self.axis, inputs.shape)
        if self.scale.shape != tuple(inputs.shape[axis] for axis in axes):
            expected = f"lengths {self.scale.shape} of axes {axes}, as {self.name!r} was built"
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Normalize."""
        axes = normalized_axes(self.axis, inputs.shape)
        shape = [n if k in axes else 1 for k, n in enumerate(inputs.shape)]
        others = tuple(k for k in range(inputs.ndim) if k not in axes)
        scale = self.scale.value.reshape(shape)
        square = (inputs * inputs).mean(axis=axes, keepdims=True)
        rate = 1 / np.sqrt(square + inputs.dtype.type(self.epsilon))
        x_hat = inputs * rate

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d_weights = self.gradients_of((self.scale, (d_outputs * x_hat).sum(axis=others)))
            d = d_outputs * scale
            along = (d * x_hat).mean(axis=axes, keepdims=True)
            return rate * (d - x_hat * along), d_weights

        return x_hat * scale, pullback if context.gradient else None
