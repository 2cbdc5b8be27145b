"""Layers, under Keras's names."""

from fastrnn.core.lazy import lazy_attributes
from fastrnn.core.old_paths import old_modules
from fastrnn.layers import images
from fastrnn.layers.activations.elementwise import ELU, LeakyReLU, ReLU
from fastrnn.layers.activations.prelu import PReLU
from fastrnn.layers.activations.softmax import Softmax
from fastrnn.layers.attention.attention import AdditiveAttention, Attention
from fastrnn.layers.attention.multi_head_attention import MultiHeadAttention
from fastrnn.layers.base.input_spec import InputSpec
from fastrnn.layers.base.layer import Layer, registry
from fastrnn.layers.convolution.conv_transpose import Conv1DTranspose
from fastrnn.layers.convolution.convolutions import Conv1D
from fastrnn.layers.convolution.depthwise_convolutions import DepthwiseConv1D, SeparableConv1D
from fastrnn.layers.core.activation import Activation
from fastrnn.layers.core.dense import Dense
from fastrnn.layers.core.einsum_dense import EinsumDense
from fastrnn.layers.core.embedding import Embedding
from fastrnn.layers.core.identity import Identity
from fastrnn.layers.core.input import Input, InputLayer
from fastrnn.layers.core.lambda_layer import Lambda
from fastrnn.layers.core.masking import Masking
from fastrnn.layers.core.rescaling import Rescaling
from fastrnn.layers.core.wrapper import Wrapper
from fastrnn.layers.merging.concatenate import Concatenate, concatenate
from fastrnn.layers.merging.dot import Dot, dot
from fastrnn.layers.merging.merge import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)
from fastrnn.layers.normalization.batch_normalization import BatchNormalization
from fastrnn.layers.normalization.group_normalization import GroupNormalization, RMSNormalization
from fastrnn.layers.normalization.layer_normalization import LayerNormalization, UnitNormalization
from fastrnn.layers.normalization.spectral_normalization import SpectralNormalization
from fastrnn.layers.normalization.standardization import Normalization
from fastrnn.layers.operations import operation_layer as _operation_layer  # noqa: F401 - notes operations
from fastrnn.layers.pooling.adaptive_pooling import AdaptiveAveragePooling1D, AdaptiveMaxPooling1D
from fastrnn.layers.pooling.global_pooling import GlobalAveragePooling1D, GlobalMaxPooling1D
from fastrnn.layers.pooling.windows import AveragePooling1D, MaxPooling1D
from fastrnn.layers.preprocessing.category_encoding import CategoryEncoding
from fastrnn.layers.preprocessing.discretization import Discretization
from fastrnn.layers.preprocessing.hashing import Hashing
from fastrnn.layers.preprocessing.integer_lookup import IntegerLookup
from fastrnn.layers.preprocessing.string_lookup import StringLookup
from fastrnn.layers.preprocessing.text_vectorization import TextVectorization
from fastrnn.layers.regularization.dropout import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
)
from fastrnn.layers.reshaping.reshaping import Flatten, Permute, RepeatVector, Reshape
from fastrnn.layers.reshaping.resizing import Cropping1D, UpSampling1D, ZeroPadding1D
from fastrnn.layers.rnn import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    GRUCell,
    LayerNormGRU,
    LayerNormGRUCell,
    LayerNormLSTM,
    LayerNormLSTMCell,
    LSTMCell,
    PeepholeLSTM,
    PeepholeLSTMCell,
    ProjectedLSTM,
    ProjectedLSTMCell,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    TimeDistributed,
)

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
    "CategoryEncoding",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Convolution1D",
    "Convolution1DTranspose",
    "Cropping1D",
    "CuDNNGRU",
    "CuDNNLSTM",
    "Dense",
    "DepthwiseConv1D",
    "Discretization",
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
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "IntegerLookup",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormGRU",
    "LayerNormGRUCell",
    "LayerNormLSTM",
    "LayerNormLSTMCell",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPooling1D",
    "Maximum",
    "Merge",
    "Minimum",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "PeepholeLSTM",
    "PeepholeLSTMCell",
    "Permute",
    "ProjectedLSTM",
    "ProjectedLSTMCell",
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
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "TimeDistributedDense",
    "UnitNormalization",
    "UpSampling1D",
    "Wrapper",
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


def _refuse(name: str) -> str:
    """Say why a layer of Keras's is not there."""
    if name == "ConvLSTM1D":
        return "it is for images or their rows; use LSTM behind TimeDistributed(Conv1D(…)) instead"
    return "fastrnn is for sequences, not for images" if name.startswith("Random") else ""


# Loaded when they are first asked for.
__getattr__ = lazy_attributes(
    __name__,
    {
        **old_modules(__name__),
        "Merge": f"{__name__}.legacy.merge:Merge",
        **{name: f"{__name__}.images:{name}" for name in images.NAMES},
        **{
            name: f"{__name__}.legacy.recurrent:{name}"
            for name in (
                "AtrousConvolution1D",
                "CuDNNGRU",
                "CuDNNLSTM",
                "ThresholdedReLU",
                "TimeDistributedDense",
            )
        },
    },
    refuse=_refuse,
)
