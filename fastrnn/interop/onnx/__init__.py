"""Models in ONNX's format; needs the package onnx, which the extra ``onnx`` brings."""

from __future__ import annotations

import importlib.util
from typing import Any

from fastrnn.core import errors
from fastrnn.core.checks import to_choice
from fastrnn.formats.atomic import to_path, write_atomically


class OnnxFiles:
    """The methods of a model that write and read ONNX files."""

    def export(
        self,
        filepath: Any,
        format: str = "onnx",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Write what the model computes outside training to an ONNX file, for other runtimes.

        The layers are written that work step by step: recurrent ones, Bidirectional, Dense,
        Embedding, normalization, Activation and TimeDistributed of them, and joining ones; Dropout
        is left out. Inputs and outputs have the shapes and the types of the model's. The file is
        there as a whole or not at all.

        Args:
            filepath: a path that ends in ``.onnx``.
            format: ``"onnx"``.
            verbose: whether a line says that the file has been written.
            input_signature: accepted as ``None``: the model's inputs are the signature.
            **kwargs: ``opset_version``, accepted as 17.

        Raises:
            ValueError: a layer or an option has no counterpart in ONNX, such as masks; or another
                argument than described.
            ImportError: the package onnx is missing.
        """
        from fastrnn.interop.onnx.writer.graph import OPSET, to_proto

        to_choice("format", format, ("onnx",))
        to_choice("input_signature", input_signature, (None,))
        to_choice("opset_version", kwargs.pop("opset_version", None), (None, OPSET))
        if kwargs:
            raise ValueError(errors.unknown_arguments("export", kwargs))
        path = to_path(filepath, (".onnx",))
        require_onnx("Model.export")
        proto = to_proto(self)
        write_atomically(path, lambda file: file.write(proto.SerializeToString()))
        if verbose:
            print(f"Written: {filepath}")

    @staticmethod
    def from_onnx(filepath: Any) -> Any:
        """Make a model of an ONNX file, as torch, Keras and others write them.

        Recurrent nodes (RNN, LSTM, GRU, in either layout and any direction), dense and embedding
        layers, normalization and activations between them become layers; what has no counterpart
        is refused. The model takes and gives arrays with the batch first, whatever the file's
        order is. A state of several directions or layers, (directions, batch, units) in the file,
        is as many inputs or outputs (batch, units).

        Args:
            filepath: a path, bytes, or an open binary file.

        Returns:
            A ``Sequential`` model if the graph is a chain of layers, else a functional one.

        Raises:
            ModelFileError: the file is damaged, refers to other files, or has an operator or an
                attribute that fastrnn has not.
            ImportError: the package onnx is missing.
        """
        require_onnx("Model.from_onnx")
        from fastrnn.interop.onnx.reader.graph import read_model

        return read_model(filepath)


def require_onnx(purpose: str) -> None:
    """Raise ``ImportError`` if the package onnx is missing."""
    if importlib.util.find_spec("onnx") is None:
        raise ImportError(errors.missing_extra("onnx", "onnx", purpose))
