"""OperationLayer: a call of an operation on symbolic tensors, as a layer of a graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.core.naming import auto_name
from fastrnn.core.variable import Variable
from fastrnn.layers.base.capabilities import OnnxGraph, not_in_onnx
from fastrnn.layers.base.layer import CallContext, Layer, Pullback
from fastrnn.layers.base.symbolic import Node, SymbolicTensor
from fastrnn.layers.operations.onnx import WRITERS
from fastrnn.ops.operation import Call, record_with
from fastrnn.ops.shapes import Spec
from fastrnn.typing import Array


class OperationLayer(Layer):
    """An operation with all of its arguments but those that are tensors.

    The arguments that are variables are weights of the graph's, which gives their gradients; they
    belong to the layers that made them.

    Args:
        call: the operation and its arguments, symbolic tensors among them.
        name: the layer's name; ``None`` makes one from that of the operation.
    """

    def __init__(self, call: Call, name: str | None = None) -> None:
        self.operation, self.template = call.operation, call
        tensors = {k: x for k, x in enumerate(call.leaves) if isinstance(x, SymbolicTensor)}
        floats = [x.dtype for x in tensors.values() if x.dtype in ("float32", "float64")]
        dtype = "float64" if "float64" in floats else floats[0] if floats else None
        super().__init__(name=name or auto_name(call.operation.name), dtype=dtype)
        self.tensors = list(tensors.values())
        self._types = call.types()
        # The leaves where tensors and variables stand; the others are converted once.
        self._places = list(tensors)
        self.used_variables = {k: x for k, x in enumerate(call.leaves) if isinstance(x, Variable)}
        open_places = {*self._places, *self.used_variables}
        given = [None if k in open_places else x for k, x in enumerate(call.leaves)]
        self._leaves = call.convert(given, self._types)
        # The template keeps no tensors of the graph that the call was made in.
        call.leaves = [None if k in tensors else x for k, x in enumerate(call.leaves)]
        self.built = True

    @property
    def class_name(self) -> str:
        """Keras's class of the operation."""
        return self.operation.class_name

    # ---- weights ----

    @property
    def weights_of_call(self) -> list[Variable]:
        """The variables among the arguments that training changes."""
        return list({id(v): v for v in self.used_variables.values() if v.trainable}.values())

    # ---- calls ----

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that may be tensors, by name; ``None`` in the place of tensors."""
        return dict(
            zip(self.operation.tensors, self.template.groups(self.template.leaves), strict=True)
        )

    @property
    def key(self) -> tuple[Any, ...]:
        """The key of ``get_item``."""
        key = self.arguments["key"]
        return tuple(key) if isinstance(key, (list, tuple)) else (key,)

    def note(self) -> Any:
        """Note the call as a node; return the tensors that it gives."""
        specs = self.operation.specs(self.template_with(self.tensors))
        inputs = self.tensors[0] if len(self.tensors) == 1 else list(self.tensors)
        several = not isinstance(specs, Spec)
        shapes = tuple(spec.shape for spec in specs) if several else specs.shape
        types = [spec.dtype for spec in specs] if several else [specs.dtype]
        node = Node(self, inputs, {}, shapes, types)
        self.nodes.append(node)
        return node.result

    def template_with(self, tensors: list[Any]) -> Call:
        """Return the call with tensors in their places."""
        call = object.__new__(Call)
        call.__dict__.update(self.template.__dict__)
        call.leaves = list(self.template.leaves)
        for place, tensor in zip(self._places, tensors, strict=True):
            call.leaves[place] = tensor
        return call

    def convert_inputs(self, inputs: Any) -> Any:
        """Return the arrays in the dtypes that the operation computes with."""
        arrays = [inputs] if len(self._places) == 1 else inputs
        return [
            np.asarray(array, self._types[place] or tensor.dtype)
            for place, tensor, array in zip(self._places, self.tensors, arrays, strict=True)
        ]

    def check_inputs(self, inputs: Any) -> None:
        """Leave the shapes to the operation."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shapes of the results for tensors of other shapes."""
        shapes = [input_shape] if len(self._places) == 1 else input_shape
        tensors = [
            SymbolicTensor(shape, tensor.dtype, tensor.name)
            for shape, tensor in zip(shapes, self.tensors, strict=True)
        ]
        specs = self.operation.specs(self.template_with(tensors))
        return specs.shape if isinstance(specs, Spec) else [spec.shape for spec in specs]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return no mask, as Keras does."""
        return None

    def forward(
        self, inputs: list[Array], context: CallContext, mask: Any = None
    ) -> tuple[Any, Pullback | None]:
        """Compute the operation."""
        leaves = self._leaves.copy()
        for place, array in zip(self._places, inputs, strict=True):
            leaves[place] = array
        for place, variable in self.used_variables.items():
            leaves[place] = np.asarray(variable.value, self._types[place])
        with np.errstate(all="ignore"):
            results = self.template.compute(leaves)
        outputs = _contiguous(results)
        if not context.gradient:
            return outputs, None
        variables = self.weights_of_call
        wanted = {k for k, v in self.used_variables.items() if v.trainable}
        if context.input_gradient:
            wanted.update(self._places)

        def pullback(d: Any) -> tuple[Any, list[Array]]:
            if isinstance(results, tuple):
                pairs = zip(d, results, strict=True)
                d = tuple(np.zeros_like(y) if g is None else g for g, y in pairs)
            with np.errstate(all="ignore"):
                found = self.operation.vjp(d, results, self.template, leaves, wanted)
            d_inputs = [_contiguous(found[place]) for place in self._places]
            by_id: dict[int, Any] = {}
            for place, v in self.used_variables.items():
                if found[place] is not None:
                    g = np.asarray(found[place], v.value.dtype)
                    by_id[id(v)] = by_id[id(v)] + g if id(v) in by_id else g
            d_weights = [by_id.get(id(v), np.zeros_like(v.value)) for v in variables]
            return d_inputs[0] if len(d_inputs) == 1 else d_inputs, d_weights

        return outputs, pullback

    # ---- capabilities ----

    @property
    def draws_anew(self) -> bool:
        """Whether each call draws other numbers."""
        return self.operation.random

    @property
    def stepwise(self) -> bool:
        """Whether each time step of the result needs that step of the tensor alone."""
        return self.operation.elementwise and all(
            np.ndim(leaf) <= 1 for leaf in self._leaves if leaf is not None
        )

    def write_onnx(self, graph: OnnxGraph, inputs: list[str], call: Node) -> list[str]:
        """Append what ONNX has for the operation."""
        writer = WRITERS.get(self.operation.name)
        names = dict(zip(self._places, inputs, strict=True))
        if writer is not None:
            return [writer(self, graph, inputs, call)]
        if self.operation.onnx is None or self.template.options:
            raise ValueError(not_in_onnx(self, f"ops.{self.operation.name}", "other operations"))
        operands = [
            names[k] if k in names
            else graph.weight(self.used_variables[k]) if k in self.used_variables
            else graph.constant(leaf)
            for k, leaf in enumerate(self._leaves)
        ]  # fmt: skip
        return [graph.node(self.operation.onnx, operands)]


def record(call: Call) -> Any:
    """Note a call of an operation on symbolic tensors; return the tensors that it gives."""
    return OperationLayer(call).note()


def _contiguous(results: Any) -> Any:
    if isinstance(results, tuple):
        return tuple(map(_contiguous, results))
    return results if results is None or results.flags.c_contiguous else results.copy()


record_with(record)
