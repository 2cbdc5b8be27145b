"""Operations on each entry: arithmetic, comparisons, exponentials, rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn.ops.operation import Vjp, operation
from fastrnn.typing import Array


def _unary(
    name: str, compute: Callable[..., Any], vjp: Vjp | None, types: str = "float", onnx: str = ""
) -> Callable[..., Any]:
    """Return the operation that NumPy's function of each entry is; ``None``: the gradient is 0."""

    def function(x: Array) -> Array:
        result: Array = compute(x)
        return result

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return ``{name}`` of each entry, in the shape of ``x``."
    rules = {"types": types, "elementwise": True, "onnx": onnx or None}
    return operation((vjp,), **rules)(function)


def _binary(
    name: str,
    compute: Callable[..., Any],
    vjps: tuple[Vjp | None, Vjp | None],
    types: str = "common",
    onnx: str = "",
) -> Callable[..., Any]:
    """Return the operation that NumPy's function of two arrays, which broadcast, is."""

    def function(x1: Array, x2: Array) -> Array:
        result: Array = compute(x1, x2)
        return result

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return ``{name}`` of the entries of two arrays, which broadcast."
    rules = {"types": types, "elementwise": True, "onnx": onnx or None}
    return operation(vjps, **rules)(function)


# ---- arithmetic --------------------------------------------------------------------------------

add = _binary("add", np.add, (lambda d, y, a, b: d, lambda d, y, a, b: d), onnx="Add")
subtract = _binary(
    "subtract",
    lambda a, b: np.bitwise_xor(a, b) if a.dtype == bool else np.subtract(a, b),
    (lambda d, y, a, b: d, lambda d, y, a, b: -d),
    onnx="Sub",
)
multiply = _binary(
    "multiply", np.multiply, (lambda d, y, a, b: d * b, lambda d, y, a, b: d * a), onnx="Mul"
)
divide = _binary(
    "divide",
    np.true_divide,
    (lambda d, y, a, b: d / b, lambda d, y, a, b: -d * y / b),
    "float",
    onnx="Div",
)
true_divide = _binary(
    "true_divide",
    np.true_divide,
    (lambda d, y, a, b: d / b, lambda d, y, a, b: -d * y / b),
    "float",
    onnx="Div",
)
floor_divide = _binary("floor_divide", np.floor_divide, (None, None))
mod = _binary("mod", np.mod, (lambda d, y, a, b: d, lambda d, y, a, b: -d * np.floor(a / b)))
fmod = _binary("fmod", np.fmod, (lambda d, y, a, b: d, lambda d, y, a, b: -d * np.trunc(a / b)))


def _power_by_exponent(d: Array, y: Array, a: Array, b: Array) -> Array:
    # d/db a^b = a^b·log a, 0 where the base is 0.
    return d * y * np.log(np.where(a > 0, a, 1))


power = _binary(
    "power",
    np.power,
    (lambda d, y, a, b: d * b * np.power(a, b - 1), _power_by_exponent),
    onnx="Pow",
)


def _share(d: Array, y: Array, a: Array, b: Array) -> Array:
    # Where both are equal each gets half, as Keras's backends do.
    return d * (np.equal(a, y) / (1.0 + np.equal(a, b))).astype(d.dtype)


def _other_share(d: Array, y: Array, a: Array, b: Array) -> Array:
    return _share(d, y, b, a)


maximum = _binary("maximum", np.maximum, (_share, _other_share))
minimum = _binary("minimum", np.minimum, (_share, _other_share))

negative = _unary("negative", np.negative, lambda d, y, x: -d, "given", "Neg")
absolute = _unary("absolute", np.absolute, lambda d, y, x: d * np.sign(x), "given", "Abs")
abs = _unary("abs", np.absolute, lambda d, y, x: d * np.sign(x), "given", "Abs")
sign = _unary("sign", np.sign, None, "given", "Sign")
square = _unary("square", np.square, lambda d, y, x: 2 * d * x, "given")
reciprocal = _unary("reciprocal", np.reciprocal, lambda d, y, x: -d * y * y, onnx="Reciprocal")

# ---- powers, exponentials, logarithms ------------------------------------------------------------

sqrt = _unary("sqrt", np.sqrt, lambda d, y, x: d / (2 * y), onnx="Sqrt")
rsqrt = _unary("rsqrt", lambda x: 1 / np.sqrt(x), lambda d, y, x: -d * y / (2 * x))
exp = _unary("exp", np.exp, lambda d, y, x: d * y, onnx="Exp")
expm1 = _unary("expm1", np.expm1, lambda d, y, x: d * (y + 1))
log = _unary("log", np.log, lambda d, y, x: d / x, onnx="Log")
log1p = _unary("log1p", np.log1p, lambda d, y, x: d / (1 + x))
log2 = _unary("log2", np.log2, lambda d, y, x: d / (x * x.dtype.type(np.log(2))))
log10 = _unary("log10", np.log10, lambda d, y, x: d / (x * x.dtype.type(np.log(10))))
tanh = _unary("tanh", np.tanh, lambda d, y, x: d * (1 - y * y), onnx="Tanh")
sin = _unary("sin", np.sin, lambda d, y, x: d * np.cos(x))
cos = _unary("cos", np.cos, lambda d, y, x: -d * np.sin(x))

# ---- comparisons ---------------------------------------------------------------------------------

equal = _binary("equal", np.equal, (None, None))
not_equal = _binary("not_equal", np.not_equal, (None, None))
less = _binary("less", np.less, (None, None))
less_equal = _binary("less_equal", np.less_equal, (None, None))
greater = _binary("greater", np.greater, (None, None))
greater_equal = _binary("greater_equal", np.greater_equal, (None, None))
logical_and = _binary("logical_and", np.logical_and, (None, None))
logical_or = _binary("logical_or", np.logical_or, (None, None))
logical_xor = _binary("logical_xor", np.logical_xor, (None, None))
logical_not = _unary("logical_not", np.logical_not, None, "given")


def _choose_first(d: Array, y: Array, condition: Array, x1: Array, x2: Array) -> Array:
    return np.where(condition, d, 0)


def _choose_second(d: Array, y: Array, condition: Array, x1: Array, x2: Array) -> Array:
    return np.where(condition, 0, d)


@operation((None, _choose_first, _choose_second), types="given common common", elementwise=True)
def where(condition: Array, x1: Array, x2: Array) -> Array:
    """Return entries of ``x1`` where the condition holds, else of ``x2``; all broadcast."""
    return np.where(condition, x1, x2)


def _clip_vjp(d: Array, y: Array, x: Array, x_min: Array, x_max: Array) -> tuple[Array, ...]:
    inside = (x >= x_min) & (x <= x_max)
    return d * inside, d * (x < x_min), d * (x > x_max)


@operation(_clip_vjp, types="common", elementwise=True)
def clip(x: Array, x_min: Array, x_max: Array) -> Array:
    """Return ``x`` with its entries not below ``x_min`` and not above ``x_max``."""
    return np.minimum(np.maximum(x, x_min), x_max)


@operation((lambda d, y, x, decimals: np.zeros_like(d),), types="given", elementwise=True)
def round(x: Array, decimals: int = 0) -> Array:
    """Return ``x`` rounded to ``decimals`` places, halves to the even neighbour."""
    return np.round(x, decimals)
