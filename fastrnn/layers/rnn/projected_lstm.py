"""LSTM with a projection."""

from __future__ import annotations

from typing import ClassVar, Unpack

from fastrnn.core.options import PositiveInt, inserts_options
from fastrnn.engines.cells import PROJECTED_LSTM
from fastrnn.layers.base.layer import registry
from fastrnn.layers.rnn.base import SEQUENCE_OPTIONS
from fastrnn.layers.rnn.built_in import BuiltInLayer
from fastrnn.layers.rnn.cells import LSTMCell
from fastrnn.layers.rnn.recurrent_cell import GatedCellOptions
from fastrnn.typing import ConstraintLike, InitializerLike, RegularizerLike


@registry.register()
class ProjectedLSTMCell(LSTMCell):
    """The cell of ``ProjectedLSTM``.

    Args:
        units: length of c.
        projection_size: length of h.
        projection_initializer, projection_regularizer, projection_constraint: of the projection.
        activation, unit_forget_bias, …: see ``LSTMCell`` and ``RecurrentCell``.

    Weights: kernel (features, 4·units), recurrent_kernel (projection_size, 4·units), bias
    (4·units,), projection_kernel (units, projection_size).
    """

    spec = PROJECTED_LSTM
    weight_options: ClassVar[dict[str, str]] = {
        **LSTMCell.weight_options,
        "projection_kernel": "projection",
    }
    projection_size: int

    @inserts_options(
        after={
            "projection_initializer": "unit_forget_bias",
            "projection_regularizer": "bias_regularizer",
            "projection_constraint": "bias_constraint",
        }
    )
    def __init__(
        self,
        units: PositiveInt,
        projection_size: PositiveInt,
        *,
        projection_initializer: InitializerLike = "glorot_uniform",
        projection_regularizer: RegularizerLike = None,
        projection_constraint: ConstraintLike = None,
        **kwargs: Unpack[GatedCellOptions],
    ) -> None:
        super().__init__(units, **kwargs)

    @property
    def output_size(self) -> int:
        """Length of the output."""
        return self.projection_size


@registry.register()
class ProjectedLSTM(
    BuiltInLayer, cell=ProjectedLSTMCell, last=("seed", *SEQUENCE_OPTIONS, "use_cudnn")
):
    """LSTM whose output is a projection, shorter than its cell state (Sak et al., 2014).

    h_t = (o·act(c_t))·projection_kernel, without bias and activation: torch's ``proj_size``.

    Args:
        units: length of c.
        projection_size: length of h and of the outputs.
        projection_initializer, projection_regularizer, projection_constraint: of the projection.
        activation, recurrent_activation, …, return_sequences, …: see ``LSTM``.

    Weights: kernel (features, 4·units), recurrent_kernel (projection_size, 4·units), bias
    (4·units,), gates i f c o; and projection_kernel (units, projection_size).
    Inputs: (batch, timesteps, features).
    Outputs: (batch, projection_size), or (batch, timesteps, projection_size) with
    ``return_sequences``; with ``return_state`` a tuple of the outputs, h (batch, projection_size)
    and c (batch, units).

    Call arguments: ``mask`` (batch, timesteps), True where a step counts; ``initial_state``, a list
    of h and c; ``training``.

    Raises:
        ValueError: an argument, or the shape or dtype of an array, is not as described.

    >>> import numpy as np
    >>> from fastrnn.layers import ProjectedLSTM
    >>> y, h, c = ProjectedLSTM(8, 3, return_state=True)(np.zeros((2, 5, 4)))
    >>> y.shape, h.shape, c.shape
    ((2, 3), (2, 3), (2, 8))
    """
