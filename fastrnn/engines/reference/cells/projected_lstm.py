"""LSTM with a projection (Sak, Senior and Beaufays 2014): h_t has P numbers, c_t has H."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.engines.reference.cells.lstm import lstm_step, lstm_step_backward
from fastrnn.engines.reference.cells.step import States, Tape, Weights

Array = npt.NDArray[Any]


def projected_lstm_step(w: Weights, x: list[Array], h: list[Array], states: States) -> Any:
    """As the LSTM, but h_t = (o·act(c_t))·W_p."""
    (full, c), tape = lstm_step(w, x, h, states)
    return (full @ w["projection_kernel"], c), (tape, full)


def projected_lstm_step_backward(
    w: Weights, x: list[Array], h: list[Array], states: States, tape: Tape, d_states: States
) -> Any:
    """d(o·act(c_t)) = dh·W_p^T; dW_p = (o·act(c_t))^T·dh."""
    inner, full = tape
    dh, dc = d_states
    step = lstm_step_backward(w, x, h, states, inner, (dh @ w["projection_kernel"].T, dc))
    step.weights["projection_kernel"] = full.T @ dh
    step.states = (np.zeros_like(dh), step.states[1])
    return step
