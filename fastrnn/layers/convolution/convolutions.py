"""Convolution, the base of all convolutions, and Conv1D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from fastrnn.activations import Activation
from fastrnn.core import errors
from fastrnn.core.options import Flag, PositiveInt, inserts_options, takes_options
from fastrnn.core.variable import Variable
from fastrnn.engines.dispatch import matmul
from fastrnn.layers.base.layer import CommonOptions, LayerOptions, Pullback, registry
from fastrnn.layers.base.options import DataFormat, Size
from fastrnn.layers.pooling.windows import WindowLayer
from fastrnn.typing import (
    ActivationLike,
    Array,
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    Shape,
)


class ConvolutionOptions(LayerOptions, total=False):
    """The options that all convolutions share, behind those that come first."""

    strides: int | Sequence[int]
    padding: str
    data_format: str | None
    dilation_rate: int | Sequence[int]
    activation: ActivationLike
    use_bias: bool
    bias_initializer: InitializerLike
    bias_regularizer: RegularizerLike
    bias_constraint: ConstraintLike


class Convolution(WindowLayer):
    """What these layers and Conv1DTranspose share: sizes, kernels, a bias, an activation.

    Args:
        kernel_size: steps of a window.
        strides: steps from one window to the next.
        dilation_rate: steps from one entry of a window to the next.
        padding: ``"valid"`` or ``"same"``.
        data_format: ``"channels_last"`` (also ``None``) or ``"channels_first"``.
        activation: see ``fastrnn.activations``; ``None`` is linear.
        use_bias: whether there is a bias.
        bias_initializer, bias_regularizer, bias_constraint, activity_regularizer: as elsewhere.
        **kwargs: those of ``Layer``.
    """

    kernel_size: tuple[int]
    dilation_rate: tuple[int]
    activation: Activation
    use_bias: bool

    @takes_options
    def __init__(
        self,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: DataFormat = None,
        dilation_rate: Size = 1,
        activation: ActivationLike = None,
        use_bias: Flag = True,
        bias_initializer: InitializerLike = "zeros",
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[CommonOptions],
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.check_padding()
        self.bias: Variable | None = None
        self._built_channels: int

    @property
    def _size(self) -> int:
        return self.kernel_size[0]

    @property
    def _dilation(self) -> int:
        return self.dilation_rate[0]

    def make_weights(self, input_shape: Shape) -> None:
        """Make the kernels and the bias."""
        filters = self._channels(self.compute_output_shape(input_shape))
        channels = self._channels(input_shape)
        if channels is None:
            expected = f"a fixed number of channels for layer {self.name!r}"
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected))
        self._built_channels = channels
        self.make_kernels(channels)
        if self.use_bias:
            self.bias = self.add_part("bias", (filters,))

    def make_kernels(self, channels: int) -> None:
        """Make the kernels for inputs of so many channels."""
        raise NotImplementedError

    def check_inputs(self, inputs: Array) -> None:
        """Raise ``ValueError`` if rank or channels are not what the layer takes."""
        super().check_inputs(inputs)
        if self._channels(inputs.shape) != self._built_channels:
            expected = f"{self._built_channels} channels, as {self.name!r} was built"
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))

    def activate(self, pre: Array) -> tuple[Array, Any]:
        """Return activation(pre + bias), and the function d -> d_pre, d_bias."""
        if self.bias is not None:
            pre = pre + self.bias.value
        outputs = self.activation(pre)

        def back(d_outputs: Array) -> tuple[Array, Array]:
            d = self.activation.vjp(pre, outputs, d_outputs)
            return d, d.sum(axis=(0, 1))

        return outputs, back

    def require_one_step(self) -> None:
        """Raise ``ValueError`` if both windows and their entries lie several steps apart."""
        if self._stride > 1 and self._dilation > 1:
            expected = "1 with `strides` above 1"
            raise ValueError(errors.bad_argument("dilation_rate", self._dilation, expected))


@registry.register()
class Conv1D(Convolution):
    """activation(windows·kernel + bias): the same weights for the window of each step.

    Args:
        filters: channels of the outputs.
        kernel_size: steps of a window.
        strides: steps from one window to the next.
        padding: ``"valid"``, whole windows alone; ``"same"``, zeros around, for as many windows as
            steps; ``"causal"``, zeros before, so that no window sees later steps.
        data_format: ``"channels_last"`` (also ``None``) or ``"channels_first"``.
        dilation_rate: steps from one entry of a window to the next.
        groups: parts of the channels that have kernels of their own.
        activation: see ``fastrnn.activations``; ``None`` is linear.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: see ``fastrnn.initializers``.
        kernel_regularizer, bias_regularizer, activity_regularizer: see ``fastrnn.regularizers``.
        kernel_constraint, bias_constraint: see ``fastrnn.constraints``.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: kernel (kernel_size, channels / groups, filters), bias (filters,).
    Inputs: (batch, timesteps, channels). Outputs: (batch, windows, filters).

    Raises:
        ValueError: an argument is invalid, there are fewer steps than a window has, or channels or
            filters cannot be parted into ``groups``.

    >>> from fastrnn.layers import Conv1D
    >>> Conv1D(8, 3, padding="causal")(np.zeros((2, 10, 4))).shape
    (2, 10, 8)
    """

    paddings = ("valid", "same", "causal")

    filters: int
    groups: int

    @inserts_options(
        after={
            "groups": "dilation_rate",
            "kernel_initializer": "use_bias",
            "kernel_regularizer": "bias_initializer",
            "kernel_constraint": "activity_regularizer",
        }
    )
    def __init__(
        self,
        filters: PositiveInt,
        kernel_size: Size,
        *,
        groups: PositiveInt = 1,
        kernel_initializer: InitializerLike = "glorot_uniform",
        kernel_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        **kwargs: Unpack[ConvolutionOptions],
    ) -> None:
        super().__init__(kernel_size, **kwargs)
        self.require_one_step()
        if self.filters % self.groups:
            expected = f"a divisor of filters={self.filters}"
            raise ValueError(errors.bad_argument("groups", groups, expected))
        self.kernel: Variable

    def make_weights(self, input_shape: Shape) -> None:
        """Make kernel and bias."""
        if (self._channels(input_shape) or 0) % self.groups:
            expected = f"a number of channels that groups={self.groups} divides"
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected))
        super().make_weights(input_shape)

    def make_kernels(self, channels: int) -> None:
        """Make the kernel."""
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.add_part("kernel", shape)

    def count_outputs(self, channels: int | None) -> int | None:
        """Return the number of filters."""
        return self.filters

    def compute(self, x: Array) -> tuple[Array, Pullback]:
        """Return outputs and pullback: one matrix product for each group."""
        windows = self._windows(x, 0)
        batch, count, size, channels = windows.shape
        parts = [
            np.ascontiguousarray(part).reshape(batch * count, -1)
            for part in np.split(windows, self.groups, axis=-1)
        ]
        kernels = [
            part.reshape(-1, self.filters // self.groups)
            for part in np.split(self.kernel.value, self.groups, axis=-1)
        ]
        pre = np.concatenate([matmul(a, w) for a, w in zip(parts, kernels, strict=True)], axis=-1)
        outputs, back = self.activate(pre.reshape(batch, count, self.filters))

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d, d_bias = back(d_outputs)
            d_parts = np.split(d.reshape(pre.shape), self.groups, axis=-1)
            shape = (size, channels // self.groups, -1)
            d_kernels = [
                matmul(a.T, dp).reshape(shape) for a, dp in zip(parts, d_parts, strict=True)
            ]
            d_windows = [
                matmul(dp, w.T).reshape(batch, count, *shape[:2])
                for dp, w in zip(d_parts, kernels, strict=True)
            ]
            d_weights = self.gradients_of(
                (self.kernel, np.concatenate(d_kernels, axis=-1)), (self.bias, d_bias)
            )
            return self._add_windows(np.concatenate(d_windows, axis=-1), x.shape[1]), d_weights

        return outputs, pullback
