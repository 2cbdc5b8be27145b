"""Rows of the table for functions of each entry."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn.ops.operation import Vjp, operation
from fastrnn.typing import Array


def unary(
    name: str,
    compute: Callable[..., Any],
    vjp: Vjp | None = None,
    types: str = "float",
    onnx: str | None = None,
) -> Callable[..., Any]:
    """Return the operation that a function of each entry is.

    Args:
        name: Keras's name.
        compute: array -> array of the same shape.
        vjp: (d, y, x) -> the gradient; ``None``: there is none to give.
        types, onnx: see ``operation``.
    """

    def function(x: Array) -> Array:
        result: Array = compute(x)
        return result

    doc = f"Return ``{name}`` of each entry, in the shape of ``x``."
    return _enter(function, name, doc, (vjp,), types, onnx)


def binary(
    name: str,
    compute: Callable[..., Any],
    vjps: tuple[Vjp | None, Vjp | None] = (None, None),
    types: str = "common",
    onnx: str | None = None,
) -> Callable[..., Any]:
    """Return the operation that a function of the entries of two arrays is, which broadcast."""

    def function(x1: Array, x2: Array) -> Array:
        result: Array = compute(x1, x2)
        return result

    def of_bits(x: Array, y: Array) -> Array:
        return function(x, y)

    doc = f"Return ``{name}`` of the entries of two arrays, which broadcast."
    bits = name.startswith("bitwise") or name.endswith("shift")  # Keras calls their arrays so
    return _enter(of_bits if bits else function, name, doc, vjps, types, onnx)


def _enter(
    function: Any, name: str, doc: str, vjps: Any, types: str, onnx: str | None
) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    function.__module__ = sys._getframe(2).f_globals["__name__"]  # the module of the row
    return operation(vjps, types=types, elementwise=True, onnx=onnx)(function)


def as_number(x: Array) -> Array:
    """Return bools as int32, other arrays as they are."""
    return x.astype("int32") if x.dtype == bool else x


def first(d: Array, y: Array, a: Array, b: Array) -> Array:
    """Return the gradient of the greater or lesser of two: equal ones get half each."""
    return d * (np.equal(a, y) / (1.0 + np.equal(a, b))).astype(d.dtype)


def second(d: Array, y: Array, a: Array, b: Array) -> Array:
    """Return the same for the second operand."""
    return first(d, y, b, a)
