"""Linear algebra: norms, inverses, decompositions of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn import config
from fastrnn.core import errors
from fastrnn.ops.arithmetic import absolute, power
from fastrnn.ops.axes import AxesLike, axes_of, reduced_shape, spread
from fastrnn.ops.comparisons import not_equal
from fastrnn.ops.core import cast
from fastrnn.ops.creation import shape
from fastrnn.ops.operation import operation
from fastrnn.ops.reductions import max as _max
from fastrnn.ops.reductions import min as _min
from fastrnn.ops.reductions import sum as _sum
from fastrnn.ops.reshaping import squeeze
from fastrnn.ops.shapes import Spec
from fastrnn.typing import Array, TensorLike


def _transposed(x: Array) -> Array:
    return x.swapaxes(-1, -2)


# ---- norms ---------------------------------------------------------------------------------------


def _two_norm_vjp(d: Array, y: Array, x: Array, axis: AxesLike, keepdims: bool) -> Array:
    y = spread(y, x, axis, keepdims)
    return spread(d, x, axis, keepdims) * x / np.where(y == 0, 1, y)


@operation((_two_norm_vjp,), types="float", shape=reduced_shape)
def _two_norm(x: Array, axis: AxesLike, keepdims: bool) -> Array:
    axes = axes_of(axis, x.ndim)
    return np.sqrt(np.sum(x * x, axis=axes, keepdims=keepdims))


def norm(x: TensorLike, ord: Any = None, axis: AxesLike = None, keepdims: bool = False) -> Any:
    """Return norms of vectors along one axis, or of matrices in two.

    Args:
        x: array.
        ord: ``None`` and "fro" for the root of the sum of squares; for vectors also numbers, 0 and
            infinity; for matrices 1, -1, infinity and -infinity.
        axis: one axis or two; ``None``: all entries.
        keepdims: whether the axes stay, with length 1.
    """
    rank = len(shape(x))
    axes = axes_of(axis, rank)
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        return _two_norm(x, list(axes), keepdims)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2 and ord in (1, -1, np.inf, -np.inf):
        summed, kept = axes if abs(ord) == 1 else axes[::-1]
        sums = _sum(absolute(x), axis=summed, keepdims=True)
        y = (_max if ord > 0 else _min)(sums, axis=kept, keepdims=True)
        return y if keepdims else squeeze(y, list(axes))
    expected = "None, 'fro', 1, -1, inf or -inf for matrices; a number for vectors"
    raise ValueError(errors.bad_argument("ord", ord, expected))


def _vector_norm(x: TensorLike, ord: Any, axis: int, keepdims: bool) -> Any:
    if ord == np.inf:
        return _max(absolute(x), axis, keepdims)
    if ord == -np.inf:
        return _min(absolute(x), axis, keepdims)
    if ord == 0:
        return _sum(cast(not_equal(x, 0), config.floatx()), axis, keepdims)
    if ord == 1:
        return _sum(absolute(x), axis, keepdims)
    if not isinstance(ord, (int, float)):
        raise ValueError(errors.bad_argument("ord", ord, "a number for vectors"))
    return power(_sum(power(absolute(x), ord), axis, keepdims), 1.0 / ord)


# ---- inverses and determinants -------------------------------------------------------------------


def _inv_vjp(d: Array, y: Array, x: Array) -> Array:
    return -_transposed(y) @ d @ _transposed(y)


@operation((_inv_vjp,), types="float", shape=lambda x: x.shape)
def inv(x: Array) -> Array:
    """Return the inverses of matrices."""
    return np.linalg.inv(x)


def _det_vjp(d: Array, y: Array, x: Array) -> Array:
    return (d * y)[..., None, None] * _transposed(np.linalg.inv(x))


@operation((_det_vjp,), types="float", shape=lambda x: x.shape[:-2])
def det(x: Array) -> Array:
    """Return the determinants of matrices."""
    return np.linalg.det(x)


def _slogdet_vjp(d: Any, y: TensorLike, x: Array) -> Array:
    return np.asarray(d[1])[..., None, None] * _transposed(np.linalg.inv(x))


@operation((_slogdet_vjp,), types="float", shape=lambda x: 2 * (x.shape[:-2],))
def slogdet(x: Array) -> Any:
    """Return the signs of determinants, and the logarithms of their absolute values."""
    return tuple(np.linalg.slogdet(x))


def logdet(x: TensorLike) -> Any:
    """Return the logarithms of the determinants of positive definite matrices."""
    return slogdet(x)[1]


def _solve_vjp(d: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    vector = b.ndim == a.ndim - 1
    columns = (d[..., None], y[..., None]) if vector else (d, y)
    d_b = np.linalg.solve(_transposed(a), columns[0])
    d_a = -d_b @ _transposed(columns[1])
    return d_a, d_b[..., 0] if vector else d_b


def _solved(a: Spec, b: Spec, *args: Any, **options: Any) -> Spec:
    return Spec(b.shape, b.dtype)


@operation(_solve_vjp, types="float", shape=_solved)
def solve(a: Array, b: Array) -> Array:
    """Return ``x`` such that ``a @ x`` is ``b``, (…, n) or (…, n, columns)."""
    if b.ndim == a.ndim - 1:
        return np.linalg.solve(a, b[..., None])[..., 0]
    return np.linalg.solve(a, b)


def _cholesky_vjp(d: Array, y: Array, x: Array, upper: bool) -> Array:
    # Murray, 2016: with P the lower half of L'd, its diagonal halved, the gradient is
    # L^-T (P + P') L^-1 / 2, symmetric.
    lower, d = (_transposed(y), _transposed(d)) if upper else (y, d)
    p = np.tril(_transposed(lower) @ d)
    p = p - np.eye(p.shape[-1], dtype=p.dtype) * p / 2
    inverse = np.linalg.inv(lower)
    return _transposed(inverse) @ (p + _transposed(p)) @ inverse / 2


@operation((_cholesky_vjp,), types="float", shape=lambda x, upper: x.shape)
def cholesky(x: Array, upper: bool = False) -> Array:
    """Return lower triangles ``L`` with ``L @ L.T`` the matrices; upper ones with ``upper``."""
    lower = np.linalg.cholesky(x)
    return _transposed(lower) if upper else lower


@operation(types="float", shape=lambda x, upper: x.shape)
def cholesky_inverse(x: Array, upper: bool = False) -> Array:
    """Return the inverses of the matrices of which ``x`` are Cholesky's triangles."""
    inverse = np.linalg.inv(_transposed(x) if upper else x)
    return _transposed(inverse) @ inverse


@operation(types="float", shape=_solved)
def solve_triangular(a: Array, b: Array, lower: bool = False) -> Array:
    """Return ``x`` such that ``a @ x`` is ``b``, for the upper, or lower, triangles of ``a``."""
    return solve.__wrapped__(np.tril(a) if lower else np.triu(a), b)  # type: ignore[attr-defined]


@operation(types="float")
def qr(x: Array, mode: str = "reduced") -> Any:
    """Return orthonormal columns and upper triangles whose products are the matrices."""
    return tuple(np.linalg.qr(x, mode=mode))  # type: ignore[call-overload]


@operation(types="float")
def svd(x: Array, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Return the singular values of matrices, between the vectors unless they are left out."""
    if not compute_uv:
        return np.linalg.svd(x, full_matrices, compute_uv=False)
    return tuple(np.linalg.svd(x, full_matrices))


@operation(types="float")
def eigh(x: Array) -> Any:
    """Return the eigenvalues, ascending, and eigenvectors of symmetric matrices."""
    return tuple(np.linalg.eigh(x))


@operation(types="float")
def pinv(x: Array, rcond: float | None = None) -> Array:
    """Return the pseudo-inverses of matrices."""
    return np.linalg.pinv(x) if rcond is None else np.linalg.pinv(x, rcond)


@operation(types="float", shape=lambda x, tol: x.shape[:-2])
def matrix_rank(x: Array, tol: float | None = None) -> Array:
    """Return the ranks of matrices, as int32."""
    return np.asarray(np.linalg.matrix_rank(x, tol)).astype("int32")


@operation(types="float", shape=lambda a, b, rcond: Spec((*a.shape[-1:], *b.shape[1:]), b.dtype))
def lstsq(a: Array, b: Array, rcond: float | None = None) -> Array:
    """Return ``x`` that brings ``a @ x`` closest to ``b``."""
    result: Array = np.linalg.lstsq(a, b, rcond)[0]
    return result
