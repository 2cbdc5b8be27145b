"""What an ONNX file holds, as plain data."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.interop.onnx.file import OnnxFile
from fastrnn.typing import Array


class StoredConstant:
    """A constant of a file, not yet an array."""

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return tuple(self._tensor.dims)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its dtype."""
        import onnx

        return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(self._tensor.data_type))

    def read(self, shape: tuple[int, ...]) -> Array:
        """Return the values."""
        import onnx

        return np.asarray(onnx.numpy_helper.to_array(self._tensor))


def stored_constants(file: OnnxFile) -> dict[str, StoredConstant]:
    """Return the constants of a file by name, but for integers: those are shapes and axes."""
    stored = {name: StoredConstant(tensor) for name, tensor in file.tensors.items()}
    return {name: constant for name, constant in stored.items() if constant.dtype.kind == "f"}


def describe(file: OnnxFile) -> dict[str, Any]:
    """Return the graph, with its nodes for layers; attributes that are tensors are left out."""
    import onnx

    def options(node: Any) -> dict[str, Any]:
        values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        plain = {key: _plain(value) for key, value in values.items()}
        return {key: value for key, value in plain.items() if value is not None}

    return {
        "versions": {"opset": file.opset, "producer": file.producer},
        "model": {"name": file.graph.name, "class": "graph", "options": {}, "depth": 0},
        "layers": [
            {"name": node.name, "class": node.op_type, "options": options(node), "depth": 0}
            for node in file.graph.node
        ],
        "compiled": {},
        "refused": [],
    }


def _plain(value: object) -> Any:
    """Return a number, a text or a list of them; ``None`` for anything else."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, (int, float, str)) else None
