"""Input specs: what shapes and types a layer takes, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from fastrnn.core import errors
from fastrnn.core.nest import flatten
from fastrnn.typing import Config, DTypeLike, Nest


class InputSpec:
    """Rank, sizes and type of one input of a layer; what is ``None`` does not matter.

    Args:
        dtype: name of the type.
        shape: sizes, batch first, ``None`` for those that do not matter.
        ndim: rank.
        max_ndim: the largest rank.
        min_ndim: the smallest one.
        axes: sizes by axis.
        allow_last_axis_squeeze: whether a last axis of 1 may be there or not.
        name: of the input, for inputs in dicts.
        optional: whether the input may be ``None``.

    Raises:
        TypeError: ``axes`` are no dict of numbers.
        ValueError: an axis that the rank has not.

    >>> InputSpec(ndim=3, axes={-1: 2})
    InputSpec(ndim=3, axes={-1: 2})
    """

    def __init__(
        self,
        dtype: DTypeLike = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else str(getattr(dtype, "name", dtype))
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name, self.optional = name, optional
        try:
            self.axes = {int(axis): size for axis, size in dict(axes or {}).items()}
        except (TypeError, ValueError) as error:
            raise TypeError(errors.bad_argument("axes", axes, "a dict of sizes by axis")) from error
        rank = self.ndim or self.max_ndim
        if self.axes and rank is not None and max(self.axes) >= rank:
            raise ValueError(errors.bad_argument("axes", self.axes, f"axes below {rank}"))

    def __repr__(self) -> str:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        parts = [f"{name}={value}" for name in names if (value := getattr(self, name))]
        return f"InputSpec({', '.join(parts)})"

    def get_config(self) -> Config:
        """Return what makes the spec again."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make a spec of what ``get_config`` returned."""
        return cls(**config)

    def problem_with(self, shape: tuple[int | None, ...], dtype: object) -> str | None:
        """Say what of a shape or a type does not fit, ``None`` where all does."""
        rank = len(shape)
        if self.ndim is not None and not self.allow_last_axis_squeeze and rank != self.ndim:
            return f"expected ndim={self.ndim}, found ndim={rank}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"expected max_ndim={self.max_ndim}, found ndim={rank}"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"expected min_ndim={self.min_ndim}, found ndim={rank}"
        if self.dtype is not None and str(dtype) != self.dtype:
            return f"expected dtype={self.dtype}, found dtype={dtype}"
        for axis, size in self.axes.items():
            if size is not None and shape[axis] not in (size, None):
                return f"expected axis {axis} of input shape to have value {size}"
        given, expected = (self._squeezed(s) for s in (shape, self.shape or shape))
        pairs = zip(given, expected, strict=False)
        if any(None not in (a, b) and a != b for a, b in pairs):
            return f"expected shape={self.shape}, found shape={shape}"
        return None

    def _squeezed(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return shape[:-1] if self.allow_last_axis_squeeze and shape[-1:] == (1,) else shape


def check_compatible(spec: Any, inputs: Nest, layer_name: str) -> None:
    """Raise ``ValueError`` if arrays or tensors are not what a layer's spec says.

    Args:
        spec: an ``InputSpec``, or lists and dicts of them.
        inputs: arrays, likewise.
        layer_name: for messages.
    """
    specs = flatten(spec)
    if isinstance(inputs, dict) and all(each is not None and each.name for each in specs):
        missing = [each.name for each in specs if each.name not in inputs]
        if missing:
            expected = f"the keys {[each.name for each in specs]} for layer {layer_name!r}"
            raise ValueError(errors.bad_argument("inputs", [*inputs], expected))
        inputs = [inputs[each.name] for each in specs]
    arrays = flatten(inputs)
    if len(arrays) != len(specs):
        message = f"Layer {layer_name!r} expects {len(specs)} input(s), but it received "
        raise ValueError(f"{message}{len(arrays)} input tensors.")
    for place, (each, array) in enumerate(zip(specs, arrays, strict=True)):
        if each is None or (array is None and each.optional):
            continue
        problem = each.problem_with(tuple(array.shape), array.dtype)
        if problem is not None:
            raise ValueError(
                f"Input {place} with name '{each.name}' of layer {layer_name!r} is incompatible "
                f"with the layer: {problem}. Full shape received: {tuple(array.shape)}"
            )


class HasInputSpec:
    """A layer that says what it takes: a spec of its own, or what follows from its ranks."""

    name: str
    # Rank of the inputs that the layer takes: exactly, or at least.
    input_rank: int | None = None
    min_input_rank: int | None = None
    # What the axes of the inputs are called in messages.
    input_axes: str = "(batch, …)"
    input_features: int | None
    _given_spec: Any = None

    @property
    def input_spec(self) -> Any:
        """What the layer takes; a layer of one's own sets it."""
        if self._given_spec is not None:
            return self._given_spec
        axes = None if self.input_features is None else {-1: self.input_features}
        if self.input_rank is None and self.min_input_rank is None and axes is None:
            return None
        return InputSpec(ndim=self.input_rank, min_ndim=self.min_input_rank, axes=axes)

    @input_spec.setter
    def input_spec(self, spec: Any) -> None:
        self._given_spec = spec

    def check_inputs(self, inputs: Any) -> None:
        """Raise ``ValueError`` if rank or features are not what the layer takes."""
        rank = inputs.ndim
        least = self.min_input_rank
        if self.input_rank is not None and rank != self.input_rank:
            expected = f"rank {self.input_rank}, {self.input_axes}, for layer {self.name!r}"
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))
        if least is not None and rank < least:
            expected = f"rank {least} or more, {self.input_axes}, for layer {self.name!r}"
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))
        if self.input_features is not None and inputs.shape[-1] != self.input_features:
            expected = (
                f"{self.input_features} features in the last axis, as {self.name!r} was built"
            )
            raise ValueError(errors.bad_shape("inputs", inputs.shape, expected))
