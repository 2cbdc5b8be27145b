"""What a model's Python ``call`` amounts to: a functional model for each shape of the inputs."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from fastrnn.core.checks import to_real_array, to_shape
from fastrnn.core.nest import is_shape, leaves, rebuild
from fastrnn.layers.base.layer import Layer, iterate_layers
from fastrnn.layers.base.symbolic import map_tensors
from fastrnn.layers.core.input import Input
from fastrnn.models.functional import Functional

# Of the inputs of one model; the oldest are forgotten.
MOST_TRACES = 64


def arrays_of(inputs: Any, name: str = "inputs") -> Any:
    """Return inputs as an array, or as arrays in lists and dicts."""
    if isinstance(inputs, dict):
        return {key: arrays_of(value, f"{name}[{key!r}]") for key, value in inputs.items()}
    if isinstance(inputs, (list, tuple)) and inputs and isinstance(inputs[0], (np.ndarray, dict)):
        return [arrays_of(value, f"{name}[{k}]") for k, value in enumerate(inputs)]
    return to_real_array(name, inputs)


def trace(model: Any, shapes: Any, training: bool) -> Functional:
    """Return the functional model of ``model.call`` for inputs of these shapes.

    Raises:
        TypeError: ``call`` computes with values, which symbolic tensors have not.
        ValueError: the shapes do not fit its layers, or it returns no tensors.
    """
    fixed = any(getattr(layer, "stateful", False) for layer in iterate_layers(model))
    inputs = _symbolic_inputs(shapes, fixed)
    key = (_key(inputs), training)
    traces: dict[Any, Functional] = model.__dict__.setdefault("_traces", {})
    if key not in traces:
        options = {}
        if "training" in inspect.signature(model.call).parameters:
            options["training"] = training
        made = Functional(inputs, model.call(inputs, **options), name=model.name)
        _require_kept(model, made)
        for node in made.graph.nodes:
            node.layer.nodes.remove(node)  # not the user's calls
        while len(traces) >= MOST_TRACES:
            traces.pop(next(iter(traces)))
        traces[key] = made
    return traces[key]


def _symbolic_inputs(shapes: Any, fixed_batch: bool) -> Any:
    def one(shape: Any) -> Any:
        shape = to_shape("input_shape", shape)
        return Input(batch_shape=shape if fixed_batch else (None, *shape[1:]))

    return rebuild(shapes, map(one, leaves(shapes, is_shape)), is_shape)


def _key(inputs: Any) -> Any:
    """Return the shapes of the tensors in a structure, as something hashable."""
    return repr(map_tensors(lambda tensor: tensor.shape, inputs))


def _require_kept(model: Layer, traced: Functional) -> None:
    """Raise ``ValueError`` if ``call`` makes layers anew: each call would forget their weights."""
    kept = {id(variable) for variable in model.weights}
    lost = [variable.path for variable in traced.weights if id(variable) not in kept]
    if lost:
        raise ValueError(
            f"The weights {', '.join(lost)} belong to layers that are no attributes of model "
            f"{model.name!r}: make them in `__init__` and keep them on `self`."
        )
