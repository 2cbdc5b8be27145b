"""LSTM with peepholes."""

from __future__ import annotations

from typing import Unpack

from fastrnn.core.options import PositiveInt, inserts_options
from fastrnn.engines.cells import PEEPHOLE_LSTM
from fastrnn.layers.base.layer import registry
from fastrnn.layers.rnn.base import SEQUENCE_OPTIONS
from fastrnn.layers.rnn.built_in import BuiltInLayer
from fastrnn.layers.rnn.cells import LSTMCell
from fastrnn.layers.rnn.recurrent_cell import GatedCellOptions
from fastrnn.typing import ConstraintLike, InitializerLike, RegularizerLike


@registry.register()
class PeepholeLSTMCell(LSTMCell):
    """The cell of ``PeepholeLSTM``.

    Args:
        peephole_initializer, peephole_regularizer, peephole_constraint: of the peepholes.
        units, activation, unit_forget_bias, …: see ``LSTMCell`` and ``RecurrentCell``.

    Weights: those of ``LSTMCell``, and peephole (3, units), in the order i f o.
    """

    spec = PEEPHOLE_LSTM

    @inserts_options(
        after={
            "peephole_initializer": "unit_forget_bias",
            "peephole_regularizer": "bias_regularizer",
            "peephole_constraint": "bias_constraint",
        }
    )
    def __init__(
        self,
        units: PositiveInt,
        *,
        peephole_initializer: InitializerLike = "glorot_uniform",
        peephole_regularizer: RegularizerLike = None,
        peephole_constraint: ConstraintLike = None,
        **kwargs: Unpack[GatedCellOptions],
    ) -> None:
        super().__init__(units, **kwargs)


@registry.register()
class PeepholeLSTM(
    BuiltInLayer, cell=PeepholeLSTMCell, last=("seed", *SEQUENCE_OPTIONS, "use_cudnn")
):
    """LSTM whose gates see the cell state (Gers and Schmidhuber, 2000).

    Each unit's gates i and f see the number of c_{t-1} of the same unit, and o sees that of c_t.

    Args:
        units: length of the state and of the outputs.
        peephole_initializer, peephole_regularizer, peephole_constraint: of the peepholes; with
            the initializer ``"zeros"`` the layer begins as an ``LSTM``.
        activation, recurrent_activation, …, return_sequences, …: see ``LSTM``.

    Weights: kernel (features, 4·units), recurrent_kernel (units, 4·units), bias (4·units,), gates
    i f c o; and peephole (3, units), in the order i f o.
    Inputs: (batch, timesteps, features).
    Outputs: (batch, units), or (batch, timesteps, units) with ``return_sequences``; with
    ``return_state`` a tuple of the outputs and h and c, (batch, units) each.

    Call arguments: ``mask`` (batch, timesteps), True where a step counts; ``initial_state``, a list
    of two arrays (batch, units); ``training``.

    Raises:
        ValueError: an argument, or the shape or dtype of an array, is not as described.

    >>> import numpy as np
    >>> from fastrnn.layers import PeepholeLSTM
    >>> layer = PeepholeLSTM(8)
    >>> layer(np.zeros((2, 5, 3))).shape, layer.get_weights()[3].shape
    ((2, 8), (3, 8))
    """
