"""A graph as plain data, in Keras's form, and back."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable
from typing import Any

from fastrnn.core import errors
from fastrnn.core.deserialization import ARRAYS, deserialize_keras_object
from fastrnn.core.load_budget import RefusedConfig
from fastrnn.core.nest import flatten
from fastrnn.core.serialization import TENSOR
from fastrnn.formats.keras.graph_masks import (
    Key,
    free_names_of_masks,
    is_operation,
    keys_in,
    named,
    without_masks,
)
from fastrnn.layers.base.layer import Layer, registry
from fastrnn.layers.base.symbolic import Node, SymbolicTensor, map_tensors
from fastrnn.layers.core.input import InputLayer
from fastrnn.layers.operations.operation_layer import OperationLayer
from fastrnn.models.graph_operations import (
    call_operation,
    describe_operation,
    operation_arguments,
)
from fastrnn.typing import Nest


def graph_config(model: Any) -> dict[str, Any]:
    """Return the layers of a functional model, the calls of each, its inputs and its outputs."""
    # A call is named by its layer and its place among the layer's calls in this model.
    places: dict[int, int] = {}
    calls: dict[int, list[Node]] = {id(layer): [] for layer in model.layers}
    for node in model.graph.nodes:
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

    def end(tensor: SymbolicTensor) -> list[Any]:
        """Return the key of an input or output; a functional model's calls count from 1 there."""
        name, place, index = history(tensor)
        first = 0 if tensor.node is None else tensor.node.layer.first_call
        return [name, place + first, index]

    layers = []
    for layer in model.layers:
        operation = describe_operation(layer)
        inbound = []
        for node in calls[id(layer)]:
            inputs = map_tensors(as_data, node.inputs)
            if isinstance(layer, OperationLayer):
                arguments = operation_arguments(layer, inputs)
            else:
                arguments = inputs if layer.separate_inputs else [inputs]
            options = {k: map_tensors(as_data, v) for k, v in node.options.items()}
            inbound.append({"args": arguments, "kwargs": options})
        data = operation or registry.serialize(layer)
        layers.append({**data, "name": layer.name, "inbound_nodes": inbound})
    free_names_of_masks(layers)
    return {
        "layers": layers,
        "input_layers": map_tensors(end, model.input),
        "output_layers": map_tensors(end, model.output),
    }


def graph_from_config(
    config: dict[str, Any], make: Callable[[dict[str, Any]], Layer] = registry.deserialize
) -> tuple[Any, Any]:
    """Return inputs and outputs of the graph that ``graph_config``, or Keras, described.

    ``make`` makes each layer of its description.

    Raises:
        ValueError: a layer is unknown, or a call takes a tensor that no call gives.
    """
    names = collections.Counter(data["name"] for data in config["layers"])
    repeated = [name for name, count in names.items() if count > 1]
    if repeated:
        expected = "layers of different names"
        raise RefusedConfig("bad_graph", errors.bad_argument("layers", repeated[:10], expected))
    results: dict[Key, SymbolicTensor] = {}
    calls = []
    first_calls: dict[str, int] = {}
    for data in without_masks(config):
        layer = None if is_operation(data) else make(named(data))
        if isinstance(layer, InputLayer):
            results[data["name"], 0, 0] = layer.tensor
        if layer is not None:
            first_calls[data["name"]] = layer.first_call
        for k, call in enumerate(data["inbound_nodes"]):
            calls.append(_Call(data, layer, k, list(call["args"]), _options(call)))
    _run(calls, results)

    def tensors(histories: Any) -> Any:
        if isinstance(histories, dict):
            return {key: tensors(entry) for key, entry in histories.items()}
        if isinstance(histories[0], str):
            name, place, index = histories
            return results[name, place - first_calls.get(name, 0), index]
        return [tensors(entry) for entry in histories]

    return tensors(config["input_layers"]), tensors(config["output_layers"])


def _options(call: dict[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of a call; Keras writes ``training=False`` where it is not."""
    return {k: v for k, v in call["kwargs"].items() if v is not None and (k, v) != _NOT_TRAINING}


_NOT_TRAINING = ("training", False)


@dataclasses.dataclass
class _Call:
    """A described call of a layer, or of an operation where ``layer`` is ``None``."""

    data: dict[str, Any]
    layer: Layer | None
    place: int
    arguments: list[Any]
    options: dict[str, Any]

    def run(self, results: dict[Key, SymbolicTensor]) -> list[Key]:
        """Call, and enter the outputs in ``results``; return their keys."""
        arguments = [_tensors_of(value, results) for value in self.arguments]
        options = {key: _tensors_of(value, results) for key, value in self.options.items()}
        if self.layer is None:
            outputs = call_operation(self.data, arguments, options)
        elif self.layer.separate_inputs:
            outputs = self.layer(*arguments, **options)
        else:
            # Keras's recurrent layers take the states in the second place, too.
            more = [value for value in arguments[1:] if value is not None]
            options |= {"initial_state": more[0]} if more else {}
            outputs = self.layer(arguments[0], **options)
        keys = []
        for k, tensor in enumerate(flatten(outputs)):
            keys.append((self.data["name"], self.place, k))
            results[keys[-1]] = tensor
        return keys


def _run(calls: list[_Call], results: dict[Key, SymbolicTensor]) -> None:
    """Run each call as soon as the tensors that it takes are there."""
    waiting: dict[Key, list[_Call]] = collections.defaultdict(list)
    missing: dict[int, int] = {}
    ready: collections.deque[_Call] = collections.deque()
    for call in calls:
        keys = {key for key in keys_in([call.arguments, call.options]) if key not in results}
        missing[id(call)] = len(keys)
        for key in keys:
            waiting[key].append(call)
        if not keys:
            ready.append(call)
    while ready:
        call = ready.popleft()
        del missing[id(call)]
        for key in call.run(results):
            for other in waiting[key]:
                missing[id(other)] -= 1
                if not missing[id(other)]:
                    ready.append(other)
    if missing:
        names = sorted({call.data["name"] for call in calls if id(call) in missing})
        expected = "calls that take tensors of other calls in the model"
        raise RefusedConfig("bad_graph", errors.bad_argument("layers", names[:10], expected))


def _tensors_of(value: Nest, results: dict[Any, SymbolicTensor]) -> Any:
    """Return ``value`` with tensors in the place of their descriptions."""
    if isinstance(value, dict):
        if value.get("class_name") == TENSOR:
            return results[tuple(value["config"]["keras_history"])]
        if value.get("class_name") in ARRAYS:  # that was given in a call
            return deserialize_keras_object(value)
        return {key: _tensors_of(entry, results) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tensors_of(entry, results) for entry in value]
    return value
