"""Graph reader: the nodes of an ONNX graph, one after the other, as layers of ours."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.formats import limits
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.source import Readable
from fastrnn.interop.onnx.file import OnnxFile, read_file
from fastrnn.interop.onnx.operators import GATES
from fastrnn.interop.onnx.reader.axes import AXES, Read
from fastrnn.interop.onnx.reader.folding import fold
from fastrnn.interop.onnx.reader.input_kinds import is_time_major, kinds_of_inputs
from fastrnn.interop.onnx.reader.layers import LAYERS
from fastrnn.interop.onnx.reader.node import Node
from fastrnn.interop.onnx.reader.recurrent import read_recurrent
from fastrnn.interop.onnx.reader.values import Constant, Value
from fastrnn.interop.read_graph import ReadGraph
from fastrnn.layers import Input
from fastrnn.layers.base.graph import Graph
from fastrnn.layers.base.layer import Layer
from fastrnn.layers.base.symbolic import SymbolicTensor
from fastrnn.typing import Array

_READERS: dict[str, Read] = {**AXES, **LAYERS, **dict.fromkeys(GATES, read_recurrent)}
_INPUT_TYPES = ("float32", "float64", "int32", "int64")


def read_graph(source: Readable) -> ReadGraph:
    """Return the layers and calls that a file amounts to; see ``Model.from_onnx``."""
    file = read_file(source)
    reader = Reader(file)
    inputs = reader.make_inputs()
    for proto in file.graph.node:
        reader.read(proto)
    outputs = [tensor for value in file.graph.output for tensor in reader.output(value.name)]
    return _graph_of(inputs, outputs, file)


class Reader:
    """The values of a graph, by name, while its nodes become layers one after the other."""

    def __init__(self, file: OnnxFile) -> None:
        import onnx

        self.file = file
        self.values: dict[str, Any] = {"": None}
        for name, tensor in file.tensors.items():
            self.values[name] = Constant(np.asarray(onnx.numpy_helper.to_array(tensor)))
        self._consumers: dict[str, list[Any]] = {}
        for node in file.graph.node:
            for name in node.input:
                self._consumers.setdefault(name, []).append(node)
        self._results = {value.name for value in file.graph.output}
        self._done: set[str] = set()  # results of nodes that became part of another one's layer
        self._left = limits.inflated_bytes(file.size)

    # ---- inputs and outputs ----

    def make_inputs(self) -> list[Any]:
        """Return the inputs of the model, after noting the values that they are."""
        kinds = kinds_of_inputs(self.file.graph)
        swapped = is_time_major(self.file.graph, set(self.file.tensors))
        inputs: list[Any] = []
        for proto in self.file.graph.input:
            if proto.name not in self.file.tensors:
                value = self._input(proto, kinds.get(proto.name, "array"), swapped)
                self.values[proto.name] = value
                inputs += value.tensors
        return inputs

    def _input(self, proto: Any, kind: str, time_major: bool) -> Value:
        import onnx

        declared = proto.type.tensor_type
        source = f"{self.file.name}, input {proto.name[:80]!r}"
        takers = [node for node in self._consumers.get(proto.name, []) if node.op_type in GATES]
        if any(list(node.input[4:5]) == [proto.name] for node in takers):
            message = "sequence_lens: give the model whole sequences, or a mask afterwards"
            raise ModelFileError("onnx_unsupported", source, message)
        names = {
            onnx.helper.np_dtype_to_tensor_dtype(np.dtype(name)): name for name in _INPUT_TYPES
        }
        if declared.elem_type not in names or not declared.HasField("shape"):
            message = f"no array of {', '.join(_INPUT_TYPES)} with a shape"
            raise ModelFileError("onnx_unsupported", source, message)
        dtype = names[declared.elem_type]
        shape = [d.dim_value if d.dim_value > 0 else None for d in declared.shape.dim]
        axes = _axes(kind, len(shape), time_major)
        if axes is None or any(n is not None and n > limits.AXIS_LENGTH for n in shape):
            message = f"{len(shape)} axes, as {kind}, or axes that are too long"
            raise ModelFileError("onnx_unsupported", source, message)
        known = dict(zip(axes, shape, strict=True))
        own = tuple(known[axis] for axis in ("T", "F") if axis in axes)
        name = proto.name.replace("/", "_")
        count = known.get("D", 1) or 0
        if not 1 <= count <= limits.ONNX_STATES:
            message = f"{count} states, where a fixed number of them is expected"
            raise ModelFileError("onnx_unsupported", source, message)
        labels = [f"{name}_{k}" for k in range(count)] if "D" in axes else [name]
        return Value(tuple(Input(own, dtype=dtype, name=label) for label in labels), axes)

    def output(self, name: str) -> Sequence[Any]:
        """Return the tensors of an output of the graph: one for each direction of a state."""
        value = self.values.get(name)
        if not isinstance(value, Value) or any(len(axis) > 1 for axis in value.axes):
            message = "no array that the model computes of its inputs"
            raise ModelFileError(
                "onnx_unsupported", f"{self.file.name}, output {name[:80]!r}", message
            )
        return value.parts

    def is_used(self, name: str) -> bool:
        """Whether a node or an output of the graph takes a value."""
        return name != "" and (name in self._consumers or name in self._results)

    # ---- nodes ----

    def read(self, proto: Any) -> None:
        """Note the values that a node gives.

        Raises:
            ModelFileError: ``onnx_unsupported``, ``onnx_attribute`` or ``onnx_shape``.
        """
        if proto.output and proto.output[0] in self._done:
            return
        inputs = [self.values.get(name) for name in proto.input]
        node = Node(proto, inputs, self.file.name, self.file.opset)
        result: Any = fold(node)
        if result is None:
            if proto.op_type not in _READERS:
                known = ", ".join(sorted(_READERS))
                node.refuse(f"an operator that is not known here; known are {known}")
            try:
                result = _READERS[proto.op_type](self, node)
            except ModelFileError:
                raise
            except (ValueError, TypeError) as error:
                raise node.error("onnx_shape", str(error)[:300]) from error
        node.finish()
        results = result if isinstance(result, list) else [result]
        for name, value in zip(node.outputs, results, strict=False):
            self.values[name] = value

    def call(self, layer: Layer, inputs: object, weights: list[Array], **options: Any) -> Any:
        """Return what a layer gives for symbolic inputs, after setting its weights.

        Raises:
            ModelFileError: ``compression_bomb``: one constant is used for too many layers.
        """
        self._left -= sum(weight.nbytes for weight in weights)
        if self._left < 0:
            message = "its constants are used again and again, for ever more weights"
            raise ModelFileError("compression_bomb", self.file.name, message)
        result = layer(inputs, **options)
        layer.set_weights(weights)
        return result

    def check_lengths(self, node: Node, given: object, wanted: object) -> None:
        """Raise ``ModelFileError`` unless inputs have the lengths that the weights are made for."""
        if given != wanted:
            raise node.error("onnx_shape", f"weights for {wanted}, inputs of {given} features")

    def take_bias(self, node: Node, units: int) -> Array | None:
        """Return the constant that the only consumer of a node's output adds, and pass that by."""
        (name,) = node.outputs
        users = self._consumers.get(name, [])
        if len(users) != 1 or users[0].op_type != "Add" or name in self._results:
            return None
        others = [self.values.get(other) for other in users[0].input if other != name]
        if len(others) != 1 or not isinstance(others[0], Constant):
            return None
        array = others[0].array
        if array.shape != (units,):
            return None
        self._done.add(users[0].output[0])
        node.outputs[0] = users[0].output[0]
        return array


def _axes(kind: str, rank: int, time_major: bool) -> tuple[str, ...] | None:
    """Return the axes of an input, or ``None`` if it has too many."""
    table = {
        ("array", 2): ("B", "F"),
        ("array", 3): ("B", "T", "F"),
        ("integers", 1): ("B",),
        ("integers", 2): ("B", "T"),
        ("state", 2): ("B", "F"),
        ("state", 3): ("D", "B", "F"),
    }
    axes = table.get((kind, rank))
    if axes is not None and time_major and axes[:2] == ("B", "T"):
        axes = ("T", "B", *axes[2:])
    return axes


def _graph_of(
    inputs: list[SymbolicTensor], outputs: list[SymbolicTensor], file: OnnxFile
) -> ReadGraph:
    """Return the calls between inputs and outputs, or their layers if they are a chain."""
    if not inputs or not outputs:
        raise ModelFileError("onnx_unsupported", file.name, "no inputs, or no outputs")
    graph = Graph(inputs, outputs)
    if graph.chain:
        for layer in graph.chain:
            layer.nodes.clear()
        return ReadGraph(inputs, chain=graph.chain)
    names = collections.Counter(layer.name for layer in graph.layers)
    repeated = sorted(name[:80] for name, count in names.items() if count > 1)
    if repeated:
        message = f"inputs and layers of different names are expected, not {repeated[:10]} twice"
        raise ModelFileError("onnx_unsupported", file.name, message)
    return ReadGraph(inputs, outputs)
