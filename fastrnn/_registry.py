"""Tables of classes that a script may name by a string: initializers, losses, layers and so on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fastrnn import errors


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

    def register(self, *aliases: str) -> Callable[[type], type]:
        """Return a class decorator that enters the class under its own name and ``aliases``."""

        def enter(cls: type) -> type:
            for name in (cls.__name__, to_snake_case(cls.__name__), *aliases):
                self.classes[name] = cls
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
            return self._class(identifier)()
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
        if not hasattr(value, "get_config"):
            return value
        return {
            "module": self.module,
            "class_name": type(value).__name__,
            "config": value.get_config(),
            "registered_name": None,
        }

    def deserialize(self, config: dict[str, Any]) -> Any:
        """Make the object that ``serialize`` described.

        Raises:
            ValueError: the dict has no ``class_name``, or one that is not in this table.
        """
        if not isinstance(config, dict) or "class_name" not in config:
            raise ValueError(
                errors.bad_argument(self.argument, config, "a dict with `class_name` and `config`")
            )
        cls: Any = self._class(config["class_name"])
        return cls.from_config(config.get("config") or {})

    def _class(self, name: str) -> type:
        if name not in self.classes:
            raise ValueError(errors.not_one_of(self.argument, name, self.classes))
        return self.classes[name]
