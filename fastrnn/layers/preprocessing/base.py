"""PreprocessingLayer: what layers before a model share: inputs of other types, and no gradient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_choice
from fastrnn.core.tensor_array import tensor_array
from fastrnn.layers.base.layer import CallContext, Layer, Pullback
from fastrnn.typing import Array, MaskLike, Shape

MODES = ("int", "one_hot", "multi_hot", "count")
_OLDER_MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}


class PreprocessingLayer(Layer):
    """A layer without weights whose inputs are no numbers of its dtype; gradients end here.

    Attributes:
        output_mode: see ``encode``.
    """

    output_mode: str

    def __init__(self, output_mode: str, modes: tuple[str, ...], **kwargs: Any) -> None:
        dtype = kwargs.pop("dtype", None)
        if isinstance(dtype, str) and dtype.startswith(("string", "int")):
            dtype = None  # the mode says which
        sparse = kwargs.pop("sparse", False)
        if sparse:
            raise ValueError(errors.bad_argument("sparse", sparse, "False; outputs are dense"))
        super().__init__(dtype=dtype, **kwargs)
        mode = _OLDER_MODES.get(output_mode, output_mode)
        self.output_mode = to_choice("output_mode", mode, modes)

    @property
    def output_dtype(self) -> str:
        """Type of the outputs."""
        return "int64" if self.output_mode == "int" else self.dtype

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """Compute the outputs for arrays, as arrays with ``numpy()``; on symbolic tensors, note it.

        Args are those of ``Layer``'s call.
        """
        outputs = super().__call__(inputs, **options)
        return tensor_array(outputs) if isinstance(outputs, np.ndarray) else outputs

    def compute(self, inputs: Array) -> Array:
        """Return the outputs."""
        raise NotImplementedError

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Compute the outputs; there is no gradient of the inputs."""
        outputs = self.compute(inputs)
        return outputs, (lambda d_outputs: (None, [])) if context.gradient else None

    def check_inputs(self, inputs: object) -> None:
        """Take inputs of any shape."""


def encode(indices: Array, mode: str, depth: int, dtype: str) -> Array:
    """Return numbers as they are, or as vectors of ``depth``.

    Args:
        indices: integers; those that are not from 0 to below ``depth`` count nowhere.
        mode: ``"int"``; ``"one_hot"``: a vector for each number; ``"multi_hot"`` and ``"count"``:
            for all along the last axis, 1 or how often they occur.
        depth: length of the vectors.
        dtype: of the result.
    """
    if mode == "int":
        return indices.astype(dtype, copy=False)
    indices = np.atleast_1d(indices)
    if mode == "one_hot":
        if indices.ndim > 1 and indices.shape[-1] == 1:
            indices = indices[..., 0]
        return np.asarray(indices[..., None] == np.arange(depth), dtype)
    rows = indices.reshape(-1, indices.shape[-1])
    counts = np.zeros((len(rows), depth), dtype)
    row, column = np.nonzero((rows >= 0) & (rows < depth))
    if mode == "multi_hot":
        counts[row, rows[row, column]] = 1
    else:
        np.add.at(counts, (row, rows[row, column]), 1)
    return counts.reshape(*indices.shape[:-1], depth)


def encoded_shape(shape: Shape, mode: str, depth: int | None) -> Shape:
    """Return the shape of what ``encode`` returns."""
    if mode == "int":
        return tuple(shape)
    keeps_all = mode == "one_hot" and (len(shape) == 1 or shape[-1:] != (1,))
    return (*shape, depth) if keeps_all else (*shape[:-1], depth)


def batches_of(data: object, steps: int | None) -> Iterator[Any]:
    """Yield what ``adapt`` reads: an array or list, or ``steps`` batches of a data set at most.

    Raises:
        TypeError: it is none of them.
    """
    if isinstance(data, (list, tuple, str, np.ndarray)) or hasattr(data, "__array__"):
        yield data
    elif isinstance(data, Iterable):
        yield from islice(data, steps)
    else:
        expected = "an array, a list, or a data set of batches"
        raise TypeError(errors.bad_argument("data", type(data).__name__, expected))
