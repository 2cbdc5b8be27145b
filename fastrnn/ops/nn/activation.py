"""Activations: the functions of ``fastrnn.activations``, with the options of Keras's operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn import activations
from fastrnn.ops.elementwise import as_number, unary
from fastrnn.ops.operation import operation
from fastrnn.ops.shapes import Spec
from fastrnn.typing import Array

_BY_NAME = activations.BY_NAME


def _plain(name: str, onnx: str | None = None, *, of: str = "", types: str = "float") -> Any:
    """Return the operation of an elementwise activation without options."""
    activation = _BY_NAME[of or name]
    return unary(
        name,
        lambda x: activation.function(as_number(x)),
        lambda d, y, x: activation.vjp(x, y, d),
        types,
        onnx,
    )


relu = _plain("relu", "Relu", types="given")
relu6 = _plain("relu6", types="given")
sigmoid = _plain("sigmoid", "Sigmoid")
silu = _plain("silu")
swish = _plain("swish", of="silu")
softplus = _plain("softplus", "Softplus")
softsign = _plain("softsign", "Softsign")
selu = _plain("selu", "Selu")
log_sigmoid = _plain("log_sigmoid")
hard_sigmoid = _plain("hard_sigmoid")
hard_silu = _plain("hard_silu")
hard_swish = _plain("hard_swish", of="hard_silu")
hard_tanh = _plain("hard_tanh")
tanh_shrink = _plain("tanh_shrink")
sparse_sigmoid = _plain("sparse_sigmoid")
sparse_plus = _plain("sparse_plus")


def _compute(name: str, x: Array, **options: Any) -> Array:
    result: Array = _BY_NAME[name].function(x, **options)
    return result.astype(x.dtype, copy=False)


# ---- with options --------------------------------------------------------------------------------


def _below(slope: Callable[..., Any]) -> Callable[..., Array]:
    """Return the derivative of a function that is linear above 0."""

    def vjp(d: Array, y: Array, x: Array, **options: Any) -> Array:
        return d * np.where(x > 0, 1, slope(x, **options)).astype(d.dtype)

    return vjp


@operation((_below(lambda x, negative_slope: negative_slope),), types="float", elementwise=True)
def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """Return ``x`` where it is positive, else ``negative_slope·x``."""
    return _compute("leaky_relu", x, negative_slope=negative_slope)


@operation(
    (_below(lambda x, alpha: alpha * np.exp(np.minimum(x, 0))),), types="float", elementwise=True
)
def elu(x: Array, alpha: float = 1.0) -> Array:
    """Return ``x`` where it is positive, else ``alpha·(exp(x) - 1)``."""
    return _compute("elu", x, alpha=alpha)


@operation(
    (_below(lambda x, alpha: np.exp(np.minimum(x, 0) / alpha)),), types="float", elementwise=True
)
def celu(x: Array, alpha: float = 1.0) -> Array:
    """Return ``x`` where it is positive, else ``alpha·(exp(x / alpha) - 1)``."""
    return _compute("celu", x, alpha=alpha)


def _gelu_vjp(d: Array, y: Array, x: Array, approximate: bool) -> Array:
    if not approximate:
        return _BY_NAME["gelu"].vjp(x, y, d)
    # 0.5·x·(1 + tanh u), u = sqrt(2/pi)·(x + 0.044715·x³)
    root = np.sqrt(2 / np.pi)
    t = np.tanh(root * (x + 0.044715 * x**3))
    inner = root * (1 + 3 * 0.044715 * x * x)
    return (d * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner)).astype(d.dtype)


@operation((_gelu_vjp,), types="float", elementwise=True)
def gelu(x: Array, approximate: bool = True) -> Array:
    """Return ``x`` times the normal distribution's share below it; by tanh if ``approximate``."""
    return _compute("gelu", x, approximate=approximate)


def _outside(d: Array, y: Array, x: Array, threshold: float) -> Array:
    return d * (np.abs(x) > threshold)


@operation((_outside,), types="float", elementwise=True)
def hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    """Return ``x`` where it is beyond ``±threshold``, else 0."""
    return _compute("hard_shrink", x, threshold=threshold)


@operation((_outside,), types="float", elementwise=True)
def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """Return ``x`` brought nearer to 0 by ``threshold``."""
    return _compute("soft_shrink", x, threshold=threshold)


def _above(d: Array, y: Array, x: Array, threshold: float, default_value: float) -> Array:
    return d * (x > threshold)


@operation((_above,), types="float", elementwise=True)
def threshold(x: Array, threshold: float, default_value: float) -> Array:
    """Return ``x`` where it is above ``threshold``, else ``default_value``."""
    return _compute("threshold", x, threshold=threshold, default_value=default_value)


@operation(
    (lambda d, y, x, b: d * y / np.sqrt(x * x + x.dtype.type(b)),), types="float", elementwise=True
)
def squareplus(x: Array, b: float = 4) -> Array:
    """Return ``(x + sqrt(x² + b)) / 2``."""
    return _compute("squareplus", x, b=b)


# ---- of rows -------------------------------------------------------------------------------------


def _softmax_vjp(d: Array, y: Array, x: Array, axis: Any) -> Array:
    return y * (d - (d * y).sum(axis=axis, keepdims=True))


def _same_shape(x: Spec, axis: Any = -1) -> Any:
    return x.shape


@operation((_softmax_vjp,), types="float", shape=_same_shape)
def softmax(x: Array, axis: Any = -1) -> Array:
    """Return ``exp(x)`` divided by its sums along an axis, or several."""
    return _compute("softmax", x, axis=tuple(axis) if isinstance(axis, list) else axis)


@operation(
    (lambda d, y, x, axis: d - np.exp(y) * d.sum(axis=axis, keepdims=True),),
    types="float",
    shape=_same_shape,
)
def log_softmax(x: Array, axis: Any = -1) -> Array:
    """Return the logarithm of ``softmax``."""
    return _compute("log_softmax", x, axis=tuple(axis) if isinstance(axis, list) else axis)


def _along(axis: int, name: str, d: Array, y: Array, x: Array) -> Array:
    """Return the gradient of an activation of the last axis for another one."""
    moved = [np.moveaxis(a, axis, -1) for a in (x, y, d)]
    return np.moveaxis(_BY_NAME[name].vjp(*moved), -1, axis)


@operation(
    (lambda d, y, x, axis: _along(axis, "sparsemax", d, y, x),), types="float", shape=_same_shape
)
def sparsemax(x: Array, axis: int = -1) -> Array:
    """Return the probabilities that are nearest to ``x``: many of them are 0."""
    return _compute("sparsemax", x, axis=axis)


@operation((lambda d, y, x, axis: _along(axis, "glu", d, y, x),), types="float")
def glu(x: Array, axis: int = -1) -> Array:
    """Return the first half of an axis times the sigmoid of the second."""
    return _compute("glu", x, axis=axis)
