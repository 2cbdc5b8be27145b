"""Types of arguments and results: the one place for the aliases that signatures use.

A string in ``Annotated`` names the kind of an option, see ``fastrnn.core.options``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt


class HasShape(Protocol):
    """What has a shape and a dtype, as arrays and symbolic tensors do."""

    @property
    def shape(self) -> Any:
        """Lengths of the axes."""

    @property
    def dtype(self) -> Any:
        """The dtype, or its name."""


Array: TypeAlias = npt.NDArray[Any]
# What NumPy makes an array of: arrays, numbers, nested lists of numbers.
ArrayLike: TypeAlias = npt.ArrayLike
# What operations compute with: arrays, numbers, lists, and tensors and variables, which have
# operators. A result is what its arguments are.
TensorLike: TypeAlias = ArrayLike | HasShape
Number: TypeAlias = float | int | np.number[Any]
DType: TypeAlias = np.dtype[Any]
DTypeLike: TypeAlias = npt.DTypeLike | None
# Sizes of all axes; None where a size is not fixed.
Shape: TypeAlias = tuple[int | None, ...]
ShapeLike: TypeAlias = Sequence[int | None]
Axes: TypeAlias = int | tuple[int, ...]
# Arrays, shapes … in lists, tuples and dicts, however deep.
Nest: TypeAlias = "object | list[Nest] | tuple[Nest, ...] | Mapping[str, Nest]"
MaskLike: TypeAlias = ArrayLike | None
# One for each of several inputs.
MultiMask: TypeAlias = Sequence[MaskLike] | None
# Weights of samples, or of their steps.
WeightsLike: TypeAlias = ArrayLike | None
# Rows of a batch: numbers of rows, or a bool for each; None for all.
RowsLike: TypeAlias = ArrayLike | None
Config: TypeAlias = dict[str, Any]
CustomObjects: TypeAlias = Mapping[str, Any] | None

# A name, a serialised object, a class, an object or a function; None where there is none.
Identifier: TypeAlias = str | Mapping[str, Any] | type | Callable[..., Any] | None
ActivationLike: TypeAlias = Annotated[Identifier, "activation"]
InitializerLike: TypeAlias = Annotated[Identifier, "initializer"]
RegularizerLike: TypeAlias = Annotated[Identifier, "regularizer"]
ConstraintLike: TypeAlias = Annotated[Identifier, "constraint"]
LossLike: TypeAlias = Identifier
MetricLike: TypeAlias = Identifier
OptimizerLike: TypeAlias = str | Mapping[str, Any] | type | object
# A number, a schedule, or a function of the number of batches so far.
LearningRateLike: TypeAlias = (
    float | np.number[Any] | Array | Mapping[str, Any] | Callable[[int], float]
)

__all__ = [
    "ActivationLike",
    "Array",
    "ArrayLike",
    "Axes",
    "Config",
    "ConstraintLike",
    "CustomObjects",
    "DType",
    "DTypeLike",
    "HasShape",
    "Identifier",
    "InitializerLike",
    "LearningRateLike",
    "LossLike",
    "MaskLike",
    "MetricLike",
    "MultiMask",
    "Nest",
    "Number",
    "OptimizerLike",
    "RegularizerLike",
    "RowsLike",
    "Shape",
    "ShapeLike",
    "TensorLike",
    "WeightsLike",
]
