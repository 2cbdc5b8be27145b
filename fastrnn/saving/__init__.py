"""Saving: models and their weights in files."""

from fastrnn.saving.model_file_error import ModelFileError
from fastrnn.saving.onnx import OnnxFiles
from fastrnn.saving.safetensors import read_safetensors, write_safetensors
from fastrnn.saving.torch_weights import TorchWeights
from fastrnn.saving.weights import SavesWeights

__all__ = [
    "ModelFileError",
    "OnnxFiles",
    "SavesWeights",
    "TorchWeights",
    "read_safetensors",
    "write_safetensors",
]
