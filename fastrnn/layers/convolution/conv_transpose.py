"""Conv1DTranspose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import to_int
from fastrnn.core.options import PositiveInt, inserts_options
from fastrnn.core.variable import Variable
from fastrnn.engines.dispatch import matmul
from fastrnn.layers.base.layer import Pullback, registry
from fastrnn.layers.base.options import Size
from fastrnn.layers.convolution.convolutions import Convolution, ConvolutionOptions
from fastrnn.typing import ConstraintLike, InitializerLike, RegularizerLike

Array = npt.NDArray[Any]


@registry.register("Convolution1DTranspose")
class Conv1DTranspose(Convolution):
    """The transpose of ``Conv1D``: each step of the inputs adds a window to the outputs.

    Args:
        filters: channels of the outputs.
        kernel_size, data_format, dilation_rate, activation, use_bias: see ``Convolution``.
        strides: steps of the outputs from one window to the next.
        padding: ``"valid"``, outputs with all windows in full; or ``"same"``, strides·timesteps of
            them.
        output_padding: how many steps the outputs have beyond the least number; ``None`` for what
            ``padding`` says.
        kernel_initializer, bias_initializer: see ``fastrnn.initializers``.
        kernel_regularizer, bias_regularizer, activity_regularizer: see ``fastrnn.regularizers``.
        kernel_constraint, bias_constraint: see ``fastrnn.constraints``.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: kernel (kernel_size, filters, channels), bias (filters,).
    Inputs: (batch, timesteps, channels). Outputs: (batch, steps, filters).

    Raises:
        ValueError: an argument is invalid.

    >>> from fastrnn.layers import Conv1DTranspose
    >>> Conv1DTranspose(6, 3, strides=2, padding="same")(np.zeros((2, 10, 4))).shape
    (2, 20, 6)
    """

    filters: int
    output_padding: tuple[int] | None

    @inserts_options(
        after={
            "output_padding": "padding",
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
        output_padding: int | Sequence[int] | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        kernel_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        **kwargs: Unpack[ConvolutionOptions],
    ) -> None:
        super().__init__(kernel_size, **kwargs)
        self.require_one_step()
        self.output_padding = self._to_output_padding(output_padding)
        self.kernel: Variable

    def _to_output_padding(self, value: object) -> tuple[int] | None:
        if value is None:
            return None
        steps = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
        if not 0 <= to_int("output_padding", steps) < self._stride:
            expected = f"an integer from 0 on, below strides={self._stride}"
            raise ValueError(errors.bad_argument("output_padding", value, expected))
        return (to_int("output_padding", steps),)

    def make_kernels(self, channels: int) -> None:
        """Make the kernel."""
        shape = (*self.kernel_size, self.filters, channels)
        self.kernel = self.add_part("kernel", shape)

    def count_outputs(self, channels: int | None) -> int | None:
        """Return the number of filters."""
        return self.filters

    def _crops(self) -> tuple[int, int]:
        """Return the steps taken off both ends of the sum of all windows; negative ones are added.

        With ``"same"`` the span - 1 steps on each side, where windows overlap with nothing, give
        way to as many as make up the wanted length, the odd one in front.
        """
        span = self._grid.span
        extra = None if self.output_padding is None else self.output_padding[0]
        if self.padding == "valid":
            return 0, -(max(self._stride - span, 0) if extra is None else extra)
        kept = self._stride + span - 2 if extra is None else span + span % 2 - 2 + extra
        front = min(kept - kept // 2, span - 1)
        return span - 1 - front, span - 1 - (kept - front)

    # The windows here are those of the outputs.

    def _margins(self, timesteps: int) -> tuple[int, int]:
        front, end = self._crops()
        return front, max(end, 0)

    def _count_windows(self, timesteps: int | None) -> int | None:
        if timesteps is None:
            return None
        steps = (timesteps - 1) * self._stride + self._grid.span - sum(self._crops())
        if steps < 1:
            expected = f"more steps, for outputs of layer {self.name!r} that are not empty"
            raise ValueError(errors.bad_shape("inputs", ("batch", timesteps, "…"), expected))
        return steps

    def compute(self, x: Array) -> tuple[Array, Pullback]:
        """Return outputs and pullback."""
        batch, steps, channels = x.shape
        rows = x.reshape(-1, channels)
        kernel = self.kernel.value.reshape(-1, channels)
        windows = matmul(rows, kernel.T).reshape(batch, steps, -1, self.filters)
        length = self._count_windows(steps)
        assert length is not None
        outputs, back = self.activate(self._add_windows(windows, length))

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d, d_bias = back(d_outputs)
            d_rows = np.ascontiguousarray(self._windows(d, 0)).reshape(len(rows), -1)
            d_kernel = matmul(d_rows.T, rows).reshape(self.kernel.shape)
            d_weights = self.gradients_of((self.kernel, d_kernel), (self.bias, d_bias))
            return matmul(d_rows, kernel).reshape(x.shape), d_weights

        return outputs, pullback
