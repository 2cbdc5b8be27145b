"""Operations of neural networks: activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn import activations
from fastrnn.ops.operation import operation
from fastrnn.typing import Array


def _activation(name: str, onnx: str = "") -> Callable[..., Any]:
    """Return the operation of an elementwise activation without options."""
    activation = activations.BY_NAME[name]

    def function(x: Array) -> Array:
        return activation.function(x)

    def vjp(d: Array, y: Array, x: Array) -> Array:
        return activation.vjp(x, y, d)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"Return the activation ``{name}`` of each entry, see ``activations.{name}``."
    )
    rules = {"types": "float", "elementwise": True, "onnx": onnx or None}
    return operation((vjp,), **rules)(function)


relu = _activation("relu", "Relu")
sigmoid = _activation("sigmoid", "Sigmoid")
silu = _activation("silu")
softplus = _activation("softplus", "Softplus")
softsign = _activation("softsign", "Softsign")


def _softmax_vjp(d: Array, y: Array, x: Array, axis: Any) -> Array:
    return y * (d - (d * y).sum(axis=axis, keepdims=True))


@operation((_softmax_vjp,), types="float", shape=lambda x, axis: x.shape)
def softmax(x: Array, axis: Any = -1) -> Array:
    """Return ``exp(x)`` divided by its sums along an axis."""
    return activations.BY_NAME["softmax"].function(x, axis=axis)


@operation(
    (lambda d, y, x, axis: d - np.exp(y) * d.sum(axis=axis, keepdims=True),),
    types="float",
    shape=lambda x, axis: x.shape,
)
def log_softmax(x: Array, axis: Any = -1) -> Array:
    """Return the logarithm of ``softmax``."""
    return activations.BY_NAME["log_softmax"].function(x, axis=axis)
