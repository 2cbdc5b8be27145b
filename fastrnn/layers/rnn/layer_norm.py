"""Layer-normalised LSTM and GRU."""

from __future__ import annotations

from typing import ClassVar, Unpack

from fastrnn.core.options import NonNegative, PositiveInt, inserts_options
from fastrnn.engines.cells import LAYER_NORM_GRU, LAYER_NORM_LSTM
from fastrnn.layers.base.layer import registry
from fastrnn.layers.rnn.base import SEQUENCE_OPTIONS
from fastrnn.layers.rnn.built_in import BuiltInLayer
from fastrnn.layers.rnn.cells import LSTMCell
from fastrnn.layers.rnn.recurrent_cell import GatedCellOptions, RecurrentCell
from fastrnn.typing import ConstraintLike, InitializerLike, RegularizerLike

_PLACES = {
    "gain_regularizer": "bias_regularizer",
    "gain_constraint": "bias_constraint",
    "epsilon": "recurrent_dropout",
}
_PARTS = {
    **RecurrentCell.weight_options,
    "kernel_gain": "gain",
    "recurrent_gain": "gain",
    "state_gain": "gain",
    "state_bias": "bias",
}


@registry.register()
class LayerNormLSTMCell(LSTMCell):
    """The cell of ``LayerNormLSTM``.

    Args:
        gain_initializer, gain_regularizer, gain_constraint: of all gains.
        epsilon: added to variances.
        units, activation, unit_forget_bias, …: see ``LSTMCell`` and ``RecurrentCell``.

    Weights: those of ``LSTMCell``; kernel_gain (4·units,), recurrent_gain (4·units,), state_gain
    (units,), and unless ``use_bias`` is false state_bias (units,).
    """

    spec = LAYER_NORM_LSTM
    weight_options: ClassVar[dict[str, str]] = _PARTS

    @inserts_options(after={"gain_initializer": "unit_forget_bias", **_PLACES})
    def __init__(
        self,
        units: PositiveInt,
        *,
        gain_initializer: InitializerLike = "ones",
        gain_regularizer: RegularizerLike = None,
        gain_constraint: ConstraintLike = None,
        epsilon: NonNegative = 1e-3,
        **kwargs: Unpack[GatedCellOptions],
    ) -> None:
        super().__init__(units, **kwargs)


@registry.register()
class LayerNormGRUCell(RecurrentCell):
    """The cell of ``LayerNormGRU``.

    Args:
        gain_initializer, gain_regularizer, gain_constraint: of both gains.
        epsilon: added to variances.
        units, activation, …: see ``RecurrentCell``.

    Weights: those of ``GRUCell``; kernel_gain (3·units,) and recurrent_gain (3·units,).
    """

    spec = LAYER_NORM_GRU
    weight_options: ClassVar[dict[str, str]] = _PARTS

    @inserts_options(
        after={"gain_initializer": "bias_initializer", **_PLACES}, without=("cell_zoneout",)
    )
    def __init__(
        self,
        units: PositiveInt,
        *,
        gain_initializer: InitializerLike = "ones",
        gain_regularizer: RegularizerLike = None,
        gain_constraint: ConstraintLike = None,
        epsilon: NonNegative = 1e-3,
        **kwargs: Unpack[GatedCellOptions],
    ) -> None:
        super().__init__(units, **kwargs)


@registry.register()
class LayerNormLSTM(
    BuiltInLayer, cell=LayerNormLSTMCell, last=("seed", *SEQUENCE_OPTIONS, "use_cudnn")
):
    """LSTM with layer normalisation inside (Ba, Kiros and Hinton, 2016, equations 20 to 22).

    The sums x·kernel and h·recurrent_kernel are normalised apart, each over all four gates of a
    sample, and c once more before it becomes the output: docs/equations.md.

    Args:
        units: length of the state and of the outputs.
        gain_initializer, gain_regularizer, gain_constraint: of all gains.
        epsilon: added to variances.
        activation, recurrent_activation, …, return_sequences, …: see ``LSTM``.

    Weights: kernel (features, 4·units), recurrent_kernel (units, 4·units), bias (4·units,),
    kernel_gain (4·units,), recurrent_gain (4·units,), gates i f c o; state_gain (units,) and
    state_bias (units,). Without ``use_bias`` there are no bias and state_bias.
    Inputs: (batch, timesteps, features).
    Outputs: (batch, units), or (batch, timesteps, units) with ``return_sequences``; with
    ``return_state`` a tuple of the outputs and h and c, (batch, units) each.

    Call arguments: ``mask`` (batch, timesteps), True where a step counts; ``initial_state``, a list
    of two arrays (batch, units); ``training``.

    Raises:
        ValueError: an argument, or the shape or dtype of an array, is not as described.

    >>> import numpy as np
    >>> from fastrnn.layers import LayerNormLSTM
    >>> layer = LayerNormLSTM(8)
    >>> layer(np.zeros((2, 5, 3))).shape, len(layer.get_weights())
    ((2, 8), 7)
    """


@registry.register()
class LayerNormGRU(
    BuiltInLayer, cell=LayerNormGRUCell, last=("seed", *SEQUENCE_OPTIONS, "use_cudnn")
):
    """GRU with layer normalisation inside (Ba, Kiros and Hinton, 2016, equations 31 to 33).

    The sums x·kernel and h·recurrent_kernel are normalised apart, each over both gates of a sample,
    and over its candidate; the reset gate acts after the product: docs/equations.md.

    Args:
        units: length of the state and of the outputs.
        gain_initializer, gain_regularizer, gain_constraint: of both gains.
        epsilon: added to variances.
        activation, recurrent_activation, …, return_sequences, …: see ``GRU``.

    Weights: kernel (features, 3·units), recurrent_kernel (units, 3·units), bias (2, 3·units),
    kernel_gain (3·units,) and recurrent_gain (3·units,), gates z r h.
    Inputs: (batch, timesteps, features).
    Outputs: (batch, units), or (batch, timesteps, units) with ``return_sequences``; with
    ``return_state`` a tuple of the outputs and h, (batch, units).

    Call arguments: ``mask`` (batch, timesteps), True where a step counts; ``initial_state``, one
    array (batch, units) or a list of it; ``training``.

    Raises:
        ValueError: an argument, or the shape or dtype of an array, is not as described.

    >>> import numpy as np
    >>> from fastrnn.layers import LayerNormGRU
    >>> layer = LayerNormGRU(8)
    >>> layer(np.zeros((2, 5, 3))).shape, len(layer.get_weights())
    ((2, 8), 5)
    """
