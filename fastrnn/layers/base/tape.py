"""GradientTape: gradients of what is computed step by step, as in a ``train_step`` of one's own.

Inside the tape, calls of layers and models, losses and operations become nodes of a graph, as they
do in a functional model; but each node runs at once, and its pullback is kept. ``gradient`` walks
the nodes back. A model is one node, and runs as it does in ``fit``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from fastrnn.core import errors
from fastrnn.core.nest import flatten, is_node, unflatten
from fastrnn.core.tracing import Trace, tracing
from fastrnn.core.tracing import active as active_trace
from fastrnn.core.variable import Variable
from fastrnn.layers.base.context import CallContext, Penalties, Pullback
from fastrnn.layers.base.graph import pull_node, run_node
from fastrnn.layers.base.symbolic import Node, SymbolicTensor
from fastrnn.layers.base.weights import HasWeights
from fastrnn.regularizers import penalty_gradient
from fastrnn.typing import Array, ArrayLike, DTypeLike, Nest


class _HasValue:
    """What a tensor can do whose value is known."""

    value: Array

    def numpy(self) -> Array:
        """Return a copy of the value."""
        return np.array(self.value)

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> Array:
        return np.asarray(self.value, dtype)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return self.value.__index__()

    def __repr__(self) -> str:
        return repr(self.value)

    def __format__(self, spec: str) -> str:
        return format(self.value.item() if self.value.ndim == 0 else self.value, spec)


class TapeTensor(_HasValue, SymbolicTensor):
    """A symbolic tensor inside a tape, with its value."""


class Settled(_HasValue, NDArrayOperatorsMixin):
    """What tensors of a tape are once it ends: values."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.value.ndim

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value)

    def __getitem__(self, key: Any) -> Any:
        return self.value[key]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        values = [x.value if isinstance(x, _HasValue) else x for x in inputs]
        return getattr(ufunc, method)(*values, **options)


class _Record(NamedTuple):
    """A node that has run."""

    node: Node
    weights: list[Variable]
    pullback: Pullback
    penalties: Penalties
    # Copies of the weights' values in the call: training changes them in place.
    values: list[Array]


class GradientTape:
    """Records what is computed inside, for gradients with respect to variables and tensors.

    Args:
        persistent: accepted; ``gradient`` may be called more than once in any case.
        watch_accessed_variables: accepted as ``True`` alone: all variables are watched.

    Raises:
        ValueError: variables are not to be watched.

    >>> import fastrnn
    >>> model = fastrnn.Sequential([fastrnn.Input((3,)), fastrnn.layers.Dense(1)])
    >>> x, y = np.ones((4, 3), "float32"), np.zeros((4, 1), "float32")
    >>> with fastrnn.GradientTape() as tape:
    ...     error = model(x, training=True) - y
    ...     loss = fastrnn.ops.mean(fastrnn.ops.square(error))
    >>> gradients = tape.gradient(loss, model.trainable_weights)
    >>> [gradient.shape for gradient in gradients]
    [(3, 1), (1,)]
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        if not watch_accessed_variables:
            expected = "True: name the variables in `gradient`"
            argument = "watch_accessed_variables"
            raise ValueError(errors.bad_argument(argument, watch_accessed_variables, expected))
        self._records: list[_Record] = []
        self._tensors: list[Any] = []
        self._outer: GradientTape | None = None
        self._scope: Any = None

    def __enter__(self) -> GradientTape:
        self._outer = _active_tape()
        self._scope = tracing(_Recording(self))
        self._scope.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._scope.__exit__(*exception)
        if self._outer is not None:  # in which they are tensors still
            self._outer._tensors += self._tensors
            return
        for tensor in self._tensors:
            tensor.__class__ = Settled

    def watch(self, tensor: object) -> None:
        """Do nothing: arrays of the layers' dtype are watched, as all variables are."""

    def record(self, node: Node) -> None:
        """Run a node, and keep its pullback."""
        penalties = Penalties(scale=0.0)
        context = CallContext(gradient=True, penalties=penalties)
        given: list[Any] = node.tensors
        values = {id(tensor): tensor.value for tensor in given}
        masks = {id(tensor): tensor.mask for tensor in given}
        with tracing(None):
            weights = node.layer.weights_of_call
            pullback = run_node(node, context, values, masks)
        assert pullback is not None
        outputs: list[Any] = node.outputs
        for tensor in outputs:
            tensor.value, tensor.mask = np.asarray(values[id(tensor)]), masks[id(tensor)]
            tensor.shape, tensor.__class__ = tensor.value.shape, TapeTensor
        self._tensors += outputs
        values_of_weights = [variable.value.copy() for variable in weights]
        entry = _Record(node, weights, pullback, penalties, values_of_weights)
        tape: GradientTape | None = self
        while tape is not None:
            tape._records.append(entry)
            tape = tape._outer

    def losses_of(self, layer: HasWeights) -> list[Any]:
        """Return the penalties on a layer's weights, and those of the calls up to now."""
        found = [_noted(_PenaltiesOfCall(r.penalties)) for r in self._records if r.penalties]
        variables = (v for v in layer.trainable_weights if v.regularizer is not None)
        return found + [_noted(_PenaltyOnWeight(variable)) for variable in variables]

    def gradient(
        self,
        target: Nest,
        sources: Nest,
        output_gradients: Nest = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """Return the gradients of ``target`` with respect to ``sources``, in their structure.

        Args:
            target: a tensor that was computed inside the tape, or several, of which the sum counts.
            sources: variables, tensors and arrays.
            output_gradients: gradients of the targets; ones unless given.
            unconnected_gradients: ``"none"`` or ``"zero"``: what a source gets on which the target
                does not depend.

        Raises:
            ValueError: no target was computed inside the tape.
        """
        wanted = flatten(sources)
        targets = [leaf for leaf in flatten(target) if isinstance(leaf, (TapeTensor, Settled))]
        if not targets:
            remedy = "Compute the loss with layers, losses and fastrnn.ops inside the `with`."
            expected = "a tensor computed inside the tape"
            raise ValueError(errors.bad_argument("target", type(target).__name__, expected, remedy))
        seeds = flatten(output_gradients) if is_node(output_gradients) else [output_gradients]
        gradients: dict[int, Any] = {}
        for k, leaf in enumerate(targets):
            seed = seeds[k] if k < len(seeds) else None
            ones = np.ones_like(leaf.value) if seed is None else np.asarray(seed, leaf.value.dtype)
            gradients[id(leaf)] = gradients.get(id(leaf), 0) + ones
        found = self._walk_back(gradients, {id(source) for source in wanted})
        missing = unconnected_gradients == "zero"
        given = [
            found.get(id(x), np.zeros(np.shape(x), x.dtype) if missing else None) for x in wanted
        ]
        active = _active_tape()
        if active is not None and (active is not self or self._outer is not None):
            given = [None if d is None else _noted(_Gradient(np.asarray(d))) for d in given]
        return unflatten(sources, given)

    def _walk_back(self, gradients: dict[int, Any], wanted: set[int]) -> dict[int, Any]:
        """Return the gradients of what is ``wanted``, by ``id``, given those of the targets."""
        found: dict[int, Any] = {}
        d_weights: dict[int, Array] = {}
        for record in self._records:
            record.penalties.scale = 0.0
        for node, weights, pullback, penalties, values in reversed(self._records):
            kept = {id(t): gradients[id(t)] for t in node.outputs if id(t) in gradients}
            found |= {key: d for key, d in kept.items() if key in wanted}
            if not kept and penalties.scale:  # the penalties alone depend on it
                first: Any = node.outputs[0]
                gradients[id(first)] = np.zeros_like(first.value)
            with _values_of_then(weights, values):
                pull_node(node, weights, pullback, gradients, d_weights)
        found |= {key: d for key, d in gradients.items() if key in wanted}
        return found | {key: d for key, d in d_weights.items() if key in wanted}


class _Recording(Trace):
    """The trace that is active inside a tape."""

    def __init__(self, tape: GradientTape) -> None:
        super().__init__()
        self.tape = tape

    def note(self, node: Node) -> None:
        """Run the node at once."""
        self.tape.record(node)

    def assign(self, variable: Variable, value: ArrayLike) -> None:
        """Assign at once."""
        with tracing(None):
            variable.assign(np.asarray(value))

    def losses_of(self, layer: HasWeights) -> list[Any]:
        """Return the penalties of a layer as tensors."""
        return self.tape.losses_of(layer)


def _active_tape() -> GradientTape | None:
    """Return the innermost tape that records."""
    trace = active_trace()
    return trace.tape if isinstance(trace, _Recording) else None


@contextlib.contextmanager
def _values_of_then(variables: list[Variable], values: list[Array]) -> Iterator[None]:
    """Give variables the values that they had when a node ran."""
    arrays = [(variable.value, then) for variable, then in zip(variables, values, strict=True)]
    changed = [
        (array, array.copy(), then) for array, then in arrays if not np.array_equal(array, then)
    ]
    # In place: pullbacks hold the arrays themselves.
    for array, _, then in changed:
        array[...] = then
    try:
        yield
    finally:
        for array, now, _ in changed:
            array[...] = now


# ---- penalties as nodes ------------------------------------------------------------------------


class _PenaltyNode:
    """What a node has that is no layer's: a number, and where its gradient goes."""

    name, output_dtype, has_own_call, masks_beside_tensors = "penalty", "float32", False, True
    weights_of_call: Sequence[Variable] = ()

    def accept(self, inputs: Nest) -> Any:
        """Return the inputs, of which there are none."""
        return inputs

    def compute(self) -> float:
        """Return the penalty."""
        raise NotImplementedError

    def pull(self, d: float) -> list[Array]:
        """Return the gradients of the weights, given that of the penalty."""
        raise NotImplementedError

    def run(
        self, inputs: Nest, context: CallContext, mask: Nest = None
    ) -> tuple[Any, Pullback, Any]:
        """Return the penalty, the pullback and no mask."""
        return np.float32(self.compute()), lambda d: ([], self.pull(float(d))), None


class _PenaltyOnWeight(_PenaltyNode):
    """The penalty of a regularizer on a variable."""

    def __init__(self, variable: Variable) -> None:
        self.weights_of_call = [variable]

    def compute(self) -> float:
        (variable,) = self.weights_of_call
        assert variable.regularizer is not None
        return variable.regularizer(variable.value)

    def pull(self, d: float) -> list[Array]:
        (variable,) = self.weights_of_call
        assert variable.regularizer is not None
        gradient = penalty_gradient(variable.regularizer, variable.value)
        return [variable.value.dtype.type(d) * gradient]


class _PenaltiesOfCall(_PenaltyNode):
    """The penalties of one call: of ``add_loss`` and of activity regularizers."""

    def __init__(self, penalties: Penalties) -> None:
        self._penalties = penalties

    def compute(self) -> float:
        return sum(self._penalties)

    def pull(self, d: float) -> list[Array]:
        self._penalties.scale += d  # the call's own pullback comes later, and counts them so
        return []


class _Function(_PenaltyNode):
    """A number that is computed of a tensor, with its gradient."""

    def __init__(self, function: Callable[[Array], tuple[float, Any]]) -> None:
        self._function = function

    def run(
        self, inputs: Nest, context: CallContext, mask: Nest = None
    ) -> tuple[Any, Pullback, Any]:
        """Return the number, the pullback and no mask."""
        value, gradient = self._function(np.asarray(inputs))
        return np.float32(value), lambda d: (gradient * gradient.dtype.type(d), []), None


class _Gradient(_PenaltyNode):
    """A gradient in a tape around the one that gave it: a value that cannot be differentiated."""

    def __init__(self, value: Array) -> None:
        self._value, self.output_dtype = value, value.dtype.name

    def run(
        self, inputs: Nest, context: CallContext, mask: Nest = None
    ) -> tuple[Any, Pullback, Any]:
        """Return the gradient, a pullback that refuses, and no mask."""
        return self._value, self._refuse, None

    def _refuse(self, d: Nest) -> Any:
        raise NotImplementedError(
            "Gradients of gradients are not followed: the target depends on what another tape's "
            "`gradient` returned. Pass that through `fastrnn.ops.stop_gradient` to take it for a "
            "constant, or leave the penalty on gradients out."
        )


def note_function(function: Callable[[Array], tuple[float, Any]], tensor: SymbolicTensor) -> Any:
    """Note a number that is computed of a tensor of the active tape; return its tensor.

    Args:
        function: gives the number and its gradient for the tensor's value.
        tensor: the tensor.
    """
    return Node(_Function(function), tensor, {}, ()).result


def _noted(layer: _PenaltyNode) -> Any:
    """Note a node of a penalty in the tape; return its tensor."""
    return Node(layer, [], {}, ()).result
