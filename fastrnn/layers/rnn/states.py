"""States: nested lists of them, and layers that keep some, of which rows may begin anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core import errors
from fastrnn.typing import MaskLike, Nest, RowsLike

Array = npt.NDArray[Any]


def flat(states: Nest) -> list[Any]:
    """Return the arrays of nested lists."""
    if not isinstance(states, (list, tuple)):
        return [states]
    return [array for entry in states for array in flat(entry)]


def with_zero_rows(states: list[Array], rows: RowsLike) -> list[Array]:
    """Return kept states (batch, …) with zeros in some rows.

    Args:
        states: the arrays, which stay as they are.
        rows: ``None`` for all; or the rows' numbers; or a bool for each row, True where it begins
            anew.

    Raises:
        ValueError: there are no such rows.
    """
    if rows is None:
        return [np.zeros_like(state) for state in states]
    batch = len(states[0])
    chosen = np.asarray(rows)
    numbers = chosen.dtype.kind in "iu" and ((-batch <= chosen) & (chosen < batch)).all()
    if not (numbers or (chosen.dtype == bool and chosen.shape == (batch,)) or chosen.size == 0):
        expected = f"numbers of rows below {batch}, or {batch} bools"
        raise ValueError(errors.bad_argument("rows", rows, expected))
    kept = [state.copy() for state in states]
    for state in kept:
        state[chosen if chosen.size else []] = 0
    return kept


def mask_of_outputs(layer: Any, mask: MaskLike) -> Any:
    """Return the mask of a recurrent layer's outputs, in their order; ``None`` without sequences.

    A layer that goes backwards gives its outputs in the order in which it goes.
    """
    if mask is None or not layer.return_sequences:
        return None
    if not layer.go_backwards:
        return mask
    array: Any = mask if hasattr(mask, "shape") else np.asarray(mask)
    return array[:, ::-1]


class KeepsStates:
    """A layer that may keep states from one call to the next, or has such layers inside."""

    @property
    def state_keepers(self) -> Sequence[Any]:
        """The layers inside."""
        raise NotImplementedError

    def reset_state(self, rows: RowsLike = None) -> None:
        """Set the kept states to zero.

        Args:
            rows: ``None`` for the whole batch; or numbers of rows, or a bool for each row, where
                single sequences of the batch end and others take their places.

        Raises:
            ValueError: there are no such rows; nothing is changed then.
        """
        for keeper in self.state_keepers:
            keeper.reset_state(rows)

    def reset_states(self, rows: RowsLike = None) -> None:
        """Set the kept states to zero; another name of ``reset_state``."""
        self.reset_state(rows)
