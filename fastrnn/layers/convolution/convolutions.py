"""Conv1D, and what all convolutions share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import activations, constraints, initializers, regularizers
from fastrnn.core import errors
from fastrnn.core.checks import to_positive_int
from fastrnn.core.variable import Variable
from fastrnn.engines.dispatch import matmul
from fastrnn.layers.base.layer import Pullback, registry
from fastrnn.layers.pooling.windows import WindowLayer, to_sole

Array = npt.NDArray[Any]

# What the last part of an option's name, such as `kernel_initializer`, says about its value.
_KINDS: dict[str, Any] = {
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
}


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
        options: initializers, regularizers and constraints of the layer's weights, by name.
        **kwargs: those of ``Layer``.
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any,
        dilation_rate: Any,
        padding: str,
        data_format: str | None,
        activation: Any,
        use_bias: bool,
        options: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        size, stride = to_sole("kernel_size", kernel_size), to_sole("strides", strides)
        dilation = to_sole("dilation_rate", dilation_rate)
        super().__init__(size, stride, dilation, padding, data_format, **kwargs)
        self.kernel_size, self.strides, self.dilation_rate = (size,), (stride,), (dilation,)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self._options = tuple(options)
        for name, value in options.items():
            setattr(self, name, _KINDS[name.split("_")[-1]].get(value))
        self.bias: Variable | None = None
        self._built_channels: int

    def make_weights(self, input_shape: Any) -> None:
        """Make the kernels and the bias."""
        filters = self._channels(self.compute_output_shape(input_shape))
        channels = self._channels(input_shape)
        if channels is None:
            expected = f"a fixed number of channels for layer {self.name!r}"
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected))
        self._built_channels = channels
        self.make_kernels(channels)
        if self.use_bias:
            self.bias = self.add_part("bias", "bias", (filters,))

    def make_kernels(self, channels: int) -> None:
        """Make the kernels for inputs of so many channels."""
        raise NotImplementedError

    def add_part(self, part: str, name: str, shape: tuple[int, ...]) -> Variable:
        """Make a weight with the options of this part of the layer."""
        kinds = {kind: getattr(self, f"{part}_{kind}") for kind in _KINDS}
        return self.add_weight(shape, name=name, **kinds)

    def check_inputs(self, inputs: Any) -> None:
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

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        names = ("kernel_size", "strides", "padding", "data_format", "dilation_rate", "use_bias")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "activation": activations.serialize(self.activation),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            **{
                name: _KINDS[name.split("_")[-1]].serialize(getattr(self, name))
                for name in self._options
            },
        }


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

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        options = {
            "kernel_initializer": kernel_initializer,
            "bias_initializer": bias_initializer,
            "kernel_regularizer": kernel_regularizer,
            "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint,
            "bias_constraint": bias_constraint,
        }
        kwargs["activity_regularizer"] = activity_regularizer
        sizes = (kernel_size, strides, dilation_rate, padding, data_format)
        super().__init__(*sizes, activation, use_bias, options, **kwargs)
        self.require_one_step()
        self.filters = to_positive_int("filters", filters)
        self.groups = to_positive_int("groups", groups)
        if self.filters % self.groups:
            expected = f"a divisor of filters={self.filters}"
            raise ValueError(errors.bad_argument("groups", groups, expected))
        self.kernel: Variable

    def make_weights(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        if (self._channels(input_shape) or 0) % self.groups:
            expected = f"a number of channels that groups={self.groups} divides"
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected))
        super().make_weights(input_shape)

    def make_kernels(self, channels: int) -> None:
        """Make the kernel."""
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.add_part("kernel", "kernel", shape)

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

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {**super().get_config(), "filters": self.filters, "groups": self.groups}
