"""One step of each recurrent cell, forward and backward, to be read beside the equations.

Notation: x (B, F) the step's inputs, h_prev and c_prev (B, H) the states before it, W (F, G·H)
kernel, U (H, G·H) recurrent kernel, b bias. ``x[g]`` and ``h[g]`` are what the products of gate g
see, dropout masks applied. d + name is the gradient of the loss. a + gate is a pre-activation.

A step returns its new states and a tape: whatever its backward step reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.activations import Activation

Array = npt.NDArray[Any]
States = tuple[Array, ...]
Tape = tuple[Any, ...]


@dataclass
class Weights:
    """The weights of a cell by name; those with G·H columns are cut into gates.

    W, U and b are the familiar ones: ``W[g]`` (F, H), ``U[g]`` (H, H), ``b[g]`` (H,) or (2, H).
    """

    parts: dict[str, Any]
    activation: Activation
    recurrent_activation: Activation

    def __getitem__(self, name: str) -> Any:
        return self.parts[name]

    @property
    def W(self) -> list[Array]:
        """The kernel, gate by gate."""
        return list(self.parts["kernel"])

    @property
    def U(self) -> list[Array]:
        """The recurrent kernel, gate by gate."""
        return list(self.parts["recurrent_kernel"])

    @property
    def b(self) -> list[Array]:
        """The bias, gate by gate."""
        return list(self.parts["bias"])


@dataclass
class StepGradients:
    """What one backward step gives.

    Attributes:
        dx: of x as each gate sees it, before the gate's dropout mask.
        dh: of h_{t-1} as each gate sees it, likewise.
        states: of the states before the step, but for the way through ``dh``.
        weights: what the step adds to the gradient of each weight, cut as ``Weights`` are.
    """

    dx: list[Array]
    dh: list[Array]
    states: States
    weights: dict[str, Any]


Step = Callable[[Weights, list[Array], list[Array], States], tuple[States, Tape]]
StepBackward = Callable[
    [Weights, list[Array], list[Array], States, Tape, States],
    StepGradients,
]


def _through_inputs(
    w: Weights, x: list[Array], da: list[Array]
) -> tuple[list[Array], dict[str, Any]]:
    """Return dx and the gradients of W and b through x·W + b, for those of pre-activations."""
    dx = [d @ W.T for d, W in zip(da, w.W, strict=True)]
    dW = [x_g.T @ d for x_g, d in zip(x, da, strict=True)]
    return dx, {"kernel": dW, "bias": [d.sum(axis=0) for d in da]}


# ---- SimpleRNN (Elman 1990): h_t = act(x·W + h_{t-1}·U + b) --------------------------------


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
    dx, d_weights = _through_inputs(w, x, [da])
    d_weights["recurrent_kernel"] = [h[0].T @ da]
    return StepGradients(dx, [da @ w.U[0].T], (np.zeros_like(da),), d_weights)


# ---- LSTM (Hochreiter and Schmidhuber 1997; forget gate: Gers, Schmidhuber and Cummins 2000) ----


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
    dx, d_weights = _through_inputs(w, x, da)
    d_weights["recurrent_kernel"] = [h[k].T @ da[k] for k in range(4)]
    dh_gates = [da[k] @ w.U[k].T for k in range(4)]
    return StepGradients(dx, dh_gates, (np.zeros_like(dh), dc * f), d_weights)


# ---- GRU (Cho et al. 2014), z weighing the old state: h_t = z·h_{t-1} + (1 - z)·g ------------


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
    dx, d_weights = _through_inputs(w, x, [da_z, da_r, da_h])
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
    dx, d_weights = _through_inputs(w, x, [da_z, da_r, da_h])
    d_recurrent = [da_z, da_r, da_h * r]
    d_weights["recurrent_kernel"] = [h[k].T @ d_recurrent[k] for k in range(3)]
    d_weights["bias"] = [
        np.stack([db, d.sum(axis=0)]) for db, d in zip(d_weights["bias"], d_recurrent, strict=True)
    ]
    dh_gates = [d_recurrent[k] @ w.U[k].T for k in range(3)]
    return StepGradients(dx, dh_gates, (dh * z,), d_weights)


# By the name of the cell.
STEPS: dict[str, tuple[Step, StepBackward]] = {
    "simple_rnn": (simple_rnn_step, simple_rnn_step_backward),
    "lstm": (lstm_step, lstm_step_backward),
    "gru": (gru_step, gru_step_backward),
    "gru_reset_after": (gru_reset_after_step, gru_reset_after_step_backward),
}
