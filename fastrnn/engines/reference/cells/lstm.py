"""LSTM (Hochreiter and Schmidhuber 1997; forget gate: Gers, Schmidhuber and Cummins 2000)."""

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


def lstm_step(w: Weights, x: list[Array], h: list[Array], states: States) -> Any:
    """i, f, o = rec(a_i), rec(a_f), rec(a_o); g = act(a_c); c_t = f·c + i·g; h_t = o·act(c_t)."""
    c_prev = states[1]
    a = [x[k] @ w.W[k] + h[k] @ w.U[k] + w.b[k] for k in range(4)]
    i, f, o = (w.recurrent_activation(a[k]) for k in (0, 1, 3))
    g = w.activation(a[2])
    c = f * c_prev + i * g
    act_c = w.activation(c)
    return (o * act_c, c), (a, i, f, g, o, c, act_c)


def lstm_step_backward(
    w: Weights, x: list[Array], h: list[Array], states: States, tape: Tape, d_states: States
) -> Any:
    """dc_t gains dh·o·act'(c_t); then each gate's share, and dc_{t-1} = dc_t·f."""
    a, i, f, g, o, c, act_c = tape
    dh, dc = d_states
    c_prev = states[1]
    dc = dc + w.activation.vjp(c, act_c, dh * o)
    da = [
        w.recurrent_activation.vjp(a[0], i, dc * g),
        w.recurrent_activation.vjp(a[1], f, dc * c_prev),
        w.activation.vjp(a[2], g, dc * i),
        w.recurrent_activation.vjp(a[3], o, dh * act_c),
    ]
    dx, d_weights = through_inputs(w, x, da)
    d_weights["recurrent_kernel"] = [h[k].T @ da[k] for k in range(4)]
    dh_gates = [da[k] @ w.U[k].T for k in range(4)]
    return StepGradients(dx, dh_gates, (np.zeros_like(dh), dc * f), d_weights)
