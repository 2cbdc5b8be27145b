"""Dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import errors
from fastrnn.checks import to_number, to_positive_int
from fastrnn.layers.base import CallContext, Layer, Pullback, registry
from fastrnn.utils import random

Array = npt.NDArray[Any]


def dropout_factors(
    generator: np.random.Generator, shape: Sequence[int], rate: float, dtype: Any
) -> Array:
    """Return factors of ``shape``: 0 with probability ``rate``, else 1 / (1 - rate)."""
    if rate >= 1:
        return np.zeros(shape, dtype)
    keep = generator.random(shape, dtype=np.float32) >= rate
    return keep * np.asarray(1 / (1 - rate), dtype)


@registry.register()
class Dropout(Layer):
    """Sets a random share of the inputs to zero in training, and scales the others up.

    Args:
        rate: the share, from 0 to 1.
        noise_shape: shape of the random mask, broadcast to the inputs; ``None`` in it, or for all
            of it, means the inputs' size. (batch, 1, features) drops whole features.
        seed: integer, or ``None`` for one that is drawn.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Raises:
        ValueError: an argument is out of range.

    >>> import numpy as np
    >>> from fastrnn.layers import Dropout
    >>> Dropout(0.5)(np.ones((1, 3)))  # not training
    array([[1., 1., 1.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rate = to_number("rate", rate, 0, 1)
        self.seed = seed
        self.noise_shape = None
        if noise_shape is not None:
            if isinstance(noise_shape, str) or not isinstance(noise_shape, Sequence):
                raise ValueError(errors.bad_argument("noise_shape", noise_shape, "a tuple"))
            self.noise_shape = tuple(
                None if n is None else to_positive_int("noise_shape", n) for n in noise_shape
            )
        self.generator = random.generator(seed)

    def forward(
        self, inputs: Array, context: CallContext, mask: Any = None
    ) -> tuple[Array, Pullback | None]:
        """Drop if training, else hand the inputs through."""
        if not context.training or self.rate == 0:
            return inputs, (lambda d: (d, [])) if context.gradient else None
        factors = dropout_factors(
            self.generator, self._mask_shape(inputs.shape), self.rate, inputs.dtype
        )
        return inputs * factors, (lambda d: (d * factors, [])) if context.gradient else None

    def _mask_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.noise_shape is None:
            return shape
        if len(self.noise_shape) != len(shape) or any(
            n not in (None, 1, size) for n, size in zip(self.noise_shape, shape, strict=True)
        ):
            expected = f"one that broadcasts with noise_shape={self.noise_shape}"
            raise ValueError(errors.bad_shape("inputs", shape, expected))
        return tuple(
            size if n is None else n for n, size in zip(self.noise_shape, shape, strict=True)
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            **super().get_config(),
            "rate": self.rate,
            "seed": self.seed,
            "noise_shape": self.noise_shape,
        }
