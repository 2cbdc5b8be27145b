"""PReLU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Unpack

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_int
from fastrnn.core.options import Kind, takes_options
from fastrnn.core.variable import Variable
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.structures import fixed
from fastrnn.layers.merging.base import sum_to
from fastrnn.typing import Array, ConstraintLike, InitializerLike, MaskLike, RegularizerLike, Shape


def _to_shared_axes(argument: str, value: object) -> list[int] | None:
    given = value if isinstance(value, (list, tuple)) else [value]
    return None if value is None else [to_int(argument, axis) for axis in given]


SharedAxes = Annotated[int | Sequence[int] | None, Kind(_to_shared_axes)]


@registry.register()
class PReLU(Layer):
    """x above 0, alpha·x below, where alpha is learned (He et al., 2015).

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: as elsewhere.
        shared_axes: axes along which all entries have one alpha, the batch being axis 0: ``[1]``
            for one alpha per feature of sequences of any length.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: alpha, of the shape of a sample, 1 along the shared axes.
    Inputs: (batch, …). Outputs: the same.

    Raises:
        ValueError: an argument is unknown, or an axis that is not shared has no fixed length.

    >>> import numpy as np
    >>> from fastrnn.layers import PReLU
    >>> PReLU("ones", shared_axes=[1])(np.array([[[-1.0], [2.0]]])).ravel()
    array([-1.,  2.], dtype=float32)
    """

    supports_masking = True
    min_input_rank = 2

    shared_axes: list[int] | None

    @takes_options
    def __init__(
        self,
        alpha_initializer: InitializerLike = "Zeros",
        alpha_regularizer: RegularizerLike = None,
        alpha_constraint: ConstraintLike = None,
        shared_axes: SharedAxes = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.alpha: Variable

    def make_weights(self, input_shape: Shape) -> None:
        """Make alpha."""
        shape = list(input_shape)
        for axis in self.shared_axes or []:
            if not 1 <= axis < len(shape):
                expected = f"axes of a sample of inputs of shape {tuple(shape)}"
                raise ValueError(errors.bad_argument("shared_axes", self.shared_axes, expected))
            shape[axis] = 1
        if None in shape[1:]:
            expected = f"fixed lengths of the axes that layer {self.name!r} does not share"
            remedy = "Name the axis of time in `shared_axes`."
            raise ValueError(errors.bad_shape("input_shape", input_shape, expected, remedy))
        self.alpha = self.add_part("alpha", fixed(shape[1:]))

    def check_inputs(self, inputs: Array) -> None:
        """Raise ``ValueError`` if a sample has not the shape of alpha."""
        super().check_inputs(inputs)
        sample, alpha = inputs.shape[1:], self.alpha.shape
        fits = len(sample) == len(alpha) and all(
            n in (1, size) for n, size in zip(alpha, sample, strict=True)
        )
        if not fits:
            expected = f"samples that fit alpha of shape {alpha}, layer {self.name!r}"
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Scale what is negative."""
        alpha, below = self.alpha.value, np.minimum(inputs, 0)
        outputs = np.maximum(inputs, 0) + alpha * below

        def pullback(d: Array) -> tuple[Array, list[Array]]:
            slope = np.where(inputs > 0, 1, np.where(inputs < 0, alpha, 0))
            d_alpha = sum_to(d * below, (1, *alpha.shape)).reshape(alpha.shape)
            return d * slope.astype(d.dtype, copy=False), self.gradients_of((self.alpha, d_alpha))

        return outputs, pullback if context.gradient else None
