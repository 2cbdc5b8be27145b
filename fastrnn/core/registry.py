"""Tables of classes that a script may name by a string: initializers, losses, layers and so on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fastrnn.core import errors, serialization
from fastrnn.core.custom_objects import BUILTIN_NAMES, CustomObjectScope, find_custom


def to_snake_case(name: str) -> str:
    """Turn a class name into Keras's name for it.

    >>> to_snake_case("SimpleRNN"), to_snake_case("BatchNormalization"), to_snake_case("LSTM")
    ('simple_rnn', 'batch_normalization', 'lstm')
    """
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


class Registry:
    """Classes of one kind by name, with Keras's rules for naming and serialising them.

    Args:
        argument: the name that error messages give to a value of this kind, e.g. "initializer".
        module: Keras's module for this kind in serialised objects, e.g. "keras.initializers".
    """

    def __init__(self, argument: str, module: str) -> None:
        self.argument = argument
        self.module = module
        self.classes: dict[str, type] = {}
        # The module in which Keras has each class.
        self.modules: dict[type, str] = {}
        serialization.TABLES[module] = self

    def register(self, *aliases: str, module: str | None = None) -> Callable[[type], type]:
        """Return a class decorator that enters the class under its own name and ``aliases``.

        Args:
            *aliases: more names.
            module: Keras's module for the class, if not the one for its kind.
        """

        def enter(cls: type) -> type:
            self.modules[cls] = module or self.module
            for name in (cls.__name__, to_snake_case(cls.__name__), *aliases):
                self.classes[name] = cls
                BUILTIN_NAMES.setdefault(name, set()).add(cls)
            return cls

        return enter

    def get(self, identifier: Any) -> Any:
        """Return the object that ``identifier`` means.

        Args:
            identifier: ``None`` (stays ``None``), a name, a serialised object (a dict with
                ``class_name`` and ``config``), a class, or an object, which is returned as it is.

        Raises:
            ValueError: the name is unknown, or the identifier is of another kind.
        """
        if identifier is None:
            return None
        if isinstance(identifier, str):
            return self._named(identifier)
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        if isinstance(identifier, type):
            identifier = identifier()
        if callable(identifier) or hasattr(identifier, "get_config"):
            return identifier
        raise ValueError(
            errors.bad_argument(self.argument, identifier, "a name, a config or a callable")
        )

    def serialize(self, value: Any) -> Any:
        """Return Keras's serialised form of ``value``; ``None`` and functions stay as they are."""
        return serialization.describe(value) if hasattr(value, "get_config") else value

    def deserialize(self, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """Make the object that ``serialize`` described.

        Args:
            config: a dict of ``class_name`` and ``config``, or a name.
            custom_objects: classes and functions of the user's own by name.

        Raises:
            ValueError: the dict has no ``class_name``, or one that is unknown.
        """
        with CustomObjectScope(custom_objects):
            if isinstance(config, str):
                return self._named(config)
            if not isinstance(config, dict) or "class_name" not in config:
                expected = "a dict with `class_name` and `config`"
                raise ValueError(errors.bad_argument(self.argument, config, expected))
            made = serialization.make(config, self)
            return self._named(made) if isinstance(made, str) else made

    def _named(self, name: str) -> Any:
        """Return an object of the built-in class of this name, or what the user calls so."""
        if name in self.classes:
            return self.classes[name]()
        found = find_custom(name)
        if found is None:
            raise ValueError(errors.not_one_of(self.argument, name, self.classes))
        return found() if isinstance(found, type) else found
