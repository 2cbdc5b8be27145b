"""Objects as plain data, in Keras's form, and back.

A described object is a dict of ``module``, ``class_name``, ``config`` and ``registered_name``. The
name is looked up in the tables of built-in classes and among the classes that the user's code has
registered: this closed list is all that a description can make.
"""

from __future__ import annotations

import contextlib
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

import numpy as np

from fastrnn.core import errors
from fastrnn.core.class_table import TABLES, ClassTable
from fastrnn.core.custom_objects import CustomObjectScope, find_custom, get_registered_name
from fastrnn.core.load_budget import RefusedConfig
from fastrnn.typing import ArrayLike, Config

# Parts of the modules that files name, and the table that they mean; the first one found decides.
_PARTS = {
    "schedules": "keras.optimizers.schedules",
    "layers": "keras.layers",
    "models": "keras.layers",
    "engine": "keras.layers",
    "initializers": "keras.initializers",
    "regularizers": "keras.regularizers",
    "constraints": "keras.constraints",
    "optimizers": "keras.optimizers",
    "losses": "keras.losses",
    "metrics": "keras.metrics",
}
MOST_OBJECTS = 10_000  # of one description
TENSOR = "__keras_tensor__"  # the class name of the tensors of a graph in Keras's form
_ROOTS = ("keras", "tf_keras", "tensorflow", "fastrnn")
# Classes whose objects hold code, or read a path: code may make them, no description can.
FORBIDDEN = (
    "Lambda", "TFSMLayer", "TorchModuleWrapper", "FlaxLayer", "JaxLayer", "MeanMetricWrapper",
    "LossFunctionWrapper", "__lambda__", "__typespec__",
)  # fmt: skip
# What Keras writes of options that fastrnn has not, where they are not used.
_UNUSED: dict[str, Any] = {
    "quantization_config": None,
    "lora_rank": None,
    "lora_alpha": None,
    "jit_compile": False,
    "is_legacy_optimizer": False,
    "rms_scaling": False,  # of LayerNormalization
}
_NUMBER_TYPES = ("bool", "int8", "uint8", "int16", "int32", "int64", "float32", "float64")


def table_of(module: object) -> ClassTable | None:
    """Return the table that a module in a description means; ``None`` if it means none."""
    parts = module.split(".") if isinstance(module, str) else []
    if not parts or parts[0] not in _ROOTS:
        return None
    if parts == ["keras"]:
        return TABLES["keras.layers"]
    names = [name for part, name in _PARTS.items() if part in parts]
    return TABLES[names[0]] if names else None


# ---- to data -----------------------------------------------------------------------------------


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


# ---- and back ----------------------------------------------------------------------------------


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
    check_objects(config)
    with CustomObjectScope(custom_objects), making():
        made = deserialize(config)
        build_as_described(made, config)
        if is_description(config) and isinstance(config.get("compile_config"), dict):
            made.compile_from_config(config["compile_config"])
    return made


class _Making(threading.local):
    """What holds while the objects of one description are made.

    A class makes the objects inside it in its ``from_config``, which takes a config alone.
    """

    # Objects made so far that the description refers to by a number.
    shared: dict[Any, Any] | None = None
    # Is given each object that has been made.
    note: Callable[[Any], None] = staticmethod(lambda made: None)


_making = _Making()


@contextlib.contextmanager
def making(note: Callable[[Any], None] | None = None) -> Iterator[None]:
    """Let the objects of one description be made, each shared one once.

    Args:
        note: is given each object as soon as it has been made; ``None`` leaves that as it is.
    """
    before = _making.shared, _making.note
    if _making.shared is None:
        _making.shared = {}
    if note is not None:
        _making.note = note
    try:
        yield
    finally:
        _making.shared, _making.note = before


def check_objects(config: object) -> None:
    """Raise ``RefusedConfig`` if a description makes too many objects."""
    count, waiting = 0, [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (list, tuple)):
            waiting += value
        elif isinstance(value, dict) and value.get("class_name") != TENSOR:
            described = "class_name" in value and "config" in value
            count += described
            waiting += [value["config"]] if described else value.values()
    if count > MOST_OBJECTS:
        message = f"The model has more than {MOST_OBJECTS} layers and other objects."
        raise RefusedConfig("too_many_objects", message)


def build_as_described(made: Any, config: object) -> None:
    """Build what a description made, if it says how and that has not been done."""
    if is_description(config) and isinstance(config.get("build_config"), dict) and not made.built:
        made.build_from_config(config["build_config"])


def is_description(data: object) -> TypeGuard[Config]:
    """Whether plain data describes an object."""
    return isinstance(data, dict) and "class_name" in data


def deserialize(data: Any, table: ClassTable | None = None) -> Any:
    """Return what ``serialize`` described.

    Args:
        data: plain data.
        table: the table of the kind that is expected; any kind unless given.

    Raises:
        RefusedConfig: a class is unknown or forbidden, or its description cannot be used.
    """
    if isinstance(data, (list, tuple)):
        return [deserialize(entry, table) for entry in data]
    if not isinstance(data, dict):
        return data
    if "class_name" not in data or "config" not in data:
        return {key: deserialize(entry, table) for key, entry in data.items()}
    return make(data, table)


def make(data: dict[str, Any], table: ClassTable | None = None) -> Any:
    """Return the object of one description; see ``deserialize``."""
    name, config = data["class_name"], data.get("config")
    if name in _SPECIAL:
        return _revive(name, config)
    if name == "function":
        return _function(data)
    cls = _class(data, table)
    config = {} if config is None else config
    if not isinstance(config, dict):
        raise RefusedConfig("bad_config", errors.bad_argument("config", config, "a dict"))
    number = data.get("shared_object_id")
    shared = _making.shared if _making.shared is not None and isinstance(number, int) else {}
    if isinstance(shared.get(number), cls):
        return shared[number]
    try:
        made = cls.from_config(_to_options(config))
    except (TypeError, KeyError, AttributeError, OverflowError) as error:
        message = f"{name} cannot be made of its config: {error!r}"
        raise RefusedConfig("bad_config", message) from error
    shared[number] = made
    _making.note(made)
    return made


def _class(data: dict[str, Any], table: ClassTable | None) -> Any:
    """Return the class that a description names, from the closed list."""
    name, module, registered = (
        data.get(key) for key in ("class_name", "module", "registered_name")
    )
    argument = "class_name" if table is None else table.argument
    if not isinstance(name, str) or not isinstance(module, (str, type(None))):
        raise RefusedConfig("unknown_class", errors.bad_argument(argument, name, "a name"))
    if name in FORBIDDEN:
        expected = "a class whose objects hold no code and name no files; make them in code"
        raise RefusedConfig("forbidden_class", errors.bad_argument(argument, name, expected))
    meant = table if module is None else table_of(module)
    if meant is not None and table in (None, meant) and name in meant.classes:
        if registered not in (None, name):
            expected = f"no other name than {name!r}, that of a built-in class"
            message = errors.bad_argument("registered_name", registered, expected)
            raise RefusedConfig("conflicting_names", message)
        return meant.classes[name]
    found = find_custom(registered, name)
    if isinstance(found, type) and hasattr(found, "from_config"):
        return found
    remedy = "Pass classes of your own as `custom_objects`, or register them."
    message = f"Unknown class {name!r} of module {module!r}."
    if module is None and table is not None:
        message = errors.not_one_of(argument, name, table.classes)
    raise RefusedConfig("unknown_class", f"{message} {remedy}")


def _function(data: dict[str, Any]) -> Any:
    """Return the user's function that a description names; the name alone of a built-in one."""
    name, module = data.get("config"), data.get("module")
    found = find_custom(name)
    if callable(found):
        return found
    if isinstance(name, str) and module in ("builtins", "keras.losses", "keras.metrics", None):
        return name
    raise RefusedConfig("unknown_function", errors.bad_argument("function", name, "a known name"))


def _to_options(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config without what Keras writes of options that are not used."""
    config = {
        key: value
        for key, value in config.items()
        if not (key in _UNUSED and value == _UNUSED[key])
    }
    for key, value in config.items():
        if isinstance(value, dict) and value.get("class_name") in _SPECIAL:
            config[key] = _revive(value["class_name"], value.get("config"))
        elif key == "dtype" and isinstance(value, dict):
            config[key] = _policy(value)
    return config


def _policy(data: dict[str, Any]) -> Any:
    """Return the type that Keras's description of a policy names."""
    inner = data.get("config")
    if data.get("class_name") not in ("DTypePolicy", "Policy") or not isinstance(inner, dict):
        raise RefusedConfig("unknown_class", errors.bad_argument("dtype", data, "a DTypePolicy"))
    return inner.get("name")


def _revive(name: str, config: Any) -> Any:
    try:
        return _SPECIAL[name](**config)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        expected = f"what {name} describes"
        message = errors.bad_argument("config", config, expected)
        raise RefusedConfig("bad_config", message) from error


def _array(value: ArrayLike, dtype: str) -> Any:
    if dtype not in _NUMBER_TYPES:
        raise ValueError(errors.not_one_of("dtype", dtype, _NUMBER_TYPES))
    return np.array(value, dtype=dtype)


def _slice(start: object, stop: object, step: object) -> slice:
    if any(type(end) not in (int, type(None)) for end in (start, stop, step)):
        raise ValueError(errors.bad_argument("slice", (start, stop, step), "integers or None"))
    return slice(start, stop, step)


_SPECIAL: dict[str, Callable[..., Any]] = {
    "__numpy__": _array,
    "__tensor__": _array,
    "__bytes__": lambda value: value.encode(),
    "__slice__": _slice,
    "__ellipsis__": lambda: Ellipsis,
}
