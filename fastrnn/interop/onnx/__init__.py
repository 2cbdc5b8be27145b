"""ONNX: models in its format; needs the package onnx, which the extra ``onnx`` brings."""

from __future__ import annotations

import importlib.util
from typing import Any

from fastrnn.core import errors
from fastrnn.core.checks import to_choice
from fastrnn.formats.atomic import PathLike, to_path, write_atomically
from fastrnn.formats.source import Readable
from fastrnn.interop.read_graph import ReadGraph


def write_onnx(model: Any, filepath: PathLike, **options: int | None) -> None:
    """Write what a model computes outside training to an ONNX file; see ``Model.export``."""
    from fastrnn.interop.onnx.writer.graph import OPSET, to_proto

    to_choice("opset_version", options.pop("opset_version", None), (None, OPSET))
    if options:
        raise ValueError(errors.unknown_arguments("export", options))
    path = to_path(filepath, (".onnx",))
    require_onnx("Model.export")
    proto = to_proto(model)
    write_atomically(path, lambda file: file.write(proto.SerializeToString()))


def read_onnx(source: Readable) -> ReadGraph:
    """Return the layers and calls that an ONNX file amounts to; see ``Model.from_onnx``."""
    require_onnx("Model.from_onnx")
    from fastrnn.interop.onnx.reader.graph import read_graph

    return read_graph(source)


def require_onnx(purpose: str) -> None:
    """Raise ``ImportError`` if the package onnx is missing."""
    if importlib.util.find_spec("onnx") is None:
        raise ImportError(errors.missing_extra("onnx", "onnx", purpose))
