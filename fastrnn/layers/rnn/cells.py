"""SimpleRNNCell, LSTMCell and GRUCell, with Keras's arguments in Keras's order."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fastrnn.engines.cells import CELLS
from fastrnn.layers.base.layer import registry
from fastrnn.layers.rnn.recurrent_cell import RecurrentCell

Array = npt.NDArray[Any]


@registry.register()
class SimpleRNNCell(RecurrentCell):
    """The cell of ``SimpleRNN``."""

    spec = CELLS["simple_rnn"]
    _config: ClassVar[dict[str, Any]] = {
        name: kind for name, kind in RecurrentCell._config.items() if name != "recurrent_activation"
    }

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            **kwargs,
        )


@registry.register()
class LSTMCell(RecurrentCell):
    """The cell of ``LSTM``.

    Args:
        unit_forget_bias: whether the bias of the forget gate begins at 1.
        units, activation, …: see ``RecurrentCell``.
    """

    spec = CELLS["lstm"]
    _config: ClassVar[dict[str, Any]] = {**RecurrentCell._config, "unit_forget_bias": None}

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            **kwargs,
        )
        self.unit_forget_bias = unit_forget_bias

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

    _config: ClassVar[dict[str, Any]] = {**RecurrentCell._config, "reset_after": None}

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.reset_after = reset_after
        self.spec = CELLS["gru_reset_after" if reset_after else "gru"]
        super().__init__(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            **kwargs,
        )
