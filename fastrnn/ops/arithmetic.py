"""Arithmetic: sums, products, extremes and rounding of entries."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.ops.elementwise import as_number, binary, first, second, unary
from fastrnn.ops.operation import operation
from fastrnn.typing import Array


def _left(d: Array, y: Array, a: Array, b: Array) -> Array:
    return d


def _divide_right(d: Array, y: Array, a: Array, b: Array) -> Array:
    return -d * y / b


def _power_by_exponent(d: Array, y: Array, a: Array, b: Array) -> Array:
    # d/db a^b = a^b·log a, 0 where the base is 0.
    return d * y * np.log(np.where(a > 0, a, 1))


def _power_by_base(d: Array, y: Array, a: Array, b: Array) -> Array:
    # b·a^(b-1); 0 for b = 0, also where a is.
    return d * np.where(b == 0, 0, b * np.power(a, np.where(b == 0, 1, b - 1)))


def _integer_power(a: Array, b: Array) -> Array:
    """Return a^b; NumPy refuses negative exponents of integers."""
    return np.power(a, b) if a.dtype.kind == "f" else np.power(as_number(a), np.maximum(b, 0))


def _divide_no_nan(a: Array, b: Array) -> Array:
    return np.where(b == 0, 0, a / np.where(b == 0, 1, b)).astype(a.dtype)


add = binary("add", np.add, (_left, _left), onnx="Add")
subtract = binary(
    "subtract",
    lambda a, b: np.bitwise_xor(a, b) if a.dtype == bool else np.subtract(a, b),
    (_left, lambda d, y, a, b: -d),
    onnx="Sub",
)
multiply = binary(
    "multiply", np.multiply, (lambda d, y, a, b: d * b, lambda d, y, a, b: d * a), onnx="Mul"
)
divide, true_divide = (
    binary(name, np.true_divide, (lambda d, y, a, b: d / b, _divide_right), "float", onnx="Div")
    for name in ("divide", "true_divide")
)
divide_no_nan = binary(
    "divide_no_nan",
    _divide_no_nan,
    (
        lambda d, y, a, b: _divide_no_nan(d, b),
        lambda d, y, a, b: -_divide_no_nan(d * y, b),
    ),
    "float",
)
floor_divide = binary(
    "floor_divide", lambda a, b: np.floor_divide(as_number(a), as_number(b)), (None, None)
)
mod = binary(
    "mod",
    lambda a, b: np.mod(as_number(a), as_number(b)),
    (_left, lambda d, y, a, b: -d * np.floor(a / b)),
)
fmod = binary(
    "fmod",
    lambda a, b: np.fmod(as_number(a), as_number(b)),
    (_left, lambda d, y, a, b: -d * np.trunc(a / b)),
)
power = binary("power", _integer_power, (_power_by_base, _power_by_exponent), onnx="Pow")
maximum = binary("maximum", np.maximum, (first, second))
minimum = binary("minimum", np.minimum, (first, second))
fmax = binary("fmax", np.fmax, (first, second))
fmin = binary("fmin", np.fmin, (first, second))
gcd = binary("gcd", np.gcd)
lcm = binary("lcm", np.lcm)

negative = unary("negative", lambda x: -as_number(x), lambda d, y, x: -d, "given", "Neg")
absolute, abs = (
    unary(name, np.absolute, lambda d, y, x: d * np.sign(x), "given", "Abs")
    for name in ("absolute", "abs")
)
fabs = unary("fabs", np.fabs, lambda d, y, x: d * np.sign(x))
sign = unary(
    "sign",
    lambda x: x if x.dtype == bool else np.sign(x),
    lambda d, y, x: np.zeros_like(d),
    "given",
    "Sign",
)
square = unary("square", lambda x: np.square(as_number(x)), lambda d, y, x: 2 * d * x, "given")
reciprocal = unary("reciprocal", np.reciprocal, lambda d, y, x: -d * y * y, onnx="Reciprocal")
floor = unary("floor", np.floor, lambda d, y, x: np.zeros_like(d), onnx="Floor")
ceil = unary("ceil", np.ceil, lambda d, y, x: np.zeros_like(d), onnx="Ceil")
trunc = unary("trunc", np.trunc, lambda d, y, x: np.zeros_like(d), "given")
conj, conjugate = (
    unary(name, np.copy, lambda d, y, x: d, "given") for name in ("conj", "conjugate")
)
real = unary("real", np.copy, lambda d, y, x: d, "given")


@operation((lambda d, y, x, decimals: np.zeros_like(d),), elementwise=True)
def round(x: Array, decimals: int = 0) -> Array:
    """Return ``x`` rounded to ``decimals`` places, halves to the even neighbour."""
    return np.round(as_number(x), decimals)


def _clip_vjp(d: Array, y: Array, x: Array, x_min: Any, x_max: Any) -> tuple[Array, ...]:
    inside = (x >= x_min) & (x <= x_max)
    return d * inside, d * (x < x_min), d * (x > x_max)


@operation(_clip_vjp, types="common", elementwise=True)
def clip(x: Array, x_min: Array, x_max: Array) -> Array:
    """Return ``x`` with its entries not below ``x_min`` and not above ``x_max``."""
    return np.minimum(np.maximum(as_number(x), x_min), x_max)


def _nan_vjp(d: Array, y: Array, x: Array, **options: Any) -> Array:
    return np.where(np.isfinite(x), d, 0)


@operation((_nan_vjp,), elementwise=True)
def nan_to_num(
    x: Array, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Array:
    """Return ``x`` with numbers in the place of NaN and infinity, the largest ones by default."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)
