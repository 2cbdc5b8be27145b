"""CategoryEncoding: integers as vectors."""

from __future__ import annotations

from typing import Any

from fastrnn.core import errors
from fastrnn.core.checks import to_positive_int, to_real_array
from fastrnn.layers.base.layer import CallContext, Pullback, registry
from fastrnn.layers.preprocessing.base import PreprocessingLayer, encode, encoded_shape
from fastrnn.layers.preprocessing.index_lookup import to_integers
from fastrnn.typing import Array, ArrayLike, Config, MaskLike, Shape


@registry.register()
class CategoryEncoding(PreprocessingLayer):
    """Integers as vectors of 0 and 1, or of how often they occur.

    Args:
        num_tokens: length of the vectors: integers are below it.
        output_mode: ``"multi_hot"``: one vector for all along the last axis; ``"count"``: the same,
            with how often each occurs; ``"one_hot"``: a vector for each.
        sparse: must be False.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Raises:
        ValueError: an argument is unknown, or integers are out of range.

    >>> CategoryEncoding(num_tokens=4, output_mode="count")([[0, 1], [3, 3]]).numpy()
    array([[1., 1., 0., 0.],
           [0., 0., 0., 2.]], dtype=float32)
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(output_mode, ("count", "multi_hot", "one_hot"), sparse=sparse, **kwargs)
        self.num_tokens = to_positive_int("num_tokens", num_tokens)

    def convert_inputs(self, inputs: object) -> Array:
        """Return the inputs as integers in range."""
        integers = to_integers("inputs", inputs)
        low, high = integers.min(initial=0), integers.max(initial=0)
        if low < 0 or high >= self.num_tokens:
            received = f"integers from {low} to {high}"
            expected = f"integers from 0 to num_tokens - 1 = {self.num_tokens - 1}"
            raise ValueError(errors.bad_argument("inputs", received, expected))
        return integers

    def forward(
        self,
        inputs: Array,
        context: CallContext,
        mask: MaskLike = None,
        count_weights: ArrayLike | None = None,
    ) -> tuple[Array, Pullback | None]:
        """Encode the inputs.

        Args:
            inputs: integers.
            context: see ``CallContext``.
            mask: ignored.
            count_weights: how much each integer counts, with ``output_mode="count"``.
        """
        if count_weights is None:
            return super().forward(inputs, context)
        if self.output_mode != "count":
            expected = "None, unless output_mode is 'count'"
            raise ValueError(errors.bad_argument("count_weights", "an array", expected))
        weights = to_real_array("count_weights", count_weights).astype(self.dtype)
        one_hot = encode(inputs[..., None], "one_hot", self.num_tokens, self.dtype)
        outputs = (one_hot * weights[..., None]).sum(axis=-2)
        return outputs, (lambda d_outputs: (None, [])) if context.gradient else None

    def compute(self, inputs: Array) -> Array:
        """Encode the inputs."""
        return encode(inputs, self.output_mode, self.num_tokens, self.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the shape of the vectors."""
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def get_config(self) -> Config:
        """Return the constructor arguments."""
        options = {"num_tokens": self.num_tokens, "output_mode": self.output_mode}
        return {**super().get_config(), **options}
