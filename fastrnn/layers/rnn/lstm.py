"""LSTM."""

from __future__ import annotations

from fastrnn.layers.base.layer import registry
from fastrnn.layers.rnn.base import SEQUENCE_OPTIONS
from fastrnn.layers.rnn.built_in import BuiltInLayer
from fastrnn.layers.rnn.cells import LSTMCell


@registry.register()
class LSTM(BuiltInLayer, cell=LSTMCell, last=("seed", *SEQUENCE_OPTIONS, "use_cudnn")):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997; Gers et al., 2000).

    Args:
        units: length of the state and of the outputs.
        activation: activation of the candidate and of the cell state.
        recurrent_activation: activation of the gates.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: see ``fastrnn.initializers``.
        unit_forget_bias: whether the bias of the forget gate begins at 1, whatever
            ``bias_initializer`` is.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: see
            ``fastrnn.regularizers``; the last is on every returned array.
        kernel_constraint, recurrent_constraint, bias_constraint: see ``fastrnn.constraints``.
        dropout: share of the inputs that training drops; one mask for all steps of a call.
        recurrent_dropout: share of h_{t-1} that training drops, likewise. If it is not 0, each
            gate has masks of its own, for both dropouts.
        seed: seed of the dropout masks, or ``None`` for one that is drawn.
        return_sequences, return_state, go_backwards, stateful, unroll, use_cudnn: see
            ``RecurrentLayer``.
        **kwargs: ``zero_output_for_mask``, ``name``, ``dtype``, ``trainable``, and
            ``implementation``, which has no effect.

    Weights: kernel (features, 4·units), recurrent_kernel (units, 4·units), bias (4·units,); gates
    i f c o.
    Inputs: (batch, timesteps, features).
    Outputs: (batch, units), or (batch, timesteps, units) with ``return_sequences``; with
    ``return_state`` a tuple of the outputs and h and c, (batch, units) each.

    Call arguments: ``mask`` (batch, timesteps), True where a step counts; ``initial_state``, a list
    of two arrays (batch, units); ``training``.

    Raises:
        ValueError: an argument, or the shape or dtype of an array, is not as described.

    >>> import numpy as np
    >>> from fastrnn.layers import LSTM
    >>> LSTM(8)(np.zeros((2, 5, 3))).shape
    (2, 8)
    """
