"""ZeroPadding1D, Cropping1D and UpSampling1D: sequences with more steps, or fewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Unpack

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_int
from fastrnn.core.options import Kind, takes_options
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.options import DataFormat, Times
from fastrnn.typing import Array, MaskLike, Shape


def _to_pair(argument: str, value: object) -> tuple[int, int]:
    """Return a number of steps, or a pair of them, as a pair."""
    pair = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
    if len(pair) != 2 or min(to_int(argument, steps) for steps in pair) < 0:
        raise ValueError(errors.bad_argument(argument, value, "one or two integers from 0 on"))
    return int(pair[0]), int(pair[1])


StepPair = Annotated[int | tuple[int, int], Kind(_to_pair)]


@registry.register()
class ZeroPadding1D(Layer):
    """Puts steps of zeros before and behind each sequence.

    Args:
        padding: number of steps on each side, or a pair: before, behind.
        data_format: ``"channels_last"`` (also ``None``), (batch, timesteps, channels), or
            ``"channels_first"``, (batch, channels, timesteps).
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Outputs: as the inputs, with more steps.

    Raises:
        ValueError: ``padding`` is negative or no pair of integers, or the format is unknown.

    >>> import numpy as np
    >>> from fastrnn.layers import ZeroPadding1D
    >>> ZeroPadding1D((1, 2))(np.ones((1, 2, 1))).ravel()
    array([0., 1., 1., 0., 0.], dtype=float32)
    """

    input_rank = 3
    input_axes = "(batch, timesteps, channels)"

    padding: tuple[int, int]
    data_format: str

    @takes_options
    def __init__(
        self, padding: StepPair = 1, data_format: DataFormat = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)

    @property
    def axis(self) -> int:
        """The axis of time."""
        return 1 if self.data_format == "channels_last" else 2

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape with the steps added."""
        return _with_steps(input_shape, self.axis, lambda steps: steps + sum(self.padding))

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Add the zeros."""
        widths = [(0, 0)] * 3
        widths[self.axis] = self.padding
        first, steps = self.padding[0], inputs.shape[self.axis]

        def pullback(d: Array) -> tuple[Array, list[Array]]:
            kept = d.swapaxes(1, self.axis)[:, first : first + steps]
            return np.ascontiguousarray(kept.swapaxes(1, self.axis)), []

        return np.pad(inputs, widths), pullback if context.gradient else None


@registry.register()
class Cropping1D(Layer):
    """Cuts steps off the front and the end of each sequence.

    Args:
        cropping: number of steps on each side, or a pair: from the front, from the end.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: (batch, timesteps, features). Outputs: the same, with fewer steps.

    Raises:
        ValueError: ``cropping`` is negative or no pair of integers, or leaves no step.

    >>> import numpy as np
    >>> from fastrnn.layers import Cropping1D
    >>> Cropping1D((1, 0))(np.array([[[1.0], [2.0], [3.0]]])).ravel()
    array([2., 3.], dtype=float32)
    """

    input_rank = 3
    input_axes = "(batch, timesteps, features)"

    cropping: tuple[int, int]

    @takes_options
    def __init__(self, cropping: StepPair = (1, 1), **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape without the steps."""
        return _with_steps(input_shape, 1, lambda steps: steps - sum(self.cropping))

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Cut the steps off."""
        steps = self.compute_output_shape(inputs.shape)[1]
        kept = slice(self.cropping[0], self.cropping[0] + steps)

        def pullback(d: Array) -> tuple[Array, list[Array]]:
            d_inputs = np.zeros_like(inputs)
            d_inputs[:, kept] = d
            return d_inputs, []

        return np.ascontiguousarray(inputs[:, kept]), pullback if context.gradient else None


@registry.register()
class UpSampling1D(Layer):
    """Repeats every step.

    Args:
        size: how many times each step stands in the outputs.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: (batch, timesteps, features). Outputs: (batch, size·timesteps, features).

    Raises:
        TypeError: ``size`` is no integer.
        ValueError: ``size`` is not positive.

    >>> import numpy as np
    >>> from fastrnn.layers import UpSampling1D
    >>> UpSampling1D(2)(np.array([[[1.0], [2.0]]])).ravel()
    array([1., 1., 2., 2.], dtype=float32)
    """

    input_rank = 3
    input_axes = "(batch, timesteps, features)"

    size: int

    @takes_options
    def __init__(self, size: Times = 2, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape with ``size`` times as many steps."""
        return _with_steps(input_shape, 1, lambda steps: steps * self.size)

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Repeat the steps."""

        def pullback(d: Array) -> tuple[Array, list[Array]]:
            batch, steps, features = inputs.shape
            return d.reshape(batch, steps, self.size, features).sum(axis=2), []

        return np.repeat(inputs, self.size, axis=1), pullback if context.gradient else None


def _with_steps(shape: Shape, axis: int, count: Callable[[int], int]) -> tuple[int | None, ...]:
    """Return ``shape`` with ``count(steps)`` steps, or raise ``ValueError`` if none is left."""
    if len(shape) != 3:
        raise ValueError(errors.bad_shape("input_shape", shape, "rank 3"))
    known = shape[axis]
    steps = None if known is None else count(known)
    if steps is not None and steps <= 0:
        remedy = "The `cropping` parameter of `Cropping1D` layer must be smaller than the steps."
        raise ValueError(errors.bad_shape("inputs", shape, f"{1 - steps} more steps", remedy))
    return (*shape[:axis], steps, *shape[axis + 1 :])
