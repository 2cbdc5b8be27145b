"""Deserialization: plain data, in Keras's form, as the objects that it describes.

A class is looked up in the tables of built-in classes and among the classes that the user's code
has registered: this closed list is all that a description can make.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.class_table import TABLES, ClassTable
from fastrnn.core.custom_objects import CustomObjectScope, find_custom
from fastrnn.core.load_budget import RefusedConfig
from fastrnn.core.serialization import TENSOR, is_description
from fastrnn.typing import ArrayLike

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
    "random": "keras.random",
}
MOST_OBJECTS = 10_000  # of one description
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
ARRAYS = ("__numpy__", "__tensor__")  # class names of described arrays
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


def deserialize_keras_object(
    config: Any, custom_objects: dict[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """Return the object that ``serialize_keras_object``, of fastrnn or Keras, described.

    Classes are looked up in the closed list of built-in ones, in ``custom_objects``, and among
    those that ``register_keras_serializable`` has registered; nothing is imported.

    Args:
        config: plain data.
        custom_objects: classes and functions of your own by their names.
        safe_mode: accepted; code is never read from a description.

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


_making = _Making()


@contextlib.contextmanager
def making() -> Iterator[None]:
    """Let the objects of one description be made, each shared one once."""
    before = _making.shared
    if before is None:
        _making.shared = {}
    try:
        yield
    finally:
        _making.shared = before


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
    of_keras = None if module is None else table_of(module)
    found = None if of_keras else find_custom(registered, name, with_built_in=True)
    if isinstance(found, type) and hasattr(found, "from_config"):
        return found
    meant = table if module is None else of_keras
    if meant is not None and table in (None, meant) and name in meant.classes:
        if registered not in (None, name):
            expected = f"no other name than {name!r}, that of a built-in class"
            message = errors.bad_argument("registered_name", registered, expected)
            raise RefusedConfig("conflicting_names", message)
        return meant.classes[name]
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
