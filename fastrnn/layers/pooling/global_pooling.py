"""GlobalAveragePooling1D and GlobalMaxPooling1D."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core.checks import to_choice, to_mask
from fastrnn.layers.base.layer import CallContext, Layer, Pullback, registry
from fastrnn.layers.pooling.windows import DATA_FORMATS

Array = npt.NDArray[Any]


class GlobalPooling(Layer):
    """One vector for each sequence.

    Args:
        data_format: ``"channels_last"`` (also ``None``), (batch, timesteps, channels), or
            ``"channels_first"``, (batch, channels, timesteps).
        keepdims: whether the axis of time stays, with length 1.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Outputs: (batch, channels).
    """

    input_rank = 3
    input_axes = "(batch, timesteps, channels)"

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = to_choice("data_format", data_format, DATA_FORMATS) or "channels_last"
        self.keepdims = bool(keepdims)

    @property
    def axis(self) -> int:
        """The axis of time."""
        return 1 if self.data_format == "channels_last" else 2

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (batch, channels), or with an axis of length 1 for time."""
        shape = list(input_shape)
        if self.keepdims:
            shape[self.axis] = 1
        else:
            del shape[self.axis]
        return tuple(shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return no mask: there are no steps left."""
        return None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        options = {"data_format": self.data_format, "keepdims": self.keepdims}
        return {**super().get_config(), **options}

    def _restore(self, d_outputs: Array) -> Array:
        return d_outputs if self.keepdims else np.expand_dims(d_outputs, self.axis)


@registry.register("GlobalAvgPool1D")
class GlobalAveragePooling1D(GlobalPooling):
    """The mean over the steps that count; see ``GlobalPooling`` for the arguments.

    A sequence that is masked throughout gives 0 (Keras: NaN).

    >>> from fastrnn.layers import GlobalAveragePooling1D
    >>> GlobalAveragePooling1D()(np.arange(4.0).reshape(1, 4, 1))
    array([[1.5]], dtype=float32)
    """

    supports_masking = True

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None
    ) -> tuple[Array, Pullback | None]:
        """Average."""
        steps = inputs.shape[self.axis]
        if mask is None:
            weights = np.full((1, 1, 1), 1 / steps, inputs.dtype)
        else:
            counts = to_mask(mask, (len(inputs), steps))
            assert counts is not None
            total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
            weights = np.expand_dims((counts / total).astype(inputs.dtype), 3 - self.axis)
        kept = inputs if mask is None else np.where(weights != 0, inputs, 0)
        outputs = (kept * weights).sum(axis=self.axis, keepdims=self.keepdims)

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d = self._restore(d_outputs) * weights
            return np.ascontiguousarray(np.broadcast_to(d, inputs.shape)), []

        return outputs, pullback if context.gradient else None


@registry.register("GlobalMaxPool1D")
class GlobalMaxPooling1D(GlobalPooling):
    """The largest entry over all steps; see ``GlobalPooling`` for the arguments.

    Masks are ignored, as in Keras.

    >>> from fastrnn.layers import GlobalMaxPooling1D
    >>> GlobalMaxPooling1D()(np.arange(4.0).reshape(1, 4, 1))
    array([[3.]], dtype=float32)
    """

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None
    ) -> tuple[Array, Pullback | None]:
        """Take the largest; equal ones share the gradient."""
        outputs = inputs.max(axis=self.axis, keepdims=True)

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            best = (inputs == outputs).astype(inputs.dtype)
            best /= best.sum(axis=self.axis, keepdims=True)
            return best * self._restore(d_outputs), []

        result = outputs if self.keepdims else outputs.squeeze(self.axis)
        return result, pullback if context.gradient else None
