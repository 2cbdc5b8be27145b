"""Functions made of rows of the table, and the attributes of the modules that offer them."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastrnn.compat.tensorflow.refused import REFUSED
from fastrnn.compat.tensorflow.table import OLD_ARGUMENTS
from fastrnn.core import missing_names
from fastrnn.core.tensor_array import tensor_array


def tensors(result: Any) -> Any:
    """Return the arrays in ``result`` as arrays with ``numpy()``; symbolic tensors as they are."""
    if isinstance(result, np.ndarray | np.generic):
        return tensor_array(result)
    if isinstance(result, list | tuple):
        entries = [tensors(entry) for entry in result]
        return type(result)(*entries) if hasattr(result, "_fields") else type(result)(entries)
    return result


def gives_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let ``function`` take TensorFlow's ``name`` too, and give arrays with ``numpy()``."""

    @functools.wraps(function)
    def call(*args: Any, name: str | None = None, **options: Any) -> Any:
        return tensors(function(*args, **options))

    return call


def table_function(name: str, row: str) -> Callable[..., Any]:
    """Return the function ``name`` that a row of the table describes.

    >>> subtract = table_function("subtract", "subtract x:x1 y:x2")
    >>> subtract(3.0, y=1.0, name="difference").numpy()
    np.float32(2.0)
    """
    operation, *parameters = row.split()
    pairs = [parameter.partition(":") for parameter in parameters]
    keras = {name: other or name for name, _, other in pairs}
    names = list(keras)

    def function(*args: Any, **options: Any) -> Any:
        options.pop("name", None)
        given = dict(zip(names, args, strict=False))
        for key, value in options.items():
            key = key if key in keras else OLD_ARGUMENTS.get(key, key)
            if key not in keras or key in given:
                raise TypeError(f"{name}() got an unexpected keyword argument {key!r}.")
            given[key] = value
        if len(args) > len(names):
            raise TypeError(f"{name}() takes {len(names)} arguments: {', '.join(names)}.")
        call = getattr(importlib.import_module("fastrnn.ops"), operation)
        return tensors(call(**{keras[key]: value for key, value in given.items()}))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"TensorFlow's form of ``fastrnn.ops.{operation}``: {', '.join(names)}."
    return function


def attributes(
    path: str, places: Mapping[str, str], table: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a module of TensorFlow's.

    Args:
        path: the module's name under ``tf``, empty for ``tf`` itself.
        places: for each name the module or ``module:name`` in which it stands, below
            ``fastrnn``.
        table: rows of the table.
    """

    @functools.cache
    def find(name: str) -> Any:
        if name in table:
            return table_function(name, table[name])
        module, _, attribute = f"fastrnn.{places[name]}".partition(":")
        found = importlib.import_module(module)
        return getattr(found, attribute) if attribute else found

    def get(name: str) -> Any:
        if name in table or name in places:
            return find(name)
        full = ".".join(filter(None, ("tf", path, name)))
        if name.startswith("__"):
            raise AttributeError(f"there is no `{full}`.")
        missing_names.note(full)
        advice = REFUSED.get(full.removeprefix("tf."), "")
        text = f"fastrnn.compat.tensorflow has no `{full}`."
        raise AttributeError(f"{text} {advice}".rstrip())

    return get, lambda: sorted({*places, *table})
