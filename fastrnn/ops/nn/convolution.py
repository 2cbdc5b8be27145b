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
from fastrnn.typing import Array, Shape, TensorLike

Size = int | Sequence[int]


def _one(argument: str, value: Size) -> int:
    entries = [value] if isinstance(value, (int, np.integer)) else list(value)
    if len(entries) != 1:
        raise ValueError(
            errors.bad_argument(argument, value, "one number: sequences have one axis")
        )
    return int(entries[0])


def _count(steps: int | None, span: int, stride: int, padding: str) -> int | None:
    """Return how many windows there are."""
    if padding not in ("valid", "same", "causal"):
        raise ValueError(errors.not_one_of("padding", padding, ("valid", "same", "causal")))
    if steps is None:
        return None
    return max(0, (steps - span) // stride + 1) if padding == "valid" else -(-steps // stride)


def _margins(steps: int, span: int, stride: int, padding: str) -> tuple[int, int]:
    """Return how many steps are missing before the first and behind the last window."""
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return span - 1, 0
    missing = max(0, ((-(-steps // stride)) - 1) * stride + span - steps)
    return missing // 2, missing - missing // 2


class _Windows:
    """The windows of a sequence, (batch, windows, channels) for each of their entries."""

    def __init__(
        self, x: Array, size: int, stride: int, padding: str, dilation: int, fill: float
    ) -> None:
        span = dilation * (size - 1) + 1
        self.steps, self.size, self.stride, self.dilation = x.shape[1], size, stride, dilation
        self.before, behind = _margins(self.steps, span, stride, padding)
        self.count = _count(self.steps, span, stride, padding) or 0
        self.padded = x
        if self.before or behind:
            widths = ((0, 0), (self.before, behind), (0, 0))
            self.padded = np.pad(x, widths, constant_values=fill)

    def part(self, k: int) -> slice:
        """Return where the entries ``k`` of all windows stand."""
        start = k * self.dilation
        return slice(start, start + (self.count - 1) * self.stride + 1, self.stride)

    def entries(self) -> list[Array]:
        """Return the entries of all windows, one array for each place in a window."""
        return [self.padded[:, self.part(k)] for k in range(self.size)]

    def add(self, parts: list[Array]) -> Array:
        """Return the sums, for each step, of what is given for the entries of the windows."""
        d = np.zeros(self.padded.shape, parts[0].dtype)
        for k, part in enumerate(parts):
            d[:, self.part(k)] += part
        return d[:, self.before : self.before + self.steps]


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
    count = _count(x.shape[1], dilation * (size - 1) + 1, stride, padding)
    return (x.shape[0], count, kernel.shape[2])


def _conv_vjp(
    d: Array, y: Array, x: Array, kernel: Array, stride: int, padding: str, dilation: int
) -> tuple[Array, Array]:
    windows = _Windows(x, len(kernel), stride, padding, dilation, 0.0)
    rows = d.reshape(-1, d.shape[-1])
    d_kernel = [product(e.reshape(-1, e.shape[-1]).T, rows) for e in windows.entries()]
    d_x = windows.add([product(d, w.T) for w in kernel])
    return d_x, np.stack(d_kernel)


@operation(_conv_vjp, types="float", shape=_conv_shape)
def _conv(x: Array, kernel: Array, stride: int, padding: str, dilation: int) -> Array:
    windows = _Windows(x, len(kernel), stride, padding, dilation, 0.0)
    parts = zip(windows.entries(), kernel, strict=True)
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
    windows = _Windows(x, len(kernel), stride, padding, dilation, 0.0)
    d = d.reshape(*d.shape[:2], *kernel.shape[1:])
    d_kernel = [np.einsum("btc,btcm->cm", e, d) for e in windows.entries()]
    d_x = windows.add([(d * w).sum(axis=-1) for w in kernel])
    return d_x, np.stack(d_kernel)


def _depthwise_shape(x: Spec, kernel: Spec, stride: int, padding: str, dilation: int) -> Shape:
    size, channels, multiplier = (n or 1 for n in kernel.shape)
    count = _count(x.shape[1], dilation * (size - 1) + 1, stride, padding)
    return (x.shape[0], count, channels * multiplier)


@operation(_depthwise_vjp, types="float", shape=_depthwise_shape)
def _depthwise(x: Array, kernel: Array, stride: int, padding: str, dilation: int) -> Array:
    windows = _Windows(x, len(kernel), stride, padding, dilation, 0.0)
    parts = zip(windows.entries(), kernel, strict=True)
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
    counts: Array = np.sum(_Windows(ones, size, stride, padding, 1, 0.0).entries(), axis=0)[0]
    return counts


def _average_vjp(d: Array, y: Array, x: Array, size: int, stride: int, padding: str) -> Array:
    share = d / _counts(x, size, stride, padding)
    return _Windows(x, size, stride, padding, 1, 0.0).add([share] * size)


@operation((_average_vjp,), types="float", shape=_pool_shape)
def _average_pool(x: Array, size: int, stride: int, padding: str) -> Array:
    entries = _Windows(x, size, stride, padding, 1, 0.0).entries()
    result: Array = np.sum(entries, axis=0) / _counts(x, size, stride, padding)
    return result


def _max_vjp(d: Array, y: Array, x: Array, size: int, stride: int, padding: str) -> Array:
    windows = _Windows(x, size, stride, padding, 1, -np.inf)
    first = np.argmax(windows.entries(), axis=0)
    return windows.add([np.where(first == k, d, 0) for k in range(size)])


@operation((_max_vjp,), types="float", shape=_pool_shape)
def _max_pool(x: Array, size: int, stride: int, padding: str) -> Array:
    result: Array = np.max(_Windows(x, size, stride, padding, 1, -np.inf).entries(), axis=0)
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
