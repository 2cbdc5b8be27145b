"""DepthwiseConv1D and SeparableConv1D: convolutions of single channels."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastrnn.core.options import PositiveInt, inserts_options
from fastrnn.core.variable import Variable
from fastrnn.engines.dispatch import matmul
from fastrnn.layers.base.layer import Pullback, registry
from fastrnn.layers.base.options import Size
from fastrnn.layers.convolution.convolutions import Convolution, ConvolutionOptions
from fastrnn.typing import ConstraintLike, InitializerLike, RegularizerLike

Array = npt.NDArray[Any]


@registry.register()
class DepthwiseConv1D(Convolution):
    """Convolves every channel by itself, with ``depth_multiplier`` kernels each.

    Args:
        kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias: see
            ``Convolution``.
        depth_multiplier: number of outputs of each channel.
        depthwise_initializer, bias_initializer: see ``fastrnn.initializers``.
        depthwise_regularizer, bias_regularizer, activity_regularizer: see
            ``fastrnn.regularizers``.
        depthwise_constraint, bias_constraint: see ``fastrnn.constraints``.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: kernel (kernel_size, channels, depth_multiplier), bias (channels·depth_multiplier,).
    Inputs: (batch, timesteps, channels). Outputs: (batch, windows, channels·depth_multiplier).

    Raises:
        ValueError: an argument is invalid, or there are fewer steps than a window has.

    >>> from fastrnn.layers import DepthwiseConv1D
    >>> DepthwiseConv1D(3, depth_multiplier=2)(np.zeros((2, 10, 4))).shape
    (2, 8, 8)
    """

    depth_multiplier: int

    @inserts_options(
        after={
            "depth_multiplier": "padding",
            "depthwise_initializer": "use_bias",
            "depthwise_regularizer": "bias_initializer",
            "depthwise_constraint": "activity_regularizer",
        }
    )
    def __init__(
        self,
        kernel_size: Size,
        *,
        depth_multiplier: PositiveInt = 1,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        depthwise_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
        **kwargs: Unpack[ConvolutionOptions],
    ) -> None:
        super().__init__(kernel_size, **kwargs)
        self.kernel: Variable

    def make_kernels(self, channels: int) -> None:
        """Make the kernel."""
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = self.add_part("depthwise", shape, "kernel")

    def count_outputs(self, channels: int | None) -> int | None:
        """Return channels·depth_multiplier."""
        return None if channels is None else channels * self.depth_multiplier

    def compute(self, x: Array) -> tuple[Array, Pullback]:
        """Return outputs and pullback."""
        pre, pull = _convolve_channels(self._windows(x, 0), self.kernel.value)
        outputs, back = self.activate(pre)

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d, d_bias = back(d_outputs)
            d_windows, d_kernel = pull(d)
            d_weights = self.gradients_of((self.kernel, d_kernel), (self.bias, d_bias))
            return self._add_windows(d_windows, x.shape[1]), d_weights

        return outputs, pullback


@registry.register("SeparableConvolution1D")
class SeparableConv1D(Convolution):
    """``DepthwiseConv1D``, then a product of all its outputs at each step with a second kernel.

    Args:
        filters: channels of the outputs.
        kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias: see
            ``Convolution``.
        depth_multiplier: number of outputs of each channel, between the two.
        depthwise_initializer, pointwise_initializer, bias_initializer: see
            ``fastrnn.initializers``.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer: see
            ``fastrnn.regularizers``.
        depthwise_constraint, pointwise_constraint, bias_constraint: see ``fastrnn.constraints``.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: depthwise_kernel (kernel_size, channels, depth_multiplier), pointwise_kernel (1,
    channels·depth_multiplier, filters), bias (filters,).
    Inputs: (batch, timesteps, channels). Outputs: (batch, windows, filters).

    Raises:
        ValueError: an argument is invalid, or there are fewer steps than a window has.

    >>> from fastrnn.layers import SeparableConv1D
    >>> SeparableConv1D(6, 3, padding="same")(np.zeros((2, 10, 4))).shape
    (2, 10, 6)
    """

    filters: int
    depth_multiplier: int

    @inserts_options(
        after={
            "depth_multiplier": "dilation_rate",
            "depthwise_initializer": "use_bias",
            "pointwise_initializer": "depthwise_initializer",
            "depthwise_regularizer": "bias_initializer",
            "pointwise_regularizer": "depthwise_regularizer",
            "depthwise_constraint": "activity_regularizer",
            "pointwise_constraint": "depthwise_constraint",
        }
    )
    def __init__(
        self,
        filters: PositiveInt,
        kernel_size: Size,
        *,
        depth_multiplier: PositiveInt = 1,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        pointwise_initializer: InitializerLike = "glorot_uniform",
        depthwise_regularizer: RegularizerLike = None,
        pointwise_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
        pointwise_constraint: ConstraintLike = None,
        **kwargs: Unpack[ConvolutionOptions],
    ) -> None:
        super().__init__(kernel_size, **kwargs)
        self.depthwise_kernel: Variable
        self.pointwise_kernel: Variable

    def make_kernels(self, channels: int) -> None:
        """Make both kernels."""
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = self.add_part("depthwise", shape, "depthwise_kernel")
        shape = (1, channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = self.add_part("pointwise", shape, "pointwise_kernel")

    def count_outputs(self, channels: int | None) -> int | None:
        """Return the number of filters."""
        return self.filters

    def compute(self, x: Array) -> tuple[Array, Pullback]:
        """Return outputs and pullback."""
        middle, pull = _convolve_channels(self._windows(x, 0), self.depthwise_kernel.value)
        point = self.pointwise_kernel.value[0]
        rows = middle.reshape(-1, len(point))
        outputs, back = self.activate(matmul(rows, point).reshape(*middle.shape[:2], -1))

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d, d_bias = back(d_outputs)
            d_rows = d.reshape(-1, self.filters)
            d_windows, d_depthwise = pull(matmul(d_rows, point.T))
            d_weights = self.gradients_of(
                (self.depthwise_kernel, d_depthwise),
                (self.pointwise_kernel, matmul(rows.T, d_rows)[None]),
                (self.bias, d_bias),
            )
            return self._add_windows(d_windows, x.shape[1]), d_weights

        return outputs, pullback


def _convolve_channels(windows: Array, kernel: Array) -> tuple[Array, Any]:
    """Return (batch, windows, channels·multiplier), and the function d -> d_windows, d_kernel.

    Args:
        windows: (batch, windows, size, channels).
        kernel: (size, channels, multiplier).
    """
    outputs = np.einsum("bnkc,kcm->bncm", windows, kernel)

    def pull(d: Array) -> tuple[Array, Array]:
        d = d.reshape(outputs.shape)
        d_windows = np.einsum("bncm,kcm->bnkc", d, kernel)
        return d_windows, np.einsum("bnkc,bncm->kcm", windows, d)

    return outputs.reshape(*outputs.shape[:2], -1), pull
