"""Layer-normalised LSTM and GRU (Ba, Kiros and Hinton 2016).

LN(v) = (v - mean)/sqrt(variance + epsilon), over a row of several gates or over c_t.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.engines.cells import LAYER_NORM_GRU, LAYER_NORM_LSTM
from fastrnn.engines.reference.cells.step import States, StepGradients, Tape, Weights

Array = npt.NDArray[Any]


def _normalize(v: Array, epsilon: float) -> tuple[Array, Array]:
    """Return each row of v normalised, and 1/sqrt(var + epsilon) of the row."""
    centered = v - v.mean(axis=1, keepdims=True)
    rate = 1 / np.sqrt((centered**2).mean(axis=1, keepdims=True) + epsilon)
    return centered * rate, rate


def _normalize_backward(d: Array, n: Array, rate: Array) -> Array:
    """Return dv for the gradient d of n = LN(v): the mean and the variance depend on v too."""
    centered = d - d.mean(axis=1, keepdims=True) - n * (d * n).mean(axis=1, keepdims=True)
    return rate * centered


def _normalize_gates(
    v: list[Array], groups: tuple[tuple[int, int], ...], epsilon: float
) -> tuple[list[Array], list[Array]]:
    """Return the gates' sums normalised, each group of gates as one row; and each group's rate."""
    normal: list[Array] = []
    rates = []
    for first, end in groups:
        n, rate = _normalize(np.concatenate(v[first:end], axis=1), epsilon)
        normal += np.split(n, end - first, axis=1)
        rates.append(rate)
    return normal, rates


def _normalize_gates_backward(
    d: list[Array], n: list[Array], rates: list[Array], groups: tuple[tuple[int, int], ...]
) -> list[Array]:
    """Return the gradients of the gates' sums for those of what ``_normalize_gates`` gave."""
    dv: list[Array] = []
    for (first, end), rate in zip(groups, rates, strict=True):
        d_row, row = (np.concatenate(a[first:end], axis=1) for a in (d, n))
        dv += np.split(_normalize_backward(d_row, row, rate), end - first, axis=1)
    return dv


def _through_normalized_sums(
    w: Weights,
    x: list[Array],
    h: list[Array],
    sums: Tape,
    da: list[Array],
    d_recurrent: list[Array],
    groups: tuple[tuple[int, int], ...],
) -> tuple[list[Array], list[Array], dict[str, Any]]:
    """Return dx, dh of each gate and the weights' gradients, through both normalised sums.

    ``da`` are the gradients of LN(x·W)·gain, ``d_recurrent`` those of LN(h·U)·gain.
    """
    n_x, rates_x, n_h, rates_h = sums
    gates = range(len(da))
    dn_x = [da[k] * w["kernel_gain"][k] for k in gates]
    dn_h = [d_recurrent[k] * w["recurrent_gain"][k] for k in gates]
    du = _normalize_gates_backward(dn_x, n_x, rates_x, groups)
    dv = _normalize_gates_backward(dn_h, n_h, rates_h, groups)
    weights: dict[str, Any] = {
        "kernel": [x[k].T @ du[k] for k in gates],
        "recurrent_kernel": [h[k].T @ dv[k] for k in gates],
        "kernel_gain": [(da[k] * n_x[k]).sum(axis=0) for k in gates],
        "recurrent_gain": [(d_recurrent[k] * n_h[k]).sum(axis=0) for k in gates],
    }
    return [du[k] @ w.W[k].T for k in gates], [dv[k] @ w.U[k].T for k in gates], weights


def layer_norm_lstm_step(w: Weights, x: list[Array], h: list[Array], states: States) -> Any:
    """a = LN(x·W)·gain_x + LN(h·U)·gain_h + b; h_t = o·act(LN(c_t)·gain_c + b_c)."""
    c_prev, groups = states[1], LAYER_NORM_LSTM.normalized
    n_x, rates_x = _normalize_gates([x[k] @ w.W[k] for k in range(4)], groups, w.epsilon)
    n_h, rates_h = _normalize_gates([h[k] @ w.U[k] for k in range(4)], groups, w.epsilon)
    gain_x, gain_h = w["kernel_gain"], w["recurrent_gain"]
    a = [n_x[k] * gain_x[k] + n_h[k] * gain_h[k] + w.b[k] for k in range(4)]
    i, f, o = (w.recurrent_activation(a[k]) for k in (0, 1, 3))
    g = w.activation(a[2])
    c = f * c_prev + i * g
    n_c, rate_c = _normalize(c, w.epsilon)
    m = n_c * w["state_gain"] + w["state_bias"]
    act_m = w.activation(m)
    sums = (n_x, rates_x, n_h, rates_h)
    return (o * act_m, c), (sums, a, i, f, g, o, n_c, rate_c, m, act_m)


def layer_norm_lstm_step_backward(
    w: Weights, x: list[Array], h: list[Array], states: States, tape: Tape, d_states: States
) -> Any:
    """dc_t gains what comes back through LN(c_t); the gates' sums are normalised row by row."""
    sums, a, i, f, g, o, n_c, rate_c, m, act_m = tape
    dh, dc = d_states
    c_prev = states[1]
    dm = w.activation.vjp(m, act_m, dh * o)
    dc = dc + _normalize_backward(dm * w["state_gain"], n_c, rate_c)
    da = [
        w.recurrent_activation.vjp(a[0], i, dc * g),
        w.recurrent_activation.vjp(a[1], f, dc * c_prev),
        w.activation.vjp(a[2], g, dc * i),
        w.recurrent_activation.vjp(a[3], o, dh * act_m),
    ]
    groups = LAYER_NORM_LSTM.normalized
    dx, dh_gates, d_weights = _through_normalized_sums(w, x, h, sums, da, da, groups)
    d_weights["bias"] = [d.sum(axis=0) for d in da]
    d_weights["state_gain"] = (dm * n_c).sum(axis=0)
    d_weights["state_bias"] = dm.sum(axis=0)
    return StepGradients(dx, dh_gates, (np.zeros_like(dh), dc * f), d_weights)


def layer_norm_gru_step(w: Weights, x: list[Array], h: list[Array], states: States) -> Any:
    """As the GRU with its reset after the product, of LN(x·W)·gain_x and LN(h·U)·gain_h."""
    h_prev, groups = states[0], LAYER_NORM_GRU.normalized
    n_x, rates_x = _normalize_gates([x[k] @ w.W[k] for k in range(3)], groups, w.epsilon)
    n_h, rates_h = _normalize_gates([h[k] @ w.U[k] for k in range(3)], groups, w.epsilon)
    inputs = [n_x[k] * w["kernel_gain"][k] + w.b[k][0] for k in range(3)]
    recurrent = [n_h[k] * w["recurrent_gain"][k] + w.b[k][1] for k in range(3)]
    a_z, a_r = (inputs[k] + recurrent[k] for k in (0, 1))
    z, r = w.recurrent_activation(a_z), w.recurrent_activation(a_r)
    a_h = inputs[2] + r * recurrent[2]
    g = w.activation(a_h)
    sums = (n_x, rates_x, n_h, rates_h)
    return (z * h_prev + (1 - z) * g,), (sums, a_z, a_r, a_h, z, r, g, recurrent[2])


def layer_norm_gru_step_backward(
    w: Weights, x: list[Array], h: list[Array], states: States, tape: Tape, d_states: States
) -> Any:
    """The recurrent side of the candidate sees da_h·r, its input side da_h, each before its LN."""
    sums, a_z, a_r, a_h, z, r, g, recurrent_h = tape
    dh, h_prev = d_states[0], states[0]
    da_h = w.activation.vjp(a_h, g, dh * (1 - z))
    da_z = w.recurrent_activation.vjp(a_z, z, dh * (h_prev - g))
    da_r = w.recurrent_activation.vjp(a_r, r, da_h * recurrent_h)
    da, d_recurrent = [da_z, da_r, da_h], [da_z, da_r, da_h * r]
    groups = LAYER_NORM_GRU.normalized
    dx, dh_gates, d_weights = _through_normalized_sums(w, x, h, sums, da, d_recurrent, groups)
    d_weights["bias"] = [
        np.stack([d.sum(axis=0), e.sum(axis=0)]) for d, e in zip(da, d_recurrent, strict=True)
    ]
    return StepGradients(dx, dh_gates, (dh * z,), d_weights)
