"""Reads hostile files of other systems' formats as ``hostile_run`` reads the rest."""

import sys

import hostile_run
import onnx  # noqa: F401  it takes long, and belongs to no file

import fastrnn
from fastrnn.saving import read_safetensors


def read_into_model(path):
    model = fastrnn.Sequential([fastrnn.Input((4, 3)), fastrnn.layers.LSTM(4)])
    model.load_weights(path)


hostile_run.READERS |= {
    "safetensors": read_safetensors,
    "onnx": fastrnn.Model.from_onnx,
    "weights": read_into_model,
    "torch": fastrnn.Model.from_torch,
}

if __name__ == "__main__":
    hostile_run.main(sys.argv[1])
