"""Recurrent layers and what wraps them."""

from fastrnn.layers.rnn.bidirectional import Bidirectional
from fastrnn.layers.rnn.gru import GRU
from fastrnn.layers.rnn.lstm import LSTM
from fastrnn.layers.rnn.simple_rnn import SimpleRNN
from fastrnn.layers.rnn.time_distributed import TimeDistributed

__all__ = ["GRU", "LSTM", "Bidirectional", "SimpleRNN", "TimeDistributed"]
