"""AdaptiveAveragePooling1D and AdaptiveMaxPooling1D: sequences brought to one length."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from fastrnn.core.options import takes_options
from fastrnn.layers.base.capabilities import ALL_STEPS
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.options import DataFormat, Size
from fastrnn.typing import Array, MaskLike, Shape


class AdaptivePooling(Layer):
    """Parts the steps into ``output_size`` windows, which overlap where they do not fit evenly.

    Of T steps, window i goes from floor(i·T / output_size) to ceil((i + 1)·T / output_size).

    Args:
        output_size: number of windows.
        data_format: ``"channels_last"`` (also ``None``), (batch, timesteps, channels), or
            ``"channels_first"``, (batch, channels, timesteps).
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Outputs: as the inputs, with ``output_size`` steps.

    Raises:
        ValueError: ``output_size`` is no positive integer, or the format is unknown.
    """

    input_rank = 3
    input_axes = "(batch, timesteps, channels)"
    stream_refusal = ALL_STEPS

    output_size: tuple[int]
    data_format: str

    @takes_options
    def __init__(
        self, output_size: Size, data_format: DataFormat = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)

    @property
    def axis(self) -> int:
        """The axis of time."""
        return 1 if self.data_format == "channels_last" else 2

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape with the windows in the place of the steps."""
        shape = list(input_shape)
        shape[self.axis] = self.output_size[0]
        return tuple(shape)

    def windows(self, steps: int) -> list[slice]:
        """Return the steps of each window."""
        n = self.output_size[0]
        return [slice(i * steps // n, -(-(i + 1) * steps // n)) for i in range(n)]

    def pool(self, x: Array) -> tuple[Array, Any]:
        """Return (windows, batch, channels) for x (timesteps, batch, channels), and d -> dx."""
        raise NotImplementedError

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Pool each window."""
        outputs, pull = self.pool(np.moveaxis(inputs, self.axis, 0))

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            dx = pull(np.moveaxis(d_outputs, self.axis, 0))
            return np.ascontiguousarray(np.moveaxis(dx, 0, self.axis)), []

        restored = np.ascontiguousarray(np.moveaxis(outputs, 0, self.axis))
        return restored, pullback if context.gradient else None


@registry.register()
class AdaptiveAveragePooling1D(AdaptivePooling):
    """The mean of each window and channel; see ``AdaptivePooling`` for the arguments.

    >>> from fastrnn.layers import AdaptiveAveragePooling1D
    >>> AdaptiveAveragePooling1D(2)(np.arange(5.0).reshape(1, 5, 1)).ravel()
    array([1., 3.], dtype=float32)
    """

    def pool(self, x: Array) -> tuple[Array, Any]:
        """Return means and their pullback."""
        windows = self.windows(len(x))

        def pull(d: Array) -> Array:
            dx = np.zeros_like(x)
            for window, share in zip(windows, d, strict=True):
                dx[window] += share / (window.stop - window.start)
            return dx

        return np.stack([x[window].mean(axis=0) for window in windows]), pull


@registry.register()
class AdaptiveMaxPooling1D(AdaptivePooling):
    """The largest entry of each window and channel; see ``AdaptivePooling`` for the arguments.

    >>> from fastrnn.layers import AdaptiveMaxPooling1D
    >>> AdaptiveMaxPooling1D(2)(np.arange(5.0).reshape(1, 5, 1)).ravel()
    array([2., 4.], dtype=float32)
    """

    def pool(self, x: Array) -> tuple[Array, Any]:
        """Return the entries and their pullback; the first of equal ones gets the gradient."""
        windows = self.windows(len(x))
        best = [window.start + x[window].argmax(axis=0)[None] for window in windows]

        def pull(d: Array) -> Array:
            dx = np.zeros_like(x)
            for index, share in zip(best, d, strict=True):
                before = np.take_along_axis(dx, index, axis=0)
                np.put_along_axis(dx, index, before + share, axis=0)
            return dx

        return np.concatenate([np.take_along_axis(x, index, axis=0) for index in best]), pull
