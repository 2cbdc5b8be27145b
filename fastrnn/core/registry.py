"""Registries: the tables of classes, with the objects that names and configs mean."""

from __future__ import annotations

from typing import Any

from fastrnn.core import deserialization, errors, serialization
from fastrnn.core.class_table import TABLES, ClassTable
from fastrnn.core.custom_objects import CustomObjectScope, find_custom
from fastrnn.core.old_names import OLD_NAMES
from fastrnn.core.user_warnings import deprecated


def registry_of(module: str) -> Registry:
    """Return the registry of one of Keras's modules, e.g. "keras.initializers"."""
    found = TABLES[module]
    assert isinstance(found, Registry)
    return found


class Registry(ClassTable):
    """Classes of one kind by name, with Keras's rules for naming and serialising their objects.

    Args:
        argument, module: see ``ClassTable``.
        any_case: whether a name may be written in capitals.
    """

    def __init__(self, argument: str, module: str, any_case: bool = False) -> None:
        super().__init__(argument, module)
        self.any_case = any_case

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

    def serialize(self, value: object) -> Any:
        """Return Keras's serialised form of ``value``; ``None`` and functions stay as they are."""
        return serialization.describe(value) if hasattr(value, "get_config") else value

    def deserialize(self, config: object, custom_objects: dict[str, Any] | None = None) -> Any:
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
            made = deserialization.make(config, self)
            return self._named(made) if isinstance(made, str) else made

    def _named(self, name: str) -> Any:
        """Return an object of the built-in class of this name, or what the user calls so."""
        if name in self.classes:
            return self.classes[name]()
        found = find_custom(name)
        if found is not None:
            return found() if isinstance(found, type) else found
        today = OLD_NAMES.get(self.module.removeprefix("keras."), {}).get(name)
        if today is not None:
            deprecated(f"{self.argument}={name!r}", f"{self.argument}={today!r}")
            return self.classes[today]()
        if self.any_case and name.lower() in self.classes:
            return self.classes[name.lower()]()
        raise ValueError(errors.not_one_of(self.argument, name, self.classes))
