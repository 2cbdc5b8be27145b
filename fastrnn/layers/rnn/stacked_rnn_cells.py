"""StackedRNNCells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Unpack

from fastrnn.core import errors
from fastrnn.core.options import Kind, takes_options
from fastrnn.layers.base.layer import Layer, LayerOptions, registry
from fastrnn.layers.rnn.python_loop import (
    call_cell,
    initial_states_of,
    is_custom_cell,
    output_size_of,
)
from fastrnn.layers.rnn.recurrent_cell import RecurrentCell
from fastrnn.typing import Array, Nest, Shape


def _to_cells(argument: str, value: Sequence[Any]) -> list[Any]:
    cells = [registry.deserialize(v) if isinstance(v, dict) else v for v in value]
    for cell in cells or [None]:
        if not isinstance(cell, RecurrentCell) and not is_custom_cell(cell):
            expected = "a list of cells: SimpleRNNCell, LSTMCell, GRUCell or your own"
            raise ValueError(errors.bad_argument(argument, cell, expected))
    return cells


def _serialize_cells(cells: Sequence[Any]) -> list[Any]:
    return [registry.serialize(cell) for cell in cells]


Cells = Annotated[Sequence[object], Kind(_to_cells, _serialize_cells)]


@registry.register()
class StackedRNNCells(Layer):
    """Cells on top of each other, which behave as a single one.

    Args:
        cells: list of ``SimpleRNNCell``, ``LSTMCell``, ``GRUCell`` and custom cells (see
            ``RNN``), the lowest first.
        **kwargs: ``name``, ``dtype``, ``trainable``.

    Raises:
        ValueError: there is no cell, one of another kind, or they have different dtypes.

    >>> from fastrnn.layers import GRUCell, LSTMCell, StackedRNNCells
    >>> StackedRNNCells([LSTMCell(8), GRUCell(4)]).state_size
    [[8, 8], 4]
    """

    cells: list[Any]

    @takes_options
    def __init__(self, cells: Cells, **kwargs: Unpack[LayerOptions]) -> None:
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
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: int) -> list[list[Array]]:
        """Return the zero states of each cell."""
        return [initial_states_of(cell, batch_size) for cell in self.cells]

    def make_weights(self, input_shape: Shape) -> None:
        """Build every cell for the outputs of the one below."""
        self.input_features = input_shape[-1]
        for cell in self.cells:
            if not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], output_size_of(cell))

    def __call__(
        self, inputs: Any, states: Nest, training: bool = False
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
            if not cell.built:
                cell.build(inputs.shape)
            inputs, own = call_cell(cell, inputs, own, training)
            new_states.append(own)
        self.built = True
        return inputs, new_states

    def copy(self) -> StackedRNNCells:
        """Return a stack of copies of the cells, without weights."""
        copies = [copy_cell(cell) for cell in self.cells]
        return type(self)(**{**self.get_config(), "cells": copies})


def copy_cell(cell: Any) -> Any:
    """Return a cell of the same configuration, without weights.

    Raises:
        ValueError: the configuration does not make such a cell.
    """
    if isinstance(cell, StackedRNNCells):
        return cell.copy()
    try:
        return type(cell).from_config(cell.get_config())
    except TypeError as error:
        expected = "a cell that `from_config` makes from `get_config`"
        remedy = f"Give it a `get_config` with the arguments of its constructor ({error})."
        received = type(cell).__name__
        raise ValueError(errors.bad_argument("cell", received, expected, remedy)) from error
