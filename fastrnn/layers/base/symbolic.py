"""Symbolic tensors: what layers give when they are called on an ``Input`` instead of on arrays.

A call on symbolic tensors computes nothing but shapes. It is kept as a ``Node``; the nodes between
its inputs and its outputs are what a functional model runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastrnn.core import tracing
from fastrnn.core.nest import flatten, is_shape, unflatten
from fastrnn.core.tensor_array import TensorShape
from fastrnn.ops.symbolic import Symbolic
from fastrnn.typing import Nest

Shape = tuple[int | None, ...]


class SymbolicTensor(Symbolic):
    """The shape and type of an array that a model will compute, without values.

    Operators, indexing, the functions of ``fastrnn.ops`` and those of NumPy that have a counterpart
    there make nodes of a graph, as layers do.

    Attributes:
        shape: batch first; ``None`` where an axis has no fixed length.
        dtype: name of the type.
        name: the input's name, or that of the layer whose output it is.
        node: the call whose output it is; ``None`` for an ``Input``.
        index: its place among the outputs of that call.
    """

    def __init__(
        self, shape: Shape, dtype: str, name: str, node: Node | None = None, index: int = 0
    ) -> None:
        self.shape: TensorShape = TensorShape(shape)
        self.dtype, self.name = dtype, name
        self.node, self.index = node, index

    def set_shape(self, shape: object) -> None:
        """Do nothing: a shape follows from those of the inputs."""

    def get_shape(self) -> TensorShape:
        """Return the shape."""
        return self.shape

    def __repr__(self) -> str:
        return f"<SymbolicTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


class Node:
    """One call of a layer on symbolic tensors.

    Attributes:
        layer: the layer called.
        inputs: its first argument: a tensor, or tensors in lists, tuples and dicts.
        options: its keyword arguments; tensors and lists of tensors among them.
        outputs: the tensors that it gives.
        result: the same in the structure in which the call returns them.
        differentiated: the entries of its arguments that its pullback returns gradients of, in
            order: tensors, and also arrays.
        tensors: all tensors that it takes, those of the options last.
        is_plain: whether it is one tensor in, one out, and no options.
    """

    def __init__(
        self,
        layer: Any,
        inputs: Nest,
        options: dict[str, Any],
        shapes: Nest,
        dtypes: Sequence[str] | None = None,
    ) -> None:
        self.layer, self.inputs, self.options = layer, inputs, options
        found = flatten(shapes, is_shape)
        types = [layer.output_dtype] * len(found) if dtypes is None else dtypes
        self.outputs = [
            SymbolicTensor(shape, dtype, layer.name, self, k)
            for k, (shape, dtype) in enumerate(zip(found, types, strict=True))
        ]
        self.result: Any = unflatten(shapes, self.outputs, is_shape)
        # Pullbacks return a gradient for each entry of the inputs, and then of those options that
        # are tensors or arrays, but not of a mask.
        others = [v for k, v in options.items() if k != "mask" and _holds_arrays(v)]
        self.differentiated = flatten([inputs, *others])
        self.tensors = [*tensors_in(self.differentiated), *tensors_in(options.get("mask"))]
        several = isinstance(self.result, (list, tuple, dict))
        self.is_plain = isinstance(inputs, SymbolicTensor) and not options and not several
        trace = tracing.active()
        if trace is not None:
            trace.note(self)


def tensors_in(value: Nest) -> list[SymbolicTensor]:
    """Return the symbolic tensors in a tensor, or in nested lists, tuples and dicts."""
    return [leaf for leaf in flatten(value) if isinstance(leaf, SymbolicTensor)]


def map_tensors(function: Callable[[SymbolicTensor], Any], value: Nest) -> Any:
    """Return ``value`` with ``function`` applied to each symbolic tensor in it."""
    if isinstance(value, SymbolicTensor):
        return function(value)
    if isinstance(value, dict):
        return {key: map_tensors(function, entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map_tensors(function, entry) for entry in value)
    return value


def is_symbolic(inputs: Nest) -> bool:
    """Whether ``inputs`` are symbolic tensors, or a list or dict with some in it."""
    if not isinstance(inputs, (SymbolicTensor, list, tuple, dict)):
        return False
    return bool(tensors_in(inputs))


def _holds_arrays(value: Nest) -> bool:
    return any(isinstance(leaf, (SymbolicTensor, np.ndarray)) for leaf in flatten(value))


def shapes_in(value: Nest) -> Any:
    """Return ``value`` with the shapes of the tensors and arrays in their places."""
    return unflatten(value, [tuple(getattr(x, "shape", ())) for x in flatten(value)])


def call(layer: Any, inputs: Nest, options: dict[str, Any]) -> Any:
    """Keep the call of ``layer`` as a node, and return its outputs.

    Raises:
        ValueError: the shapes do not fit the layer.
    """
    options = {name: value for name, value in options.items() if value is not None}
    inputs = layer.arrange(inputs)
    if not tensors_in(inputs):  # arrays, in a function that is being traced
        inputs = layer.convert_inputs(inputs)
    shapes = shapes_in(inputs)
    if not layer.built:
        layer.build(shapes)
    layer.check_inputs(inputs)
    node = Node(layer, inputs, options, layer.compute_call_shape(shapes, options))
    if tracing.active() is None:
        layer.nodes.append(node)
    return node.result


def sole_node(layer: Any) -> Node:
    """Return the only call of ``layer`` on symbolic tensors.

    Raises:
        ValueError: there is none, or more than one.
    """
    if len(layer.nodes) != 1:
        raise ValueError(
            f"Layer {layer.name!r} has been called on symbolic tensors {len(layer.nodes)} times: "
            "it has an input and an output of its own if that is once."
        )
    node: Node = layer.nodes[0]
    return node


def unique(tensors: Sequence[Any]) -> list[Any]:
    """Return the entries without repetitions, in order."""
    return list({id(tensor): tensor for tensor in tensors}.values())
