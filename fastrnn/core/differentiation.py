"""Gradients of functions of the user's own: activations, penalties."""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn.typing import Array

# The traces of each function.
_traces: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


def gradient_of(function: Callable[..., Any], x: Array, dy: Any, where: str) -> Array:
    """Return dLoss/dx for ``y = function(x)`` and ``dy``, dLoss/dy, by tracing the function.

    Args:
        function: of one array or symbolic tensor.
        x: its argument.
        dy: of the shape of y.
        where: what the function is, as it begins the end of a message: "In activation 'a'".

    Raises:
        Exception: the function cannot be traced; the message names the line.

    >>> x = np.array([1.0, 2.0])
    >>> gradient_of(lambda x: x * x, x, np.ones(2), "In a function")
    array([2., 4.])
    """
    # Traces lie above this floor, and are loaded when a gradient is first asked for.
    traced = importlib.import_module("fastrnn.layers.base.traced")
    try:
        traces = _traces.setdefault(function, traced.Traces())
    except TypeError:  # such as NumPy's functions, which nothing can refer to weakly
        traces = traced.Traces()
    try:
        call = traces.follow(function, (x,))
    except Exception as error:
        importlib.import_module("fastrnn.layers.base.place").raise_with_place(error, where)
    y, pull = call.evaluate([x], gradient=True)
    (d,), _ = pull(np.broadcast_to(np.asarray(dy, np.asarray(y).dtype), np.shape(y)))
    return np.zeros_like(x) if d is None else np.asarray(d, x.dtype)
