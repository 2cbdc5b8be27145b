"""LSTM with peepholes (Gers and Schmidhuber 2000): i and f see c_{t-1}, o sees c_t."""

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


def peephole_lstm_step(w: Weights, x: list[Array], h: list[Array], states: States) -> Any:
    """As the LSTM, but a_i += p_i·c_{t-1}, a_f += p_f·c_{t-1} and a_o += p_o·c_t."""
    c_prev, p = states[1], w["peephole"]
    a = [x[k] @ w.W[k] + h[k] @ w.U[k] + w.b[k] for k in range(4)]
    a[0] = a[0] + p[0] * c_prev
    a[1] = a[1] + p[1] * c_prev
    i, f = (w.recurrent_activation(a[k]) for k in (0, 1))
    g = w.activation(a[2])
    c = f * c_prev + i * g
    a[3] = a[3] + p[2] * c
    o = w.recurrent_activation(a[3])
    act_c = w.activation(c)
    return (o * act_c, c), (a, i, f, g, o, c, act_c)


def peephole_lstm_step_backward(
    w: Weights, x: list[Array], h: list[Array], states: States, tape: Tape, d_states: States
) -> Any:
    """dc_t gains da_o·p_o, and dc_{t-1} gains da_i·p_i + da_f·p_f."""
    a, i, f, g, o, c, act_c = tape
    dh, dc = d_states
    c_prev, p = states[1], w["peephole"]
    da_o = w.recurrent_activation.vjp(a[3], o, dh * act_c)
    dc = dc + w.activation.vjp(c, act_c, dh * o) + da_o * p[2]
    da = [
        w.recurrent_activation.vjp(a[0], i, dc * g),
        w.recurrent_activation.vjp(a[1], f, dc * c_prev),
        w.activation.vjp(a[2], g, dc * i),
        da_o,
    ]
    dx, d_weights = through_inputs(w, x, da)
    d_weights["recurrent_kernel"] = [h[k].T @ da[k] for k in range(4)]
    seen = (da[0] * c_prev, da[1] * c_prev, da_o * c)
    d_weights["peephole"] = np.stack([d.sum(axis=0) for d in seen])
    dh_gates = [da[k] @ w.U[k].T for k in range(4)]
    dc_prev = dc * f + da[0] * p[0] + da[1] * p[1]
    return StepGradients(dx, dh_gates, (np.zeros_like(dh), dc_prev), d_weights)
