"""GRU (Cho et al. 2014), z weighing the old state: h_t = z·h_{t-1} + (1 - z)·g."""

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


def gru_step(w: Weights, x: list[Array], h: list[Array], states: States) -> Any:
    """Reset before the product: a_h = x·W_h + (r·h_{t-1})·U_h + b_h."""
    h_prev = states[0]
    a_z, a_r = (x[k] @ w.W[k] + h[k] @ w.U[k] + w.b[k] for k in (0, 1))
    z, r = w.recurrent_activation(a_z), w.recurrent_activation(a_r)
    a_h = x[2] @ w.W[2] + (r * h[2]) @ w.U[2] + w.b[2]
    g = w.activation(a_h)
    return (z * h_prev + (1 - z) * g,), (a_z, a_r, a_h, z, r, g)


def gru_step_backward(
    w: Weights, x: list[Array], h: list[Array], states: States, tape: Tape, d_states: States
) -> Any:
    """The candidate's product hands d(r·h) = da_h·U_h^T to r and to h."""
    a_z, a_r, a_h, z, r, g = tape
    dh, h_prev = d_states[0], states[0]
    da_h = w.activation.vjp(a_h, g, dh * (1 - z))
    d_reset = da_h @ w.U[2].T
    da_z = w.recurrent_activation.vjp(a_z, z, dh * (h_prev - g))
    da_r = w.recurrent_activation.vjp(a_r, r, d_reset * h[2])
    dx, d_weights = through_inputs(w, x, [da_z, da_r, da_h])
    d_weights["recurrent_kernel"] = [h[0].T @ da_z, h[1].T @ da_r, (r * h[2]).T @ da_h]
    dh_gates = [da_z @ w.U[0].T, da_r @ w.U[1].T, d_reset * r]
    return StepGradients(dx, dh_gates, (dh * z,), d_weights)


def gru_reset_after_step(w: Weights, x: list[Array], h: list[Array], states: States) -> Any:
    """Reset after the product: a_h = x·W_h + b_h + r·(h_{t-1}·U_h + recurrent b_h)."""
    h_prev = states[0]
    recurrent = [h[k] @ w.U[k] + w.b[k][1] for k in range(3)]
    a_z, a_r = (x[k] @ w.W[k] + w.b[k][0] + recurrent[k] for k in (0, 1))
    z, r = w.recurrent_activation(a_z), w.recurrent_activation(a_r)
    a_h = x[2] @ w.W[2] + w.b[2][0] + r * recurrent[2]
    g = w.activation(a_h)
    return (z * h_prev + (1 - z) * g,), (a_z, a_r, a_h, z, r, g, recurrent[2])


def gru_reset_after_step_backward(
    w: Weights, x: list[Array], h: list[Array], states: States, tape: Tape, d_states: States
) -> Any:
    """The recurrent side of the candidate sees da_h·r, its input side da_h."""
    a_z, a_r, a_h, z, r, g, recurrent_h = tape
    dh, h_prev = d_states[0], states[0]
    da_h = w.activation.vjp(a_h, g, dh * (1 - z))
    da_z = w.recurrent_activation.vjp(a_z, z, dh * (h_prev - g))
    da_r = w.recurrent_activation.vjp(a_r, r, da_h * recurrent_h)
    dx, d_weights = through_inputs(w, x, [da_z, da_r, da_h])
    d_recurrent = [da_z, da_r, da_h * r]
    d_weights["recurrent_kernel"] = [h[k].T @ d_recurrent[k] for k in range(3)]
    d_weights["bias"] = [
        np.stack([db, d.sum(axis=0)]) for db, d in zip(d_weights["bias"], d_recurrent, strict=True)
    ]
    dh_gates = [d_recurrent[k] @ w.U[k].T for k in range(3)]
    return StepGradients(dx, dh_gates, (dh * z,), d_weights)
