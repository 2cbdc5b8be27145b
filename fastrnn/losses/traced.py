"""Losses of the user's own: functions and classes with ``call``, which are traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn.core import tracing
from fastrnn.core.operators import Operators
from fastrnn.layers.base.place import raise_with_place
from fastrnn.layers.base.traced import TracedCall, Traces
from fastrnn.ops.symbolic import Symbolic
from fastrnn.typing import Array

# values, pullback = terms(y_true, y_pred); d_y_pred = pullback(d_values).
Terms = tuple[Array, Callable[[Array], Array]]


def is_noted(*values: Any) -> bool:
    """Whether a function of these becomes nodes of a graph, instead of being computed."""
    noted = Symbolic if tracing.active() is None else Operators
    return any(isinstance(value, noted) for value in values)


def traced_terms(
    function: Callable[..., Any],
    traces: Traces,
    y_true: Array,
    y_pred: Array,
    name: str,
    weight_gradients: dict[int, Array],
) -> Terms:
    """Return the values of a function of the user's, and the pullback to ``y_pred``.

    A function that needs values where a trace has none gives them all the same; its pullback
    raises what was raised.

    Args:
        function: ``function(y_true, y_pred)`` gives values, or one number.
        traces: those of the function.
        y_true, y_pred: arrays of one dtype.
        name: of the loss, in messages.
        weight_gradients: gets the gradients of the variables in the function, by ``id``, when the
            pullback is called.
    """
    try:
        traced = traces.follow(function, (y_true, y_pred))
    except Exception as error:
        return _untraced_terms(function, y_true, y_pred, name, error)
    # Nothing is trained through the labels.
    traced.graph.fixed_inputs = {id(traced.inputs[0])}
    values, pull = traced.evaluate([y_true, y_pred], gradient=True)
    values = np.asarray(values, y_pred.dtype)
    assert pull is not None

    def pullback(d: Array) -> Array:
        (_, d_pred), d_weights = pull(d.astype(_dtype_of(traced, y_pred), copy=False))
        weight_gradients.update(d_weights)
        return np.zeros_like(y_pred) if d_pred is None else np.asarray(d_pred, y_pred.dtype)

    return values, pullback


def _dtype_of(traced: TracedCall, y_pred: Array) -> Any:
    return getattr(traced.outputs, "dtype", y_pred.dtype)


def _untraced_terms(
    function: Callable[..., Any], y_true: Array, y_pred: Array, name: str, error: Exception
) -> Terms:
    values = np.asarray(function(y_true, y_pred), y_pred.dtype)

    def pullback(d: Array) -> Array:
        raise_with_place(error, f"In loss {name!r}")

    return values, pullback
