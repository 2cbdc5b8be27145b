"""One node of an ONNX graph: its inputs and attributes, each of which must be known."""

from __future__ import annotations

from typing import Any, NoReturn, Protocol

import numpy as np

from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.interop.onnx.reader.values import UNKNOWN, Constant, Value
from fastrnn.layers.base.layer import Layer
from fastrnn.typing import Array


class Node:
    """A node with the values of its inputs.

    Attributes:
        operator: its name.
        inputs: values; ``None`` where an optional input is left out.
        outputs: names, without those at the end that are left out.
        opset: version of the operator.
    """

    def __init__(self, proto: Any, inputs: list[Any], source: str, opset: int) -> None:
        import onnx

        self.operator: str = proto.op_type
        self.inputs = inputs
        self.outputs = list(proto.output)
        self.opset = opset
        label = f" {proto.name[:80]!r}" if proto.name else ""
        self._source = f"{source}, node{label} ({proto.op_type[:40]})"
        self._attributes = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}

    def error(self, reason: str, message: str) -> ModelFileError:
        """Return the exception that refuses the node."""
        return ModelFileError(reason, self._source, message)

    def refuse(self, message: str) -> NoReturn:
        """Refuse the node: fastrnn has nothing that computes it."""
        raise self.error("onnx_unsupported", message)

    # ---- attributes ----

    def take(self, name: str, default: object) -> Any:
        """Return an attribute, once, as text, number or list."""
        value = self._attributes.pop(name, default)
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if isinstance(value, list):
            return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in value]
        return value

    def expect(self, name: str, *values: object) -> Any:
        """Take an attribute that must have one of the ``values``, the first of them by default."""
        value = self.take(name, values[0])
        if value not in values:
            self.refuse(f"{name}={value!r}, where {' or '.join(map(repr, values))} is expected")
        return value

    def take_dtype(self) -> str:
        """Take the attributes of a Cast; return the dtype that values become."""
        import onnx

        self.take("saturate", 1)
        names = ("float32", "float64", "int32", "int64", "bool")
        numbers = {onnx.helper.np_dtype_to_tensor_dtype(np.dtype(name)): name for name in names}
        return numbers[self.expect("to", *numbers)]

    def finish(self) -> None:
        """Refuse attributes that nobody took."""
        if self._attributes:
            names = ", ".join(sorted(name[:40] for name in self._attributes))
            raise self.error("onnx_attribute", f"attributes that are not known here: {names}")

    # ---- inputs ----

    def input(self, index: int) -> Any:
        """Return the value of an input, ``None`` if there is none."""
        return self.inputs[index] if index < len(self.inputs) else None

    def value(self, index: int) -> Value:
        """Return an input that the model computes."""
        value = self.input(index)
        if not isinstance(value, Value):
            self.refuse(f"input {index} is no array that depends on the model's inputs")
        return value

    def constant(self, index: int, rank: int | None = None) -> Array:
        """Return an input that the file holds."""
        value = self.input(index)
        if not isinstance(value, Constant) or rank not in (None, value.array.ndim):
            self.refuse(f"input {index} is no constant" + (f" of rank {rank}" if rank else ""))
        return value.array

    def integers(self, index: int, name: str, default: list[int] | None = None) -> list[int] | None:
        """Return integers that are a constant input, or an attribute in older versions."""
        if name in self._attributes:
            return [int(n) for n in self.take(name, [])]
        if self.input(index) is None:
            return default
        array = self.constant(index)
        if array.dtype.kind not in "iu" or array.ndim > 1 or array.size > 16:
            self.refuse(f"input {index} is no short list of integers")
        if np.any(array == UNKNOWN):
            self.refuse(f"input {index} depends on a length that is not fixed")
        return [int(n) for n in np.atleast_1d(array)]

    def axis(self, value: Value, axis: int) -> str:
        """Return the name of an axis of a value; negative ones count from the end."""
        if not -len(value.axes) <= axis < len(value.axes):
            self.refuse(f"axis {axis} of {len(value.axes)} axes")
        return value.axes[axis]

    def features(self, value: Value) -> Any:
        """Return the tensor of a value whose last axis is that of the features."""
        if value.axes[-1:] != ("F",) or "D" in value.axes:
            self.refuse(f"axes {describe(value.axes)}, where the features must come last")
        return value.tensor


_WORDS = {"B": "batch", "T": "timesteps", "F": "features", "D": "directions"}


def describe(axes: tuple[str, ...]) -> str:
    """Return the axes in words.

    >>> describe(("T", "B", "F"))
    '(timesteps, batch, features)'
    """
    return f"({', '.join('·'.join(_WORDS[letter] for letter in axis) for axis in axes)})"


class GraphReader(Protocol):
    """What reads the graph that a node belongs to, for those that make layers of the node."""

    def is_used(self, name: str) -> bool:
        """Whether a node or an output of the graph takes a value."""
        ...

    def call(self, layer: Layer, inputs: object, weights: list[Array], **options: Any) -> Any:
        """Return what a layer gives for symbolic inputs, after setting its weights."""
        ...

    def check_lengths(self, node: Node, given: object, wanted: object) -> None:
        """Raise ``ModelFileError`` unless inputs have the lengths that the weights are made for."""
        ...

    def take_bias(self, node: Node, units: int) -> Array | None:
        """Return the constant that the only consumer of a node's output adds, and pass that by."""
        ...
