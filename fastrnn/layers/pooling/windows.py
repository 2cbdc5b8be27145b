"""WindowLayer, and with it MaxPooling1D and AveragePooling1D."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_choice
from fastrnn.core.options import extends_options, takes_options
from fastrnn.layers.base.layer import CallContext, Layer, Pullback, registry
from fastrnn.layers.base.options import DataFormat, Size
from fastrnn.ops.windows import Windows
from fastrnn.typing import Array, MaskLike, Shape


class WindowLayer(Layer):
    """A layer of windows: ``size`` steps, ``dilation`` apart, beginning every ``stride`` steps.

    Inputs and outputs: (batch, timesteps, channels), or with ``data_format="channels_first"``
    (batch, channels, timesteps).
    """

    input_rank = 3
    input_axes = "(batch, timesteps, channels)"
    stream_refusal = "it computes with several steps at once"
    paddings: tuple[str, ...] = ("valid", "same")

    padding: str
    data_format: str
    strides: tuple[int]

    @property
    def _size(self) -> int:
        raise NotImplementedError

    @property
    def _stride(self) -> int:
        return self.strides[0]

    @property
    def _dilation(self) -> int:
        return 1

    def check_padding(self) -> None:
        """Bring ``padding`` to lower case, or raise ``ValueError`` if the layer has none such."""
        given = self.padding
        lower = given.lower() if isinstance(given, str) else given
        self.padding = to_choice("padding", lower, self.paddings)

    @property
    def _grid(self) -> Windows:
        return Windows(self._size, self._stride, self.padding, self._dilation)

    def _count_windows(self, timesteps: int | None) -> int | None:
        if timesteps is None:
            return None
        grid = self._grid
        if grid.padding == "valid" and timesteps < grid.span:
            expected = f"{grid.span} steps or more, the window of layer {self.name!r}"
            raise ValueError(errors.bad_shape("inputs", ("batch", timesteps, "…"), expected))
        return grid.count(timesteps)

    def _margins(self, timesteps: int) -> tuple[int, int]:
        """Steps to add before and behind."""
        return self._grid.margins(timesteps)

    def _windows(self, x: Array, fill: float) -> Array:
        """Return a view (batch, windows, size, channels) of padded ``x``."""
        return self._grid.of(x, fill, self._margins(x.shape[1]))

    def _add_windows(self, d_windows: Array, timesteps: int) -> Array:
        """Return the gradient of x (batch, timesteps, channels) for that of its windows."""
        shape = (len(d_windows), timesteps, d_windows.shape[-1])
        return self._grid.add(np.moveaxis(d_windows, 2, 0), shape, self._margins(timesteps))

    def _channels(self, input_shape: Shape) -> Any:
        return input_shape[-1] if self.data_format == "channels_last" else input_shape[1]

    def compute_output_shape(self, input_shape: Shape) -> Any:
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
        self, inputs: Array, context: CallContext, mask: MaskLike = None
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

    config_order = (*Layer.config_order, "pool_size", "padding")

    pool_size: tuple[int]

    @takes_options
    def __init__(
        self,
        pool_size: Size = 2,
        strides: Size | None = None,
        padding: str = "valid",
        data_format: DataFormat = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.check_padding()
        if strides is None:
            self.strides = self.pool_size

    @property
    def _size(self) -> int:
        return self.pool_size[0]


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

    @extends_options
    def __init__(self, pool_size: Size, **kwargs: Any) -> None:
        super().__init__(pool_size, **kwargs)

    def compute(self, x: Array) -> tuple[Array, Pullback]:
        """Return outputs and pullback."""
        windows = self._windows(x, 0)
        counts = self._windows(np.ones((1, x.shape[1], 1), x.dtype), 0).sum(axis=2)

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            share = np.broadcast_to((d_outputs / counts)[:, :, None], windows.shape)
            return self._add_windows(share, x.shape[1]), []

        return windows.sum(axis=2) / counts, pullback
