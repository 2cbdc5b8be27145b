"""Classes and functions of the user's own that serialised objects may name.

Only code enters a name here. What a file says is looked up in the tables of built-in classes and in
this one, and nowhere else: nothing is ever imported by a name.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any

from fastrnn.core import errors
from fastrnn.typing import CustomObjects

# Every name of a built-in class, and the classes that have it.
BUILTIN_NAMES: dict[str, set[type]] = {}
_OBJECTS: dict[str, Any] = {}
_NAMES: dict[Any, str] = {}
_scopes = threading.local()


class CustomObjectScope:
    """A context in which names mean objects of the user's own.

    A name of a built-in class means the user's where it stands alone, and the built-in one where a
    description names Keras's module too.

    Args:
        custom_objects: classes and functions by their names; ``None`` is none.

    >>> from fastrnn import layers, saving
    >>> class Doubled(layers.Dense):
    ...     pass
    >>> config = saving.serialize_keras_object(Doubled(2))
    >>> with saving.CustomObjectScope({"Doubled": Doubled}):
    ...     type(saving.deserialize_keras_object(config)) is Doubled
    True
    """

    def __init__(self, custom_objects: CustomObjects) -> None:
        self.custom_objects = dict(custom_objects or {})

    def __enter__(self) -> CustomObjectScope:
        _stack().append(self.custom_objects)
        return self

    def __exit__(self, *exception: object) -> None:
        _stack().pop()


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """Return the table of all registered objects by their names; what is added to it counts."""
    return _OBJECTS


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Any], Any]:
    """Return a decorator that registers a class or function under ``"package>name"``.

    Args:
        package: first part of the name.
        name: second part; the object's own name unless given.

    Raises:
        ValueError: a class has no ``get_config``.

    >>> from fastrnn import layers, saving
    >>> @saving.register_keras_serializable("docs")
    ... class Tripled(layers.Dense):
    ...     pass
    >>> saving.get_registered_name(Tripled)
    'docs>Tripled'
    >>> config = saving.serialize_keras_object(Tripled(2))
    >>> type(saving.deserialize_keras_object(config)) is Tripled
    True
    """

    def enter(value: Any) -> Any:
        if inspect.isclass(value) and not hasattr(value, "get_config"):
            raise ValueError(errors.bad_argument("arg", value, "a class with `get_config`"))
        registered = f"{package}>{value.__name__ if name is None else name}"
        _OBJECTS[registered] = value
        _NAMES[value] = registered
        return value

    return enter


def get_registered_name(obj: object) -> str:
    """Return the name under which a class or function is registered, else its own name."""
    return _NAMES.get(obj, getattr(obj, "__name__", type(obj).__name__))


def get_registered_object(
    name: str,
    custom_objects: dict[str, Any] | None = None,
    module_objects: dict[str, Any] | None = None,
) -> Any:
    """Return the class or function of this name, or ``None``.

    Args:
        name: a registered name, or one that ``CustomObjectScope`` knows.
        custom_objects: more objects by name.
        module_objects: more objects by name, looked up last.
    """
    for table in (*reversed(_stack()), _OBJECTS, custom_objects or {}, module_objects or {}):
        if name in table:
            return table[name]
    return None


def find_custom(*names: object, with_built_in: bool = False) -> Any:
    """Return the user's object of the first of ``names`` that is known, or ``None``.

    Args:
        *names: what to look for.
        with_built_in: whether names of built-in classes are looked up; else they have their
            meaning already.
    """
    for name in names:
        if isinstance(name, str) and (with_built_in or name not in BUILTIN_NAMES):
            found = get_registered_object(name)
            if found is not None:
                return found
    return None


def _stack() -> list[dict[str, Any]]:
    if not hasattr(_scopes, "stack"):
        _scopes.stack = []
    stack: list[dict[str, Any]] = _scopes.stack
    return stack
