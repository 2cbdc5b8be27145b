"""Input kinds: a file does not say what the inputs of its graph are, but what takes them does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastrnn.interop.onnx.operators import GATES

# Operators that pass their first input on, moved or cut.
_PASSING = ("Cast", "Identity", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split", "Gather")


def kinds_of_inputs(graph: Any) -> dict[str, str]:
    """Return the inputs that are integers to look up, and those that are initial states.

    Returns:
        ``"integers"`` or ``"state"`` by the name of the input.
    """
    constants = {tensor.name for tensor in graph.initializer}
    makers = _makers(graph)
    kinds: dict[str, str] = {}
    for node in graph.node:
        starts: list[tuple[str, str]] = []
        if node.op_type == "Gather" and node.input[0] in constants:
            starts = [("integers", node.input[1])]
        elif node.op_type in GATES:
            starts = [("state", name) for name in node.input[5:7]]
        for kind, start in starts:
            kinds |= dict.fromkeys(_origins(start, makers), kind)
    return {value.name: kinds[value.name] for value in graph.input if value.name in kinds}


def is_time_major(graph: Any, constants: set[str]) -> bool:
    """Whether the sequences among the inputs have the timesteps first.

    That is so if the first recurrent node takes them first, and they come to it unmoved.
    """
    makers = _makers(graph)
    first = next((node for node in graph.node if node.op_type in GATES), None)
    if first is None:
        return False
    major = not any(a.name == "layout" and a.i == 1 for a in first.attribute)
    name = first.input[0]
    for _ in range(len(graph.node)):
        node = makers.get(name)
        if node is None:
            return major
        if node.op_type == "Transpose":
            order = [list(a.ints) for a in node.attribute if a.name == "perm"]
            major ^= bool(order) and order[0][:2] == [1, 0]
        inputs = [other for other in node.input if other not in constants]
        if not inputs:
            return major
        name = inputs[0]
    return major


def _makers(graph: Any) -> dict[str, Any]:
    return {name: node for node in graph.node for name in node.output}


def _origins(name: str, makers: dict[str, Any]) -> Iterator[str]:
    """Yield the names that a value is passed on from."""
    waiting, seen = [name], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        node = makers.get(name)
        if node is None:
            yield name
        elif node.op_type == "Concat":
            waiting += node.input
        elif node.op_type in _PASSING:
            waiting += node.input[:1]
