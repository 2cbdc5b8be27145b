"""Functions, branches, loops, and what TensorFlow has to say about graphs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastrnn import backend, ops
from fastrnn.compat.tensorflow.names import gives_tensors, tensors
from fastrnn.core.variable import name_scope as name_scope


def function(func: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Return ``func`` as it stands; also a decorator with arguments.

    >>> @function(jit_compile=True)
    ... def double(x):
    ...     return 2 * x
    >>> double(3)
    6
    """
    return func if func is not None else lambda func: func


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``f`` as it stands."""
    return f


def py_function(
    func: Callable[..., Any], inp: Sequence[Any], Tout: Any = None, name: Any = None
) -> Any:
    """Return what ``func`` gives for the values in ``inp``, as arrays."""
    result = func(*inp)
    return tensors(
        [np.asarray(r) for r in result] if isinstance(result, list | tuple) else np.asarray(result)
    )


def numpy_function(
    func: Callable[..., Any],
    inp: Sequence[Any],
    Tout: Any = None,
    stateful: bool = True,
    name: Any = None,
) -> Any:
    """Return what ``func`` gives for plain arrays, as arrays."""
    return py_function(func, [np.asarray(value) for value in inp], Tout)


def cond(
    pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any], name: Any = None
) -> Any:
    """Return what one of two functions gives; in a model, which has no branches, of both."""
    if backend.is_keras_tensor(pred):
        return tensors(ops.where(pred, true_fn(), false_fn()))
    return tensors(true_fn() if pred else false_fn())


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Sequence[Any], **options: Any
) -> list[Any]:
    """Return the variables after ``body`` has run while ``cond``, of values, held."""
    most = options.get("maximum_iterations")
    state, count = list(loop_vars), 0
    while (most is None or count < most) and cond(*state):
        result = body(*state)
        state, count = list(result) if isinstance(result, list | tuple) else [result], count + 1
    return [tensors(np.asarray(v) if isinstance(v, int | float) else v) for v in state]


def map_fn(fn: Callable[[Any], Any], elems: Any, **options: Any) -> Any:
    """Return the results of ``fn`` for the entries along the first axis, stacked."""
    return tensors(backend.map_fn(fn, elems))


vectorized_map = map_fn


def scan(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, **options: Any) -> Any:
    """Return every state of a fold over the first axis, stacked."""
    count = ops.shape(elems)[0]
    states = [] if initializer is not None else [elems[0]]
    for k in range(len(states), count):
        states.append(fn(states[-1] if states else initializer, elems[k]))
    return tensors(ops.stack(states))


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Let ``f``, which returns a result and its gradient function, have that gradient."""
    made: Callable[..., Any] = ops.custom_gradient(f)
    return made


def print_values(*inputs: Any, **options: Any) -> None:
    """Print on standard error, as ``tf.print`` does."""
    print(
        *inputs,
        sep=options.get("sep", " "),
        end=options.get("end", "\n"),
        file=options.get("output_stream", sys.stderr),
    )


def no_op(*args: Any, **options: Any) -> None:
    """Do nothing: what is asked for has no meaning on arrays."""


@contextlib.contextmanager
def no_scope(*args: Any, **options: Any) -> Any:
    """Change nothing in a block: what is asked for has no meaning on arrays."""
    yield


def executing_eagerly() -> bool:
    """Return True: operations on arrays compute at once."""
    return True


@gives_tensors
def clip_by_norm(t: Any, clip_norm: float, axes: Any = None) -> Any:
    """Return ``t``, scaled down to a norm where its own is greater."""
    norm = ops.sqrt(ops.sum(ops.square(t), axis=axes, keepdims=True))
    return ops.multiply(t, ops.divide(clip_norm, ops.maximum(norm, clip_norm)))


@gives_tensors
def global_norm(t_list: Sequence[Any]) -> Any:
    """Return the norm over all entries of several tensors."""
    total = ops.sum(ops.square(t_list[0]))
    for t in t_list[1:]:
        total = ops.add(total, ops.sum(ops.square(t)))
    return ops.sqrt(total)


def clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: float, **options: Any
) -> tuple[list[Any], Any]:
    """Return tensors, scaled down together to a norm where theirs is greater, and theirs."""
    norm = global_norm(t_list)
    scale = ops.divide(clip_norm, ops.maximum(norm, clip_norm))
    return [tensors(ops.multiply(t, scale)) for t in t_list], norm
