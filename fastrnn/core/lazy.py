"""Lazy attributes: names of a package whose modules are loaded when they are first asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from fastrnn.core.user_warnings import deprecated


def lazy_attributes(
    package: str,
    places: Mapping[str, str],
    renamed: Mapping[str, str] = MappingProxyType({}),
    refuse: Callable[[str], str] = lambda name: "",
) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package, for names that stand in its other modules.

    Args:
        package: the package's ``__name__``.
        places: for each name its module, or ``module:name`` for what stands in one. A name whose
            module does not exist is not there.
        renamed: today's names in the package by old ones, which warn.
        refuse: says of a name that is nowhere why, if there is something to say.

    >>> find = lazy_attributes("fastrnn", {"json": "json", "encode": "json:dumps"})
    >>> find("encode")([1])
    '[1]'
    >>> find("decode")
    Traceback (most recent call last):
    AttributeError: module 'fastrnn' has no attribute 'decode'
    """

    def __getattr__(name: str) -> Any:
        if name in renamed:
            deprecated(f"{package}.{name}", f"{package}.{renamed[name]}")
            return getattr(sys.modules[package], renamed[name])
        absent = f"module {package!r} has no attribute {name!r}"
        if name not in places and (why := refuse(name)):
            absent = f"{absent}: {why}"
        if name not in places:
            raise AttributeError(absent)
        module, _, attribute = places[name].partition(":")
        try:
            found: Any = importlib.import_module(module)
        except ImportError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            raise AttributeError(f"{absent}. {error}") from None
        value = getattr(found, attribute) if attribute else found
        setattr(sys.modules[package], name, value)
        return value

    return __getattr__
