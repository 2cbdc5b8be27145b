"""Operations whose names, arguments or defaults are others than in ``fastrnn.ops``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from fastrnn import config, ops
from fastrnn.backend.settings import learning_phase
from fastrnn.backend.values import int_shape
from fastrnn.typing import Axes, DTypeLike

__all__ = [
    "argmax", "argmin", "batch_dot", "batch_flatten", "binary_crossentropy",
    "categorical_crossentropy", "concatenate", "cumprod", "cumsum", "dot", "expand_dims",
    "flatten", "foldl", "gather", "in_test_phase", "in_top_k", "in_train_phase", "l2_normalize",
    "map_fn", "one_hot", "permute_dimensions", "pow", "relu", "repeat", "repeat_elements",
    "reverse", "slice", "sparse_categorical_crossentropy", "switch", "temporal_padding",
]  # fmt: skip


def argmax(x: Any, axis: int = -1) -> Any:
    """Return the places of the greatest entries along an axis."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Return the places of the least entries along an axis."""
    return ops.argmin(x, axis)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Any:
    """Return the tensors one after the other along an axis."""
    return ops.concatenate(tensors, axis)


def cumsum(x: Any, axis: int = 0) -> Any:
    """Return the sums of the entries so far along an axis."""
    return ops.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> Any:
    """Return the products of the entries so far along an axis."""
    return ops.cumprod(x, axis)


def expand_dims(x: Any, axis: int = -1) -> Any:
    """Return ``x`` with an axis of length 1."""
    return ops.expand_dims(x, axis)


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Return ``x`` above ``threshold``, ``alpha·(x - threshold)`` below, at most ``max_value``."""
    y = ops.where(ops.greater(x, threshold), x, (x - threshold) * alpha)
    return y if max_value is None else ops.minimum(y, max_value)


def pow(x: Any, a: Any) -> Any:
    """Return ``x**a``."""
    return ops.power(x, a)


def dot(x: Any, y: Any) -> Any:
    """Return sums of products over the last axis of ``x`` and the one before the last of ``y``."""
    return ops.dot(x, y)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """Return the products of each sample: sums over one axis of ``x`` and one of ``y``.

    Args:
        x: (batch, ...).
        y: (batch, ...).
        axes: the axis of both, or a pair; the last of ``x`` and the one before the last of ``y``
            unless given, the last of ``y`` where it has two axes.
    """
    ranks = len(int_shape(x)), len(int_shape(y))
    if axes is None:
        axes = ranks[0] - 1, ranks[1] - (1 if ranks[1] == 2 else 2)
    first, second = (axes, axes) if isinstance(axes, int) else axes
    first, second = first % ranks[0], second % ranks[1]
    left = "".join(chr(ord("a") + k) for k in range(ranks[0]))
    right = "a" + "".join(chr(ord("n") + k) for k in range(1, ranks[1]))
    right = right[:second] + left[first] + right[second + 1 :]
    result = left.replace(left[first], "") + right[1:].replace(left[first], "")
    product = ops.einsum(f"{left},{right}->{result}", x, y)
    return ops.expand_dims(product, -1) if len(result) == 1 else product


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Any:
    """Return ``x`` with its axes in another order."""
    return ops.transpose(x, list(pattern))


def repeat(x: Any, n: int) -> Any:
    """Return (batch, features) as (batch, n, features)."""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Return each entry of an axis ``rep`` times."""
    return ops.repeat(x, rep, axis=axis)


def reverse(x: Any, axes: Axes) -> Any:
    """Return ``x`` reversed along axes."""
    return ops.flip(x, axes)


def gather(reference: Any, indices: Any) -> Any:
    """Return the rows of ``reference`` at ``indices``."""
    return ops.take(reference, indices, axis=0)


def one_hot(indices: Any, num_classes: int) -> Any:
    """Return ones at the class numbers, zeros elsewhere."""
    return ops.one_hot(indices, num_classes)


def flatten(x: Any) -> Any:
    """Return all entries on one axis."""
    return ops.reshape(x, (-1,))


def batch_flatten(x: Any) -> Any:
    """Return (batch, ...) as (batch, entries)."""
    return ops.reshape(x, (-1, math.prod(n for n in int_shape(x)[1:] if n is not None)))


def slice(x: Any, start: Sequence[int], size: Sequence[int]) -> Any:
    """Return the part of ``size`` that begins at ``start``."""
    return ops.slice(x, start, size)


def temporal_padding(x: Any, padding: tuple[int, int] = (1, 1)) -> Any:
    """Return (batch, steps, features) with zeros before and behind the steps."""
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


def l2_normalize(x: Any, axis: int | None = None) -> Any:
    """Return ``x`` divided by its norm along an axis."""
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(squares, config.epsilon())))


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """Return one of two expressions, or of what two functions give, where ``condition`` holds."""
    branches = [
        branch() if callable(branch) else branch for branch in (then_expression, else_expression)
    ]
    rank = len(int_shape(branches[0]))
    while 0 < len(int_shape(condition)) < rank:
        condition = ops.expand_dims(condition, -1)
    return ops.where(condition, *branches)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Return ``x`` for training, else ``alt``; each may be a function that gives it.

    Unless ``training`` says which, it is ``learning_phase``.
    """
    chosen = x if (learning_phase() if training is None else training) else alt
    return chosen() if callable(chosen) else chosen


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """Return ``alt`` for training, else ``x``; each may be a function that gives it."""
    return in_train_phase(alt, x, training)


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Return whether each target is among the ``k`` greatest predictions."""
    return ops.in_top_k(targets, predictions, k)


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Return the crossentropy of each sample."""
    return ops.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Return the crossentropy of each sample, for class numbers."""
    if len(int_shape(target)) == len(int_shape(output)):
        target = ops.squeeze(target, axis)
    return ops.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Return the crossentropy of each entry."""
    return ops.binary_crossentropy(target, output, from_logits=from_logits)


def map_fn(fn: Callable[[Any], Any], elems: Any, name: Any = None, dtype: DTypeLike = None) -> Any:
    """Return the results of ``fn`` for the entries along the first axis, stacked."""
    return ops.stack([fn(elems[k]) for k in range(ops.shape(elems)[0])])


def foldl(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: Any = None
) -> Any:
    """Return the last state of a fold over the first axis."""
    count = ops.shape(elems)[0]
    first = 0 if initializer is not None else 1
    state = elems[0] if initializer is None else initializer
    for k in range(first, count):
        state = fn(state, elems[k])
    return state
