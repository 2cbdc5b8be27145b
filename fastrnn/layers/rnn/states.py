"""States: nested lists of them, and sets of rows whose kept states begin anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn import errors

Array = npt.NDArray[Any]


def flat(states: Any) -> list[Any]:
    """Return the arrays of nested lists."""
    if not isinstance(states, (list, tuple)):
        return [states]
    return [array for entry in states for array in flat(entry)]


def with_zero_rows(states: list[Array], rows: Any) -> list[Array]:
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
