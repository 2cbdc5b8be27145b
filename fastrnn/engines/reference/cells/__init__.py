"""One step of each recurrent cell, forward and backward, to be read beside the equations.

Notation: x (B, F) the step's inputs, h_prev and c_prev (B, H) the states before it, W (F, G·H)
kernel, U (H, G·H) recurrent kernel, b bias. ``x[g]`` and ``h[g]`` are what the products of gate g
see, dropout masks applied. d + name is the gradient of the loss. a + gate is a pre-activation.

A step returns its new states and a tape: whatever its backward step reads.
"""

from __future__ import annotations

from fastrnn.core import errors
from fastrnn.engines.cells import CELLS, CellSpec
from fastrnn.engines.reference.cells.gru import (
    gru_reset_after_step,
    gru_reset_after_step_backward,
    gru_step,
    gru_step_backward,
)
from fastrnn.engines.reference.cells.layer_norm import (
    layer_norm_gru_step,
    layer_norm_gru_step_backward,
    layer_norm_lstm_step,
    layer_norm_lstm_step_backward,
)
from fastrnn.engines.reference.cells.lstm import lstm_step, lstm_step_backward
from fastrnn.engines.reference.cells.peephole_lstm import (
    peephole_lstm_step,
    peephole_lstm_step_backward,
)
from fastrnn.engines.reference.cells.projected_lstm import (
    projected_lstm_step,
    projected_lstm_step_backward,
)
from fastrnn.engines.reference.cells.simple_rnn import simple_rnn_step, simple_rnn_step_backward
from fastrnn.engines.reference.cells.step import Step, StepBackward

# By the name of the cell.
STEPS: dict[str, tuple[Step, StepBackward]] = {
    "simple_rnn": (simple_rnn_step, simple_rnn_step_backward),
    "lstm": (lstm_step, lstm_step_backward),
    "gru": (gru_step, gru_step_backward),
    "gru_reset_after": (gru_reset_after_step, gru_reset_after_step_backward),
    "peephole_lstm": (peephole_lstm_step, peephole_lstm_step_backward),
    "projected_lstm": (projected_lstm_step, projected_lstm_step_backward),
    "layer_norm_lstm": (layer_norm_lstm_step, layer_norm_lstm_step_backward),
    "layer_norm_gru": (layer_norm_gru_step, layer_norm_gru_step_backward),
}


def register_cell(spec: CellSpec, step: Step, step_backward: StepBackward) -> None:
    """Add a cell of which this engine alone knows the equations.

    Args:
        spec: the cell, with a name of its own.
        step: one step of it, see ``step.Step``.
        step_backward: the step's gradients, see ``step.StepBackward``.

    Raises:
        ValueError: there is a cell of this name.
    """
    if spec.name in CELLS:
        raise ValueError(errors.bad_argument("spec", spec.name, "a name that no cell has"))
    CELLS[spec.name] = spec
    STEPS[spec.name] = (step, step_backward)
