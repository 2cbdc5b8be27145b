"""Traces: what a function of the user's amounts to, as a graph for each form of its arguments.

A function is called once on symbolic tensors, and what it does to them is kept as a graph that then
runs on arrays: ``call`` of layers, models and cells, losses, metrics, activations and Lambdas.

>>> import numpy as np
>>> from fastrnn.layers import Dense
>>> traces, double = Traces(), Dense(2, kernel_initializer="identity")
>>> double.build((None, 2))
>>> traced = traces.follow(lambda x, y: double(x) + y, (np.ones((1, 2)), np.ones((1, 2))))
>>> outputs, pullback = traced.evaluate([np.ones((1, 2)), np.ones((1, 2))], gradient=True)
>>> outputs, pullback(np.ones((1, 2)))[0]
(array([[2., 2.]]), [array([[1., 1.]]), array([[1., 1.]])])
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from fastrnn.core.naming import names_kept
from fastrnn.core.nest import flatten, is_node, unflatten
from fastrnn.core.operators import operation
from fastrnn.core.tracing import Trace, tracing
from fastrnn.core.tracing import active as tracing_active
from fastrnn.core.variable import Variable
from fastrnn.layers.base.context import CallContext, Penalties
from fastrnn.layers.base.graph import Graph
from fastrnn.layers.base.symbolic import SymbolicTensor
from fastrnn.typing import Array, Nest

# Of one function; the oldest are forgotten.
MOST_TRACES = 64
# (gradients of the outputs) -> gradients of the arrays in their order, and by `id` of the weights.
TracedPullback = Callable[[Any], tuple[list[Any], dict[int, Array]]]


class TracedCall:
    """A function as a graph, for one form of its arguments.

    Attributes:
        arguments: the symbolic tensors that stood for the arrays, in the structure of the
            arguments, among what are no arrays.
        inputs: these tensors, in order.
        outputs: what the function returned: tensors, and what does not depend on them.
        graph: the calls between ``inputs``, and the tensors in ``outputs``, ``losses`` and
            ``updates``.
        losses: the layers that ``add_loss`` was called of.
        updates: the variables that are assigned values in the end.
        checked: whether the owner of the function has looked at it.
        returns_weights: whether outputs are views of weights; ``None`` before it has run.
    """

    checked = False
    returns_weights: bool | None = None

    def __init__(self, arguments: Nest, outputs: Nest, trace: Trace) -> None:
        self.arguments, self.outputs = arguments, outputs
        self.inputs = [leaf for leaf in flatten(arguments) if isinstance(leaf, SymbolicTensor)]
        self.losses = [layer for layer, _ in trace.losses]
        self.updates = [variable for variable, _ in trace.updates.values()]
        self._leaves = flatten(outputs)
        self._results = [
            *self._leaves,
            *(loss for _, loss in trace.losses),
            *(value for _, value in trace.updates.values()),
        ]
        self._is_tensor = [isinstance(leaf, SymbolicTensor) for leaf in self._results]
        self.graph = Graph(self.inputs, [t for t in self._results if isinstance(t, SymbolicTensor)])
        self._sole = len(self._results) == 1 and self._results[0] is outputs and self._is_tensor[0]

    def run(
        self, arrays: Sequence[Any], context: CallContext, masks: Sequence[Any]
    ) -> tuple[Any, TracedPullback | None, Any]:
        """Return outputs, pullback and masks of the outputs.

        Args:
            arrays: in the order of ``inputs``.
            context: see ``CallContext``.
            masks: of the arrays.
        """
        pull: Any
        values, pull, found = self.graph.run(arrays, context, masks)
        if self._sole:  # most functions
            result, mask = values[0], found[0]
            if pull is None:
                return result, None, mask
            return result, lambda d: pull([d]), mask
        results = self._with_constants(values)
        count, losses = len(self._leaves), len(self.losses)
        masks_of_outputs = self._among_tensors(found)[:count]
        counted = self._take_losses(results[count:], context)
        self._update(results[count + losses :])
        result = unflatten(self.outputs, results[:count])
        mask = unflatten(self.outputs, masks_of_outputs)
        if pull is None:
            return result, None, mask

        def pullback(d_result: Any) -> tuple[list[Any], dict[int, Array]]:
            gradients = flatten(d_result) if is_node(self.outputs) else [d_result]
            if counted is not None:
                scale = counted.scale
                gradients += [np.full_like(x, scale) for x in results[count : count + losses]]
            kept = [d for d, tensor in zip(gradients, self._is_tensor, strict=False) if tensor]
            kept += [None] * (len(values) - len(kept))
            return pull(kept)

        return result, pullback, mask

    def evaluate(
        self, arrays: Sequence[Any], gradient: bool = False, training: bool = False
    ) -> tuple[Any, TracedPullback | None]:
        """Return the outputs for arrays without masks, and the pullback if it is wanted."""
        context = CallContext(training=training, gradient=gradient)
        return self.run(arrays, context, [None] * len(arrays))[:2]

    def _among_tensors(self, values: Sequence[Any], others: Sequence[Any] = ()) -> list[Any]:
        """Return values at the places of the tensors, and ``others`` or ``None`` elsewhere."""
        stream, rest = iter(values), others or [None] * len(self._is_tensor)
        return [
            next(stream) if tensor else other
            for tensor, other in zip(self._is_tensor, rest, strict=True)
        ]

    def _with_constants(self, values: Sequence[Any]) -> list[Any]:
        """Return the values of all results, also of those that are no tensors."""
        constants = [_value_of(result) for result in self._results]
        return self._among_tensors(values, constants)

    def _take_losses(self, values: Sequence[Any], context: CallContext) -> Penalties | None:
        """Keep what ``add_loss`` was given; return the penalties that it counts among."""
        if not self.losses:
            return None
        sums = [float(np.sum(value)) for value in values[: len(self.losses)]]
        for layer in self.losses:
            layer.call_losses, layer.call_penalties = [], None
        for layer, value in zip(self.losses, sums, strict=True):
            layer.call_losses.append(value)
        if context.penalties is not None:
            context.penalties.extend(sums)
        return context.penalties

    def _update(self, values: Sequence[Any]) -> None:
        for variable, value in zip(self.updates, values, strict=True):
            variable.require_unfrozen()
            # A new array: pullbacks may hold the old one.
            variable.value = np.array(np.broadcast_to(value, variable.shape), variable.dtype)


def _value_of(result: Any) -> Any:
    return result.value if isinstance(result, Variable) else result


class Traces:
    """The traced calls of one function, by the forms of its arguments.

    Copies and pickles of it begin empty.
    """

    def __init__(self) -> None:
        # Most keys of concrete shapes have the trace of all sizes of the batch.
        self._by_key: dict[Hashable, TracedCall] = {}
        # Forms of which code needs the size of the batch.
        self._of_fixed_batch: set[Hashable] = set()
        # What was forgotten last: it tells of names and structures until there is another.
        self._before: list[TracedCall] = []

    def __reduce__(self) -> Any:
        return Traces, ()

    @property
    def calls(self) -> list[TracedCall]:
        """The traced calls, the oldest first."""
        return list({id(call): call for call in self._by_key.values()}.values()) or self._before

    def forget(self) -> None:
        """Follow the function anew from now on: it has read what is another value now."""
        self._before = self.calls
        self._by_key.clear()
        self._of_fixed_batch.clear()

    def find(self, key: Hashable) -> TracedCall | None:
        """Return what was entered under ``key``."""
        return self._by_key.get(key)

    def enter(self, key: Hashable, call: TracedCall) -> TracedCall:
        """Keep a traced call under ``key``; return it."""
        while len(self._by_key) >= MOST_TRACES:
            self._by_key.pop(next(iter(self._by_key)))
        self._by_key[key] = call
        return call

    def follow(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], *marks: Hashable
    ) -> TracedCall:
        """Return the traced call of ``function(*arguments)``.

        Args:
            function: takes ``arguments``, with tensors in the place of the arrays.
            arguments: arrays or symbolic tensors, in lists, tuples and dicts; and other values.
            *marks: what else the graph depends on, such as ``training``.

        Raises:
            Exception: what the function raises on symbolic tensors of these very shapes.
        """
        key = (form_of(arguments), *marks)
        found = self._by_key.get(key)
        if found is not None:
            return found
        batch = _batch_of(arguments)
        if batch is None:
            return self.enter(key, trace(function, arguments))
        # First for all sizes of the batch; code that needs its length gets it afterwards.
        general = (form_of(arguments, batch), *marks)
        found = self._by_key.get(general)
        if found is None and general not in self._of_fixed_batch:
            try:
                with names_kept():
                    found = self.enter(general, trace(function, arguments, batch))
            except Exception:
                self._of_fixed_batch.add(general)
        return self.enter(key, found or trace(function, arguments))


def trace(function: Callable[..., Any], arguments: tuple[Any, ...], batch: int = -1) -> TracedCall:
    """Call a function on symbolic tensors, and return what it does.

    Args:
        function: takes ``arguments``, with tensors in the place of the arrays.
        arguments: arrays or symbolic tensors, in lists, tuples and dicts; and other values.
        batch: the length of first axes that is taken for unknown.
    """
    tensors = unflatten(arguments, [_tensor_for(leaf, batch) for leaf in flatten(arguments)])
    noted = Trace()
    with tracing(noted):
        outputs = tensors_of_variables(function(*tensors))
    return TracedCall(tensors, outputs, noted)


def tensors_of_variables(value: Nest) -> Any:
    """Return ``value`` with tensors in the place of variables, which then have gradients."""
    leaves = flatten(value)
    if tracing_active() is None or not any(isinstance(leaf, Variable) for leaf in leaves):
        return value
    same = operation("reshape")
    return unflatten(value, [same(x, x.shape) if isinstance(x, Variable) else x for x in leaves])


def _tensor_for(leaf: Any, batch: int) -> Any:
    """Return a symbolic tensor for an array or another tensor; other things as they are."""
    if not isinstance(leaf, (np.ndarray, SymbolicTensor)):
        return leaf
    shape = tuple(leaf.shape)
    if shape and shape[0] == batch:
        shape = (None, *shape[1:])
    dtype = leaf.dtype if isinstance(leaf.dtype, str) else leaf.dtype.name
    return SymbolicTensor(shape, dtype, getattr(leaf, "name", "input"))


def _batch_of(arguments: tuple[Any, ...]) -> int | None:
    """Return the first length of the first array that has one."""
    for leaf in flatten(arguments):
        if isinstance(leaf, np.ndarray) and leaf.ndim:
            return len(leaf)
    return None


def form_of(value: Any, batch: int = -1) -> Hashable:
    """Return what a trace depends on: shapes and dtypes of arrays, and all other values.

    Args:
        value: an argument, or several in lists, tuples and dicts.
        batch: the length of first axes that does not matter.
    """
    if isinstance(value, (np.ndarray, SymbolicTensor)):
        shape = value.shape
        return (shape if not shape or shape[0] != batch else (None, *shape[1:])), str(value.dtype)
    if isinstance(value, dict):
        return tuple((key, form_of(value[key], batch)) for key in sorted(value, key=str))
    if isinstance(value, (list, tuple)):
        return type(value), tuple(form_of(entry, batch) for entry in value)
    try:
        hash(value)
    except TypeError:
        return id(value)
    return type(value), value
