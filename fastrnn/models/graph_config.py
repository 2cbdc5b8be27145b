"""A graph as plain data, in Keras's form, and back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from fastrnn import errors
from fastrnn.layers.base import Layer, registry
from fastrnn.layers.input import InputLayer
from fastrnn.layers.symbolic import Node, SymbolicTensor, map_tensors
from fastrnn.layers.tree import leaves

TENSOR = "__keras_tensor__"


def graph_config(model: Any) -> dict[str, Any]:
    """Return the layers of a functional model, the calls of each, its inputs and its outputs."""
    nodes = model.graph.nodes
    # A call is named by its layer and its place among the layer's calls in this model.
    places: dict[int, int] = {}
    calls: dict[int, list[Node]] = {id(layer): [] for layer in model.layers}
    for node in nodes:
        places[id(node)] = len(calls[id(node.layer)])
        calls[id(node.layer)].append(node)

    def history(tensor: SymbolicTensor) -> list[Any]:
        if any(tensor is given for given in model.inputs):
            return [tensor.name, 0, 0]
        assert tensor.node is not None
        return [tensor.node.layer.name, places[id(tensor.node)], tensor.index]

    def as_data(tensor: SymbolicTensor) -> dict[str, Any]:
        config = {"shape": tensor.shape, "dtype": tensor.dtype, "keras_history": history(tensor)}
        return {"class_name": TENSOR, "config": config}

    layers = []
    for layer in model.layers:
        inbound = [
            {
                "args": [map_tensors(as_data, node.inputs)],
                "kwargs": {k: map_tensors(as_data, v) for k, v in node.options.items()},
            }
            for node in calls[id(layer)]
        ]
        layers.append({**registry.serialize(layer), "name": layer.name, "inbound_nodes": inbound})
    return {
        "layers": layers,
        "input_layers": map_tensors(history, model.input),
        "output_layers": map_tensors(history, model.output),
    }


def graph_from_config(
    config: dict[str, Any], make: Callable[[dict[str, Any]], Layer] = registry.deserialize
) -> tuple[Any, Any]:
    """Return inputs and outputs of the graph that ``graph_config`` described.

    ``make`` makes each layer of its description.

    Raises:
        ValueError: a layer is unknown, or a call takes a tensor that no call gives.
    """
    config = copy.deepcopy(config)
    results: dict[tuple[str, int, int], SymbolicTensor] = {}
    waiting: list[tuple[Layer, str, int, dict[str, Any]]] = []
    for data in config["layers"]:
        layer = make(data)
        if isinstance(layer, InputLayer):
            results[data["name"], 0, 0] = layer.tensor
        name = data["name"]
        waiting += [(layer, name, k, call) for k, call in enumerate(data["inbound_nodes"])]
    while waiting:
        blocked = [entry for entry in waiting if not _call(*entry, results)]
        if len(blocked) == len(waiting):
            names = sorted({name for _, name, _, _ in blocked})
            expected = "calls that take tensors of other calls in the model"
            raise ValueError(errors.bad_argument("layers", names, expected))
        waiting = blocked

    def tensors(histories: Any) -> Any:
        if isinstance(histories, dict):
            return {key: tensors(entry) for key, entry in histories.items()}
        if isinstance(histories[0], str):
            return results[tuple(histories)]
        return [tensors(entry) for entry in histories]

    return tensors(config["input_layers"]), tensors(config["output_layers"])


def _call(
    layer: Layer,
    name: str,
    place: int,
    call: dict[str, Any],
    results: dict[tuple[str, int, int], SymbolicTensor],
) -> bool:
    """Call the layer if its tensors are there; return whether they were."""
    try:
        arguments = [_tensors_of(value, results) for value in call["args"]]
        options = {key: _tensors_of(value, results) for key, value in call["kwargs"].items()}
    except KeyError:
        return False
    outputs = layer(*arguments, **options)
    for k, tensor in enumerate(leaves(outputs)):
        results[name, place, k] = tensor
    return True


def _tensors_of(value: Any, results: dict[Any, SymbolicTensor]) -> Any:
    """Return ``value`` with tensors in the place of their descriptions."""
    if isinstance(value, dict):
        if value.get("class_name") == TENSOR:
            return results[tuple(value["config"]["keras_history"])]
        return {key: _tensors_of(entry, results) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tensors_of(entry, results) for entry in value]
    return value
