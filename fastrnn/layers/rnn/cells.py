"""SimpleRNNCell, LSTMCell and GRUCell, with Keras's arguments in Keras's order."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastrnn.core.options import PositiveInt, inserts_options
from fastrnn.engines.cells import CELLS
from fastrnn.layers.base.layer import registry
from fastrnn.layers.rnn.recurrent_cell import CellOptions, GatedCellOptions, RecurrentCell

Array = npt.NDArray[Any]


@registry.register()
class SimpleRNNCell(RecurrentCell):
    """The cell of ``SimpleRNN``."""

    spec = CELLS["simple_rnn"]

    @inserts_options(without=("recurrent_activation", "cell_zoneout"))
    def __init__(self, units: PositiveInt, **kwargs: Unpack[CellOptions]) -> None:
        super().__init__(units, **kwargs)


@registry.register()
class LSTMCell(RecurrentCell):
    """The cell of ``LSTM``.

    Args:
        unit_forget_bias: whether the bias of the forget gate begins at 1.
        units, activation, …: see ``RecurrentCell``.
    """

    spec = CELLS["lstm"]
    unit_forget_bias: bool
    cell_zoneout: float

    @inserts_options(after={"unit_forget_bias": "bias_initializer"})
    def __init__(
        self,
        units: PositiveInt,
        *,
        unit_forget_bias: bool = True,
        **kwargs: Unpack[GatedCellOptions],
    ) -> None:
        super().__init__(units, **kwargs)

    def initial_bias(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        """Return the bias before training: gates i f c o, that of f 1 with unit_forget_bias."""
        if not self.unit_forget_bias:
            return super().initial_bias(shape, dtype)
        bias = [super(LSTMCell, self).initial_bias((n * self.units,), dtype) for n in (1, 2)]
        ones = np.ones(self.units, dtype=bias[0].dtype)
        return np.concatenate([bias[0], ones, bias[1]])


@registry.register()
class GRUCell(RecurrentCell):
    """The cell of ``GRU``.

    Args:
        reset_after: whether the reset gate acts after the recurrent product (with a bias of its
            own, as CuDNN has it) or before.
        units, activation, …: see ``RecurrentCell``.
    """

    reset_after: bool

    @inserts_options(after={"reset_after": "recurrent_dropout"}, without=("cell_zoneout",))
    def __init__(
        self, units: PositiveInt, *, reset_after: bool = True, **kwargs: Unpack[GatedCellOptions]
    ) -> None:
        self.spec = CELLS["gru_reset_after" if reset_after else "gru"]
        super().__init__(units, **kwargs)
