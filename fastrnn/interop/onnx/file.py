"""ONNX files: parsed by the package onnx, and checked before anything is made of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastrnn.formats import limits
from fastrnn.formats.model_file_error import ModelFileError
from fastrnn.formats.source import Readable, open_source

OPSETS = range(7, 27)
_DTYPES = ("float32", "float64", "int32", "int64", "bool")
# Where a tensor's values stand if not in raw_data, by dtype; bools and int32 share one.
_FIELDS = {"float32": "float_data", "float64": "double_data", "int64": "int64_data"}


@dataclass(frozen=True)
class OnnxFile:
    """A checked file.

    Attributes:
        name: for messages.
        size: in bytes.
        producer: what wrote it, and in which version, as the file says.
        graph: ONNX's ``GraphProto``.
        opset: version of the operators.
        tensors: the constants, by name, not yet arrays.
    """

    name: str
    size: int
    producer: str
    graph: Any
    opset: int
    tensors: dict[str, Any]


def read_file(source: Readable, name: str = "") -> OnnxFile:
    """Return what a file holds, after all checks that need no knowledge of operators.

    Args:
        source: a path, bytes, or an open binary file.
        name: what messages call it; the path unless given.

    Raises:
        ModelFileError: ``onnx_damaged``, ``onnx_opset``, ``onnx_too_many``, ``onnx_subgraph``,
            ``onnx_external``, ``onnx_tensor`` or ``onnx_invalid``.
        FileNotFoundError: there is no such file.
    """
    import onnx
    from google.protobuf.message import DecodeError

    proto = onnx.ModelProto()
    with open_source(source, name) as opened:
        name, size = opened.name, opened.size
        try:
            proto.ParseFromString(opened.read_at(0, size))
        except (DecodeError, RecursionError, MemoryError) as error:
            raise ModelFileError("onnx_damaged", name, f"no ONNX model: {error}") from error
    graph = proto.graph
    counts = (len(graph.node), len(graph.initializer), len(graph.input), len(graph.output))
    if max(counts) > limits.ONNX_NODES:
        raise ModelFileError("onnx_too_many", name, f"more than {limits.ONNX_NODES} nodes")
    if proto.functions or graph.sparse_initializer or proto.training_info:
        message = "functions, sparse tensors or graphs for training"
        raise ModelFileError("onnx_subgraph", name, message)
    opset = _opset(proto, name)
    if not all(isinstance(text, str) for text in _texts(graph)):
        raise ModelFileError("onnx_damaged", name, "names that are no UTF-8")
    for tensor in [*graph.initializer, *_attribute_tensors(graph, name)]:
        _check_tensor(onnx, tensor, f"{name}, tensor {tensor.name[:80]!r}")
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    if len(tensors) != len(graph.initializer):
        raise ModelFileError("onnx_invalid", name, "two constants of one name")
    try:
        onnx.checker.check_model(proto)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        text = str(error).split("\n")[0][:300]
        raise ModelFileError("onnx_invalid", name, f"ONNX's checker says: {text}") from error
    producer = f"{proto.producer_name} {proto.producer_version}".strip()
    return OnnxFile(name, size, producer, graph, opset, tensors)


def _opset(proto: Any, name: str) -> int:
    """Return the version of ONNX's operators, where there are no others."""
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    used = {str(node.domain) for node in proto.graph.node} - {"", "ai.onnx"}
    if not proto.ListFields():
        raise ModelFileError("onnx_damaged", name, "an empty file")
    if len(versions) != 1 or versions[0] not in OPSETS or used:
        others = sorted(domain[:40] for domain in used)
        message = (
            f"operators of the versions {versions[:8]} and of the domains {others[:8]}, where "
            f"ONNX's own of one version from {OPSETS[0]} to {OPSETS[-1]} are expected"
        )
        raise ModelFileError("onnx_opset", name, message)
    return int(versions[0])


def _texts(graph: Any) -> Iterator[Any]:
    """Yield all names; protobuf gives bytes for those that are no text."""
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    for items in (graph.initializer, graph.input, graph.output):
        yield from (item.name for item in items)


def _attribute_tensors(graph: Any, name: str) -> Iterator[Any]:
    """Yield the tensors that are attributes of nodes; refuse graphs that are."""
    for node in graph.node:
        for attribute in node.attribute:
            nested = attribute.HasField("g") or attribute.graphs
            if nested or attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
                message = f"a graph or sparse tensor inside of node {node.name[:80]!r}"
                raise ModelFileError("onnx_subgraph", name, message)
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _check_tensor(onnx: Any, tensor: Any, source: str) -> None:
    """Raise ``ModelFileError`` unless the values stand in the file, as many as the shape needs."""
    if tensor.external_data or tensor.data_location != onnx.TensorProto.DEFAULT:
        message = (
            "values in another file, which is not opened. Write the model as one file: "
            "torch.onnx.export(…, external_data=False), or onnx.save(onnx.load(path), other_path)."
        )
        raise ModelFileError("onnx_external", source, message)
    try:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    except KeyError:
        dtype = np.dtype(object)
    if dtype.name not in _DTYPES or tensor.HasField("segment"):
        message = f"values of type {tensor.data_type}, where {', '.join(_DTYPES)} are expected"
        raise ModelFileError("onnx_tensor", source, message)
    shape = tuple(tensor.dims)
    if any(n < 0 for n in shape) or len(shape) > limits.DIMENSIONS:
        raise ModelFileError("onnx_tensor", source, f"the shape {shape[:10]}")
    fields = ("float_data", "double_data", "int64_data", "int32_data", "uint64_data", "string_data")
    listed = {field: len(getattr(tensor, field)) for field in fields}
    needed = math.prod(shape)
    if tensor.HasField("raw_data"):
        fits = len(tensor.raw_data) == needed * dtype.itemsize and not any(listed.values())
    else:
        field = _FIELDS.get(dtype.name, "int32_data")
        fits = listed == dict.fromkeys(fields, 0) | {field: needed}
    if not fits:
        message = f"not as many values as the shape {shape} needs"
        raise ModelFileError("onnx_tensor", source, message)
