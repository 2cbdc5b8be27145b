"""Models from the configurations of others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fastrnn.core import errors
from fastrnn.core.custom_objects import CustomObjectScope
from fastrnn.core.deserialization import deserialize_keras_object
from fastrnn.formats.keras.legacy_config import modern_model, version_number
from fastrnn.layers.base.layer import Layer, iterate_layers, registry
from fastrnn.layers.core.input import InputLayer
from fastrnn.models.functional import Functional
from fastrnn.models.graph_config import graph_from_config
from fastrnn.models.model import Model
from fastrnn.models.sequential import Sequential


def clone_model(
    model: Model,
    input_tensors: None = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Model:
    """Return a model of the same layers and calls, with new weights.

    Args:
        model: a sequential or functional model, or one of a class with ``get_config``.
        input_tensors: accepted as ``None`` only.
        clone_function: returns the layer that takes the place of a given one.
        call_function, recursive: accepted at their defaults only.

    Raises:
        ValueError: the model cannot be described, or an argument is not as above.

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
    left_out = {"input_tensors": input_tensors, "call_function": call_function}
    for argument, value in {**left_out, "recursive": recursive or None}.items():
        if value is not None:
            raise ValueError(errors.bad_argument(argument, value, "its default"))
    if clone_function is None:
        with CustomObjectScope(_own_classes(model)):
            return _same_model(model)
    return _clone(model, clone_function)


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
    if isinstance(config, dict) and "module" not in config:
        config = modern_model(config, version_number(config.get("keras_version")))
    model: Any = deserialize_keras_object(config, custom_objects)
    if not isinstance(model, Model):
        expected = "a description of a model"
        raise ValueError(errors.bad_argument("json_string", type(model).__name__, expected))
    return model
