"""Tables of classes that a script, or a file, may name by a string."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from fastrnn.core.custom_objects import BUILTIN_NAMES

Class = TypeVar("Class", bound=type)

# All tables, by Keras's modules; each enters itself.
TABLES: dict[str, ClassTable] = {}


def to_snake_case(name: str) -> str:
    """Turn a class name into Keras's name for it.

    >>> to_snake_case("SimpleRNN"), to_snake_case("BatchNormalization"), to_snake_case("LSTM")
    ('simple_rnn', 'batch_normalization', 'lstm')
    """
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


class ClassTable:
    """Classes of one kind by name, and Keras's modules for them.

    Args:
        argument: the name that error messages give to a value of this kind, e.g. "initializer".
        module: Keras's module for this kind in serialised objects, e.g. "keras.initializers".

    Attributes:
        classes: by all names that they have.
        modules: Keras's module for each class.
    """

    def __init__(self, argument: str, module: str) -> None:
        self.argument = argument
        self.module = module
        self.classes: dict[str, type] = {}
        self.modules: dict[type, str] = {}
        TABLES[module] = self

    def register(self, *aliases: str, module: str | None = None) -> Callable[[Class], Class]:
        """Return a class decorator that enters the class under its own name and ``aliases``.

        Args:
            *aliases: more names.
            module: Keras's module for the class, if not the one for its kind.
        """

        def enter(cls: Class) -> Class:
            self.modules[cls] = module or self.module
            for name in (cls.__name__, to_snake_case(cls.__name__), *aliases):
                self.classes[name] = cls
                BUILTIN_NAMES.setdefault(name, set()).add(cls)
            return cls

        return enter
