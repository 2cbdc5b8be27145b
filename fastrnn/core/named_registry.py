"""NamedRegistry: the table of classes whose objects have names, losses and metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastrnn.core.class_table import to_snake_case
from fastrnn.core.options import set_defaults
from fastrnn.core.registry import Registry

T = TypeVar("T")


class NamedRegistry(Registry):
    """A registry of classes with an option ``name``."""

    def register_named(
        self, *aliases: str, name: str | None = None
    ) -> Callable[[type[T]], type[T]]:
        """Return a class decorator that enters a class, and names objects: as it unless told."""

        def enter(cls: type[T]) -> type[T]:
            set_defaults(cls, name=name or to_snake_case(cls.__name__))
            self.register(*aliases)(cls)
            return cls

        return enter
