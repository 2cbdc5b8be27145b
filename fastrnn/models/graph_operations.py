"""Operations: Keras writes operators (``a + b``, ``a[:, -1]``) as such; here they are layers."""

from __future__ import annotations

from typing import Any

from fastrnn.core import errors
from fastrnn.core.deserialization import deserialize
from fastrnn.core.load_budget import RefusedConfig
from fastrnn.core.serialization import serialize_keras_object
from fastrnn.layers.base.layer import Layer
from fastrnn.layers.base.symbolic import SymbolicTensor
from fastrnn.layers.merging.operators import Arithmetic, GetItem

_MODULE = "keras.src.ops.numpy"
_ARITHMETIC = {
    "add": "Add",
    "subtract": "Subtract",
    "multiply": "Multiply",
    "true_divide": "TrueDivide",
}
_OPERATORS = {class_name: operation for operation, class_name in _ARITHMETIC.items()}
_OPERATORS["Divide"] = "true_divide"


def describe_operation(layer: Layer) -> dict[str, Any] | None:
    """Return the description of a layer that is an operation in Keras, else ``None``."""
    if isinstance(layer, Arithmetic):
        name = _ARITHMETIC[layer.operation]
    elif isinstance(layer, GetItem):
        name = "GetItem"
    else:
        return None
    config = {"name": layer.name}
    return {"module": _MODULE, "class_name": name, "config": config, "registered_name": name}


def operation_arguments(layer: Layer, inputs: Any) -> list[Any]:
    """Return the arguments of a call of such a layer, as Keras's operation takes them."""
    if isinstance(layer, GetItem):
        return [inputs, serialize_keras_object(list(layer.key))]
    assert isinstance(layer, Arithmetic)
    if layer.left is not None:
        return [layer.left, inputs]
    return [inputs, layer.right] if layer.right is not None else list(inputs)


def call_operation(data: dict[str, Any], arguments: list[Any]) -> Any:
    """Return what an operation gives for tensors and numbers.

    Raises:
        RefusedConfig: there is no layer for it.
    """
    class_name, name = data["class_name"], data["name"]
    tensors = [value for value in arguments if isinstance(value, SymbolicTensor)]
    if not tensors:
        raise RefusedConfig("bad_config", f"The operation {name!r} takes no tensor.")
    float_type = tensors[0].dtype if tensors[0].dtype.startswith("float") else None
    options: dict[str, Any] = {"name": name, "dtype": float_type}
    if class_name == "GetItem":
        tensor, key = arguments
        return GetItem(deserialize(key), **options)(tensor)
    if class_name == "Negative":
        return Arithmetic("multiply", left=-1.0, **options)(tensors[0])
    if class_name not in _OPERATORS:
        known = ("GetItem", "Negative", *_OPERATORS)
        raise RefusedConfig("unknown_class", errors.not_one_of("class_name", class_name, known))
    left, right = arguments
    if len(tensors) == 1:
        side = {"right": right} if left is tensors[0] else {"left": left}
        return Arithmetic(_OPERATORS[class_name], **side, **options)(tensors[0])
    return Arithmetic(_OPERATORS[class_name], **options)([left, right])
