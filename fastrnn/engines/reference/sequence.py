"""The loop over time of the reference engine: masks, states, dropout, direction.

A step is computed for the rows that count alone; what stands under a mask is never read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.engines.contract import RecurrentCall, RecurrentGradients, check_call
from fastrnn.engines.reference.cells import STEPS
from fastrnn.engines.reference.cells.step import States, StepGradients, Tape, Weights

Array = npt.NDArray[Any]


@dataclass
class Workspace:
    """What the forward pass leaves for the backward pass: each step's states before it and tape."""

    call: RecurrentCall
    states: list[States]
    tapes: list[Tape | None]


def forward(call: RecurrentCall) -> tuple[Array, States, Workspace]:
    """Compute ``outputs, states, workspace`` of a ``contract.RecurrentCall``."""
    check_call(call)
    weights = _split_weights(call)
    step = STEPS[call.cell][0]
    keep, emit = _step_masks(call)
    states: States = tuple(state.copy() for state in call.initial_state)
    history, tapes, outputs = [], [], []
    for t in range(call.x.shape[1]):
        history.append(states)
        rows = np.flatnonzero(keep[t])
        tape: Tape | None = None
        if rows.size:
            x, h = _gate_inputs(call, t, rows, states[0])
            old = tuple(s[rows] for s in states)
            new, tape = step(weights, x, h, old)
            new = _zone_out(call, t, rows, new, old)
            states = tuple(s.copy() for s in states)
            for state, values in zip(states, new, strict=True):
                state[rows] = values
        tapes.append(tape)
        outputs.append(np.where(emit[t][:, None], states[0], 0).astype(call.x.dtype))
    result = np.stack(outputs, axis=1) if call.return_sequences else outputs[-1]
    return result, states, Workspace(call, history, tapes)


def backward(
    workspace: Workspace, d_outputs: Array | None, d_states: tuple[Array | None, ...]
) -> RecurrentGradients:
    """Compute ``contract.RecurrentGradients`` of the pass that left ``workspace``."""
    call = workspace.call
    weights = _split_weights(call)
    keep, emit = _step_masks(call)
    given = {name: array for name, array in call.weights.items() if array is not None}
    gradients = RecurrentGradients(
        dx=np.zeros_like(call.x),
        d_weights={name: np.zeros_like(array) for name, array in given.items()},
        d_initial_state=(),
    )
    d: States = tuple(
        np.zeros_like(s) if d_state is None else np.array(d_state, dtype=s.dtype)
        for d_state, s in zip(d_states, call.initial_state, strict=True)
    )
    last = call.x.shape[1] - 1
    for t in range(last, -1, -1):
        if d_outputs is not None and (call.return_sequences or t == last):
            d_output = d_outputs[:, t] if call.return_sequences else d_outputs
            d = (d[0] + np.where(emit[t][:, None], d_output, 0), *d[1:])
        d = _step_backward(workspace, weights, t, np.flatnonzero(keep[t]), d, gradients)
    return gradients._replace(dx=gradients.dx if call.input_gradient else None, d_initial_state=d)


def _step_backward(
    workspace: Workspace,
    weights: Weights,
    t: int,
    rows: npt.NDArray[np.intp],
    d: States,
    gradients: RecurrentGradients,
) -> States:
    """Add step t to ``gradients``; return the gradients of the states before it."""
    call, tape = workspace.call, workspace.tapes[t]
    if tape is None:
        return d
    states = tuple(s[rows] for s in workspace.states[t])
    x, h = _gate_inputs(call, t, rows, workspace.states[t][0])
    step_backward = STEPS[call.cell][1]
    d_rows = tuple(s[rows] for s in d)
    d_new, d_old = _zone_out_backward(call, t, rows, d_rows)
    step = step_backward(weights, x, h, states, tape, d_new)
    _accumulate(call, step, t, rows, gradients)
    dh_gates = step.dh
    if call.recurrent_dropout is not None:
        dh_gates = [dh * call.recurrent_dropout[g][rows] for g, dh in enumerate(dh_gates)]
    before = tuple(s.copy() for s in d)
    for state, direct, values in zip(before, d_old, step.states, strict=True):
        state[rows] = values if direct is None else values + direct
    before[0][rows] += sum(dh_gates)
    return before


def _accumulate(
    call: RecurrentCall,
    step: StepGradients,
    t: int,
    rows: npt.NDArray[np.intp],
    gradients: RecurrentGradients,
) -> None:
    gates = len(call.spec.gates)
    dx = step.dx
    if call.input_dropout is not None:
        factors = np.broadcast_to(call.input_dropout, (gates, *call.input_dropout.shape[1:]))
        dx = [d * factors[g][rows] for g, d in enumerate(dx)]
    assert gradients.dx is not None
    gradients.dx[rows, _source(call, t)] = sum(dx)
    for name, total in gradients.d_weights.items():
        part = step.weights[name]
        total += np.concatenate(part, axis=-1) if isinstance(part, list) else part


def _shares(call: RecurrentCall, t: int, rows: npt.NDArray[np.intp]) -> list[Any]:
    """Return the share of each state's new value at step t, ``None`` where it is all of it."""
    shares = call.zoneout or (None,) * len(call.spec.states)
    return [k[t][rows] if isinstance(k, np.ndarray) else k for k in shares]


def _zone_out(
    call: RecurrentCall, t: int, rows: npt.NDArray[np.intp], new: States, old: States
) -> States:
    """Return the states after the step: k·new + (1 - k)·old."""
    return tuple(
        s if k is None else (k * s + (1 - k) * before).astype(s.dtype, copy=False)
        for k, s, before in zip(_shares(call, t, rows), new, old, strict=True)
    )


def _zone_out_backward(
    call: RecurrentCall, t: int, rows: npt.NDArray[np.intp], d: States
) -> tuple[States, list[Array | None]]:
    """Return the gradients of the new states, and of the old ones but for the way through them."""
    shares = _shares(call, t, rows)
    new = tuple(s if k is None else k * s for k, s in zip(shares, d, strict=True))
    return new, [None if k is None else (1 - k) * s for k, s in zip(shares, d, strict=True)]


def _source(call: RecurrentCall, t: int) -> int:
    """Index in x of the step that is processed as number ``t``."""
    return call.x.shape[1] - 1 - t if call.go_backwards else t


def _gate_inputs(
    call: RecurrentCall, t: int, rows: npt.NDArray[np.intp], h: Array
) -> tuple[list[Array], list[Array]]:
    """x_t and h_{t-1} as each gate's product sees them, for the rows that count."""
    gates = len(call.spec.gates)
    x = [call.x[rows, _source(call, t)]] * gates
    if call.input_dropout is not None:
        factors = np.broadcast_to(call.input_dropout, (gates, *call.input_dropout.shape[1:]))
        x = [x_g * factors[g][rows] for g, x_g in enumerate(x)]
    h_gates = [h[rows]] * gates
    if call.recurrent_dropout is not None:
        h_gates = [h_g * call.recurrent_dropout[g][rows] for g, h_g in enumerate(h_gates)]
    return x, h_gates


def _step_masks(call: RecurrentCall) -> tuple[Array, Array]:
    """Return keep and emit, both (T, B): the step counts; its output is h_t, not zero."""
    batch, timesteps, _ = call.x.shape
    if call.mask is None:
        everything = np.ones((timesteps, batch), dtype=bool)
        return everything, everything
    keep = call.mask.T[::-1] if call.go_backwards else call.mask.T
    # The output of a masked step repeats the last one, which is h, once there has been one.
    emit = keep if call.zero_output_for_mask else np.logical_or.accumulate(keep, axis=0)
    return keep, emit


def _split_weights(call: RecurrentCall) -> Weights:
    spec, gates = call.spec, len(call.spec.gates)
    shapes = spec.weight_shapes(call.x.shape[2], call.units, call.outputs)
    parts: dict[str, Any] = {}
    for weight in spec.weights:
        array = call.weights.get(weight.name)
        if array is None:
            array = np.zeros(shapes[weight.name], dtype=call.x.dtype)
        in_gates = weight.axes[-1] == "GH"
        parts[weight.name] = np.split(array, gates, axis=-1) if in_gates else array
    if (q := call.quantized) is not None:
        parts["kernel"] = q.kernel.split(gates)
        parts["recurrent_kernel"] = q.recurrent_kernel.split(gates)
    return Weights(parts, call.activation, call.recurrent_activation, call.epsilon)
