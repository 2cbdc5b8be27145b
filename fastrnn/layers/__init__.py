"""Layers, under Keras's names."""

from fastrnn.layers import operators as _operators  # noqa: F401 - gives tensors their operators
from fastrnn.layers.base import Layer
from fastrnn.layers.core import Activation, Dense, Masking
from fastrnn.layers.embedding import Embedding
from fastrnn.layers.input import Input, InputLayer
from fastrnn.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from fastrnn.layers.normalization import BatchNormalization
from fastrnn.layers.regularization import Dropout
from fastrnn.layers.reshaping import Flatten, RepeatVector
from fastrnn.layers.rnn import GRU, LSTM, Bidirectional, SimpleRNN, TimeDistributed

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "Add",
    "Average",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Dense",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "Input",
    "InputLayer",
    "Layer",
    "Masking",
    "Maximum",
    "Minimum",
    "Multiply",
    "RepeatVector",
    "SimpleRNN",
    "Subtract",
    "TimeDistributed",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]
