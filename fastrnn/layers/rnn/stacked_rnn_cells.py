"""StackedRNNCells."""

from __future__ import annotations

import copy
from typing import Any

import numpy.typing as npt

from fastrnn import errors
from fastrnn.layers.base import Layer, registry
from fastrnn.layers.rnn.cells import RecurrentCell

Array = npt.NDArray[Any]


@registry.register()
class StackedRNNCells(Layer):
    """Cells on top of each other, which behave as a single one.

    Args:
        cells: list of ``SimpleRNNCell``, ``LSTMCell`` and ``GRUCell``, the lowest first.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Raises:
        ValueError: there is no cell, one of another kind, or they have different dtypes.

    >>> from fastrnn.layers import GRUCell, LSTMCell, StackedRNNCells
    >>> StackedRNNCells([LSTMCell(8), GRUCell(4)]).state_size
    [[8, 8], 4]
    """

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        self.cells: list[RecurrentCell] = list(cells)
        for cell in list[Any](self.cells) or [None]:
            if not isinstance(cell, RecurrentCell):
                expected = "a list of SimpleRNNCell, LSTMCell and GRUCell"
                raise ValueError(errors.bad_argument("cells", cell, expected))
        kwargs["dtype"] = kwargs.get("dtype") or self.cells[0].dtype
        super().__init__(**kwargs)
        for cell in self.cells:
            if cell.dtype != self.dtype:
                expected = f"cells of dtype {self.dtype}"
                raise ValueError(errors.bad_argument("cells", cell.dtype, expected))

    @property
    def sublayers(self) -> list[Any]:
        """The cells."""
        return list(self.cells)

    @property
    def state_size(self) -> list[int | list[int]]:
        """The ``state_size`` of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """Length of the last cell's output."""
        return self.cells[-1].output_size

    def get_initial_state(self, batch_size: int) -> list[list[Array]]:
        """Return the zero states of each cell."""
        return [cell.get_initial_state(batch_size) for cell in self.cells]

    def make_weights(self, input_shape: Any) -> None:
        """Build every cell for the outputs of the one below."""
        self.input_features = input_shape[-1]
        for cell in self.cells:
            if not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], cell.output_size)

    def __call__(
        self, inputs: Any, states: Any, training: bool = False
    ) -> tuple[Array, list[list[Array]]]:
        """Compute one step: (batch, features) and the states of each cell give output and states.

        Raises:
            ValueError: shapes, or the number of states, do not fit the cells.
        """
        if not isinstance(states, (list, tuple)) or len(states) != len(self.cells):
            expected = f"{len(self.cells)} entries, the states of each cell"
            raise ValueError(errors.bad_argument("states", type(states).__name__, expected))
        new_states = []
        for cell, own in zip(self.cells, states, strict=True):
            inputs, own = cell(inputs, own, training=training)
            new_states.append(own)
        self.built = True
        return inputs, new_states

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        cells = [registry.serialize(cell) for cell in self.cells]
        return {**super().get_config(), "cells": cells}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make the stack, without weights, from what ``get_config`` returned."""
        config = copy.deepcopy(config)
        return cls([registry.deserialize(cell) for cell in config.pop("cells")], **config)
