"""Recurrent layers and what wraps them."""

from fastrnn.layers.rnn.bidirectional import Bidirectional
from fastrnn.layers.rnn.cells import GRUCell, LSTMCell, SimpleRNNCell
from fastrnn.layers.rnn.gru import GRU
from fastrnn.layers.rnn.layer_norm import (
    LayerNormGRU,
    LayerNormGRUCell,
    LayerNormLSTM,
    LayerNormLSTMCell,
)
from fastrnn.layers.rnn.lstm import LSTM
from fastrnn.layers.rnn.peephole_lstm import PeepholeLSTM, PeepholeLSTMCell
from fastrnn.layers.rnn.projected_lstm import ProjectedLSTM, ProjectedLSTMCell
from fastrnn.layers.rnn.rnn import RNN
from fastrnn.layers.rnn.simple_rnn import SimpleRNN
from fastrnn.layers.rnn.stacked_rnn_cells import StackedRNNCells
from fastrnn.layers.rnn.time_distributed import TimeDistributed

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Bidirectional",
    "GRUCell",
    "LSTMCell",
    "LayerNormGRU",
    "LayerNormGRUCell",
    "LayerNormLSTM",
    "LayerNormLSTMCell",
    "PeepholeLSTM",
    "PeepholeLSTMCell",
    "ProjectedLSTM",
    "ProjectedLSTMCell",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
    "TimeDistributed",
]
