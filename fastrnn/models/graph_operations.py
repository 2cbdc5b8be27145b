"""What Keras has among the layers of a graph and fastrnn has not: operations.

Keras writes operators (``a + b``, ``a[:, -1]``) as operations, and so does fastrnn; here they are
layers. Keras also writes the operations that compute masks; here masks follow from the layers, so
these are left out when a description is read, once it is clear that the layers give the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastrnn.core import errors, load_budget
from fastrnn.core.load_budget import RefusedConfig
from fastrnn.core.serialization import TENSOR, deserialize, serialize_keras_object
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
# Operations with which Keras's layers compute their masks.
_OF_MASKS = (
    "All", "Any", "BroadcastTo", "Concatenate", "Equal", "ExpandDims", "LogicalAnd", "LogicalOr",
    "NotEqual", "OnesLike", "Repeat", "Reshape", "Squeeze", "Stack", "Transpose", "ZerosLike",
)  # fmt: skip
Key = tuple[str, int, int]


# ---- operators ---------------------------------------------------------------------------------


def describe_operation(layer: Any) -> dict[str, Any] | None:
    """Return the description of a layer that is an operation in Keras, else ``None``."""
    if isinstance(layer, Arithmetic):
        name = _ARITHMETIC[layer.operation]
    elif isinstance(layer, GetItem):
        name = "GetItem"
    else:
        return None
    config = {"name": layer.name}
    return {"module": _MODULE, "class_name": name, "config": config, "registered_name": name}


def operation_arguments(layer: Any, inputs: Any) -> list[Any]:
    """Return the arguments of a call of such a layer, as Keras's operation takes them."""
    if isinstance(layer, GetItem):
        return [inputs, serialize_keras_object(list(layer.key))]
    if layer.left is not None:
        return [layer.left, inputs]
    return [inputs, layer.right] if layer.right is not None else list(inputs)


def is_operation(data: dict[str, Any]) -> bool:
    """Whether a description is one of Keras's operations, no layer."""
    module = data.get("module")
    return isinstance(module, str) and module.startswith("keras.") and "ops" in module.split(".")


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


# ---- masks -------------------------------------------------------------------------------------


def keys_in(value: Any) -> Iterator[Key]:
    """Give layer, call and place of each tensor that is described in ``value``."""
    if isinstance(value, dict):
        if value.get("class_name") == TENSOR:
            name, place, index = value["config"]["keras_history"]
            yield (name, place, index)
        else:
            for entry in value.values():
                yield from keys_in(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from keys_in(entry)


def without_masks(entries: list[dict[str, Any]], outputs: Any) -> list[dict[str, Any]]:
    """Return descriptions of layers without masks and the operations that compute them.

    Args:
        entries: descriptions of the layers and operations of a graph; their calls are changed.
        outputs: keys of the outputs, in nested lists and dicts.

    Raises:
        RefusedConfig: a mask is not one that the layers give by themselves.
    """
    operations = {data["name"]: data for data in entries if is_operation(data)}
    masks = [
        (data["name"], call, mask)
        for data in entries
        if data["name"] not in operations
        for call in data["inbound_nodes"]
        if (mask := call["kwargs"].pop("mask", None)) is not None
    ]
    used = _used(entries, operations, outputs)
    layers = [data for data in entries if data["name"] not in operations or data["name"] in used]
    if masks:
        sources = _MaskSources(layers, operations)
        for name, call, mask in masks:
            sources.check(name, call, mask)
    return layers


def _used(
    entries: list[dict[str, Any]], operations: dict[str, dict[str, Any]], outputs: Any
) -> set[str]:
    """Return the names of operations whose results are used otherwise than as masks."""
    reached = set(_names_in(outputs))
    for data in entries:
        if data["name"] not in operations:
            reached |= {key[0] for key in keys_in(data["inbound_nodes"])}
    used: set[str] = set()
    waiting = [name for name in reached if name in operations]
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            keys = keys_in(operations[name]["inbound_nodes"])
            waiting += [key[0] for key in keys if key[0] in operations]
    return used


def _names_in(outputs: Any) -> Iterator[str]:
    if isinstance(outputs, str):
        yield outputs
    elif isinstance(outputs, (list, tuple, dict)):
        for entry in outputs.values() if isinstance(outputs, dict) else outputs:
            yield from _names_in(entry)


class _MaskSources:
    """The layers that make masks, and what lies behind each layer of a graph."""

    def __init__(self, layers: list[dict[str, Any]], operations: dict[str, dict[str, Any]]) -> None:
        self.operations = operations
        # A bit for each layer: sets of layers are integers.
        self.bits = {data["name"]: 1 << k for k, data in enumerate(layers)}
        self.behind = self._all_behind(layers)
        # Layers that make a mask of a tensor, by the tensor and the value that is masked.
        self.makers: dict[tuple[Key, float], int] = {}
        for data in layers:
            value = _masked_value(data)
            if value is not None:
                for key in keys_in(data["inbound_nodes"]):
                    bits = self.makers.get((key, value), 0) | self.bits[data["name"]]
                    self.makers[key, value] = bits

    def _all_behind(self, layers: list[dict[str, Any]]) -> dict[str, int]:
        """Return for each layer itself and all that its calls depend on; not in a cycle."""
        needs = {data["name"]: {k[0] for k in keys_in(data["inbound_nodes"])} for data in layers}
        behind: dict[str, int] = {}
        stack = list(needs)
        opened: set[str] = set()
        while stack:
            name = stack[-1]
            missing = [n for n in needs.get(name, ()) if n not in behind and n not in opened]
            if missing and name not in behind:
                opened.add(name)
                stack += missing
                continue
            stack.pop()
            bits = self.bits.get(name, 0)
            for need in needs.get(name, ()):
                bits |= behind.get(need, 0)
            behind[name] = bits
        return behind

    def check(self, name: str, call: dict[str, Any], mask: Any) -> None:
        """Raise ``RefusedConfig`` if the mask of a call does not come from layers behind it."""
        behind = 0
        for key in keys_in(call):
            behind |= self.behind.get(key[0], 0)
        waiting, seen = list(keys_in(mask)), set()
        while waiting:
            key = waiting.pop()
            if key[0] in seen:
                continue
            seen.add(key[0])
            load_budget.count_call()
            data = self.operations.get(key[0])
            if data is None or data["class_name"] not in _OF_MASKS:
                raise RefusedConfig("given_mask", _given(name))
            arguments = [node["args"] for node in data["inbound_nodes"]]
            if data["class_name"] != "NotEqual":
                waiting += [k for k in keys_in(arguments) if k[0] in self.operations]
                continue
            for tensor, value in arguments:
                for source in keys_in(tensor):
                    if not self.makers.get((source, value), 0) & behind:
                        raise RefusedConfig("given_mask", _given(name))


def _masked_value(data: dict[str, Any]) -> float | None:
    """Return the value of which a layer makes a mask, ``None`` if it makes none."""
    config = data["config"]
    if data["class_name"] == "Embedding" and config.get("mask_zero"):
        return 0
    value = config.get("mask_value", 0.0) if data["class_name"] == "Masking" else None
    return value if isinstance(value, (int, float)) else None


def _given(name: str) -> str:
    return (
        f"The mask of layer {name!r} does not follow from the layers before it; masks that are "
        "given in a call are not supported."
    )
