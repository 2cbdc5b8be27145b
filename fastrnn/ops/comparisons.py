"""Comparisons, logic and bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.ops.elementwise import binary, unary
from fastrnn.ops.operation import operation
from fastrnn.typing import Array

equal = binary("equal", np.equal, onnx="Equal")
not_equal = binary("not_equal", np.not_equal)
less = binary("less", np.less, onnx="Less")
less_equal = binary("less_equal", np.less_equal)
greater = binary("greater", np.greater, onnx="Greater")
greater_equal = binary("greater_equal", np.greater_equal)
logical_and = binary("logical_and", np.logical_and)
logical_or = binary("logical_or", np.logical_or)
logical_xor = binary("logical_xor", np.logical_xor)
logical_not = unary("logical_not", np.logical_not, types="given")
isfinite = unary("isfinite", np.isfinite, types="given")
isinf = unary("isinf", np.isinf, types="given")
isnan = unary("isnan", np.isnan, types="given")
isneginf = unary("isneginf", np.isneginf, types="float")
isposinf = unary("isposinf", np.isposinf, types="float")
isreal = unary("isreal", np.isreal, types="given")
signbit = unary("signbit", np.signbit, types="float")

bitwise_and = binary("bitwise_and", np.bitwise_and)
bitwise_or = binary("bitwise_or", np.bitwise_or)
bitwise_xor = binary("bitwise_xor", np.bitwise_xor)
bitwise_invert, bitwise_not = (
    unary(name, np.bitwise_not, types="given") for name in ("bitwise_invert", "bitwise_not")
)
bitwise_left_shift, left_shift = (
    binary(name, np.left_shift) for name in ("bitwise_left_shift", "left_shift")
)
bitwise_right_shift, right_shift = (
    binary(name, np.right_shift) for name in ("bitwise_right_shift", "right_shift")
)
heaviside = binary("heaviside", np.heaviside, (None, lambda d, y, a, b: d * (a == 0)), "float")


@operation((None, None), types="common", elementwise=True)
def isclose(
    x1: Array, x2: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """Return whether entries differ by at most ``atol + rtol·abs(x2)``."""
    return np.isclose(x1, x2, rtol, atol, equal_nan)


@operation((None, None), types="common", shape=lambda x1, x2, **options: ())
def allclose(
    x1: Array, x2: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """Return whether all entries do."""
    return np.asarray(np.allclose(x1, x2, rtol, atol, equal_nan))


@operation((None, None), types="common", shape=lambda x1, x2, **options: x1.shape)
def isin(x1: Array, x2: Array, assume_unique: bool = False, invert: bool = False) -> Array:
    """Return whether each entry of ``x1`` is one of ``x2``."""
    return np.isin(x1, x2, assume_unique=assume_unique, invert=invert)


def _choose(d: Array, y: Array, condition: Array, x1: Array, x2: Array) -> Array:
    return np.where(condition, d, 0)


def _choose_other(d: Array, y: Array, condition: Array, x1: Array, x2: Array) -> Array:
    return np.where(condition, 0, d)


@operation((None, _choose, _choose_other), types="given common common", elementwise=True)
def where(condition: Array, x1: Array | None = None, x2: Array | None = None) -> Array:
    """Return entries of ``x1`` where the condition holds, else of ``x2``; all broadcast."""
    if x1 is None or x2 is None:
        raise ValueError(errors.bad_argument("x1", x1, "both x1 and x2", "Or use ops.nonzero."))
    return np.where(condition, x1, x2)


def _select_vjp(
    d: Array, y: Array, condlist: list[Array], choicelist: list[Array], default: Array
) -> tuple[Any, list[Array], Array]:
    taken = np.zeros(y.shape, bool)
    parts = []
    for condition in condlist:
        chosen = condition & ~taken
        taken = taken | condition
        parts.append(np.where(chosen, d, 0))
    return None, parts, np.where(taken, 0, d)


@operation(_select_vjp, types="given common common", elementwise=True)
def select(
    condlist: Sequence[Array],
    choicelist: Sequence[Array],
    default: Array = 0,  # type: ignore[assignment]
) -> Array:
    """Return the entries of the first choice whose condition holds, else of ``default``."""
    return np.select([np.asarray(c, bool) for c in condlist], list(choicelist), default)
