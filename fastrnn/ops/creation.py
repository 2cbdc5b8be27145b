"""Arrays made anew, and what is asked of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.operators import Operators
from fastrnn.ops.core import convert_to_tensor
from fastrnn.ops.dtypes import kind_of, result_type, standard_dtype, to_array
from fastrnn.ops.operation import operation
from fastrnn.ops.shapes import require_known
from fastrnn.typing import Array, DTypeLike, Shape, TensorLike

ShapeLike = int | Sequence[int]


def shape(x: TensorLike) -> Shape:
    """Return the shape, a tuple; with ``None`` where a symbolic tensor's length is unknown."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def ndim(x: TensorLike) -> int:
    """Return the number of axes."""
    return len(shape(x))


def size(x: TensorLike) -> int:
    """Return the number of entries."""
    return int(np.prod(require_known("size", shape(x)), dtype=int))


def dtype(x: TensorLike) -> str:
    """Return the name of the dtype."""
    return x.dtype if isinstance(x, Operators) else to_array(x).dtype.name


def array(x: TensorLike, dtype: DTypeLike = None) -> Any:
    """Return ``x`` as an array; a symbolic tensor stays one."""
    return convert_to_tensor(x, dtype)


def _lengths(name: str, shape: ShapeLike) -> tuple[int, ...]:
    return require_known(name, shape if isinstance(shape, (list, tuple)) else (shape,))


def zeros(shape: ShapeLike, dtype: DTypeLike = None) -> Array:
    """Return an array of zeros."""
    return np.zeros(_lengths("zeros", shape), standard_dtype(dtype))


def ones(shape: ShapeLike, dtype: DTypeLike = None) -> Array:
    """Return an array of ones."""
    return np.ones(_lengths("ones", shape), standard_dtype(dtype))


def empty(shape: ShapeLike, dtype: DTypeLike = None) -> Array:
    """Return an array whose entries are not set; zeros here."""
    return np.zeros(_lengths("empty", shape), standard_dtype(dtype))


def full(shape: ShapeLike, fill_value: TensorLike, dtype: DTypeLike = None) -> Any:
    """Return an array of ``fill_value``, which broadcasts."""
    lengths = _lengths("full", shape)
    if isinstance(fill_value, Operators):
        return ones(lengths, dtype) * fill_value
    return np.full(lengths, fill_value, standard_dtype(dtype))


@operation((None,), shape=lambda x, dtype=None: x.shape)
def zeros_like(x: Array, dtype: DTypeLike = None) -> Array:
    """Return zeros in the shape and dtype of ``x``."""
    return np.zeros(x.shape, x.dtype if dtype is None else standard_dtype(dtype))


@operation((None,), shape=lambda x, dtype=None: x.shape)
def ones_like(x: Array, dtype: DTypeLike = None) -> Array:
    """Return ones in the shape and dtype of ``x``."""
    return np.ones(x.shape, x.dtype if dtype is None else standard_dtype(dtype))


@operation((None,), shape=lambda x, dtype=None: x.shape)
def empty_like(x: Array, dtype: DTypeLike = None) -> Array:
    """Return an array whose entries are not set, zeros here, in the shape and dtype of ``x``."""
    return np.zeros(x.shape, x.dtype if dtype is None else standard_dtype(dtype))


@operation(
    (None, lambda d, y, x, fill_value, dtype: d), shape=lambda x, fill_value, dtype=None: x.shape
)
def full_like(x: Array, fill_value: Array, dtype: DTypeLike = None) -> Array:
    """Return ``fill_value``, which broadcasts, in the shape and dtype of ``x``."""
    return np.full(x.shape, fill_value, x.dtype if dtype is None else standard_dtype(dtype))


def arange(start: Any, stop: Any = None, step: Any = None, dtype: DTypeLike = None) -> Array:
    """Return numbers from ``start`` to ``stop``, without it; int32 if all are integers."""
    given = [v for v in (start, stop, step) if v is not None]
    require_known("arange", given if stop is not None else [start])
    if dtype is None:
        kinds = [kind_of(v) for v in given]
        dtype = result_type(*kinds)
    first, last = (0, start) if stop is None else (start, stop)
    return np.arange(first, last, 1 if step is None else step).astype(standard_dtype(dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike = None) -> Array:
    """Return a matrix of ones on a diagonal."""
    rows, columns = _lengths("eye", [N, N if M is None else M])
    return np.eye(rows, columns, k, dtype=standard_dtype(dtype))


def identity(n: int, dtype: DTypeLike = None) -> Array:
    """Return a square matrix of ones on the diagonal."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike = None) -> Array:
    """Return a matrix of ones on and below a diagonal."""
    rows, columns = _lengths("tri", [N, N if M is None else M])
    return np.tri(rows, columns, k, dtype=standard_dtype(dtype))


def _spaced(values: Any, dtype: DTypeLike, *ends: Any) -> Any:
    """Return values in ``dtype``, or in the float type that follows from the ends."""
    kinds = [kind_of(to_array(end) if isinstance(end, list) else end) for end in ends]
    kept = result_type(*kinds, float) if dtype is None else standard_dtype(dtype)
    return np.asarray(values).astype(kept)


def _between(start: Any, stop: Any, num: int, endpoint: bool, retstep: bool, axis: int) -> Any:
    """Return numbers between ends that are tensors."""
    if axis != 0:
        raise ValueError(errors.bad_argument("axis", axis, "0 for tensors"))
    step = (stop - start) / max(num - 1 if endpoint else num, 1)
    rank = max(len(shape(start)), len(shape(stop)))
    values = start + step * np.arange(num, dtype=step.dtype).reshape(-1, *(1,) * rank)
    return (values, step) if retstep else values


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike = None,
    axis: int = 0,
) -> Any:
    """Return ``num`` numbers at equal distances; with ``retstep`` the distance too."""
    if isinstance(start, Operators) or isinstance(stop, Operators):
        return _between(start, stop, num, endpoint, retstep, axis)
    values, step = np.linspace(start, stop, num, endpoint, retstep=True, axis=axis)
    result = _spaced(values, dtype, start, stop)
    return (result, _spaced(step, dtype, start, stop)) if retstep else result


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: DTypeLike = None,
    axis: int = 0,
) -> Array:
    """Return ``num`` numbers from ``base**start`` to ``base**stop`` at equal ratios."""
    ends = np.asarray(start), np.asarray(stop)
    values = np.logspace(*ends, num, endpoint, base, axis=axis)
    result: Array = _spaced(values, dtype, start, stop)
    return result


def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: DTypeLike = None,
    axis: int = 0,
) -> Array:
    """Return ``num`` numbers from ``start`` to ``stop`` at equal ratios."""
    result: Array = _spaced(
        np.geomspace(np.asarray(start), np.asarray(stop), num, endpoint, axis=axis),
        dtype,
        start,
        stop,
    )
    return result


def bartlett(x: int) -> Array:
    """Return Bartlett's window of ``x`` points."""
    result: Array = _spaced(np.bartlett(int(x)), None)
    return result


def blackman(x: int) -> Array:
    """Return Blackman's window of ``x`` points."""
    result: Array = _spaced(np.blackman(int(x)), None)
    return result


def hamming(x: int) -> Array:
    """Return Hamming's window of ``x`` points."""
    result: Array = _spaced(np.hamming(int(x)), None)
    return result


def hanning(x: int) -> Array:
    """Return Hann's window of ``x`` points."""
    result: Array = _spaced(np.hanning(int(x)), None)
    return result


def kaiser(x: int, beta: float) -> Array:
    """Return Kaiser's window of ``x`` points."""
    result: Array = _spaced(np.kaiser(int(x), float(beta)), None)
    return result
