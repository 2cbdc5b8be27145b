"""Crossentropies of single predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.ops.operation import operation
from fastrnn.ops.shapes import Spec
from fastrnn.typing import Array, Shape


def _clip(p: Array) -> tuple[Array, Array]:
    """Return probabilities kept from 0 and 1, and where they are."""
    low, high = p.dtype.type(config.epsilon()), p.dtype.type(1 - config.epsilon())
    return np.clip(p, low, high), (p >= low) & (p <= high)


def _binary_vjp(
    d: Array, y: Array, target: Array, output: Array, from_logits: bool
) -> tuple[Array, Array]:
    if from_logits:
        p = 1 / (1 + np.exp(-output))
        return -d * output, d * (p - target)
    p, inside = _clip(output)
    slope = (p - target) / (p * (1 - p))
    return d * (np.log(1 - p) - np.log(p)), d * slope * inside


@operation(_binary_vjp, types="float", elementwise=True)
def binary_crossentropy(target: Array, output: Array, from_logits: bool = False) -> Array:
    """Return ``-t·log p - (1 - t)·log(1 - p)`` of each entry.

    Args:
        target: (…), from 0 to 1.
        output: (…), probabilities, or their logits.
        from_logits: whether they are logits.
    """
    if from_logits:
        return np.maximum(output, 0) - output * target + np.log1p(np.exp(-np.abs(output)))
    p, _ = _clip(output)
    return -target * np.log(p) - (1 - target) * np.log(1 - p)


def _log_probabilities(output: Array, from_logits: bool, axis: int) -> Array:
    if from_logits:
        shifted = output - output.max(axis=axis, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    p, _ = _clip(output / output.sum(axis=axis, keepdims=True))
    return np.log(p)


def _back(d_log: Array, output: Array, from_logits: bool, axis: int) -> Array:
    """Carry the gradient of the logarithms of probabilities to the outputs."""
    if from_logits:
        p = np.exp(_log_probabilities(output, True, axis))
        return d_log - p * d_log.sum(axis=axis, keepdims=True)
    sums = output.sum(axis=axis, keepdims=True)
    share = output / sums
    p, inside = _clip(share)
    d_share = d_log / p * inside
    return (d_share - (d_share * share).sum(axis=axis, keepdims=True)) / sums


def _categorical_vjp(
    d: Array, y: Array, target: Array, output: Array, from_logits: bool, axis: int
) -> tuple[Array, Array]:
    d = np.expand_dims(d, axis)
    logs = _log_probabilities(output, from_logits, axis)
    return -d * logs, _back(-d * target, output, from_logits, axis)


def _rows(target: Spec, output: Spec, from_logits: bool, axis: int) -> Shape:
    return tuple(n for k, n in enumerate(output.shape) if k != axis % output.ndim)


@operation(_categorical_vjp, types="float", shape=_rows)
def categorical_crossentropy(
    target: Array, output: Array, from_logits: bool = False, axis: int = -1
) -> Array:
    """Return ``-sum t·log p`` over the axis of the classes.

    Args:
        target: (…, classes), probabilities.
        output: (…, classes), probabilities, which are divided by their sum, or logits.
        from_logits: whether they are logits.
        axis: that of the classes.
    """
    if target.shape != output.shape:
        raise ValueError(
            errors.bad_shape("target", target.shape, f"that of output, {output.shape}")
        )
    return -(target * _log_probabilities(output, from_logits, axis)).sum(axis=axis)


def _numbers(target: Array, output: Array, axis: int) -> Array:
    """Return class numbers with an axis of length 1 in the place of the classes."""
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = target[..., 0]
    wanted = np.delete(output.shape, axis)
    if target.shape != tuple(wanted):
        expected = f"{tuple(int(n) for n in wanted)}, that of output without its classes"
        raise ValueError(errors.bad_shape("target", target.shape, expected))
    return np.expand_dims(target.astype("int64"), axis)


def _sparse_vjp(
    d: Array, y: Array, target: Array, output: Array, from_logits: bool, axis: int
) -> Any:
    numbers = _numbers(target, output, axis)
    d_log = np.zeros_like(output)
    np.put_along_axis(d_log, numbers, -np.expand_dims(d, axis), axis=axis)
    return None, _back(d_log, output, from_logits, axis)


@operation(_sparse_vjp, types="given float", shape=_rows)
def sparse_categorical_crossentropy(
    target: Array, output: Array, from_logits: bool = False, axis: int = -1
) -> Array:
    """Return ``-log p`` of the class of each row.

    Args:
        target: (…) or (…, 1), class numbers.
        output: (…, classes), probabilities, which are divided by their sum, or logits.
        from_logits: whether they are logits.
        axis: that of the classes.
    """
    numbers = _numbers(target, output, axis)
    logs = _log_probabilities(output, from_logits, axis)
    return -np.take_along_axis(logs, numbers, axis=axis).squeeze(axis)
