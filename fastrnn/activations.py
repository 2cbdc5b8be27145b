"""Activation functions and their gradients, under Keras's names.

Each is an ``Activation``: call it on an array, or differentiate it with ``vjp``. This module is
written for exactness and for any float dtype; the compiled engine has its own fast versions.

>>> import numpy as np
>>> from fastrnn import activations
>>> activations.relu(np.array([-1.0, 2.0]))
array([0., 2.])
>>> activations.get("tanh").name
'tanh'
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import deserialization, errors
from fastrnn.core.custom_objects import find_custom
from fastrnn.core.differentiation import gradient_of
from fastrnn.core.operators import Operators, operation
from fastrnn.core.options import KINDS, Kind
from fastrnn.typing import ArrayLike

Array = npt.NDArray[Any]

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@dataclass(frozen=True)
class Activation:
    """A function of an array and its gradient.

    Attributes:
        name: Keras's name.
        function: x -> y, of the same shape and float dtype.
        derivative: (x, y) -> dy/dx for an elementwise function; else ``None``.
        row_gradient: (x, y, dy) -> dx for a function of the whole last axis; else ``None``.
        builtin: whether it is one of Keras's, as opposed to a function of the user's.
    """

    name: str
    function: Callable[..., Array]
    derivative: Callable[[Array, Array], Array] | None = None
    row_gradient: Callable[[Array, Array, Array], Array] | None = None
    builtin: bool = True

    @property
    def __name__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        # Functions of this module have no names that pickle could find.
        if BY_NAME.get(self.name) is self:
            return get, (self.name,)
        members = (self.name, self.function, self.derivative, self.row_gradient, self.builtin)
        return Activation, members

    def __call__(self, x: npt.ArrayLike, *arguments: Any, **options: Any) -> Array:
        """Return the activation of ``x``; integers become the default float type.

        Args:
            x: array; on a symbolic tensor the call is noted, as that of an operation.
            arguments: options of Keras's function of this name, e.g. ``negative_slope`` of relu.
            options: the same by name.
        """
        if isinstance(x, Operators):
            function = operation(self.name) if self.builtin else self.function
            noted: Array = function(x, *arguments, **options)
            return noted
        array = np.asarray(x)
        if array.dtype.kind != "f":
            from fastrnn import config

            array = array.astype(config.floatx())
        with self._quiet():
            return self.function(array, *arguments, **options)

    def _quiet(self) -> np.errstate:
        # At extreme inputs infinity and NaN are the right answers of a built-in, not accidents.
        # A function of the user's keeps its warnings.
        return np.errstate(all="ignore" if self.builtin else None)

    def vjp(self, x: Array, y: Array, dy: Array) -> Array:
        """Return dLoss/dx, where ``y`` is the activation of ``x`` and ``dy`` is dLoss/dy.

        Raises:
            Exception: the activation is a function of the user's that cannot be traced.
        """
        with self._quiet():
            if self.derivative is not None:
                return dy * self.derivative(x, y)
            if self.row_gradient is not None:
                return self.row_gradient(x, y, dy)
            return gradient_of(self.function, x, dy, f"In activation {self.name!r}")


def _stable_sigmoid(x: Array) -> Array:
    # exp of a non-positive number alone: it cannot overflow.
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def _relu(
    x: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Array:
    # Above the threshold x, below it negative_slope·(x - threshold), capped at max_value.
    below = negative_slope * (x - threshold) if negative_slope else np.zeros_like(x)
    y = np.where(np.isnan(x) | (x > threshold), x, below)
    return y if max_value is None else np.minimum(y, x.dtype.type(max_value))


def _leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    return np.where(x > 0, x, negative_slope * x)


def _elu(x: Array, alpha: float = 1.0) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _celu(x: Array, alpha: float = 1.0) -> Array:
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha)


def _selu(x: Array) -> Array:
    return SELU_SCALE * _elu(x, SELU_ALPHA)


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _gelu(x: Array, approximate: bool = False) -> Array:
    if approximate:
        inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
        return (0.5 * x * (1 + np.tanh(inner))).astype(x.dtype, copy=False)
    return x * _normal_cdf(x)


def _normal_cdf(x: Array) -> Array:
    from scipy.special import ndtr

    return ndtr(x).astype(x.dtype, copy=False)


def _gelu_derivative(x: Array, y: Array) -> Array:
    density = np.exp(-x * x / 2) * x.dtype.type(1 / np.sqrt(2 * np.pi))
    return _normal_cdf(x) + x * density


def _squareplus(x: Array, b: float = 4) -> Array:
    # (x + s) / 2 with s = sqrt(x² + b), without its cancellation for x < 0.
    s = np.hypot(x, x.dtype.type(b) ** 0.5)
    return np.where(x < 0, b / 2 / (s - x), x / 2 + s / 2)


def _hard_sigmoid(x: Array) -> Array:
    return np.clip(x / 6 + 0.5, 0, 1)


def _mish_derivative(x: Array, y: Array) -> Array:
    t = np.tanh(_softplus(x))
    return t + x * (1 - t * t) * _stable_sigmoid(x)


def _where(condition: Array, value: ArrayLike, other: ArrayLike, like: Array) -> Array:
    return np.where(condition, value, other).astype(like.dtype, copy=False)


def _softmax(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _log_softmax(x: Array, axis: int = -1) -> Array:
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _sparsemax(x: Array, axis: int = -1) -> Array:
    # Martins and Astudillo, 2016, algorithm 1: y = max(x - tau, 0), its support being the largest k
    # with 1 + k·x_(k) > x_(1) + … + x_(k), for x sorted downwards.
    z = np.moveaxis(x, axis, -1)
    z = z - z.max(axis=-1, keepdims=True)
    ordered = -np.sort(-z, axis=-1)
    sums = ordered.cumsum(axis=-1)
    ranks = np.arange(1, z.shape[-1] + 1, dtype=x.dtype)
    support = (1 + ranks * ordered > sums).sum(axis=-1, keepdims=True)
    tau = (np.take_along_axis(sums, np.maximum(support, 1) - 1, axis=-1) - 1) / support
    y = np.maximum(z - tau.astype(x.dtype), 0)
    return np.moveaxis(y, -1, axis)


def _sparsemax_gradient(x: Array, y: Array, dy: Array) -> Array:
    support = y > 0
    mean = (dy * support).sum(axis=-1, keepdims=True) / support.sum(axis=-1, keepdims=True)
    return ((dy - mean) * support).astype(y.dtype, copy=False)


def _glu(x: Array, axis: int = -1) -> Array:
    if x.shape[axis] % 2:
        raise ValueError(errors.bad_shape("x", x.shape, f"an even length of axis {axis} for glu"))
    value, gate = np.split(x, 2, axis=axis)
    return value * _stable_sigmoid(gate)


def _glu_gradient(x: Array, y: Array, dy: Array) -> Array:
    value, gate = np.split(x, 2, axis=-1)
    s = _stable_sigmoid(gate)
    return np.concatenate([dy * s, dy * value * s * (1 - s)], axis=-1)


def _threshold(x: Array, threshold: float, default_value: float) -> Array:
    return np.where(x > threshold, x, x.dtype.type(default_value))


def _inside(low: float, high: float, derivative: float) -> Callable[[Array, Array], Array]:
    """Derivative of a ramp that is clipped at ``low`` and ``high``."""
    return lambda x, y: _where((x > low) & (x < high), derivative, 0, x)


def _outside(width: float) -> Callable[[Array, Array], Array]:
    return lambda x, y: _where(np.abs(x) > width, 1, 0, x)


_TABLE = (
    Activation("linear", lambda x: x, lambda x, y: np.ones_like(x)),
    Activation("tanh", np.tanh, lambda x, y: 1 - y * y),
    Activation("sigmoid", _stable_sigmoid, lambda x, y: y * (1 - y)),
    Activation("relu", _relu, lambda x, y: _where(x > 0, 1, 0, x)),
    Activation("relu6", lambda x: np.clip(x, 0, 6), _inside(0, 6, 1)),
    Activation("leaky_relu", _leaky_relu, lambda x, y: _where(x > 0, 1, 0.2, x)),
    Activation("elu", _elu, lambda x, y: np.where(x > 0, 1, np.exp(np.minimum(x, 0)))),
    Activation("celu", _celu, lambda x, y: np.where(x > 0, 1, np.exp(np.minimum(x, 0)))),
    Activation(
        "selu",
        _selu,
        lambda x, y: SELU_SCALE * np.where(x > 0, 1, SELU_ALPHA * np.exp(np.minimum(x, 0))),
    ),
    Activation("softplus", _softplus, lambda x, y: _stable_sigmoid(x)),
    Activation("softsign", lambda x: x / (1 + np.abs(x)), lambda x, y: (1 + np.abs(x)) ** -2),
    Activation("squareplus", _squareplus, lambda x, y: y / np.hypot(x, 2)),
    Activation("exponential", np.exp, lambda x, y: y),
    Activation("hard_sigmoid", _hard_sigmoid, _inside(-3, 3, 1 / 6)),
    Activation(
        "hard_silu",
        lambda x: x * _hard_sigmoid(x),
        lambda x, y: np.where(x >= 3, 1, np.where(x <= -3, 0, x / 3 + 0.5)).astype(x.dtype),
    ),
    Activation("hard_tanh", lambda x: np.clip(x, -1, 1), _inside(-1, 1, 1)),
    Activation(
        "hard_shrink",
        lambda x, threshold=0.5: np.where(np.abs(x) <= threshold, 0, x).astype(x.dtype),
        _outside(0.5),
    ),
    Activation(
        "soft_shrink",
        lambda x, threshold=0.5: np.sign(x) * np.maximum(np.abs(x) - threshold, 0),
        _outside(0.5),
    ),
    Activation("tanh_shrink", lambda x: x - np.tanh(x), lambda x, y: np.tanh(x) ** 2),
    Activation("log_sigmoid", lambda x: -_softplus(-x), lambda x, y: _stable_sigmoid(-x)),
    Activation(
        "silu",
        lambda x: x * _stable_sigmoid(x),
        # x - y first: beside a large x the 1 would be lost.
        lambda x, y: _stable_sigmoid(x) * (1 + (x - y)),
    ),
    Activation("gelu", _gelu, _gelu_derivative),
    Activation("mish", lambda x: x * np.tanh(_softplus(x)), _mish_derivative),
    Activation("sparse_sigmoid", lambda x: np.clip((x + 1) / 2, 0, 1), _inside(-1, 1, 0.5)),
    Activation(
        "sparse_plus",
        lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)).astype(x.dtype),
        lambda x, y: np.where(x <= -1, 0, np.where(x < 1, (x + 1) / 2, 1)).astype(x.dtype),
    ),
    Activation(
        "softmax",
        _softmax,
        row_gradient=lambda x, y, dy: y * (dy - (dy * y).sum(axis=-1, keepdims=True)),
    ),
    Activation(
        "log_softmax",
        _log_softmax,
        row_gradient=lambda x, y, dy: dy - np.exp(y) * dy.sum(axis=-1, keepdims=True),
    ),
    Activation("sparsemax", _sparsemax, row_gradient=_sparsemax_gradient),
    Activation("glu", _glu, row_gradient=_glu_gradient),
    Activation("threshold", _threshold),
)

_ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}

# Keras knows these names too, but no recurrent cell can use them: one halves the last axis, the
# other has no defaults for its two options.
NOT_FOR_CELLS = ("glu", "threshold")

BY_NAME = {activation.name: activation for activation in _TABLE}
BY_NAME |= {alias: BY_NAME[name] for alias, name in _ALIASES.items()}

linear = BY_NAME["linear"]
tanh = BY_NAME["tanh"]
sigmoid = BY_NAME["sigmoid"]
relu = BY_NAME["relu"]
relu6 = BY_NAME["relu6"]
leaky_relu = BY_NAME["leaky_relu"]
elu = BY_NAME["elu"]
celu = BY_NAME["celu"]
selu = BY_NAME["selu"]
softplus = BY_NAME["softplus"]
softsign = BY_NAME["softsign"]
squareplus = BY_NAME["squareplus"]
exponential = BY_NAME["exponential"]
hard_sigmoid = BY_NAME["hard_sigmoid"]
hard_silu = hard_swish = BY_NAME["hard_silu"]
hard_tanh = BY_NAME["hard_tanh"]
hard_shrink = BY_NAME["hard_shrink"]
soft_shrink = BY_NAME["soft_shrink"]
tanh_shrink = BY_NAME["tanh_shrink"]
log_sigmoid = BY_NAME["log_sigmoid"]
silu = swish = BY_NAME["silu"]
gelu = BY_NAME["gelu"]
mish = BY_NAME["mish"]
sparse_sigmoid = BY_NAME["sparse_sigmoid"]
sparse_plus = BY_NAME["sparse_plus"]
softmax = BY_NAME["softmax"]
log_softmax = BY_NAME["log_softmax"]
sparsemax = BY_NAME["sparsemax"]
glu = BY_NAME["glu"]
threshold = BY_NAME["threshold"]


def get(identifier: Any) -> Activation:
    """Return the activation that ``identifier`` means.

    Args:
        identifier: ``None`` (linear), a name, an ``Activation``, or a function of the user's (or
            its description), which then has no gradient.

    Raises:
        ValueError: the name is unknown, or the identifier is no function.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, Activation):
        return identifier
    if isinstance(identifier, dict) and identifier.get("class_name") == "function":
        identifier = deserialization.make(identifier)
    if isinstance(identifier, str):
        if identifier in BY_NAME:
            return BY_NAME[identifier]
        name, identifier = identifier, find_custom(identifier)
        if identifier is None:
            raise ValueError(errors.not_one_of("activation", name, BY_NAME))
    if callable(identifier):
        name = getattr(identifier, "__name__", type(identifier).__name__)
        return Activation(name, identifier, builtin=False)
    raise ValueError(errors.bad_argument("activation", identifier, "a name or a function"))


def serialize(activation: Activation) -> Any:
    """Return the name of ``activation``; the function itself where it is the user's."""
    return activation.name if activation.builtin else activation.function


def deserialize(config: Any) -> Activation:
    """Return the activation of this name, or that a description of a function means."""
    return get(config)


KINDS["activation"] = Kind(lambda argument, value: get(value), serialize)
