"""Special functions, segments, and the greatest entries."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.ops.axes import AxesLike, reduced_shape, spread, to_axes
from fastrnn.ops.elementwise import unary
from fastrnn.ops.operation import operation
from fastrnn.ops.shapes import require_known
from fastrnn.typing import Array, TensorLike

_ROOT_OF_PI = float(np.sqrt(np.pi))


def _special(name: str) -> Any:
    """Return a function of ``scipy.special``, loaded when it is first called."""

    def compute(x: Array) -> Array:
        from scipy import special

        result: Array = getattr(special, name)(x).astype(x.dtype, copy=False)
        return result

    return compute


def _i0_vjp(d: Array, y: Array, x: Array) -> Array:
    result: Array = d * _special("i1")(x)
    return result


rsqrt = unary("rsqrt", lambda x: 1 / np.sqrt(x), lambda d, y, x: -d * y / (2 * x))
erf = unary(
    "erf",
    _special("erf"),
    lambda d, y, x: d * np.exp(-x * x) * x.dtype.type(2 / _ROOT_OF_PI),
    onnx="Erf",
)
erfc = unary(
    "erfc", _special("erfc"), lambda d, y, x: -d * np.exp(-x * x) * x.dtype.type(2 / _ROOT_OF_PI)
)
erfinv = unary(
    "erfinv", _special("erfinv"), lambda d, y, x: d * np.exp(y * y) * x.dtype.type(_ROOT_OF_PI / 2)
)
i0 = unary("i0", _special("i0"), _i0_vjp)


def _logsumexp_vjp(d: Array, y: Array, x: Array, axis: AxesLike, keepdims: bool) -> Array:
    return spread(d, x, axis, keepdims) * np.exp(x - spread(y, x, axis, keepdims))


@operation((_logsumexp_vjp,), types="float", shape=reduced_shape)
def logsumexp(x: Array, axis: AxesLike = None, keepdims: bool = False) -> Array:
    """Return the logarithms of the sums of exponentials over axes."""
    axes = to_axes(axis)
    most = np.max(x, axis=axes, keepdims=True)
    most = np.where(np.isfinite(most), most, 0)
    sums = np.log(np.sum(np.exp(x - most), axis=axes, keepdims=True)) + most
    return sums if keepdims else np.squeeze(sums, axis=axes)


# ---- segments ------------------------------------------------------------------------------------


def _segments(segment_ids: Array, num_segments: int | None) -> int:
    if num_segments is not None:
        return require_known("segment_sum", [num_segments])[0]
    return int(segment_ids.max(initial=-1)) + 1


def _rows(data: Array, count: int, start: TensorLike) -> Array:
    return np.full((count, *data.shape[1:]), start, data.dtype)


def _inside(ids: Array, count: int) -> Array:
    return (ids >= 0) & (ids < count)


def _sum_vjp(d: Array, y: Array, data: Array, segment_ids: Array, **options: Any) -> Array:
    ok = _inside(segment_ids, len(d))
    rows = d[np.where(ok, segment_ids, 0)]
    return rows * ok.reshape(-1, *(1,) * (data.ndim - 1))


@operation((_sum_vjp, None))
def segment_sum(
    data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Return the sums of the rows of each segment.

    Args:
        data: (rows, …).
        segment_ids: (rows,), the number of each row's segment; rows of others do not count.
        num_segments: how many there are; the greatest number and 1 unless given.
        sorted: whether the numbers ascend; the result is the same.
    """
    count = _segments(segment_ids, num_segments)
    ok = _inside(segment_ids, count)
    result = _rows(data, count, 0)
    np.add.at(result, segment_ids[ok], data[ok])
    return result


def _extreme_vjp(d: Array, y: Array, data: Array, segment_ids: Array, **options: Any) -> Array:
    # Equal extremes share the gradient.
    ok = _inside(segment_ids, len(d))
    ids = np.where(ok, segment_ids, 0)
    places = (data == y[ids]) & ok.reshape(-1, *(1,) * (data.ndim - 1))
    counts = np.zeros(y.shape, d.dtype)
    np.add.at(counts, segment_ids[ok], places[ok].astype(d.dtype))
    return np.where(places, (d / np.maximum(counts, 1))[ids], 0)


def _extremes(data: Array, ids: Array, num_segments: int | None, ufunc: Any, start: float) -> Array:
    count = _segments(ids, num_segments)
    ok = _inside(ids, count)
    if data.dtype == bool:
        start = start > 0
    elif data.dtype.kind != "f":
        limits = np.iinfo(data.dtype)
        start = limits.min if start < 0 else limits.max
    result = _rows(data, count, start)
    ufunc.at(result, ids[ok], data[ok])
    return result


@operation((_extreme_vjp, None))
def segment_max(
    data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Return the greatest entries of the rows of each segment; see ``segment_sum``."""
    return _extremes(data, segment_ids, num_segments, np.maximum, -np.inf)


@operation((_extreme_vjp, None))
def segment_min(
    data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Return the least entries of the rows of each segment; see ``segment_sum``."""
    return _extremes(data, segment_ids, num_segments, np.minimum, np.inf)


def _product_vjp(d: Array, y: Array, data: Array, segment_ids: Array, **options: Any) -> Array:
    d_data = np.zeros_like(data)
    for k in range(len(data)):
        if 0 <= segment_ids[k] < len(d):
            others = segment_ids == segment_ids[k]
            others[k] = False
            d_data[k] = d[segment_ids[k]] * np.prod(data[others], axis=0)
    return d_data


@operation((_product_vjp, None))
def segment_prod(
    data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Return the products of the rows of each segment; see ``segment_sum``."""
    count = _segments(segment_ids, num_segments)
    ok = _inside(segment_ids, count)
    result = _rows(data, count, 1)
    np.multiply.at(result, segment_ids[ok], data[ok])
    return result


# ---- the greatest entries ------------------------------------------------------------------------


def _top_k_vjp(d: Any, y: Any, x: Array, k: int, sorted: bool) -> Array:
    d_x = np.zeros_like(x)
    np.put_along_axis(d_x, y[1], d[0], axis=-1)
    return d_x


@operation((_top_k_vjp,), shape=lambda x, k, sorted: 2 * ((*x.shape[:-1], k),))
def top_k(x: Array, k: int, sorted: bool = True) -> Any:
    """Return the ``k`` greatest entries of the last axis, descending, and their places."""
    places = np.argsort(-x if x.dtype.kind == "f" else ~x, axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(x, places, axis=-1), places.astype("int32")


@operation((None, None), shape=lambda targets, predictions, k: targets.shape)
def in_top_k(targets: Array, predictions: Array, k: int) -> Array:
    """Return for each row whether the prediction of its target is among the ``k`` greatest."""
    own = np.take_along_axis(predictions, targets[..., None].astype("int64"), axis=-1)
    return np.isfinite(own[..., 0]) & ((predictions > own).sum(axis=-1) < k)


def _parts(length: int, size: int, stride: int) -> Array:
    count = 1 + (length - size) // stride
    return np.arange(count)[:, None] * stride + np.arange(size)


def _sequences_vjp(
    d: Array, y: Array, x: Array, sequence_length: int, sequence_stride: int
) -> Array:
    d_x = np.zeros_like(x)
    places = _parts(x.shape[-1], sequence_length, sequence_stride)
    np.add.at(np.moveaxis(d_x, -1, 0), places, np.moveaxis(d, (-2, -1), (0, 1)))
    return d_x


@operation((_sequences_vjp,))
def extract_sequences(x: Array, sequence_length: int, sequence_stride: int) -> Array:
    """Return the windows of the last axis that begin at every ``sequence_stride``-th entry."""
    return x[..., _parts(x.shape[-1], sequence_length, sequence_stride)]
