"""Models as ONNX graphs: what each layer computes outside training, in ONNX's operators."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.activations import Activation
from fastrnn.core import errors
from fastrnn.core.variable import Variable
from fastrnn.formats.protocols import LayerContainer
from fastrnn.interop.onnx.operators import ACTIVATIONS
from fastrnn.interop.onnx.writer.recurrent import write_recurrent
from fastrnn.layers.base.capabilities import describes_forward, not_in_onnx
from fastrnn.layers.base.graph import Graph
from fastrnn.layers.base.layer import Layer, registry
from fastrnn.layers.base.symbolic import Node, SymbolicTensor
from fastrnn.typing import Array

OPSET = 17
IR_VERSION = 8  # that of the release of ONNX that brought the opset
LARGEST = 2**31 - 2**20  # bytes; protobuf, in which ONNX is written, has room for 2 GiB


class Writer:
    """A graph in the making: nodes, and the constants that they take."""

    def __init__(self) -> None:
        import onnx

        self.onnx: Any = onnx
        self.nodes: list[Any] = []
        self.constants: dict[Any, Any] = {}
        self._numbers: dict[str, Any] = {}
        self._scope = ""

    def node(
        self, operator: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any
    ) -> Any:
        """Append a node; return the name of its output, or a list of names of several."""
        names = [self._name(operator) for _ in range(outputs)]
        self.nodes.append(
            self.onnx.helper.make_node(operator, list(inputs), names, name=names[0], **attributes)
        )
        return names if outputs > 1 else names[0]

    def constant(self, value: npt.ArrayLike, key: object = None, kind: str = "constant") -> str:
        """Return the name of a constant; one with the same key is kept once."""
        array = np.asarray(value)
        if key is None:
            key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.constants:
            tensor = self.onnx.numpy_helper.from_array(array, self._name(kind))
            self.constants[key] = tensor
        return str(self.constants[key].name)

    def weight(self, variable: Variable, array: Array | None = None) -> str:
        """Return the name of a weight, or of what was made of it."""
        return self.constant(
            variable.value if array is None else array, id(variable), variable.name
        )

    def activate(self, activation: Activation, name: str, owner: Layer) -> str:
        """Append an activation, unless it is linear."""
        if activation.name not in ACTIVATIONS or not activation.builtin:
            expected = f"one of {', '.join(ACTIVATIONS)}"
            raise ValueError(not_in_onnx(owner, f"activation={activation.name!r}", expected))
        operator, attributes = ACTIVATIONS[activation.name]
        if operator == "Identity":
            return name
        values: dict[str, Any] = {key: ours for key, (ours, _) in attributes.items()}
        return str(self.node(operator, [name], **values))

    def write_nodes(self, model: Any, names: Sequence[str]) -> list[str]:
        """Append what a model computes of its inputs ``names``; return the names of its outputs."""
        if not hasattr(model, "outputs"):
            expected = "a Sequential or functional model"
            raise ValueError(not_in_onnx(model, type(model).__name__, expected))
        known = {id(t): name for t, name in zip(model.inputs, names, strict=True)}
        for node in Graph(model.inputs, model.outputs).nodes:
            self._scope = node.layer.name
            self._check_call(node)
            inputs = [self._cast(known[id(tensor)], tensor, node.layer) for tensor in node.tensors]
            if isinstance(node.layer, LayerContainer):  # a model inside the model
                results = self.write_nodes(node.layer, inputs)
            else:
                results = self.layer(node.layer, inputs, node)
            known |= {id(t): name for t, name in zip(node.outputs, results, strict=True)}
        return [known[id(tensor)] for tensor in model.outputs]

    def layer(self, layer: Layer, inputs: list[str], call: Node) -> list[str]:
        """Append what a layer says of itself."""
        if not describes_forward(type(layer), "write_onnx"):
            known = [c.__name__ for c in registry.modules if describes_forward(c, "write_onnx")]
            expected = f"one of {', '.join(sorted(known))}"
            raise ValueError(not_in_onnx(layer, type(layer).__name__, expected))
        return layer.write_onnx(self, inputs, call)

    def recurrent(
        self, owner: Layer, directions: Sequence[Any], merge_mode: str | None, inputs: list[str]
    ) -> list[str]:
        """Append the operator that runs the cells of recurrent layers, one for each direction."""
        return write_recurrent(self, owner, directions, merge_mode, inputs)

    def _check_call(self, node: Node) -> None:
        options = set(node.options) - {"initial_state"}
        if node.options.get("training") is False:
            options.remove("training")
        if options:
            raise ValueError(not_in_onnx(node.layer, sorted(options), "a call without them"))

    def _cast(self, name: str, tensor: SymbolicTensor, layer: Layer) -> str:
        """Convert a tensor, as the layer does, to its dtype, or to integers."""
        wanted = "int64" if layer.takes_integers else layer.dtype
        if tensor.dtype == wanted or isinstance(layer, LayerContainer):
            return name
        return str(self.node("Cast", [name], to=element_type(self.onnx, wanted)))

    def _name(self, kind: str) -> str:
        base = f"{self._scope}/{kind}"
        number = next(self._numbers.setdefault(base, itertools.count()))
        return f"{base}_{number}" if number else base


def element_type(onnx: Any, dtype: str) -> int:
    """Return ONNX's number of a dtype."""
    return int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def to_proto(model: Any) -> Any:
    """Return a model as ONNX's ``ModelProto``, checked by ONNX.

    Raises:
        ValueError: a layer has no counterpart in ONNX, or the weights are larger than 2 GiB.
    """
    size = sum(variable.value.nbytes for variable in model.weights)
    if size > LARGEST:
        raise ValueError(errors.bad_argument("model", f"{size} bytes", f"at most {LARGEST} bytes"))
    writer = Writer()
    names = [tensor.name for tensor in getattr(model, "inputs", [])]
    results = writer.write_nodes(model, names)
    outputs = unique_names(model.names_of_outputs, names)
    for result, name in zip(results, outputs, strict=True):
        writer.nodes.append(writer.onnx.helper.make_node("Identity", [result], [name]))
    helper = writer.onnx.helper
    graph = helper.make_graph(
        writer.nodes,
        model.name,
        [_value(writer.onnx, name, t) for name, t in zip(names, model.inputs, strict=True)],
        [_value(writer.onnx, name, t) for name, t in zip(outputs, model.outputs, strict=True)],
        list(writer.constants.values()),
    )
    opsets = [helper.make_opsetid("", OPSET)]
    proto = helper.make_model(
        graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="fastrnn"
    )
    writer.onnx.checker.check_model(proto)
    return proto


def unique_names(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Return the names, with something behind those that are taken."""
    return [f"{name}/output" if name in taken else name for name in names]


def _value(onnx: Any, name: str, tensor: SymbolicTensor) -> Any:
    """Return the description of an input or an output; axes of any length have names."""
    free = ("batch", *(f"{name}_axis_{axis}" for axis in range(1, len(tensor.shape))))
    shape = [free[axis] if n is None else n for axis, n in enumerate(tensor.shape)]
    return onnx.helper.make_tensor_value_info(name, element_type(onnx, tensor.dtype), shape)
