"""Pickles are refused: reading one runs the code that it holds."""

from __future__ import annotations

import os

from fastrnn.formats.model_file_error import ModelFileError

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".joblib")
REMEDY = (
    "Where the file comes from, write the weights as safetensors: "
    "safetensors.torch.save_file(module.state_dict(), 'model.safetensors')."
)


def refuse_pickle(filepath: object) -> None:
    """Raise ``ModelFileError`` if a path has an ending of files that are pickles."""
    if isinstance(filepath, (str, os.PathLike)):
        path = os.fspath(filepath)
        if path.lower().endswith(SUFFIXES):
            found = "a pickle, which can run any code when it is read; fastrnn reads none."
            raise ModelFileError("pickle", os.path.basename(path), f"{found} {REMEDY}")
