"""Convolutions and pooling of sequences: (batch, steps, channels), or with the channels first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.ops.matrix_product import product
from fastrnn.ops.operation import operation
from fastrnn.ops.reshaping import transpose
from fastrnn.ops.shapes import Spec
from fastrnn.ops.windows import Windows
from fastrnn.typing import Array, Shape, TensorLike

Size = int | Sequence[int]


def _one(argument: str, value: Size) -> int:
    entries = [value] if isinstance(value, (int, np.integer)) else list(value)
    if len(entries) != 1:
        raise ValueError(
            errors.bad_argument(argument, value, "one number: sequences have one axis")
        )
    return int(entries[0])


def _windows(size: int, stride: int, padding: str, dilation: int = 1) -> Windows:
    if padding not in ("valid", "same", "causal"):
        raise ValueError(errors.not_one_of("padding", padding, ("valid", "same", "causal")))
    return Windows(size, stride, padding, dilation)


def _count(steps: int | None, *options: Any) -> int | None:
    windows = _windows(*options)
    return None if steps is None else windows.count(steps)


def _entries(x: Array, windows: Windows, fill: float = 0.0) -> list[Array]:
    """Return each entry of all windows, (batch, windows, channels)."""
    return list(np.moveaxis(windows.of(x, fill), 2, 0))


def _sequence(argument: str, x: Any) -> None:
    if len(x.shape) != 3:
        expected = "(batch, steps, channels): fastrnn.ops has sequences, no images"
        raise ValueError(errors.bad_shape(argument, x.shape, expected))


def _in_order(data_format: str | None, x: Any, function: Callable[[Any], Any]) -> Any:
    """Call a function of (batch, steps, channels) for a data format."""
    if data_format not in (None, "channels_last", "channels_first"):
        known = ("channels_last", "channels_first")
        raise ValueError(errors.not_one_of("data_format", data_format, known))
    _sequence("inputs", x)
    if data_format != "channels_first":
        return function(x)
    return transpose(function(transpose(x, (0, 2, 1))), (0, 2, 1))


# ---- convolution ---------------------------------------------------------------------------------


def _conv_shape(x: Spec, kernel: Spec, stride: int, padding: str, dilation: int) -> Shape:
    size = kernel.shape[0] or 1
    if None not in (x.shape[-1], kernel.shape[1]) and x.shape[-1] != kernel.shape[1]:
        expected = f"(size, {x.shape[-1]}, filters), for the channels of the inputs"
        raise ValueError(errors.bad_shape("kernel", kernel.shape, expected))
    count = _count(x.shape[1], size, stride, padding, dilation)
    return (x.shape[0], count, kernel.shape[2])


def _conv_vjp(
    d: Array, y: Array, x: Array, kernel: Array, stride: int, padding: str, dilation: int
) -> tuple[Array, Array]:
    windows = _windows(len(kernel), stride, padding, dilation)
    rows = d.reshape(-1, d.shape[-1])
    d_kernel = [product(e.reshape(-1, e.shape[-1]).T, rows) for e in _entries(x, windows)]
    d_x = windows.add([product(d, w.T) for w in kernel], x.shape)
    return d_x, np.stack(d_kernel)


@operation(_conv_vjp, types="float", shape=_conv_shape)
def _conv(x: Array, kernel: Array, stride: int, padding: str, dilation: int) -> Array:
    windows = _windows(len(kernel), stride, padding, dilation)
    parts = zip(_entries(x, windows), kernel, strict=True)
    result: Array = sum(product(entries, w) for entries, w in parts)  # type: ignore[assignment]
    return result


def conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Size = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Size = 1,
) -> Any:
    """Return the convolution of sequences with kernels, (size, channels, filters)."""
    options = _one("strides", strides), padding, _one("dilation_rate", dilation_rate)
    return _in_order(data_format, inputs, lambda x: _conv(x, kernel, *options))


def _depthwise_vjp(
    d: Array, y: Array, x: Array, kernel: Array, stride: int, padding: str, dilation: int
) -> tuple[Array, Array]:
    windows = _windows(len(kernel), stride, padding, dilation)
    d = d.reshape(*d.shape[:2], *kernel.shape[1:])
    d_kernel = [np.einsum("btc,btcm->cm", e, d) for e in _entries(x, windows)]
    d_x = windows.add([(d * w).sum(axis=-1) for w in kernel], x.shape)
    return d_x, np.stack(d_kernel)


def _depthwise_shape(x: Spec, kernel: Spec, stride: int, padding: str, dilation: int) -> Shape:
    size, channels, multiplier = (n or 1 for n in kernel.shape)
    count = _count(x.shape[1], size, stride, padding, dilation)
    return (x.shape[0], count, channels * multiplier)


@operation(_depthwise_vjp, types="float", shape=_depthwise_shape)
def _depthwise(x: Array, kernel: Array, stride: int, padding: str, dilation: int) -> Array:
    windows = _windows(len(kernel), stride, padding, dilation)
    parts = zip(_entries(x, windows), kernel, strict=True)
    y: Any = sum(entries[..., None] * w for entries, w in parts)
    return np.reshape(y, (*y.shape[:2], -1))


def depthwise_conv(
    inputs: TensorLike,
    kernel: TensorLike,
    strides: Size = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Size = 1,
) -> Any:
    """Return the convolution of each channel with kernels of its own.

    ``kernel`` is (size, channels, multiplier); the result has channels·multiplier channels.
    """
    options = _one("strides", strides), padding, _one("dilation_rate", dilation_rate)
    return _in_order(data_format, inputs, lambda x: _depthwise(x, kernel, *options))


def separable_conv(
    inputs: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    strides: Size = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Size = 1,
) -> Any:
    """Return ``depthwise_conv``, then the convolution with kernels (1, channels, filters)."""
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, data_format=data_format)


# ---- pooling -------------------------------------------------------------------------------------


def _pool_shape(x: Spec, size: int, stride: int, padding: str) -> Shape:
    return (x.shape[0], _count(x.shape[1], size, stride, padding), x.shape[2])


def _counts(x: Array, size: int, stride: int, padding: str) -> Array:
    """Return how many steps of the sequence each window has, (windows, 1)."""
    ones = np.ones((1, x.shape[1], 1), x.dtype)
    counts: Array = np.sum(_entries(ones, _windows(size, stride, padding)), axis=0)[0]
    return counts


def _average_vjp(d: Array, y: Array, x: Array, size: int, stride: int, padding: str) -> Array:
    share = d / _counts(x, size, stride, padding)
    return _windows(size, stride, padding).add([share] * size, x.shape)


@operation((_average_vjp,), types="float", shape=_pool_shape)
def _average_pool(x: Array, size: int, stride: int, padding: str) -> Array:
    entries = _entries(x, _windows(size, stride, padding))
    result: Array = np.sum(entries, axis=0) / _counts(x, size, stride, padding)
    return result


def _max_vjp(d: Array, y: Array, x: Array, size: int, stride: int, padding: str) -> Array:
    windows = _windows(size, stride, padding)
    first = np.argmax(_entries(x, windows, -np.inf), axis=0)
    return windows.add([np.where(first == k, d, 0) for k in range(size)], x.shape)


@operation((_max_vjp,), types="float", shape=_pool_shape)
def _max_pool(x: Array, size: int, stride: int, padding: str) -> Array:
    result: Array = np.max(_entries(x, _windows(size, stride, padding), -np.inf), axis=0)
    return result


def _pool_options(pool_size: Size, strides: Size | None, padding: str) -> tuple[int, int, str]:
    size = _one("pool_size", pool_size)
    return size, size if strides is None else _one("strides", strides), padding


def average_pool(
    inputs: TensorLike,
    pool_size: Size,
    strides: Size | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Return the means of windows of sequences."""
    options = _pool_options(pool_size, strides, padding)
    return _in_order(data_format, inputs, lambda x: _average_pool(x, *options))


def max_pool(
    inputs: TensorLike,
    pool_size: Size,
    strides: Size | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Return the greatest entries of windows of sequences."""
    options = _pool_options(pool_size, strides, padding)
    return _in_order(data_format, inputs, lambda x: _max_pool(x, *options))
