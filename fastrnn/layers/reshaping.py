"""Flatten and RepeatVector."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import errors
from fastrnn.checks import to_choice, to_positive_int
from fastrnn.layers.base import CallContext, Layer, Pullback, registry

Array = npt.NDArray[Any]


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

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        known = (None, "channels_last", "channels_first")
        self.data_format = to_choice("data_format", data_format, known) or "channels_last"

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (batch, product of the other axes)."""
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None
    ) -> tuple[Array, Pullback | None]:
        """Reshape."""
        first = self.data_format == "channels_first" and inputs.ndim > 1
        arranged = np.moveaxis(inputs, 1, -1) if first else inputs

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d = d_outputs.reshape(arranged.shape)
            return np.ascontiguousarray(np.moveaxis(d, -1, 1)) if first else d, []

        return arranged.reshape(len(inputs), -1), pullback if context.gradient else None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {**super().get_config(), "data_format": self.data_format}


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

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
            raise TypeError(errors.bad_argument("n", n, "an integer"))
        self.n = to_positive_int("n", n)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (batch, n, features)."""
        return (input_shape[0], self.n, input_shape[1])

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None
    ) -> tuple[Array, Pullback | None]:
        """Repeat."""
        outputs = np.repeat(inputs[:, None], self.n, axis=1)
        return outputs, (lambda d: (d.sum(axis=1), [])) if context.gradient else None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {**super().get_config(), "n": self.n}
