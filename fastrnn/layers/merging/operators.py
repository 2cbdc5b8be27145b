"""Operators of symbolic tensors, as layers: ``a + b``, ``2 * a``, ``a[:, -1]``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, Unpack

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.core.checks import to_float_array
from fastrnn.core.naming import auto_name
from fastrnn.core.options import Finite, Kind, choice, takes_options
from fastrnn.layers.base.capabilities import OnnxGraph, not_in_onnx
from fastrnn.layers.base.layer import CallContext, Layer, LayerOptions, Pullback, registry
from fastrnn.layers.base.symbolic import Node, SymbolicTensor, tensors_in
from fastrnn.layers.merging.base import broadcast, sum_to
from fastrnn.typing import MaskLike, MultiMask, Shape

Array = npt.NDArray[Any]


class Operation(NamedTuple):
    """An operation of two arrays.

    Attributes:
        compute: (a, b) -> y.
        gradients: (d, a, b, y) -> da, db.
        onnx: name of ONNX's operator.
    """

    compute: Callable[[Array, Array], Array]
    gradients: Callable[[Array, Array, Array, Array], tuple[Array, Array]]
    onnx: str


_OPERATIONS = {
    "add": Operation(np.add, lambda d, a, b, y: (d, d), "Add"),
    "subtract": Operation(np.subtract, lambda d, a, b, y: (d, -d), "Sub"),
    "multiply": Operation(np.multiply, lambda d, a, b, y: (d * b, d * a), "Mul"),
    "true_divide": Operation(np.true_divide, lambda d, a, b, y: (d / b, -d * y / b), "Div"),
}


OperationName = Annotated[str, choice(*_OPERATIONS)]


@registry.register()
class Arithmetic(Layer):
    """``left operation right``, for two arrays or an array and a number; shapes broadcast.

    Args:
        operation: ``"add"``, ``"subtract"``, ``"multiply"`` or ``"true_divide"``.
        left: a number in the place of the left operand.
        right: a number in the place of the right operand.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Raises:
        ValueError: the operation is unknown, or both operands are numbers.

    >>> from fastrnn import Input, Model
    >>> x = Input((3,))
    >>> Model(x, 1 - x / 2)(np.ones((1, 3)))
    array([[0.5, 0.5, 0.5]], dtype=float32)
    """

    stepwise = True

    operation: str
    left: float | None
    right: float | None

    @takes_options
    def __init__(
        self,
        operation: OperationName,
        left: Finite | None = None,
        right: Finite | None = None,
        **kwargs: Any,
    ) -> None:
        if left is not None and right is not None:
            raise ValueError(errors.bad_argument("right", right, "None: `left` is a number"))
        kwargs.setdefault("name", None)
        kwargs["name"] = kwargs["name"] or auto_name(operation)
        super().__init__(**kwargs)

    @property
    def takes_one(self) -> bool:
        """Whether one operand is a number."""
        return self.left is not None or self.right is not None

    def convert_inputs(self, inputs: Any) -> Any:
        """Return the array, or both."""
        if self.takes_one:
            return super().convert_inputs(inputs)
        return [to_float_array("inputs", array, self.dtype) for array in inputs]

    def check_inputs(self, inputs: Any) -> None:
        """Raise ``ValueError`` if the shapes do not broadcast."""
        if not self.takes_one:
            self.compute_output_shape([array.shape for array in inputs])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape that the operands broadcast to."""
        if self.takes_one:
            return tuple(input_shape)
        rank = max(map(len, input_shape))
        return broadcast(*(_fill(shape, rank) for shape in input_shape))

    def compute_mask(self, inputs: Any, mask: MaskLike | MultiMask = None) -> Any:
        """Return no mask, as Keras does."""
        return None

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append the operator."""
        names = [
            None if number is None else graph.constant(np.array(number, self.dtype))
            for number in (self.left, self.right)
        ]
        pair = [names[0] or inputs[0], names[1] or inputs[-1]]
        return [graph.node(_OPERATIONS[self.operation].onnx, pair)]

    def forward(
        self, inputs: Any, context: CallContext, mask: MaskLike | MultiMask = None
    ) -> tuple[Array, Pullback | None]:
        """Compute the operation."""
        compute, gradients, _ = _OPERATIONS[self.operation]
        a, b = self._operands(inputs)
        outputs = compute(a, b)

        def pullback(d: Array) -> tuple[Any, list[Array]]:
            sums = [
                sum_to(g, _fill(x.shape, g.ndim)).reshape(x.shape)
                for g, x in zip(gradients(d, a, b, outputs), (a, b), strict=True)
            ]
            if self.takes_one:
                return sums[1 if self.left is not None else 0], []
            return sums, []

        return outputs, pullback if context.gradient else None

    def _operands(self, inputs: Any) -> tuple[Array, Array]:
        number = np.dtype(self.dtype).type
        if self.left is not None:
            return np.asarray(number(self.left)), inputs
        if self.right is not None:
            return inputs, np.asarray(number(self.right))
        return inputs[0], inputs[1]


def _to_key(argument: str, value: object) -> tuple[Any, ...]:
    return tuple(map(_to_index, value if isinstance(value, (tuple, list)) else (value,)))


def _key_as_data(key: tuple[Any, ...]) -> list[Any]:
    return [_as_data(entry) for entry in key]


Key = Annotated[object, Kind(_to_key, _key_as_data)]


@registry.register()
class GetItem(Layer):
    """``inputs[key]``, for a basic index: integers, slices, ``None`` and ``...``.

    Args:
        key: the index; the batch comes first.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Raises:
        ValueError: another kind of index.

    >>> from fastrnn import Input, Model
    >>> x = Input((5, 3))
    >>> Model(x, x[:, -1]).output_shape
    (None, 3)
    """

    key: tuple[Any, ...]

    @takes_options
    def __init__(self, key: Key, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the part; an axis of unknown length must be taken whole."""
        # Stand-ins for unknown lengths: an index that cuts two lengths to different results
        # leaves an unknown one.
        shapes = [
            np.broadcast_to(0, [stand_in if n is None else n for n in input_shape])[self.key].shape
            for stand_in in (97, 101)
        ]
        return tuple(a if a == b else None for a, b in zip(*shapes, strict=True))

    def compute_mask(self, inputs: Array, mask: MaskLike = None) -> Any:
        """Return no mask, as Keras does."""
        return None

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append an operator for each slice, then for each integer."""
        key = list(self.key)
        if None in key:
            raise ValueError(not_in_onnx(self, "None in an index", "integers and slices"))
        if Ellipsis in key:
            place = key.index(Ellipsis)
            missing = len(call.tensors[0].shape) - len(key) + 1
            key[place : place + 1] = [slice(None)] * missing
        name = inputs[0]
        for axis, entry in enumerate(key):
            if isinstance(entry, slice) and entry != slice(None):
                bounds = [graph.constant([n]) for n in _onnx_bounds(entry, axis)]
                name = graph.node("Slice", [name, *bounds])
        for axis, entry in reversed(list(enumerate(key))):
            if not isinstance(entry, slice):
                name = graph.node("Gather", [name, graph.constant(np.int64(entry))], axis=axis)
        return [name]

    def forward(
        self, inputs: Array, context: CallContext, mask: MaskLike = None
    ) -> tuple[Array, Pullback | None]:
        """Take the part."""

        def pullback(d_outputs: Array) -> tuple[Array, list[Array]]:
            d_inputs = np.zeros_like(inputs)
            d_inputs[self.key] = d_outputs
            return d_inputs, []

        outputs = np.ascontiguousarray(inputs[self.key])
        return outputs, pullback if context.gradient else None


def _onnx_bounds(entry: slice, axis: int) -> tuple[int, int, int, int]:
    """Return start, stop, axis and step as ONNX's operator Slice takes them."""
    step, far = 1 if entry.step is None else entry.step, 2**31 - 1
    start, stop = (0, far) if step > 0 else (far, -far)
    start = start if entry.start is None else entry.start
    return start, stop if entry.stop is None else entry.stop, axis, step


def _to_index(entry: Any) -> Any:
    """Return an entry of an index, also of one that is written as data."""
    if isinstance(entry, str) and entry == "...":
        return Ellipsis
    if isinstance(entry, list) and len(entry) == 3:
        entry = slice(*entry)
    whole = isinstance(entry, (int, np.integer)) and not isinstance(entry, bool)
    if not (whole or entry is None or entry is Ellipsis or isinstance(entry, slice)):
        expected = "integers, slices, None or ..., as values are not known"
        raise ValueError(errors.bad_argument("key", entry, expected))
    return entry


def _as_data(entry: Any) -> Any:
    if isinstance(entry, slice):
        return [entry.start, entry.stop, entry.step]
    return "..." if entry is Ellipsis else entry


def _fill(shape: Shape, rank: int) -> tuple[int | None, ...]:
    """Return the shape with axes of length 1 in front, as NumPy broadcasts."""
    return (*(1,) * (rank - len(shape)), *shape)


def _operator(operation: str, reflected: bool = False) -> Callable[[SymbolicTensor, Any], Any]:
    def apply(tensor: SymbolicTensor, other: Any) -> Any:
        if tensors_in(other):
            pair = [other, tensor] if reflected else [tensor, other]
            return Arithmetic(operation, dtype=_float_type(tensor))(pair)
        if not isinstance(other, (int, float, np.number)):
            return NotImplemented
        side: dict[str, Any] = {"left" if reflected else "right": other}
        return Arithmetic(operation, dtype=_float_type(tensor), **side)(tensor)

    return apply


def _float_type(tensor: SymbolicTensor) -> str | None:
    return tensor.dtype if tensor.dtype.startswith("float") else None


def add_operators() -> None:
    """Give symbolic tensors their operators; here, since these need layers."""
    cls: Any = SymbolicTensor
    names = {"add": "add", "subtract": "sub", "multiply": "mul", "true_divide": "truediv"}
    for operation, name in names.items():
        setattr(cls, f"__{name}__", _operator(operation))
        setattr(cls, f"__r{name}__", _operator(operation, reflected=True))
    cls.__neg__ = lambda tensor: -1.0 * tensor
    cls.__getitem__ = lambda tensor, key: GetItem(key, dtype=_float_type(tensor))(tensor)
    cls.__array_ufunc__ = None  # NumPy leaves `array + tensor` to the tensor, which refuses it


add_operators()
