"""The reference engine: plain NumPy, any float type, any activation."""

from __future__ import annotations

from fastrnn.engines.contract import RecurrentCall
from fastrnn.engines.reference.adam import adam
from fastrnn.engines.reference.cells import STEPS
from fastrnn.engines.reference.sequence import backward, forward

__all__ = ["adam", "backward", "forward", "supports"]


def supports(call: RecurrentCall) -> str | None:
    """Return ``None`` if the engine computes ``call``, or the reason why it does not."""
    return None if call.cell in STEPS else f"it has no cell {call.cell!r}"
