"""Objects as plain data in Keras's form, and back: the public functions."""

from __future__ import annotations

from typing import Any

from fastrnn.core import load_budget, serialization
from fastrnn.core.custom_objects import CustomObjectScope


def serialize_keras_object(obj: Any) -> Any:
    """Return an object of fastrnn as plain data.

    Args:
        obj: a layer, model, loss, metric, optimizer, schedule, initializer, regularizer or
            constraint, an object of a class of your own with ``get_config``, a function with a
            name, an array, or lists and dicts of these.

    Returns:
        For an object, a dict of ``module``, ``class_name``, ``config`` and ``registered_name``, for
        layers that have weights also ``build_config``, for compiled models ``compile_config``.

    Raises:
        TypeError: an object has no ``get_config``.
        ValueError: a function has no name.

    >>> from fastrnn import regularizers, saving
    >>> config = saving.serialize_keras_object(regularizers.L2(0.5))
    >>> config["module"], config["class_name"], config["config"]
    ('keras.regularizers', 'L2', {'l2': 0.5})
    >>> saving.deserialize_keras_object(config).l2
    0.5
    """
    return serialization.serialize(obj)


def deserialize_keras_object(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the object that ``serialize_keras_object``, of fastrnn or Keras, described.

    Classes are looked up in the closed list of built-in ones, in ``custom_objects``, and among
    those that ``register_keras_serializable`` has registered; nothing is imported.

    Args:
        config: plain data.
        custom_objects: classes and functions of your own by their names.

    Raises:
        ValueError: a class is unknown, or one that no description may make, such as Lambda; or its
            config does not fit it.
    """
    with CustomObjectScope(custom_objects), load_budget.reading():
        made = serialization.deserialize(config)
        described = isinstance(config, dict) and "class_name" in config
        if described and isinstance(config.get("build_config"), dict) and not made.built:
            made.build_from_config(config["build_config"])
        if described and isinstance(config.get("compile_config"), dict):
            made.compile_from_config(config["compile_config"])
    return made
