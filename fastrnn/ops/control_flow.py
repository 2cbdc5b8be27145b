"""Branches and loops: loops of known length are unrolled, branches on tensors compute both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.nest import flatten, unflatten
from fastrnn.ops.comparisons import equal, where
from fastrnn.ops.core import cast
from fastrnn.ops.creation import shape
from fastrnn.ops.operation import Operation
from fastrnn.ops.reshaping import concatenate, flip, moveaxis, reshape, stack
from fastrnn.ops.shapes import require_known
from fastrnn.ops.symbolic import Symbolic
from fastrnn.typing import Array, TensorLike


def _chosen(condition: Any, first: Any, second: Any) -> Any:
    """Return one of two structures of tensors, by a condition that is a tensor."""
    pairs = zip(flatten(first), flatten(second), strict=True)
    return unflatten(first, [None if a is None else _pick(condition, a, b) for a, b in pairs])


def _pick(condition: Any, a: Any, b: Any) -> Any:
    rank = max(len(shape(a)), len(shape(b)))
    if len(shape(condition)) == 1 and rank > 1:  # one of each row, or of all
        condition = reshape(condition, (-1, *(1,) * (rank - 1)))
    return where(condition, a, b)


def cond(pred: TensorLike, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """Return what one of two functions gives.

    A condition that is a symbolic tensor is not known yet: both functions are computed, and one of
    the results is taken.

    >>> cond(3 > 2, lambda: "yes", lambda: "no")
    'yes'
    """
    if isinstance(pred, Symbolic):
        return _chosen(cast(pred, "bool"), true_fn(), false_fn())
    return true_fn() if bool(pred) else false_fn()


def switch(index: TensorLike, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """Return what the branch of this number gives for the operands; numbers are clipped."""
    if not isinstance(index, Symbolic):
        number = int(np.clip(int(index), 0, len(branches) - 1))  # type: ignore[arg-type]
        return branches[number](*operands)
    results = [branch(*operands) for branch in branches]
    last = len(results) - 1
    found = results[last]
    for number in range(last - 1, -1, -1):
        below = index <= 0 if number == 0 else equal(index, number)
        found = _chosen(below, results[number], found)
    return found


def _length(name: str, xs: Any, length: int | None = None) -> int:
    if length is not None:
        return int(length)
    leaves = [leaf for leaf in flatten(xs) if leaf is not None]
    if not leaves:
        expected = "tensors, or a length"
        raise ValueError(errors.bad_argument("xs", xs, expected))
    return require_known(name, [shape(leaves[0])[0]])[0]


def _entry(xs: Any, k: int) -> Any:
    return unflatten(xs, [None if leaf is None else leaf[k] for leaf in flatten(xs)])


def _stacked(results: list[Any]) -> Any:
    columns = zip(*[flatten(result) for result in results], strict=True)
    return unflatten(results[0], [None if c[0] is None else stack(list(c)) for c in columns])


def scan(
    f: Callable[[Any, Any], Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> Any:
    """Return the last carry, and the stacked outputs, of ``carry, y = f(carry, x)``.

    Args:
        f: the step.
        init: the first carry: a tensor, or a structure of them.
        xs: tensors, or a structure, whose first axis the steps go along.
        length: number of steps, where there are no ``xs``.
        reverse: whether the last step comes first.
        unroll: accepted: the steps always stand one after the other.
    """
    xs = np.asarray(xs) if isinstance(xs, list) and not _holds_tensors(xs) else xs
    steps = range(_length("scan", xs, length))
    carry, outputs = init, []
    for k in reversed(steps) if reverse else steps:
        carry, y = f(carry, None if xs is None else _entry(xs, k))
        outputs.append(y)
    outputs = outputs[::-1] if reverse else outputs
    return carry, _stacked(outputs) if outputs and outputs[0] is not None else None


def _holds_tensors(value: Any) -> bool:
    return any(hasattr(leaf, "shape") and len(leaf.shape) for leaf in flatten(value))


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """Return ``loop_vars`` after ``body`` has changed them as long as ``cond`` holds.

    A condition that depends on symbolic tensors needs ``maximum_iterations``: the loop is
    unrolled so often, and steps after its end change nothing.

    Raises:
        TypeError: the condition is a symbolic tensor, and there is no greatest number.
    """
    several = isinstance(loop_vars, (list, tuple))
    values: Any = tuple(loop_vars) if several else (loop_vars,)
    count = 0
    while maximum_iterations is None or count < maximum_iterations:
        going = cond(*values)
        if isinstance(going, Symbolic):
            if maximum_iterations is None:
                raise TypeError(
                    "The condition of ops.while_loop depends on values that are not known yet: "
                    "pass `maximum_iterations`, or loop over a length that is."
                )
        elif not bool(going):
            break
        new = body(*values)
        new = tuple(new) if isinstance(new, (list, tuple)) else (new,)
        values = _chosen(going, new, values) if isinstance(going, Symbolic) else new
        count += 1
    return values if several else values[0]


def fori_loop(lower: int, upper: int, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """Return ``value`` after ``value = body_fun(k, value)`` for each ``k`` of a range."""
    value = init_val
    for k in range(*require_known("fori_loop", [lower, upper])):
        value = body_fun(k, value)
    return value


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """Return what ``f`` gives for each entry along the first axis, stacked."""
    return _stacked([f(_entry(xs, k)) for k in range(_length("map", xs))])


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """Return what ``function`` gives for each entry along the first axis, stacked."""
    xs = tuple(elements) if isinstance(elements, list) and _holds_tensors(elements) else elements
    return map(function, xs)


def associative_scan(
    f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """Return all sums so far along an axis, by an addition ``f`` of one's own.

    Args:
        f: takes two structures of tensors, and joins them entry by entry; it is associative.
        elems: a tensor, or a structure.
        reverse: whether the sums begin at the end.
        axis: the axis.
    """
    leaves = [moveaxis(leaf, axis, 0) for leaf in flatten(elems)]
    if reverse:
        leaves = [flip(leaf, 0) for leaf in leaves]
    parts = [leaf[:1] for leaf in leaves]
    columns = [parts]
    for k in range(1, _length("associative_scan", leaves)):
        joined = f(unflatten(elems, columns[-1]), unflatten(elems, [x[k : k + 1] for x in leaves]))
        columns.append(flatten(joined))
    found = [concatenate(list(column)) for column in zip(*columns, strict=True)]
    if reverse:
        found = [flip(leaf, 0) for leaf in found]
    return unflatten(elems, [moveaxis(leaf, 0, axis) for leaf in found])


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``f`` with a gradient of its own.

    Args:
        f: takes tensors and returns ``result, grad``, where ``grad(upstream)`` returns the gradient
            of each tensor; it is called on arrays, when they are there.

    >>> @custom_gradient
    ... def clipped(x):
    ...     return x, lambda upstream: np.clip(upstream, -1, 1)
    >>> clipped(np.array([3.0]))
    array([3.])
    """

    def function(*tensors: Array) -> Any:
        return f(*tensors)[0]

    def vjp(d: Any, y: Any, tensors: Sequence[Array]) -> Any:
        found = f(*tensors)[1](*(d if isinstance(d, tuple) else (d,)))
        return (list(found) if isinstance(found, (list, tuple)) else [found],)

    function.__name__ = function.__qualname__ = getattr(f, "__name__", "custom_gradient")
    return Operation(function, vjp)


def vectorize(
    pyfunc: Callable[..., Any],
    *,
    excluded: Sequence[int | str] | None = None,
    signature: str | None = None,
) -> Callable[..., Any]:
    """Return a function of arrays that calls ``pyfunc`` with their entries, as NumPy's does."""
    options: Any = {"excluded": excluded, "signature": signature}
    made: Callable[..., Any] = np.vectorize(pyfunc, **options)
    return made
