"""Products of vectors, matrices and tensors."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.ops.arithmetic import multiply
from fastrnn.ops.creation import shape
from fastrnn.ops.matrix_product import product
from fastrnn.ops.operation import operation
from fastrnn.ops.reshaping import moveaxis, ravel, reshape, stack
from fastrnn.ops.shapes import Spec, broadcast_shapes, sum_to
from fastrnn.typing import Array, Shape, TensorLike


def _matmul_shape(x1: Spec, x2: Spec) -> Shape:
    a, b = x1.shape, x2.shape
    m, n = a[-1], b[-2] if len(b) > 1 else b[0]
    if None not in (m, n) and m != n:
        raise ValueError(errors.bad_shape("x2", b, f"one that can be multiplied with {a}"))
    batch = broadcast_shapes(a[:-2], b[:-2])
    return (*batch, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))


def _matmul_first(d: Array, y: Array, x1: Array, x2: Array) -> Array:
    if x2.ndim == 1:
        return d[..., None] * x2
    if x1.ndim == 1:
        return sum_to((x2 @ d[..., None])[..., 0], x1.shape)
    return sum_to(product(d, x2.swapaxes(-1, -2)), x1.shape)


def _matmul_second(d: Array, y: Array, x1: Array, x2: Array) -> Array:
    if x1.ndim == 1 and x2.ndim == 1:
        return d * x1
    if x1.ndim == 1:
        return x1[:, None] * d[..., None, :]
    if x2.ndim == 1:
        return (x1 * d[..., None]).reshape(-1, len(x2)).sum(axis=0)
    if x2.ndim == 2:
        return product(x1.reshape(-1, x1.shape[-1]).T, d.reshape(-1, d.shape[-1]))
    return sum_to(product(x1.swapaxes(-1, -2), d), x2.shape)


@operation((_matmul_first, _matmul_second), types="common", shape=_matmul_shape, onnx="MatMul")
def matmul(x1: Array, x2: Array) -> Array:
    """Return the products of matrices in the last two axes; the axes before them broadcast."""
    return product(x1, x2)


def dot(x1: TensorLike, x2: TensorLike) -> Any:
    """Return the products over the last axis of ``x1`` and the last but one of ``x2``."""
    a, b = shape(x1), shape(x2)
    if not a or not b:
        return multiply(x1, x2)
    if len(b) <= 2:
        return matmul(x1, x2)
    return tensordot(x1, x2, axes=[[len(a) - 1], [len(b) - 2]])


def inner(x1: TensorLike, x2: TensorLike) -> Any:
    """Return the products over the last axes."""
    a, b = shape(x1), shape(x2)
    if not a or not b:
        return multiply(x1, x2)
    return tensordot(x1, x2, axes=[[len(a) - 1], [len(b) - 1]])


def outer(x1: TensorLike, x2: TensorLike) -> Any:
    """Return the products of all entries of ``x1`` with all of ``x2``, as a matrix."""
    return multiply(reshape(x1, (-1, 1)), reshape(x2, (1, -1)))


def vdot(x1: TensorLike, x2: TensorLike) -> Any:
    """Return the sum of the products of all entries."""
    return matmul(ravel(x1), ravel(x2))


def tensordot(x1: TensorLike, x2: TensorLike, axes: Any = 2) -> Any:
    """Return the products over pairs of axes.

    Args:
        x1, x2: arrays.
        axes: a number: the last axes of ``x1`` and the first of ``x2``; or two lists of axes.
    """
    a, b = shape(x1), shape(x2)
    if isinstance(axes, (int, np.integer)):
        left, right = list(range(len(a) - axes, len(a))), list(range(axes))
    else:
        left, right = (list(p) if isinstance(p, (list, tuple)) else [p] for p in axes)
    letters = list(string.ascii_letters)
    first = [letters.pop(0) for _ in a]
    second = [letters.pop(0) for _ in b]
    for i, j in zip(left, right, strict=True):
        second[j] = first[i]
    summed = {first[i] for i in left}
    kept = [c for c in (*first, *second) if c not in summed]
    return einsum(f"{''.join(first)},{''.join(second)}->{''.join(kept)}", x1, x2)


# ---- einsum --------------------------------------------------------------------------------------


def _terms(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result, those of ``...`` in capitals."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        expected = f"the letters of {len(ranks)} operands"
        raise ValueError(errors.bad_argument("subscripts", subscripts, expected))
    spare = [c for c in string.ascii_uppercase if c not in text]
    extra = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)]
    most = max((n for n, term in zip(extra, terms, strict=True) if "..." in term), default=0)
    dots = "".join(spare[:most])
    terms = [t.replace("...", dots[most - n :]) for t, n in zip(terms, extra, strict=True)]
    if any(len(term) != rank for term, rank in zip(terms, ranks, strict=True)):
        expected = f"as many letters as axes, {ranks}"
        raise ValueError(errors.bad_argument("subscripts", subscripts, expected))
    if not arrow:
        letters = "".join(terms)
        single = sorted(c for c in set(letters) if letters.count(c) == 1 and c not in dots)
        return terms, dots + "".join(single)
    return terms, right.replace("...", dots)


def _einsum_shape(operands: Any, subscripts: str, **kwargs: Any) -> Shape:
    terms, result = _terms(subscripts, [x.ndim for x in operands])
    lengths: dict[str, int | None] = {}
    for term, x in zip(terms, operands, strict=True):
        for letter, n in zip(term, x.shape, strict=True):
            known = lengths.get(letter)
            if known not in (None, 1) and n not in (None, 1, known):
                expected = f"lengths that fit {subscripts!r}"
                raise ValueError(errors.bad_shape("operands", x.shape, expected))
            if letter not in lengths or known == 1 or (known is None and n not in (None, 1)):
                lengths[letter] = n
    return tuple(lengths[c] for c in result)


def _einsum_vjp(d: Array, y: Array, operands: list[Array], subscripts: str, **kwargs: Any) -> Any:
    terms, result = _terms(subscripts, [x.ndim for x in operands])
    gradients = []
    for k, (term, x) in enumerate(zip(terms, operands, strict=True)):
        others = [(t, o) for i, (t, o) in enumerate(zip(terms, operands, strict=True)) if i != k]
        there = set(result).union(*(t for t, _ in others))
        # Letters of this operand alone are summed over: their gradient is the same everywhere.
        alone = [c for c in dict.fromkeys(term) if c not in there]
        ones = [("".join(alone), np.ones([x.shape[term.index(c)] for c in alone], d.dtype))]
        wanted = "".join(dict.fromkeys(term))
        inputs = [(result, d), *others, *(ones if alone else [])]
        text = f"{','.join(t for t, _ in inputs)}->{wanted}"
        g = _contract(text, [a for _, a in inputs])
        if len(wanted) != len(term):
            g = _on_diagonal(g, wanted, term, x)
        gradients.append(g)
    return (gradients,)


def _on_diagonal(g: Array, wanted: str, term: str, x: Array) -> Array:
    """Return the gradient of an operand of which a letter names several axes."""
    full = np.zeros(x.shape, g.dtype)
    grid = dict(zip(wanted, np.ogrid[tuple(slice(n) for n in g.shape)], strict=True))
    full[tuple(grid[c] for c in term)] = g
    return full


def _contract(text: str, arrays: list[Array]) -> Array:
    """Return an Einstein sum, as a product of matrices where it is one of two arrays."""
    left, _, result = text.partition("->")
    terms = left.split(",")
    if len(terms) == 2 and arrays[0].dtype.kind == "f":
        found = _as_product(terms, result, arrays)
        if found is not None:
            return found
    return np.einsum(text, *arrays, optimize=len(arrays) > 2)


def _as_product(terms: list[str], result: str, arrays: list[Array]) -> Array | None:
    """Return the sum as (batch, rows, summed) @ (batch, summed, columns), if it is of that form."""
    a, b = terms
    once = all(len(set(t)) == len(t) for t in (a, b, result))
    lengths: dict[str, int] = {}
    for term, x in zip(terms, arrays, strict=True):
        for c, n in zip(term, x.shape, strict=True):
            if lengths.setdefault(c, n) != n:
                return None  # a length of 1 that broadcasts
    batch = [c for c in result if c in a and c in b]
    summed = [c for c in a if c in b and c not in result]
    rows = [c for c in result if c in a and c not in b]
    columns = [c for c in result if c in b and c not in a]
    if not once or not summed or len(a) != len(batch + rows + summed):
        return None
    if len(b) != len(batch + summed + columns):
        return None
    x = arrays[0].transpose([a.index(c) for c in batch + rows + summed])
    w = arrays[1].transpose([b.index(c) for c in batch + summed + columns])
    sizes = [[lengths[c] for c in part] for part in (batch, rows, summed, columns)]
    m, k, n = (int(np.prod(part, dtype=int)) for part in sizes[1:])
    y = product(x.reshape(*sizes[0], m, k), w.reshape(*sizes[0], k, n))
    order = batch + rows + columns
    return y.reshape([lengths[c] for c in order]).transpose([order.index(c) for c in result])


@operation(_einsum_vjp, types="common", shape=_einsum_shape)
def einsum(subscripts: str, *operands: Array, **kwargs: Any) -> Array:
    """Return the sum of products that ``subscripts`` says, such as ``"bij,bjk->bik"``.

    Keyword arguments, such as ``optimize``, are accepted and change nothing.
    """
    terms, result = _terms(subscripts, [x.ndim for x in operands])
    return _contract(f"{','.join(terms)}->{result}", list(operands))


# ---- others --------------------------------------------------------------------------------------


def cross(
    x1: TensorLike,
    x2: TensorLike,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Any:
    """Return the cross products of vectors of 3 along an axis."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(x1, axisa, 0), moveaxis(x2, axisb, 0)
    parts = [multiply(a[i], b[j]) - multiply(a[j], b[i]) for i, j in ((1, 2), (2, 0), (0, 1))]
    return moveaxis(stack(parts), 0, axisc)
