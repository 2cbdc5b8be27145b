"""Flatten, RepeatVector, Reshape and Permute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Unpack

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_positive_int
from fastrnn.core.options import Kind, takes_options
from fastrnn.layers.base.capabilities import MOVED_STEPS, OnnxGraph, not_in_onnx
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.options import DataFormat, Times
from fastrnn.layers.base.structures import fixed
from fastrnn.layers.base.symbolic import Node
from fastrnn.typing import Array, MaskLike, Shape


@registry.register()
class Flatten(Layer):
    """Joins all axes but the batch into one.

    Args:
        data_format: ``"channels_last"`` (also ``None``), or ``"channels_first"``, which moves axis
            1 to the end before.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: (batch, …). Outputs: (batch, features).

    >>> import numpy as np
    >>> from fastrnn.layers import Flatten
    >>> Flatten()(np.zeros((2, 3, 4))).shape
    (2, 12)
    """

    min_input_rank = 1
    stream_refusal = MOVED_STEPS

    data_format: str

    @takes_options
    def __init__(self, data_format: DataFormat = None, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return (batch, product of the other axes)."""
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(fixed(rest)))

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append the operator."""
        if self.data_format != "channels_last":
            raise ValueError(not_in_onnx(self, self.data_format, "channels_last"))
        return [graph.node("Flatten", inputs, axis=1)]

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Reshape."""
        first = self.data_format == "channels_first" and inputs.ndim > 1
        arranged = np.moveaxis(inputs, 1, -1) if first else inputs

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d = d_outputs.reshape(arranged.shape)
            return np.ascontiguousarray(np.moveaxis(d, -1, 1)) if first else d, []

        return arranged.reshape(len(inputs), -1), pullback if context.gradient else None


@registry.register()
class RepeatVector(Layer):
    """Repeats each sample ``n`` times along a new time axis.

    Args:
        n: number of steps.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: (batch, features). Outputs: (batch, n, features).

    Raises:
        TypeError: ``n`` is no integer.
        ValueError: ``n`` is not positive.

    >>> import numpy as np
    >>> from fastrnn.layers import RepeatVector
    >>> RepeatVector(3)(np.zeros((2, 4))).shape
    (2, 3, 4)
    """

    input_rank = 2
    input_axes = "(batch, features)"
    stream_refusal = MOVED_STEPS

    n: int

    @takes_options
    def __init__(self, n: Times, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return (batch, n, features)."""
        return (input_shape[0], self.n, input_shape[1])

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append an axis of time, and repeat along it."""
        raised = graph.node("Unsqueeze", [inputs[0], graph.constant([1])])
        return [graph.node("Expand", [raised, graph.constant([1, self.n, 1])])]

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Repeat."""
        outputs = np.repeat(inputs[:, None], self.n, axis=1)
        return outputs, (lambda d: (d.sum(axis=1), [])) if context.gradient else None


def _to_target_shape(argument: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(errors.bad_argument(argument, value, "a tuple"))
    if sum(n == -1 for n in value) > 1:
        raise ValueError(errors.bad_argument(argument, value, "at most one -1"))
    return tuple(-1 if n == -1 else to_positive_int(argument, n) for n in value)


TargetShape = Annotated[Sequence[int], Kind(_to_target_shape)]


@registry.register()
class Reshape(Layer):
    """Gives each sample another shape.

    Args:
        target_shape: the shape of a sample; one entry may be -1, for what is left.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Inputs: (batch, …). Outputs: (batch, *target_shape).

    Raises:
        ValueError: the sizes do not fit, or there is more than one -1.

    >>> import numpy as np
    >>> from fastrnn.layers import Reshape
    >>> Reshape((-1, 2))(np.zeros((3, 4))).shape
    (3, 2, 2)
    """

    min_input_rank = 1
    stream_refusal = MOVED_STEPS

    target_shape: tuple[int, ...]

    @takes_options
    def __init__(self, target_shape: TargetShape, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return (batch, *target_shape), -1 filled in where the sizes are known."""
        batch, *sample = input_shape
        known = math.prod(n for n in self.target_shape if n != -1)
        if None in sample:
            return (batch, *(None if n == -1 else n for n in self.target_shape))
        size = math.prod(fixed(sample))
        if size % known or (-1 not in self.target_shape and size != known):
            expected = f"samples that fill target_shape={self.target_shape}"
            raise ValueError(errors.bad_shape("inputs", input_shape, expected))
        return (batch, *(size // known if n == -1 else n for n in self.target_shape))

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Reshape."""
        outputs = inputs.reshape(self.compute_output_shape(inputs.shape))
        back: Pullback = lambda d: (d.reshape(inputs.shape), [])  # noqa: E731
        return outputs, back if context.gradient else None


def _to_order(argument: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)) or sorted(value) != list(range(1, len(value) + 1)):
        raise ValueError(errors.bad_argument(argument, value, "each axis from 1 on, once"))
    return tuple(value)


Order = Annotated[Sequence[int], Kind(_to_order)]


@registry.register()
class Permute(Layer):
    """Orders the axes of each sample anew.

    Args:
        dims: the axis of the inputs that each axis of the outputs is; the batch, 0, left out.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Raises:
        ValueError: ``dims`` does not hold each axis once.

    >>> import numpy as np
    >>> from fastrnn.layers import Permute
    >>> Permute((2, 1))(np.zeros((3, 4, 5))).shape
    (3, 5, 4)
    """

    stream_refusal = MOVED_STEPS

    dims: tuple[int, ...]

    @takes_options
    def __init__(self, dims: Order, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.input_rank = len(dims) + 1

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the axes in their new order."""
        if len(input_shape) != len(self.dims) + 1:
            expected = f"rank {len(self.dims) + 1} for dims={self.dims}"
            raise ValueError(errors.bad_shape("inputs", input_shape, expected))
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Transpose."""
        order = (0, *self.dims)

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            return np.ascontiguousarray(d_outputs.transpose(np.argsort(order))), []

        outputs = np.ascontiguousarray(inputs.transpose(order))
        return outputs, pullback if context.gradient else None
