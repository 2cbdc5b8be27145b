"""Embedding."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn import regularizers
from fastrnn.core import errors
from fastrnn.core.checks import to_real_array, to_shape
from fastrnn.core.options import OnlyNone, PositiveInt, takes_options
from fastrnn.core.user_warnings import deprecated
from fastrnn.core.variable import Variable
from fastrnn.engines.contract import StreamStage
from fastrnn.layers.base.capabilities import OnnxGraph, not_in_onnx
from fastrnn.layers.base.layer import CallContext, Layer, Pullback, registry
from fastrnn.layers.base.options import Initial
from fastrnn.layers.base.stream_lowering import values_of
from fastrnn.layers.base.structures import as_list
from fastrnn.layers.base.symbolic import Node
from fastrnn.typing import (
    Array,
    ArrayLike,
    ConstraintLike,
    InitializerLike,
    MaskLike,
    RegularizerLike,
    Shape,
)


@registry.register()
class Embedding(Layer):
    """A vector for each of a number of integers.

    Args:
        input_dim: number of different integers: 0 to ``input_dim - 1``.
        output_dim: length of the vectors.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: as elsewhere.
        mask_zero: whether 0 is padding, which the layers after this one then skip.
        weights: initial vectors, (input_dim, output_dim), or a list with that array.
        lora_rank, lora_alpha, quantization_config: accepted as ``None`` only.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Weights: embeddings (input_dim, output_dim).
    Inputs: integers (or floats that hold integers), any shape. Outputs: that shape, output_dim.

    Raises:
        ValueError: a size is no positive integer; a call has an integer out of range.

    >>> import numpy as np
    >>> from fastrnn.layers import Embedding
    >>> Embedding(1000, 8)(np.array([[4, 10], [0, 999]])).shape
    (2, 2, 8)
    """

    input_dim: int
    output_dim: int
    mask_zero: bool

    stepwise = True
    takes_integers = True

    @takes_options
    def __init__(
        self,
        input_dim: PositiveInt,
        output_dim: PositiveInt,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike = None,
        embeddings_constraint: ConstraintLike = None,
        mask_zero: bool = False,
        weights: Initial[ArrayLike | list[ArrayLike] | None] = None,
        lora_rank: OnlyNone = None,
        lora_alpha: OnlyNone = None,
        quantization_config: OnlyNone = None,
        **kwargs: Any,
    ) -> None:
        length = kwargs.pop("input_length", None)
        if length is not None:
            deprecated("Embedding(input_length=…)", "Embedding(…)")
            self.likely_shape = (None, *to_shape("input_length", as_list(length)))
        super().__init__(**kwargs)
        self.supports_masking = mask_zero
        self.embeddings: Variable
        if weights is not None:
            self._initial_weights = weights if isinstance(weights, list) else [weights]
            self.build((None,))

    def build(self, input_shape: Shape | None = None) -> None:
        """Make the table of vectors, which is the same for inputs of any shape."""
        super().build((None,) if input_shape is None else input_shape)

    def make_weights(self, input_shape: Shape) -> None:
        """Make the table of vectors."""
        self.embeddings = self.add_part("embeddings", (self.input_dim, self.output_dim))

    def convert_inputs(self, inputs: Any) -> Array:
        """Return the inputs as integers in range."""
        array = to_real_array("inputs", inputs)
        if array.size == 0:
            raise ValueError(errors.bad_shape("inputs", array.shape, "no axis of length 0"))
        if array.dtype.kind == "f":
            if not np.isfinite(array).all():
                raise ValueError(errors.bad_argument("inputs", "NaN or infinity", "integers"))
            array = array.astype(np.int64)
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= self.input_dim:
            received = f"integers from {low} to {high}"
            expected = f"integers from 0 to input_dim - 1 = {self.input_dim - 1}"
            remedy = f"Layer {self.name!r} needs a larger input_dim, or the data fewer words."
            raise ValueError(errors.bad_argument("inputs", received, expected, remedy))
        return np.asarray(array, dtype=np.intp, order="C")

    def refuse_stream(self, first: bool) -> str | None:
        """Return why the layer cannot be run one time step at a time."""
        if self.mask_zero:
            return "a stream has no masks: `mask_zero` would skip steps"
        if not first:
            return "an Embedding takes integers: it comes first"
        return super().refuse_stream(first)

    @property
    def stream_features(self) -> int:
        """The number of different integers."""
        return self.input_dim

    def stream_ops(self, features: int) -> list[StreamStage]:
        """Return the look-up."""
        weights = values_of(kernel=self.embeddings)
        return [StreamStage("embed", self.input_dim, self.output_dim, weights)]

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append the look-up."""
        if self.mask_zero:
            raise ValueError(
                not_in_onnx(self, "mask_zero=True", "mask_zero=False: it has no masks")
            )
        return [graph.node("Gather", [graph.weight(self.embeddings), inputs[0]], axis=0)]

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Return the inputs' shape and output_dim."""
        return (*input_shape, self.output_dim)

    def compute_mask(self, inputs: Array, mask: MaskLike = None) -> Any:
        """Return where the inputs are not 0, if ``mask_zero``; else ``None``."""
        return np.not_equal(inputs, 0) if self.mask_zero else None

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Gather the vectors."""
        outputs = self.embeddings.value[inputs]

        def pullback(d_outputs: Array) -> tuple[None, list[Array]]:
            if not self.trainable_weights:
                return None, []
            return None, [scatter_add(inputs.ravel(), d_outputs, self.embeddings.shape)]

        return outputs, pullback if context.gradient else None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        penalty = regularizers.serialize(self.activity_regularizer)
        return {**super().get_config(), "activity_regularizer": penalty}


def scatter_add(index: Array, values: Array, shape: tuple[int, ...]) -> Array:
    """Return an array of ``shape`` whose row k is the sum of the ``values`` with index k."""
    from scipy.sparse import csr_array

    rows = values.reshape(index.size, shape[1])
    ones = np.ones(index.size, rows.dtype)
    one_hot = csr_array((ones, index, np.arange(index.size + 1)), shape=(index.size, shape[0]))
    return np.ascontiguousarray(one_hot.T @ rows)
