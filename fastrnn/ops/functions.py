"""Functions of entries: powers, exponentials, logarithms, angles."""

from __future__ import annotations

import numpy as np

from fastrnn.ops.elementwise import binary, unary
from fastrnn.typing import Array

_LOG2, _LOG10 = np.log(2.0), np.log(10.0)


def _like(x: Array, number: float) -> Array:
    """Return a number in the dtype of an array."""
    result: Array = x.dtype.type(number)
    return result


def _sinc_derivative(d: Array, y: Array, x: Array) -> Array:
    # (cos πx - sinc x) / x, 0 at 0.
    safe = np.where(x == 0, 1, x)
    return d * np.where(x == 0, 0, (np.cos(np.pi * x) - y) / safe)


sqrt = unary("sqrt", np.sqrt, lambda d, y, x: d / (2 * y), onnx="Sqrt")
cbrt = unary("cbrt", np.cbrt, lambda d, y, x: d / (3 * y * y))
exp = unary("exp", np.exp, lambda d, y, x: d * y, onnx="Exp")
exp2 = unary("exp2", np.exp2, lambda d, y, x: d * y * _like(x, _LOG2))
expm1 = unary("expm1", np.expm1, lambda d, y, x: d * (y + 1))
log = unary("log", np.log, lambda d, y, x: d / x, onnx="Log")
log1p = unary("log1p", np.log1p, lambda d, y, x: d / (1 + x))
log2 = unary("log2", np.log2, lambda d, y, x: d / (x * _like(x, _LOG2)))
log10 = unary("log10", np.log10, lambda d, y, x: d / (x * _like(x, _LOG10)))
logaddexp = binary(
    "logaddexp",
    np.logaddexp,
    (lambda d, y, a, b: d * np.exp(a - y), lambda d, y, a, b: d * np.exp(b - y)),
    "float",
)
logaddexp2 = binary(
    "logaddexp2",
    np.logaddexp2,
    (lambda d, y, a, b: d * np.exp2(a - y), lambda d, y, a, b: d * np.exp2(b - y)),
    "float",
)
hypot = binary(
    "hypot", np.hypot, (lambda d, y, a, b: d * a / y, lambda d, y, a, b: d * b / y), "float"
)

tanh = unary("tanh", np.tanh, lambda d, y, x: d * (1 - y * y), onnx="Tanh")
sinh = unary("sinh", np.sinh, lambda d, y, x: d * np.cosh(x))
cosh = unary("cosh", np.cosh, lambda d, y, x: d * np.sinh(x))
arcsinh = unary("arcsinh", np.arcsinh, lambda d, y, x: d / np.hypot(x, 1))
arccosh = unary("arccosh", np.arccosh, lambda d, y, x: d / np.sqrt(x * x - 1))
arctanh = unary("arctanh", np.arctanh, lambda d, y, x: d / (1 - x * x))
sin = unary("sin", np.sin, lambda d, y, x: d * np.cos(x), onnx="Sin")
cos = unary("cos", np.cos, lambda d, y, x: -d * np.sin(x), onnx="Cos")
tan = unary("tan", np.tan, lambda d, y, x: d * (1 + y * y))
arcsin = unary("arcsin", np.arcsin, lambda d, y, x: d / np.sqrt(1 - x * x))
arccos = unary("arccos", np.arccos, lambda d, y, x: -d / np.sqrt(1 - x * x))
arctan = unary("arctan", np.arctan, lambda d, y, x: d / (1 + x * x))
arctan2 = binary(
    "arctan2",
    np.arctan2,
    (lambda d, y, a, b: d * b / (a * a + b * b), lambda d, y, a, b: -d * a / (a * a + b * b)),
    "float",
)
deg2rad = unary("deg2rad", np.deg2rad, lambda d, y, x: np.deg2rad(d))
rad2deg = unary("rad2deg", np.rad2deg, lambda d, y, x: np.rad2deg(d))
sinc = unary("sinc", np.sinc, _sinc_derivative)
