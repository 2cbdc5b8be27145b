"""Models from the configurations of others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fastrnn.core import errors
from fastrnn.core.custom_objects import CustomObjectScope
from fastrnn.core.deserialization import deserialize_keras_object
from fastrnn.core.nest import flatten, unflatten
from fastrnn.core.user_warnings import deprecated
from fastrnn.formats.keras.legacy_config import modern_model, version_number
from fastrnn.layers.base.layer import Layer, iterate_layers, registry
from fastrnn.layers.base.symbolic import SymbolicTensor, map_tensors
from fastrnn.layers.core.input import Input, InputLayer
from fastrnn.layers.operations.operation_layer import OperationLayer
from fastrnn.models.functional import Functional
from fastrnn.models.graph_config import graph_from_config
from fastrnn.models.model import Model
from fastrnn.models.sequential import Sequential
from fastrnn.typing import Nest


def clone_model(
    model: Model,
    input_tensors: Nest = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Model:
    """Return a model of the same layers and calls, with new weights, compiled as the model is.

    Args:
        model: a sequential or functional model, or one of a class with ``get_config``.
        input_tensors: what the clone begins with, in the structure of ``model.input``: what
            ``Input`` returns, or InputLayers; new inputs unless given.
        clone_function: returns the layer that takes the place of a given one.
        call_function: ``call_function(layer, *args, **kwargs)`` calls a layer of a functional
            model's clone, and may call others besides.
        recursive: whether models among the layers are cloned by the same functions, and not by
            ``clone_function`` as a whole.

    Raises:
        ValueError: the model cannot be described, or an argument does not fit it.

    >>> from fastrnn import Input, Sequential
    >>> from fastrnn.layers import GRU
    >>> from fastrnn.models import clone_model
    >>> clone_model(Sequential([Input((5, 3)), GRU(4)])).output_shape
    (None, 4)
    """
    if not isinstance(model, Model):
        raise ValueError(errors.bad_argument("model", model, "a model"))
    if kwargs:
        raise ValueError(errors.unknown_arguments("clone_model", kwargs))
    if call_function is not None and not isinstance(model, Functional):
        expected = "None for a model whose layers are not called when it is made"
        raise ValueError(errors.bad_argument("call_function", call_function, expected))
    if recursive:
        clone_function = _inside_too(clone_function or _same_layer, call_function)
    with CustomObjectScope(_own_classes(model)):
        if input_tensors is None and call_function is None:
            clone = _clone(model, clone_function) if clone_function else _same_model(model)
        else:
            clone = _called_anew(model, input_tensors, clone_function, call_function)
    config = model.get_compile_config()
    if config is not None:
        clone.compile_from_config(config)
    return clone


def _inside_too(
    clone_function: Callable[[Layer], Layer], call_function: Callable[..., Any] | None
) -> Callable[[Layer], Layer]:
    """Return ``clone_function``, models among the layers being cloned layer by layer."""

    def clone(layer: Layer) -> Layer:
        if not isinstance(layer, (Functional, Sequential)):
            return clone_function(layer)
        call = call_function if isinstance(layer, Functional) else None
        return clone_model(layer, None, clone_function, call, recursive=True)

    return clone


def _called_anew(
    model: Model,
    input_tensors: Nest,
    clone_function: Callable[[Layer], Layer] | None,
    call_function: Callable[..., Any] | None,
) -> Model:
    """Return a model of layers called on other tensors, or in another way."""
    made: dict[int, Layer] = {}

    def copy(layer: Layer) -> Layer:
        if isinstance(layer, OperationLayer):
            return layer
        if id(layer) not in made:
            made[id(layer)] = (clone_function or _same_layer)(layer)
        return made[id(layer)]

    if isinstance(model, Sequential):
        tensor = _inputs_like(model.input, input_tensors)
        return Sequential([tensor, *map(copy, model.layers)], name=model.name)
    if not isinstance(model, Functional):
        expected = "None for a model with a `call` of its own"
        raise ValueError(errors.bad_argument("input_tensors", input_tensors, expected))
    inputs = _inputs_like(model.input, model.input if input_tensors is None else input_tensors)
    found = dict(zip(map(id, flatten(model.input)), flatten(inputs), strict=True))
    for node in model.graph.nodes:
        arguments, options = map_tensors(lambda t: found[id(t)], [node.inputs, node.options])
        layer = copy(node.layer)
        called = call_function or (lambda layer, *args, **kwargs: layer(*args, **kwargs))
        results = flatten(called(layer, arguments, **options))
        found.update(zip(map(id, node.outputs), results, strict=True))
    outputs = map_tensors(lambda t: found[id(t)], model.output)
    return Functional(inputs, outputs, name=model.name)


def _inputs_like(structure: Nest, given: Nest) -> Any:
    """Return inputs of the shapes and names of ``given``, which must have a structure."""
    tensors = [x.tensor if isinstance(x, InputLayer) else x for x in flatten(given)]
    if not _same_structure(structure, given) or not all(
        isinstance(tensor, SymbolicTensor) for tensor in tensors
    ):
        remedy = "`input_tensors` must have the same structure as model.input."
        expected = "what Input returns"
        raise ValueError(errors.bad_argument("input_tensors", given, expected, remedy))
    inputs = [Input(batch_shape=t.shape, dtype=t.dtype, name=t.name) for t in tensors]
    return unflatten(structure, inputs)


def _same_structure(one: Nest, other: Nest) -> bool:
    """Whether both have the same keys and numbers of entries throughout."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same_structure(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same_structure, one, other))
    return not isinstance(one, (list, tuple, dict)) and not isinstance(other, (list, tuple, dict))


def _same_model(model: Model) -> Model:
    if type(model) in (Functional, Sequential):
        clone = _clone(model, _same_layer)
        if not model.trainable:
            clone.trainable = False
        return clone
    made: Model = type(model).from_config(model.get_config())
    return made


def _same_layer(layer: Layer) -> Layer:
    """Return a layer of the same class and options; also of classes that no file may name."""
    if isinstance(layer, Model):
        return _same_model(layer)
    made: Layer = type(layer).from_config(layer.get_config())
    return made


def _clone(model: Model, clone_function: Callable[[Layer], Layer]) -> Model:
    """Return a model of other layers, called as those of ``model`` are."""
    if isinstance(model, Functional):
        by_name = {layer.name: layer for layer in model.layers}

        def make(data: dict[str, Any]) -> Layer:
            layer = by_name[data["name"]]
            if isinstance(layer, InputLayer):
                made: Layer = registry.deserialize(data)
                return made
            return clone_function(layer)

        inputs, outputs = graph_from_config(model.get_config(), make)
        return Functional(inputs, outputs, name=model.name)
    if isinstance(model, Sequential):
        start = [model._input] if model._input is not None else []
        return Sequential([*start, *map(clone_function, model.layers)], name=model.name)
    expected = "None for a model with a `call` of its own"
    raise ValueError(errors.bad_argument("clone_function", clone_function, expected))


def _own_classes(model: Model) -> dict[str, Any]:
    """Return the classes of a model's layers that are not built-in, by their names."""
    classes = {type(layer) for layer in iterate_layers(model)} - set(registry.modules)
    return {cls.__name__: cls for cls in classes}


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Model:
    """Return the model that ``model.to_json()`` described, with new weights.

    Args:
        json_string: what ``to_json`` returned, here or in any version of Keras.
        custom_objects: classes and functions of your own by their names.

    Raises:
        ValueError: it describes no model, or one with unknown layers.
    """
    try:
        config = json.loads(json_string)
    except (TypeError, ValueError, RecursionError):
        expected = "a string that model.to_json() returned"
        raise ValueError(errors.bad_argument("json_string", json_string, expected)) from None
    return _described("json_string", config, custom_objects)


def model_from_config(
    config: dict[str, Any], custom_objects: dict[str, Any] | None = None
) -> Model:
    """Return the model of a description: today ``deserialize_keras_object`` does it.

    Args:
        config: a dict with ``class_name`` and ``config``, of any version of Keras.
        custom_objects: classes and functions of your own by their names.

    Raises:
        ValueError: it describes no model, or one with unknown layers.
    """
    deprecated("model_from_config(config)", "saving.deserialize_keras_object(config)")
    return _described("config", config, custom_objects)


def _described(argument: str, config: Any, custom_objects: dict[str, Any] | None) -> Model:
    if isinstance(config, dict) and "module" not in config:
        config = modern_model(config, version_number(config.get("keras_version")))
    model: Any = deserialize_keras_object(config, custom_objects)
    if not isinstance(model, Model):
        expected = "a description of a model"
        raise ValueError(errors.bad_argument(argument, type(model).__name__, expected))
    return model
