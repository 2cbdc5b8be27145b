"""Masks in Keras's graphs: operations that compute what here follows from the layers.

Keras writes the operations that compute masks among the layers of a graph. Here masks follow from
the layers, so these operations are left out when a description is read, once it is clear that the
layers give the same masks. When Keras reads a description without them it makes them anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from fastrnn.core.class_table import to_snake_case
from fastrnn.core.load_budget import RefusedConfig
from fastrnn.core.serialization import TENSOR
from fastrnn.typing import Config

# Layer, call and place of a tensor.
Key = tuple[str, int, int]
# Operations with which Keras's layers compute their masks.
_OF_MASKS = (
    "All", "Any", "BroadcastTo", "Concatenate", "Equal", "ExpandDims", "LogicalAnd", "LogicalOr",
    "NotEqual", "OnesLike", "Repeat", "Reshape", "Squeeze", "Stack", "Transpose", "ZerosLike",
)  # fmt: skip
_NAME_OF_MASK = re.compile(rf"({'|'.join(map(to_snake_case, _OF_MASKS))})(_\d+)?")


def free_names_of_masks(layers: list[Config]) -> None:
    """Take the names that Keras may give to operations of masks out of the layers' own options.

    Keras names the operations that it makes while it reads a graph by a count of its own, and
    refuses the graph if a layer has such a name already. It names by that count a layer whose
    options say none. What a call refers to is the name beside the options, which stays.

    Args:
        layers: the descriptions of a graph's layers, changed in place.
    """
    if _has_mask(layers):
        for data in layers:
            if _NAME_OF_MASK.fullmatch(data["name"]):
                data["config"] = {k: v for k, v in data["config"].items() if k != "name"}


def _has_mask(value: object) -> bool:
    """Whether a described layer, or one inside it, makes masks."""
    if isinstance(value, dict):
        made = "class_name" in value and isinstance(value.get("config"), dict)
        return (made and _masked_value(value) is not None) or _has_mask(list(value.values()))
    return isinstance(value, (list, tuple)) and any(map(_has_mask, value))


def named(data: Config) -> Config:
    """Return the description of a layer with a name among its options."""
    config = data.get("config")
    return (
        {**data, "config": {"name": data["name"], **config}} if isinstance(config, dict) else data
    )


def is_operation(data: Config) -> bool:
    """Whether a description is one of Keras's operations, no layer."""
    module = data.get("module")
    return isinstance(module, str) and module.startswith("keras.") and "ops" in module.split(".")


def keys_in(value: object) -> Iterator[Key]:
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


def without_masks(config: Config, count: Callable[[], None] = lambda: None) -> list[Config]:
    """Return the layers and operations of a graph without masks and what computes them.

    Args:
        config: the configuration of a functional model; it stays as it is.
        count: is called for each operation that is followed on the way to what makes a mask.

    Raises:
        RefusedConfig: a mask is not one that the layers give by themselves.
    """
    entries = [{**data, "inbound_nodes": _own_calls(data)} for data in config["layers"]]
    operations = {data["name"]: data for data in entries if is_operation(data)}
    masks = [
        (data["name"], call, mask)
        for data in entries
        if data["name"] not in operations
        for call in data["inbound_nodes"]
        if (mask := call["kwargs"].pop("mask", None)) is not None
    ]
    used = _used(entries, operations, config["output_layers"])
    layers = [data for data in entries if data["name"] not in operations or data["name"] in used]
    if masks:
        sources = _MaskSources(layers, operations)
        for name, call, mask in masks:
            sources.check(name, call, mask, count)
    return layers


def _own_calls(data: Config) -> list[Config]:
    """Return the calls of a description such that masks can be taken out of them."""
    return [{**call, "kwargs": dict(call["kwargs"])} for call in data["inbound_nodes"]]


def _used(entries: list[Config], operations: dict[str, Config], outputs: object) -> set[str]:
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


def _names_in(outputs: object) -> Iterator[str]:
    if isinstance(outputs, str):
        yield outputs
    elif isinstance(outputs, (list, tuple, dict)):
        for entry in outputs.values() if isinstance(outputs, dict) else outputs:
            yield from _names_in(entry)


class _MaskSources:
    """The layers that make masks, and what lies behind each layer of a graph."""

    def __init__(self, layers: list[Config], operations: dict[str, Config]) -> None:
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

    def _all_behind(self, layers: list[Config]) -> dict[str, int]:
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

    def check(self, name: str, call: Config, mask: object, count: Callable[[], None]) -> None:
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
            count()
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


def _masked_value(data: Config) -> float | None:
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
