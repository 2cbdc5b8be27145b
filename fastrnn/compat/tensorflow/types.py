"""Classes of tensors: what values are asked whether they are."""

from __future__ import annotations

from abc import ABC
from typing import Any

import numpy as np

from fastrnn.compat.tensorflow.arrays import convert_to_tensor
from fastrnn.core.tensor_array import TensorArray
from fastrnn.core.variable import Variable as CoreVariable
from fastrnn.layers.base.symbolic import SymbolicTensor
from fastrnn.typing import DTypeLike


class Tensor(ABC):  # noqa: B024 - for isinstance alone
    """An array that a function of TensorFlow's gave, or a symbolic tensor."""


Tensor.register(TensorArray)
Tensor.register(SymbolicTensor)


class Variable(CoreVariable):
    """A variable of a script's own, with the dtype that TensorFlow gives it.

    Args:
        initial_value: numbers, or a function that gives them.
        trainable: whether training changes it.
        name: its name.
        dtype: as which the value is kept; int32 and float32 for Python's numbers unless given.
        **options: what else TensorFlow takes, which has no meaning here.
    """

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: DTypeLike = None,
        **options: Any,
    ) -> None:
        value = initial_value() if callable(initial_value) else initial_value
        array = np.asarray(convert_to_tensor(value, dtype=dtype))
        super().__init__(array, name=name or "Variable", trainable=trainable is not False)
