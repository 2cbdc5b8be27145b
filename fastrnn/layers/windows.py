"""Layers that look at windows of steps: Conv1D, MaxPooling1D, AveragePooling1D."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import activations, constraints, errors, initializers, regularizers
from fastrnn.checks import to_choice, to_positive_int
from fastrnn.functional import matmul
from fastrnn.layers.base import CallContext, Layer, Pullback, registry
from fastrnn.layers.variable import Variable

Array = npt.NDArray[Any]

DATA_FORMATS = (None, "channels_last", "channels_first")


class WindowLayer(Layer):
    """A layer of windows: ``size`` steps, ``dilation`` apart, beginning every ``stride`` steps.

    Inputs and outputs: (batch, timesteps, channels), or with ``data_format="channels_first"``
    (batch, channels, timesteps).
    """

    input_rank = 3
    input_axes = "(batch, timesteps, channels)"
    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self, size: int, stride: int, dilation: int, padding: str, data_format: Any, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._size, self._stride, self._dilation = size, stride, dilation
        lower = padding.lower() if isinstance(padding, str) else padding
        self.padding = to_choice("padding", lower, self.paddings)
        self.data_format = to_choice("data_format", data_format, DATA_FORMATS) or "channels_last"

    @property
    def _span(self) -> int:
        """Steps from the first to the last of a window."""
        return (self._size - 1) * self._dilation + 1

    def _count_windows(self, timesteps: int | None) -> int | None:
        if timesteps is None:
            return None
        if self.padding != "valid":
            return -(-timesteps // self._stride)
        if timesteps < self._span:
            expected = f"{self._span} steps or more, the window of layer {self.name!r}"
            raise ValueError(errors.bad_shape("inputs", ("batch", timesteps, "…"), expected))
        return (timesteps - self._span) // self._stride + 1

    def _margins(self, timesteps: int) -> tuple[int, int]:
        """Steps to add before and behind: ``"same"`` puts the odd one behind."""
        if self.padding == "valid":
            return 0, 0
        if self.padding == "causal":
            return self._span - 1, 0
        count = self._count_windows(timesteps)
        assert count is not None
        total = max((count - 1) * self._stride + self._span - timesteps, 0)
        return total // 2, total - total // 2

    def _windows(self, x: Array, fill: float) -> Array:
        """Return a view (batch, windows, size, channels) of padded ``x``."""
        before, behind = self._margins(x.shape[1])
        if before or behind:
            x = np.pad(x, ((0, 0), (before, behind), (0, 0)), constant_values=fill)
        view = np.lib.stride_tricks.sliding_window_view(x, self._span, axis=1)
        return np.moveaxis(view[:, :: self._stride, :, :: self._dilation], -1, 2)

    def _add_windows(self, d_windows: Array, timesteps: int) -> Array:
        """Return the gradient of x (batch, timesteps, channels) for that of its windows."""
        batch, count, size, channels = d_windows.shape
        before, behind = self._margins(timesteps)
        dx = np.zeros((batch, before + timesteps + behind, channels), d_windows.dtype)
        for k in range(size):
            first = k * self._dilation
            dx[:, first : first + (count - 1) * self._stride + 1 : self._stride] += d_windows[
                :, :, k
            ]
        return np.ascontiguousarray(dx[:, before : before + timesteps])

    def _channels(self, input_shape: Any) -> Any:
        return input_shape[-1] if self.data_format == "channels_last" else input_shape[1]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape with the number of windows for steps."""
        if len(input_shape) != 3:
            raise ValueError(errors.bad_shape("input_shape", input_shape, self.input_axes))
        last = self.data_format == "channels_last"
        windows = self._count_windows(input_shape[1 if last else 2])
        channels = self.count_outputs(self._channels(input_shape))
        return (input_shape[0], *((windows, channels) if last else (channels, windows)))

    def count_outputs(self, channels: int | None) -> int | None:
        """Return the number of channels of the outputs."""
        return channels

    def compute(self, x: Array) -> tuple[Array, Pullback]:
        """Return outputs and pullback for x (batch, timesteps, channels)."""
        raise NotImplementedError

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None
    ) -> tuple[Array, Pullback | None]:
        """Compute all windows."""
        self._count_windows(inputs.shape[1 if self.data_format == "channels_last" else 2])
        if self.data_format == "channels_last":
            outputs, pull = self.compute(inputs)
            return outputs, pull if context.gradient else None
        outputs, pull = self.compute(np.ascontiguousarray(inputs.transpose(0, 2, 1)))

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            dx, d_weights = pull(np.ascontiguousarray(d_outputs.transpose(0, 2, 1)))
            return np.ascontiguousarray(dx.transpose(0, 2, 1)), d_weights

        transposed = np.ascontiguousarray(outputs.transpose(0, 2, 1))
        return transposed, pullback if context.gradient else None


@registry.register()
class Conv1D(WindowLayer):
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
        sizes = [to_sole("kernel_size", kernel_size), to_sole("strides", strides)]
        sizes.append(to_sole("dilation_rate", dilation_rate))
        size, stride, dilation = sizes
        super().__init__(
            size,
            stride,
            dilation,
            padding,
            data_format,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        if stride > 1 and dilation > 1:
            expected = "1 with `strides` above 1"
            raise ValueError(errors.bad_argument("dilation_rate", dilation_rate, expected))
        self.filters = to_positive_int("filters", filters)
        self.groups = to_positive_int("groups", groups)
        if self.filters % self.groups:
            expected = f"a divisor of filters={self.filters}"
            raise ValueError(errors.bad_argument("groups", groups, expected))
        self.kernel_size, self.strides, self.dilation_rate = [(n,) for n in sizes]
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.kernel: Variable
        self.bias: Variable | None = None

    def make_weights(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        self.compute_output_shape(input_shape)
        channels = self._channels(input_shape)
        if channels is None or channels % self.groups:
            expected = f"a fixed number of channels that groups={self.groups} divides"
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected))
        if self.data_format == "channels_last":
            self.input_features = channels
        self.kernel = self.add_weight(
            (self._size, channels // self.groups, self.filters),
            initializer=self.kernel_initializer,
            name="kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.filters,),
                initializer=self.bias_initializer,
                name="bias",
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def count_outputs(self, channels: int | None) -> int | None:
        """Return the number of filters."""
        return self.filters

    def check_inputs(self, inputs: Any) -> None:
        """Raise ``ValueError`` if rank or channels are not what the layer takes."""
        super().check_inputs(inputs)
        channels = self.kernel.shape[1] * self.groups
        if self._channels(inputs.shape) != channels:
            expected = f"{channels} channels, as {self.name!r} was built"
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))

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
        if self.bias is not None:
            pre += self.bias.value
        outputs = self.activation(pre)

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d = self.activation.vjp(pre, outputs, d_outputs.reshape(pre.shape))
            d_parts = np.split(d, self.groups, axis=-1)
            shape = (size, channels // self.groups, -1)
            d_kernels = [
                matmul(a.T, dp).reshape(shape) for a, dp in zip(parts, d_parts, strict=True)
            ]
            d_windows = [
                matmul(dp, w.T).reshape(batch, count, *shape[:2])
                for dp, w in zip(d_parts, kernels, strict=True)
            ]
            d_weights = self.gradients_of(
                (self.kernel, np.concatenate(d_kernels, axis=-1)), (self.bias, d.sum(axis=0))
            )
            return self._add_windows(np.concatenate(d_windows, axis=-1), x.shape[1]), d_weights

        return outputs.reshape(batch, count, self.filters), pullback

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


class Pooling(WindowLayer):
    """What MaxPooling1D and AveragePooling1D share.

    Args:
        pool_size: steps of a window.
        strides: steps from one window to the next, ``pool_size`` unless given.
        padding: ``"valid"``, whole windows alone, or ``"same"``, windows that reach beyond the
            ends, where only their steps inside count.
        data_format: ``"channels_last"`` (also ``None``) or ``"channels_first"``.
        **kwargs: ``name``, ``dtype``, ``trainable``.
    """

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        size = to_sole("pool_size", pool_size)
        stride = size if strides is None else to_sole("strides", strides)
        super().__init__(size, stride, 1, padding, data_format, name=name, **kwargs)
        self.pool_size, self.strides = (size,), (stride,)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }


@registry.register("MaxPool1D")
class MaxPooling1D(Pooling):
    """The largest entry of each window and channel; see ``Pooling`` for the arguments.

    >>> from fastrnn.layers import MaxPooling1D
    >>> MaxPooling1D(2)(np.arange(4.0).reshape(1, 4, 1)).ravel()
    array([1., 3.], dtype=float32)
    """

    def compute(self, x: Array) -> tuple[Array, Pullback]:
        """Return outputs and pullback; the first of equal entries gets the gradient."""
        windows = self._windows(x, -np.inf)
        best = windows.argmax(axis=2)[:, :, None]

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d_windows = np.zeros(windows.shape, x.dtype)
            np.put_along_axis(d_windows, best, d_outputs[:, :, None], axis=2)
            return self._add_windows(d_windows, x.shape[1]), []

        return np.take_along_axis(windows, best, axis=2)[:, :, 0], pullback


@registry.register("AvgPool1D")
class AveragePooling1D(Pooling):
    """The mean of each window and channel; see ``Pooling`` for the arguments.

    >>> from fastrnn.layers import AveragePooling1D
    >>> AveragePooling1D(2)(np.arange(4.0).reshape(1, 4, 1)).ravel()
    array([0.5, 2.5], dtype=float32)
    """

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)

    def compute(self, x: Array) -> tuple[Array, Pullback]:
        """Return outputs and pullback."""
        windows = self._windows(x, 0)
        counts = self._windows(np.ones((1, x.shape[1], 1), x.dtype), 0).sum(axis=2)

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            share = np.broadcast_to((d_outputs / counts)[:, :, None], windows.shape)
            return self._add_windows(share, x.shape[1]), []

        return windows.sum(axis=2) / counts, pullback


def to_sole(argument: str, value: Any) -> int:
    """Return a size that may stand alone in a list, or raise ``ValueError``."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    return to_positive_int(argument, value)
