"""Old members: attributes that objects of Keras 1 and 2 had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastrnn.core.user_warnings import deprecated


class OldMember:
    """An attribute of earlier versions of Keras: reading it warns, an object may have its own.

    Args:
        value: returns the value, of the object.
        today: what a script writes today.

    >>> class Layer:
    ...     size = OldMember(lambda layer: 3, "layer.units")
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     Layer().size
    3
    >>> print(caught[0].message)
    `layer.size` is a form of an earlier Keras. Today's is `layer.units`.
    """

    def __init__(self, value: Callable[[Any], Any], today: str) -> None:
        self._value, self._today = value, today

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = self._value(instance)
        deprecated(f"{self._today.split('.')[0]}.{self._name}", self._today)
        return value
