"""Serialization: objects as plain data, in Keras's form.

A described object is a dict of ``module``, ``class_name``, ``config`` and ``registered_name``. The
way back is ``fastrnn.core.deserialization``.
"""

from __future__ import annotations

import threading
import types
from typing import Any, TypeGuard

import numpy as np

from fastrnn.core import errors
from fastrnn.core.class_table import TABLES
from fastrnn.core.custom_objects import get_registered_name
from fastrnn.typing import Config

TENSOR = "__keras_tensor__"  # the class name of the tensors of a graph in Keras's form


def is_description(data: object) -> TypeGuard[Config]:
    """Whether plain data describes an object."""
    return isinstance(data, dict) and "class_name" in data


def describe(value: Any) -> dict[str, Any]:
    """Return the description of an object with ``get_config``; its config as it gives it.

    How it is built and compiled is added where all of it is made data, not in configurations.
    """
    cls = type(value)
    module = next((t.modules[cls] for t in TABLES.values() if cls in t.modules), None)
    registered: str | None = None
    if module is None:
        module = None if cls.__module__ == "__main__" else cls.__module__
        registered = get_registered_name(cls)
    elif module.startswith("keras.src."):
        registered = cls.__name__
    data = {
        "module": module,
        "class_name": cls.__name__,
        "config": value.get_config(),
        "registered_name": registered,
    }
    if _sharing.described is not None:
        for key in ("build_config", "compile_config"):
            extra = getattr(value, f"get_{key}", lambda: None)()
            if extra:
                data[key] = extra
        if hasattr(value, "trainable_weights"):
            _note_sharing(value, _sharing.described, data)
    return data


class _Sharing(threading.local):
    """Layers that have been described, with their descriptions, while one thing is serialised."""

    described: dict[int, list[dict[str, Any]]] | None = None


_sharing = _Sharing()


def _note_sharing(
    layer: Any, described: dict[int, list[dict[str, Any]]], data: dict[str, Any]
) -> None:
    """Give all descriptions of a layer that has several the same number."""
    all_of_it = described.setdefault(id(layer), [])
    all_of_it.append(data)
    if len(all_of_it) > 1:
        number = 1 + list(described).index(id(layer))
        for description in all_of_it:
            description["shared_object_id"] = number


def serialize_keras_object(obj: object) -> Any:
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
    if _sharing.described is not None:
        return _serialize(obj)
    _sharing.described = {}
    try:
        return _serialize(obj)
    finally:
        _sharing.described = None


def _serialize(value: object) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {key: _serialize(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_serialize, value))
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    if isinstance(value, np.ndarray):
        return _special("__numpy__", value=value.tolist(), dtype=value.dtype.name)
    if isinstance(value, bytes):
        return _special("__bytes__", value=value.decode())
    if isinstance(value, slice):
        return _special("__slice__", start=value.start, stop=value.stop, step=value.step)
    if value is Ellipsis:
        return _special("__ellipsis__")
    if isinstance(value, types.FunctionType):
        return _describe_function(value)
    if hasattr(value, "get_config"):
        return _serialize(describe(value))
    raise TypeError(errors.bad_argument("obj", value, "an object with `get_config`"))


def _special(name: str, **config: object) -> dict[str, Any]:
    return {"class_name": name, "config": config}


def _describe_function(function: types.FunctionType) -> dict[str, Any]:
    if function.__name__ == "<lambda>":
        remedy = "Define it with `def`, and register it with register_keras_serializable."
        raise ValueError(errors.bad_argument("obj", function, "a function with a name", remedy))
    name = get_registered_name(function)
    described = {"module": "builtins", "class_name": "function", "config": name}
    return {**described, "registered_name": "function"}
