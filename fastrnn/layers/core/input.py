"""Input and InputLayer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.core.checks import to_shape
from fastrnn.core.naming import auto_name
from fastrnn.layers.base.layer import Layer, Shape, registry
from fastrnn.layers.base.symbolic import SymbolicTensor
from fastrnn.typing import DTypeLike

INPUT_TYPES = ("float32", "float64", "int32", "int64", "bool", "string")


def Input(
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: DTypeLike = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: object = None,
    optional: bool = False,
) -> SymbolicTensor:
    """Describe the inputs of a model: the first of a ``Sequential``, or what layers are called on.

    Args:
        shape: shape of one sample, without the batch; ``None`` for an axis of any length.
        batch_size: fixed batch size, which stateful layers need; ``None`` for any.
        dtype: type of the inputs, the default float type unless given; ``"string"`` for texts.
        sparse, ragged, tensor, optional: accepted at their defaults only.
        batch_shape: shape with the batch first, instead of ``shape`` and ``batch_size``.
        name: name of the input.

    Raises:
        ValueError: neither or both of ``shape`` and ``batch_shape`` are given, or an axis is no
            positive integer or ``None``.

    >>> from fastrnn import Input
    >>> Input((100, 50)).shape
    (None, 100, 50)
    """
    for argument, value in {"sparse": sparse, "ragged": ragged, "tensor": tensor}.items():
        if value is not None and value is not False:
            raise ValueError(errors.bad_argument(argument, value, "None; inputs are dense arrays"))
    if optional:
        raise ValueError(errors.bad_argument("optional", optional, "False"))
    if (shape is None) == (batch_shape is None):
        remedy = "You must pass a `shape` argument."
        if shape is not None:
            remedy = "You cannot pass both `shape` and `batch_shape` at the same time."
        expected = "exactly one of `shape` and `batch_shape`"
        raise ValueError(errors.bad_argument("shape", shape, expected, remedy))
    if batch_shape is None:
        assert shape is not None
        batch_shape = (batch_size, *to_shape("shape", shape))
    elif batch_size is not None:
        remedy = "You cannot pass both `batch_size` and `batch_shape` at the same time."
        expected = "None with `batch_shape`"
        raise ValueError(errors.bad_argument("batch_size", batch_size, expected, remedy))
    full = to_shape("batch_shape", batch_shape)
    type_name = config.floatx() if dtype is None else _name_of(dtype)
    if type_name not in INPUT_TYPES:
        raise ValueError(errors.not_one_of("dtype", dtype, INPUT_TYPES))
    return SymbolicTensor(full, type_name, auto_name("InputLayer") if name is None else name)


def _name_of(dtype: DTypeLike) -> str:
    """Return the name of a type, that of strings among them."""
    if dtype == "string":
        return "string"
    found = np.dtype(dtype)
    return "string" if found.kind in "OSU" else found.name


@registry.register()
class InputLayer(Layer):
    """An ``Input`` as a layer, as Keras also allows it."""

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: DTypeLike = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: object = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        # The names of these arguments in older scripts.
        older_shape = kwargs.pop("input_shape", None)
        older_batch_shape = kwargs.pop("batch_input_shape", None)
        if kwargs:
            raise ValueError(errors.unknown_arguments("InputLayer", kwargs))
        self.tensor = Input(
            older_shape if shape is None else shape,
            batch_size,
            dtype,
            sparse,
            ragged,
            older_batch_shape if batch_shape is None else batch_shape,
            name,
            input_tensor,
            optional,
        )
        super().__init__(name=self.tensor.name)
        self.built = True

    @classmethod
    def of(cls, tensor: SymbolicTensor) -> InputLayer:
        """Return the layer of an ``Input``."""
        layer = cls(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name)
        layer.tensor = tensor
        return layer

    @property
    def batch_shape(self) -> Shape:
        """Shape with the batch first."""
        return self.tensor.shape

    @property
    def input(self) -> SymbolicTensor:
        """The input itself."""
        return self.tensor

    @property
    def output(self) -> SymbolicTensor:
        """The input itself."""
        return self.tensor

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.tensor.dtype,
            "name": self.name,
        }
