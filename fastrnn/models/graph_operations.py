"""Operations in Keras's description of a graph: among the layers, by class name and arguments.

Keras writes ``ops.mean(x, axis=1)`` as the class ``Mean`` with the options in its config, and the
tensors, and what stands beside them, in the arguments of its call.
"""

from __future__ import annotations

import inspect
from typing import Any

from fastrnn import ops
from fastrnn.core import errors
from fastrnn.core.class_table import to_snake_case
from fastrnn.core.deserialization import deserialize
from fastrnn.core.load_budget import RefusedConfig
from fastrnn.core.serialization import serialize_keras_object
from fastrnn.core.variable import Variable
from fastrnn.layers.base.layer import Layer
from fastrnn.layers.base.symbolic import SymbolicTensor, tensors_in
from fastrnn.layers.operations.operation_layer import OperationLayer
from fastrnn.ops.operation import OPERATIONS


def describe_operation(layer: Layer) -> dict[str, Any] | None:
    """Return the description of a layer that is an operation in Keras, else ``None``."""
    if not isinstance(layer, OperationLayer):
        return None
    name = layer.operation.class_name
    inner = {k: v for k, v in layer.arguments.items() if k in _IN_CONFIG.get(name, ())}
    config = serialize_keras_object({**layer.template.options, **inner, "name": layer.name})
    module = f"keras.src.ops.{layer.operation.home}"
    return {"module": module, "class_name": name, "config": config, "registered_name": name}


def operation_arguments(layer: OperationLayer, inputs: Any) -> list[Any]:
    """Return the arguments of a call of such a layer, as Keras's operation takes them.

    Args:
        layer: the operation.
        inputs: the descriptions of the tensors.

    Raises:
        ValueError: a variable is among the arguments.
    """
    described = iter(inputs if isinstance(inputs, list) else [inputs])
    if layer.used_variables:
        expected = "layers that own their weights: make this variable in a layer"
        paths = [variable.path for variable in layer.used_variables.values()]
        raise ValueError(errors.bad_argument("variable", paths, expected))
    call = layer.template_with([_Description(next(described)) for _ in layer.tensors])
    groups = dict(zip(layer.operation.tensors, call.groups(call.leaves), strict=True))
    left_out = _IN_CONFIG.get(layer.operation.class_name, ())
    found = [_as_data(group) for name, group in groups.items() if name not in left_out]
    return found[0] if layer.operation.takes_many else found


# Arguments that may be tensors here, and are options in Keras's classes.
_IN_CONFIG = {"Clip": ("x_min", "x_max"), "Digitize": ("bins",)}


class _Description:
    """The place of a tensor among arguments, until they are plain data."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data


def _as_data(value: Any) -> Any:
    if isinstance(value, _Description):
        return value.data
    if isinstance(value, (list, tuple)):
        return [_as_data(entry) for entry in value]
    return serialize_keras_object(value)


def call_operation(
    data: dict[str, Any], arguments: list[Any], options: dict[str, Any] | None = None
) -> Any:
    """Return what an operation gives for tensors and numbers.

    Raises:
        RefusedConfig: there is no such operation, or it cannot take the arguments.
    """
    class_name, name = data["class_name"], data["name"]
    if not tensors_in([arguments, options]):
        raise RefusedConfig("bad_config", f"The operation {name!r} takes no tensor.")
    snake = to_snake_case(class_name) if isinstance(class_name, str) else class_name
    found = getattr(ops, snake, None) if snake in dir(ops) else None
    if found is None:
        raise RefusedConfig(
            "unknown_class", errors.not_one_of("class_name", class_name, sorted(OPERATIONS))
        )
    known = inspect.signature(found).parameters
    config = {k: deserialize(v) for k, v in data.get("config", {}).items() if k in known}
    arguments = list(map(_revived, arguments))
    if any(p.kind is p.VAR_POSITIONAL for p in known.values()):
        arguments, config = [*config.values(), *arguments], {}
    if snake == "get_item" and isinstance(arguments[-1], list):
        arguments[-1] = tuple(arguments[-1])  # arrays are written as such: a list was a tuple
    try:
        result = found(*arguments, **config, **(options or {}))
    except (TypeError, ValueError, IndexError, ArithmeticError) as error:
        message = f"The operation {name!r} cannot take its arguments: {error}"
        raise RefusedConfig("bad_config", message) from error
    for tensor in tensors_in(result):
        assert tensor.node is not None
        tensor.node.layer.name = tensor.name = name
    return result


def _revived(value: Any) -> Any:
    """Return an argument with arrays, slices and ``...`` in the place of their descriptions."""
    if isinstance(value, (SymbolicTensor, Variable)):
        return value
    if isinstance(value, (list, tuple)):
        return [_revived(entry) for entry in value]
    return deserialize(value)
