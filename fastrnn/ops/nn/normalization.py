"""Normalization by moments and norms, and attention: written with other operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.ops.arithmetic import absolute, add, divide, maximum, multiply, power, square, subtract
from fastrnn.ops.axes import AxesLike
from fastrnn.ops.comparisons import where
from fastrnn.ops.core import cast
from fastrnn.ops.creation import dtype as dtype_of
from fastrnn.ops.creation import shape, tri
from fastrnn.ops.functions import tanh
from fastrnn.ops.math import rsqrt
from fastrnn.ops.nn.activation import softmax
from fastrnn.ops.products import einsum
from fastrnn.ops.reductions import max as _max
from fastrnn.ops.reductions import mean, sum, var
from fastrnn.ops.reshaping import reshape
from fastrnn.ops.shapes import require_known
from fastrnn.typing import TensorLike


def moments(
    x: TensorLike, axes: AxesLike, keepdims: bool = False, synchronized: bool = False
) -> Any:
    """Return means and variances over axes."""
    if synchronized:
        raise ValueError(errors.bad_argument("synchronized", synchronized, "False: one machine"))
    return mean(x, axes, keepdims), var(x, axes, keepdims)


def normalize(
    x: TensorLike, axis: AxesLike = -1, order: float = 2, epsilon: float | None = None
) -> Any:
    """Return ``x`` divided by its norms along an axis, which are at least ``epsilon``."""
    least = config.epsilon() if epsilon is None else epsilon
    if order == 2:
        squares = sum(square(x), axis, keepdims=True)
        return multiply(x, rsqrt(maximum(squares, least**2)))
    if order == np.inf:
        norms = _max(absolute(x), axis, keepdims=True)
    else:
        norms = power(sum(power(absolute(x), order), axis, keepdims=True), 1.0 / order)
    return divide(x, maximum(norms, least))


def _along(x: TensorLike, vector: TensorLike, axis: Any) -> Any:
    """Return a vector in a shape in which it stands along an axis of ``x``."""
    rank = len(shape(x))
    axes = [k % rank for k in (axis if isinstance(axis, (list, tuple)) else [axis])]
    lengths = [shape(x)[k] if k in axes else 1 for k in range(rank)]
    return reshape(vector, tuple(-1 if n is None else n for n in lengths))


def batch_normalization(
    x: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    axis: int,
    offset: TensorLike | None = None,
    scale: TensorLike | None = None,
    epsilon: float = 1e-3,
) -> Any:
    """Return ``(x - mean) / sqrt(variance + epsilon)·scale + offset``, along an axis."""
    factor = rsqrt(add(_along(x, variance, axis), epsilon))
    if scale is not None:
        factor = multiply(factor, _along(x, scale, axis))
    y = multiply(subtract(x, _along(x, mean, axis)), factor)
    return y if offset is None else add(y, _along(x, offset, axis))


def layer_normalization(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
) -> Any:
    """Return ``x`` with mean 0 and variance 1 over axes, times ``gamma``, plus ``beta``."""
    least = config.epsilon() if epsilon is None else epsilon
    centre, variance = moments(x, axis, keepdims=True)
    y = multiply(subtract(x, centre), rsqrt(add(variance, least)))
    y = y if gamma is None else multiply(y, _along(x, gamma, axis))
    return y if beta is None else add(y, _along(x, beta, axis))


def rms_normalization(
    x: TensorLike,
    scale: TensorLike | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
) -> Any:
    """Return ``x`` divided by the root of its mean square over axes, times ``scale``."""
    least = config.epsilon() if epsilon is None else epsilon
    y = multiply(x, rsqrt(add(mean(square(x), axis, keepdims=True), least)))
    return y if scale is None else multiply(y, _along(x, scale, axis))


def dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    bias: TensorLike | None = None,
    mask: TensorLike | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Any:
    """Return the mean of the values, weighed by the softmax of the products of query and key.

    Args:
        query: (batch, steps, heads, features).
        key: (batch, other steps, heads, features), or of a number of heads that divides it.
        value: as ``key``.
        bias: (batch, heads, steps, other steps), added to the products; it broadcasts.
        mask: of the same shape, True where a step may be seen; it broadcasts.
        scale: factor of the products, ``1 / sqrt(features)`` unless given.
        is_causal: whether later steps may not be seen.
        flash_attention: accepted, and changes nothing.
        attn_logits_soft_cap: products are kept below it by tanh.
    """
    if len(shape(query)) != 4:
        expected = "(batch, steps, heads, features)"
        raise ValueError(errors.bad_shape("query", shape(query), expected))
    features, steps, others = require_known(
        "dot_product_attention",
        [shape(query)[3], *((shape(query)[1], shape(key)[1]) if is_causal else (0, 0))],
    )
    factor = 1 / np.sqrt(features) if scale is None else scale
    logits = multiply(einsum("btnh,bsnh->bnts", query, key), float(factor))
    if attn_logits_soft_cap is not None:
        logits = multiply(tanh(divide(logits, attn_logits_soft_cap)), attn_logits_soft_cap)
    if bias is not None:
        logits = add(logits, bias)
    if is_causal:
        logits = where(tri(steps, others, dtype="bool"), logits, -1e30)
    if mask is not None:
        logits = where(cast(mask, "bool"), logits, -1e30)
    return einsum("bnts,bsnh->btnh", cast(softmax(logits), dtype_of(value)), value)
