"""The blas engine: Cython over BLAS, on every CPU."""

from __future__ import annotations

import numpy as np

from fastrnn.engines import cells
from fastrnn.engines.contract import RecurrentCall

# Those of the table; a cell that is registered later is the reference engine's alone.
CELLS = frozenset(cells.CELLS)


def supports(call: RecurrentCall) -> str | None:
    """Return ``None`` if the engine computes ``call``, or the reason why it does not."""
    if call.cell not in CELLS:
        return f"it has no cell {call.cell!r}"
    if call.x.dtype not in (np.float32, np.float64):
        return f"it has no {call.x.dtype}"
    for activation in (call.activation, call.recurrent_activation):
        if not activation.builtin:
            return f"it has no activation {activation.name!r}: it is not one of Keras's"
    if call.quantized is not None:
        return "it has no quantized weights"
    return None
