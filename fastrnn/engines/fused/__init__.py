"""The fused engine: Cython over the kernels of src_c."""

from __future__ import annotations

import functools
import importlib.util

import numpy as np

from fastrnn.engines.contract import RecurrentCall

CELLS = frozenset(
    {
        "simple_rnn",
        "lstm",
        "gru",
        "gru_reset_after",
        "peephole_lstm",
        "projected_lstm",
        "layer_norm_lstm",
        "layer_norm_gru",
    }
)
_DTYPES = frozenset({np.dtype(np.float32), np.dtype(np.float64)})
ACTIVATIONS = frozenset({"linear", "tanh", "sigmoid", "relu", "hard_sigmoid"})


@functools.cache
def is_built() -> bool:
    """Whether this build has the engine."""
    return importlib.util.find_spec("fastrnn.engines.fused.engine") is not None


def supports(call: RecurrentCall) -> str | None:
    """Return ``None`` if the engine computes ``call``, or the reason why it does not."""
    if not is_built():
        return "this build is without it"
    if call.cell not in CELLS:
        return f"it has no cell {call.cell!r}"
    if call.x.dtype not in _DTYPES:
        return f"it has no {call.x.dtype}"
    for activation in (call.activation, call.recurrent_activation):
        if not activation.builtin or activation.name not in ACTIVATIONS:
            return f"it has no activation {activation.name!r}"
    return None
