"""Operation: a function of arrays with its derivative, its shape rule and its dtype rule.

A row of the table is a function of arrays under ``@operation(…)``. It has Keras's signature; the
annotations say what its arguments are: ``Array`` is a tensor, ``Sequence[Array]`` several of them,
``Index`` a key with tensors in it; all others are options.

What the decorator returns takes arrays, numbers and lists, and computes; with a symbolic tensor
among them, or with a variable while a trace is active, it notes the call as a node of a graph.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastrnn.core import tracing
from fastrnn.core.nest import flatten, unflatten
from fastrnn.core.operators import Operators
from fastrnn.core.variable import Variable
from fastrnn.ops.arguments import ROLES, dtype_of, is_constant, role, with_dtype
from fastrnn.ops.dtypes import Kind, kind_of, result_type, to_array
from fastrnn.ops.shapes import Spec, broadcast_shapes, sum_to
from fastrnn.ops.symbolic import Symbolic
from fastrnn.typing import Array, Shape

# All operations, by name.
OPERATIONS: dict[str, Operation] = {}
# Lengths that stand for unknown ones: where a result differs with them, its length is unknown.
_STAND_INS = (83, 89)
# (d, y, *tensors, **options) -> the gradient of one tensor.
Vjp = Callable[..., Any]


class Operation:
    """One row of the table.

    Attributes:
        name: Keras's name.
        function: arrays and options -> an array, or a tuple of arrays.
        derivative: see ``operation``.
        elementwise: whether each entry of the result needs those at its place alone.
        random: whether each call draws anew.
        onnx: name of ONNX's operator of the same arguments, if there is one.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        vjp: Vjp | Sequence[Vjp | None] | None = None,
        types: str = "given",
        shape: Callable[..., Any] | None = None,
        elementwise: bool = False,
        random: bool = False,
        onnx: str | None = None,
    ) -> None:
        self.function, self.name = function, function.__name__
        self.derivative, self._shape = vjp, shape
        self.elementwise, self.random, self.onnx = elementwise, random, onnx
        self.signature = inspect.signature(function)
        parameters = self.signature.parameters.values()
        self.tensors = {p.name: held for p in parameters if (held := role(p)) is not None}
        by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        self.names = [p.name for p in parameters if p.kind in by_name]
        self.known = {*self.names, *self.tensors}
        self._rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        self._defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        words = types.split()
        self._types = dict(
            zip(self.tensors, words if len(words) > 1 else words * len(self.tensors), strict=True)
        )

    @property
    def takes_many(self) -> bool:
        """Whether it takes any number of tensors, each as an argument."""
        return self._rest is not None

    @property
    def home(self) -> str:
        """The part of ``keras.ops`` that Keras keeps the operation in."""
        parts = self.function.__module__.split(".")
        return parts[2] if parts[2] in ("core", "linalg", "math", "nn") else "numpy"

    @property
    def class_name(self) -> str:
        """Keras's class of the operation.

        >>> OPERATIONS["get_item"].class_name
        'GetItem'
        """
        return "".join(word.capitalize() for word in self.name.split("_"))

    def __reduce__(self) -> Any:
        if OPERATIONS.get(self.name) is not self:
            raise TypeError(f"{self!r} is a function of its own: it cannot be pickled.")
        return _named, (self.name,)

    def __deepcopy__(self, memo: object) -> Operation:
        return self

    def __repr__(self) -> str:
        return f"<Operation {self.name}>"

    # ---- calls ----

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute, or note the call as a node."""
        call = self.bind(args, kwargs)
        trace = tracing.active()
        if trace is not None:
            call.leaves[:] = [
                trace.read(leaf) if isinstance(leaf, Variable) else leaf for leaf in call.leaves
            ]
        traced = Operators if trace is not None else Symbolic
        noted = any(isinstance(leaf, traced) for leaf in call.leaves)
        if noted or (self.random and trace is not None):
            return _recorder.record(call)
        return call.compute(call.convert())

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """Return a call with these arguments.

        Raises:
            TypeError: there are too few or too many, or one is unknown.
        """
        if self._rest is None and len(args) <= len(self.names):
            values = dict(zip(self.names, args, strict=False))
            known = all(k in self.names and k not in values for k in kwargs)
            values.update(kwargs)
            complete = len({**self._defaults, **values}) == len(self.names)
            if known and complete:
                return Call(self, {**self._defaults, **values})
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"ops.{self.name}: {error}") from None
        bound.apply_defaults()
        return Call(self, {k: v for k, v in bound.arguments.items() if k in self.known})

    # ---- rules ----

    def target_types(self, kinds: Sequence[tuple[str, Kind | None]]) -> list[str | None]:
        """Return the dtype that each leaf is converted to; ``None`` where it stays as it is.

        Args:
            kinds: for each leaf the argument that it belongs to, and its dtype or weak type;
                ``None`` for what is no tensor.
        """
        common = [k for name, k in kinds if k is not None and self._types[name] != "given"]
        wanted: dict[str, str | None] = {"given": None}
        if common:
            wanted["common"] = result_type(*common)
            wanted["float"] = result_type(*common, float)
        return [None if k is None else wanted[self._types[name]] for name, k in kinds]

    def vjp(self, d: Any, y: Any, call: Call, leaves: list[Any], wanted: set[int]) -> list[Any]:
        """Return the gradients of the leaves whose numbers are ``wanted``, ``None`` for others.

        Raises:
            NotImplementedError: the operation has no derivative.
        """
        if self.derivative is None:
            raise NotImplementedError(
                f"ops.{self.name} has no derivative, which training needs here: put "
                "ops.stop_gradient around what it takes, or write it with other operations."
            )
        groups, options = call.groups(leaves), call.options
        if callable(self.derivative):
            found = self.derivative(d, y, *groups, **options)
            parts = [leaf for g, own in zip(groups, found, strict=True) for leaf in _spread(g, own)]
        else:
            parts = []
            for group, vjp in zip(groups, self.derivative, strict=True):
                places = range(len(parts), len(parts) + len(flatten(group)))
                needed = vjp is not None and not wanted.isdisjoint(places)
                own = vjp(d, y, *groups, **options) if vjp is not None and needed else None
                parts += _spread(group, own)
        return [
            _fit(part, leaf) if k in wanted else None
            for k, (part, leaf) in enumerate(zip(parts, leaves, strict=True))
        ]

    def specs(self, call: Call) -> Any:
        """Return shape and dtype of the results of a call on symbolic tensors."""
        types = call.types()
        known = [
            Spec(tuple(leaf.shape), t or dtype_of(leaf)) if hasattr(leaf, "shape") else leaf
            for leaf, t in zip(call.leaves, types, strict=True)
        ]
        shape = _broadcast if self.elementwise else self._shape
        with np.errstate(all="ignore"), tracing.tracing(None):
            if shape is not None:
                shapes = shape(*call.groups(known), **({} if self.elementwise else call.options))
                if isinstance(shapes, Spec) or any(isinstance(s, Spec) for s in shapes):
                    return shapes
                ones = [
                    # Integers may be indices: 0 is one of any axis.
                    np.full((1,) * s.ndim, s.dtype.startswith("f"), s.dtype)
                    if isinstance(s, Spec)
                    else s
                    for s in known
                ]
                results = call.compute(call.convert(ones, types))
                if not isinstance(results, tuple):
                    return Spec(tuple(shapes), results.dtype.name)
                pairs = zip(shapes, results, strict=True)
                return tuple(Spec(tuple(s), y.dtype.name) for s, y in pairs)
            found = [self._try(call, types, stand_in) for stand_in in _STAND_INS]
        if not isinstance(found[0], tuple):
            return _common(*found)
        return tuple(map(_common, *found))

    def _try(self, call: Call, types: list[str | None], stand_in: int) -> Any:
        """Compute on zeros of which almost none are in memory."""
        leaves = [
            np.broadcast_to(
                np.zeros((), leaf.dtype), [stand_in if n is None else n for n in leaf.shape]
            )
            if isinstance(leaf, Symbolic)
            else leaf
            for leaf in call.leaves
        ]
        return call.compute(call.convert(leaves, types))


class Call:
    """An operation with arguments: the leaves, which may be tensors, and the options.

    Attributes:
        operation: the operation.
        leaves: arrays, numbers, tensors and variables, in the order of the arguments.
        options: all other arguments, by name.
    """

    def __init__(self, operation: Operation, values: dict[str, Any]) -> None:
        self.operation = operation
        self.leaves: list[Any] = []
        # For each argument that may be a tensor its name, and its structure.
        self.layout: list[tuple[str, Any]] = []
        for name, held in operation.tensors.items():
            value = ROLES[held](name, values[name])
            self.layout.append((name, None if held == "tensor" else value))
            self.leaves += [value] if held == "tensor" else flatten(value)
        self.options = {k: v for k, v in values.items() if k not in operation.tensors}
        self._owners = [
            name
            for name, structure in self.layout
            for _ in ([None] if structure is None else flatten(structure))
        ]
        self._simple = operation._rest is None and all(s is None for _, s in self.layout)

    def types(self) -> list[str | None]:
        """Return the dtype that each leaf is converted to; ``None`` where it stays as it is."""
        kinds = [
            (name, None if is_constant(leaf) else kind_of(with_dtype(leaf)))
            for name, leaf in zip(self._owners, self.leaves, strict=True)
        ]
        return self.operation.target_types(kinds)

    def convert(self, leaves: list[Any] | None = None, types: Any = None) -> list[Any]:
        """Return the leaves as arrays of the dtypes that the operation computes with."""
        leaves = self.leaves if leaves is None else leaves
        types = self.types() if types is None else types
        return [
            leaf
            if is_constant(leaf)
            else to_array(leaf.value if isinstance(leaf, Variable) else leaf, dtype)
            for leaf, dtype in zip(leaves, types, strict=True)
        ]

    def groups(self, leaves: list[Any]) -> list[Any]:
        """Return the leaves in the structure of the arguments."""
        if self._simple:
            return leaves
        found, start = [], 0
        for _, structure in self.layout:
            count = 1 if structure is None else len(flatten(structure))
            part = leaves[start : start + count]
            found.append(part[0] if structure is None else unflatten(structure, part))
            start += count
        return found

    def compute(self, leaves: list[Any]) -> Any:
        """Return the results for leaves that ``convert`` returned."""
        if self._simple and not self.options:
            results = self.operation.function(*leaves)
        else:
            named = dict(zip(self.operation.tensors, self.groups(leaves), strict=True))
            values = {**self.options, **named}
            rest = self.operation._rest
            if rest is None:
                results = self.operation.function(**values)
            else:
                entries = values.pop(rest)
                first = [values.pop(name) for name in self.operation.names if name in values]
                results = self.operation.function(*first, *entries)
        if isinstance(results, (tuple, list)):
            return tuple(map(np.asarray, results))
        return np.asarray(results)


class _Recorder:
    """What notes calls on symbolic tensors: the layers, which lie above, enter it."""

    record: Callable[[Call], Any]


_recorder = _Recorder()


def record_with(function: Callable[[Call], Any]) -> None:
    """Let ``function`` note calls on symbolic tensors, and return what stands for the results."""
    _recorder.record = function


def operation(
    vjp: Vjp | Sequence[Vjp | None] | None = None, **rules: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator that makes a row of the table of a function of arrays.

    Args:
        vjp: a function of the gradient of the result, the result, the tensors and the options
            that returns the gradients of all tensors; or such a function for each tensor, ``None``
            where there is no gradient. Gradients of elementwise operations may have the shape of
            the result. Without it, training is refused.
        **rules: ``types``, what the tensors are converted to: "given" for each its own dtype,
            "common" for the common one, "float" for the common one with floats; one word, or one
            for each tensor. ``shape``: a function of the ``Spec`` of each tensor and the options
            that returns the shape of the result, or those of several, or the whole ``Spec``; else
            it is found by trying.
            ``elementwise``, ``random`` and ``onnx``: see ``Operation``.
    """

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        row = Operation(function, vjp, **rules)
        OPERATIONS[row.name] = row

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return row(*args, **kwargs)

        return call

    return enter


def _named(name: str) -> Operation:
    return OPERATIONS[name]


def _spread(group: Any, found: Any) -> list[Any]:
    """Return the gradients of the leaves of an argument."""
    if not isinstance(group, (list, tuple)):
        return [found]
    return [None] * len(flatten(group)) if found is None else flatten(found)


def _fit(d: Any, leaf: Any) -> Any:
    """Return a gradient in the shape and dtype of its leaf, summed where that was repeated."""
    if d is None or not isinstance(leaf, np.ndarray) or leaf.dtype.kind != "f":
        return None
    d = np.asarray(d)
    if d.shape != leaf.shape:
        d = sum_to(d, leaf.shape)
    return np.asarray(d, leaf.dtype)


def _broadcast(*specs: Any) -> Shape:
    leaves = flatten(list(specs), lambda leaf: isinstance(leaf, Spec))
    return broadcast_shapes(*(leaf.shape for leaf in leaves if isinstance(leaf, Spec)))


def _common(one: Array, other: Array) -> Spec:
    pairs = zip(one.shape, other.shape, strict=True)
    return Spec(tuple(a if a == b else None for a, b in pairs), one.dtype.name)
