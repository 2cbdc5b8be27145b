"""SimpleRNN (Elman 1990): h_t = act(x·W + h_{t-1}·U + b)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.engines.reference.cells.step import (
    States,
    StepGradients,
    Tape,
    Weights,
    through_inputs,
)

Array = npt.NDArray[Any]


def simple_rnn_step(w: Weights, x: list[Array], h: list[Array], states: States) -> Any:
    """h_t = act(a), a = x·W + h·U + b."""
    a = x[0] @ w.W[0] + h[0] @ w.U[0] + w.b[0]
    h_new = w.activation(a)
    return (h_new,), (a, h_new)


def simple_rnn_step_backward(
    w: Weights, x: list[Array], h: list[Array], states: States, tape: Tape, d_states: States
) -> Any:
    """da = dh·act'(a); dh_{t-1} = da·U^T."""
    a, h_new = tape
    da = w.activation.vjp(a, h_new, d_states[0])
    dx, d_weights = through_inputs(w, x, [da])
    d_weights["recurrent_kernel"] = [h[0].T @ da]
    return StepGradients(dx, [da @ w.U[0].T], (np.zeros_like(da),), d_weights)
