"""CuDNNLSTM, CuDNNGRU and the like: layers that have another name today."""

from __future__ import annotations

from typing import Any

from fastrnn.core.user_warnings import deprecated
from fastrnn.layers.activations.elementwise import ReLU
from fastrnn.layers.base.layer import Layer
from fastrnn.layers.convolution.convolutions import Conv1D
from fastrnn.layers.core.dense import Dense
from fastrnn.layers.rnn.gru import GRU
from fastrnn.layers.rnn.lstm import LSTM
from fastrnn.layers.rnn.time_distributed import TimeDistributed


def CuDNNLSTM(units: int, **options: Any) -> LSTM:
    """Return an ``LSTM``, whose defaults are what this layer computed.

    Args:
        units: see ``LSTM``.
        **options: see ``LSTM``.
    """
    deprecated("CuDNNLSTM(units)", "LSTM(units)")
    return LSTM(units, **options)


def CuDNNGRU(units: int, **options: Any) -> GRU:
    """Return a ``GRU``, whose defaults are what this layer computed: ``reset_after=True``.

    Args:
        units: see ``GRU``.
        **options: see ``GRU``.
    """
    deprecated("CuDNNGRU(units)", "GRU(units)")
    return GRU(units, **{**options, "reset_after": True})


def TimeDistributedDense(output_dim: int, **options: Any) -> Layer:
    """Return ``TimeDistributed(Dense(…))``.

    Args:
        output_dim: length of the outputs of a step.
        **options: see ``Dense``; what says the shape of the inputs says that of sequences.
    """
    deprecated("TimeDistributedDense(units)", "TimeDistributed(Dense(units))")
    of_inputs = ("input_shape", "batch_input_shape", "input_length", "input_dim", "batch_size")
    outside = {name: options.pop(name) for name in of_inputs if name in options}
    if "input_dim" in outside:
        outside["input_shape"] = (outside.pop("input_length", None), outside.pop("input_dim"))
    name = options.pop("name", None)
    return TimeDistributed(Dense(output_dim, **options), name=name, **outside)


def AtrousConvolution1D(nb_filter: int, filter_length: int, **options: Any) -> Conv1D:
    """Return a ``Conv1D`` with a ``dilation_rate``.

    Args:
        nb_filter, filter_length: filters and kernel_size of ``Conv1D``.
        **options: see ``Conv1D``; ``atrous_rate`` is its ``dilation_rate``.
    """
    deprecated("AtrousConvolution1D(…)", "Conv1D(…, dilation_rate=…)")
    return Conv1D(nb_filter, filter_length, **options)


def ThresholdedReLU(theta: float = 1.0, **options: Any) -> ReLU:
    """Return a ``ReLU`` that is 0 up to a threshold.

    Args:
        theta: the threshold.
        **options: see ``ReLU``.
    """
    deprecated("ThresholdedReLU(theta)", "ReLU(threshold=theta)")
    return ReLU(threshold=theta, **options)
