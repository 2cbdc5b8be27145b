"""Layers, under Keras's names."""

from fastrnn.layers import operators as _operators  # noqa: F401 - gives tensors their operators
from fastrnn.layers.activations import ELU, LeakyReLU, PReLU, ReLU, Softmax
from fastrnn.layers.adaptive_pooling import AdaptiveAveragePooling1D, AdaptiveMaxPooling1D
from fastrnn.layers.attention import AdditiveAttention, Attention
from fastrnn.layers.base import Layer, registry
from fastrnn.layers.conv_transpose import Conv1DTranspose
from fastrnn.layers.convolutions import Conv1D
from fastrnn.layers.core import Activation, Dense, Masking
from fastrnn.layers.depthwise_convolutions import DepthwiseConv1D, SeparableConv1D
from fastrnn.layers.dot import Dot, dot
from fastrnn.layers.einsum_dense import EinsumDense
from fastrnn.layers.embedding import Embedding
from fastrnn.layers.global_pooling import GlobalAveragePooling1D, GlobalMaxPooling1D
from fastrnn.layers.group_normalization import GroupNormalization, RMSNormalization
from fastrnn.layers.input import Input, InputLayer
from fastrnn.layers.lambda_layer import Lambda
from fastrnn.layers.layer_normalization import LayerNormalization, UnitNormalization
from fastrnn.layers.merging import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    maximum,
    minimum,
    multiply,
    subtract,
)
from fastrnn.layers.multi_head_attention import MultiHeadAttention
from fastrnn.layers.normalization import BatchNormalization
from fastrnn.layers.regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
)
from fastrnn.layers.rescaling import Identity, Rescaling
from fastrnn.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from fastrnn.layers.resizing import Cropping1D, UpSampling1D, ZeroPadding1D
from fastrnn.layers.rnn import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    GRUCell,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    TimeDistributed,
)
from fastrnn.layers.spectral_normalization import SpectralNormalization
from fastrnn.layers.standardization import Normalization
from fastrnn.layers.windows import AveragePooling1D, MaxPooling1D

serialize = registry.serialize
deserialize = registry.deserialize

# Keras has two names for these.
AvgPool1D, MaxPool1D = AveragePooling1D, MaxPooling1D
GlobalAvgPool1D, GlobalMaxPool1D = GlobalAveragePooling1D, GlobalMaxPooling1D
Convolution1D, Convolution1DTranspose = Conv1D, Conv1DTranspose
SeparableConvolution1D = SeparableConv1D

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveMaxPooling1D",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "Average",
    "AveragePooling1D",
    "AvgPool1D",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Convolution1D",
    "Convolution1DTranspose",
    "Cropping1D",
    "Dense",
    "DepthwiseConv1D",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "GroupNormalization",
    "Identity",
    "Input",
    "InputLayer",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPooling1D",
    "Maximum",
    "Minimum",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "SeparableConv1D",
    "SeparableConvolution1D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "SpectralNormalization",
    "StackedRNNCells",
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "ZeroPadding1D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]
