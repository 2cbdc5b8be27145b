"""The reference engine against central differences and against the equations."""

import dataclasses

import numpy as np
import pytest
from cases import ACTIVATION_CASES, ALL_CASES, OPTION_CASES, Case, make_call, make_gradients
from engine_checks import named

from fastrnn import activations
from fastrnn.engines import reference
from fastrnn.engines.cells import CELLS
from fastrnn.engines.reference.gradcheck import numerical_gradient

CELL_NAMES = list(CELLS)

# Central differences cannot see the slope at a kink; random numbers do not hit one, but a step of
# 1e-6 around such a number could. Sparse functions are kinked everywhere near their support.
SMALL = {"batch": 2, "timesteps": 3, "features": 2, "units": 3}


def scalar(call, d_outputs, d_states):
    outputs, states, _ = reference.forward(call)
    total = float((outputs * d_outputs).sum())
    return total + sum(float((s * d).sum()) for s, d in zip(states, d_states, strict=True))


@pytest.mark.parametrize("case", OPTION_CASES + ACTIVATION_CASES, ids=lambda c: c.id)
def test_gradients_are_those_of_central_differences(case):
    call = make_call(dataclasses.replace(case, **SMALL))
    d_outputs, d_states = make_gradients(call)
    gradients = reference.backward(reference.forward(call)[2], d_outputs, d_states)
    arrays = {"x": call.x} | {n: a for n, a in call.weights.items() if a is not None}
    arrays |= {f"initial_state[{k}]": state for k, state in enumerate(call.initial_state)}
    found = named(gradients)
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        expected = numerical_gradient(lambda: scalar(call, d_outputs, d_states), array)
        np.testing.assert_allclose(found[name], expected, rtol=1e-6, atol=1e-7, err_msg=name)


# ---- the equations as textbooks write them: column vectors, one matrix for [h_{t-1}, x_t] ----


def column_sequence(call, step):
    """Run ``step(h, c, x) -> (h, c)`` on each sample as column vectors; return h of each step."""
    outputs = np.zeros((*call.x.shape[:2], call.outputs))
    for b in range(call.x.shape[0]):
        h, c = call.initial_state[0][b][:, None], call.initial_state[-1][b][:, None]
        for t in range(call.x.shape[1]):
            h, c = step(h, c, call.x[b, t][:, None])
            outputs[b, t] = h[:, 0]
    return outputs


def textbook_weights(call):
    """W_g (H, H + F) that multiplies [h_{t-1}, x_t], and b_g (H, 1), for each gate g."""
    gates = CELLS[call.cell].gates
    kernels = np.split(call.weights["kernel"], len(gates), axis=1)
    recurrent = np.split(call.weights["recurrent_kernel"], len(gates), axis=1)
    biases = np.split(call.weights["bias"], len(gates))
    W = {g: np.hstack([U.T, K.T]) for g, K, U in zip(gates, kernels, recurrent, strict=True)}
    return W, {g: b[:, None] for g, b in zip(gates, biases, strict=True)}


def logistic(a):
    return 1 / (1 + np.exp(-a))


def test_simple_rnn_is_the_textbook_equation():
    call = make_call(Case("simple_rnn"))
    W, b = textbook_weights(call)
    expected = column_sequence(
        call, lambda h, c, x: (np.tanh(W["h"] @ np.vstack([h, x]) + b["h"]), c)
    )
    np.testing.assert_allclose(reference.forward(call)[0], expected, rtol=1e-13, atol=1e-14)


def test_lstm_is_the_textbook_equation():
    call = make_call(Case("lstm"))
    W, b = textbook_weights(call)

    def step(h, c, x):
        hx = np.vstack([h, x])
        forget = logistic(W["f"] @ hx + b["f"])
        write = logistic(W["i"] @ hx + b["i"])
        candidate = np.tanh(W["c"] @ hx + b["c"])
        c = forget * c + write * candidate
        return logistic(W["o"] @ hx + b["o"]) * np.tanh(c), c

    expected = column_sequence(call, step)
    np.testing.assert_allclose(reference.forward(call)[0], expected, rtol=1e-13, atol=1e-14)


def test_gru_is_the_textbook_equation_with_z_negated():
    """The form h_t = (1 - z)·h + z·candidate has the weights of z with the other sign.

    Keras weighs the old state by z. sigmoid(-a) = 1 - sigmoid(a) maps one form to the other.
    """
    call = make_call(Case("gru"))
    W, b = textbook_weights(call)
    W_z, b_z = -W["z"], -b["z"]

    def step(h, c, x):
        hx = np.vstack([h, x])
        z = logistic(W_z @ hx + b_z)
        r = logistic(W["r"] @ hx + b["r"])
        candidate = np.tanh(W["h"] @ np.vstack([r * h, x]) + b["h"])
        return (1 - z) * h + z * candidate, c

    expected = column_sequence(call, step)
    np.testing.assert_allclose(reference.forward(call)[0], expected, rtol=1e-13, atol=1e-14)


def test_reset_after_gru_is_its_equation_with_z_negated():
    """As above; the candidate's recurrent product stands by itself, with its own bias."""
    call = make_call(Case("gru_reset_after"))
    units = call.units
    W, b = textbook_weights(call.with_weights(bias=call.weights["bias"][0]))
    _, recurrent_b = textbook_weights(call.with_weights(bias=call.weights["bias"][1]))
    W_z, b_z = -W["z"], -b["z"] - recurrent_b["z"]
    U_h, W_h = W["h"][:, :units], W["h"][:, units:]

    def step(h, c, x):
        hx = np.vstack([h, x])
        z = logistic(W_z @ hx + b_z)
        r = logistic(W["r"] @ hx + b["r"] + recurrent_b["r"])
        candidate = np.tanh(W_h @ x + b["h"] + r * (U_h @ h + recurrent_b["h"]))
        return (1 - z) * h + z * candidate, c

    expected = column_sequence(call, step)
    np.testing.assert_allclose(reference.forward(call)[0], expected, rtol=1e-13, atol=1e-14)


def test_both_grus_agree_where_the_reset_gate_is_open():
    """With r = 1 it does not matter on which side of the product the reset stands."""
    after = make_call(Case("gru_reset_after"))
    units = after.units
    bias = after.weights["bias"].copy()
    bias[1] = 0
    bias[0, units : 2 * units] = 1e3
    after = after.with_weights(bias=bias)
    before = dataclasses.replace(after.with_weights(bias=bias[0]), cell="gru")
    np.testing.assert_allclose(reference.forward(after)[0], reference.forward(before)[0])


# ---- options ----


@pytest.mark.parametrize("cell", CELL_NAMES)
def test_right_padding_equals_the_trimmed_sequence(cell):
    call = make_call(Case(cell, batch=1, timesteps=5))
    mask = np.array([[True, True, True, False, False]])
    masked = dataclasses.replace(call, mask=mask, return_sequences=False)
    trimmed = dataclasses.replace(call, x=call.x[:, :3].copy(), return_sequences=False)
    outputs, states, _ = reference.forward(masked)
    expected, expected_states, _ = reference.forward(trimmed)
    np.testing.assert_array_equal(outputs, expected)
    for state, wanted in zip(states, expected_states, strict=True):
        np.testing.assert_array_equal(state, wanted)


@pytest.mark.parametrize("cell", CELL_NAMES)
def test_holes_equal_the_sequence_without_them(cell):
    call = make_call(Case(cell, batch=1, timesteps=5))
    mask = np.array([[False, True, False, True, True]])
    masked = dataclasses.replace(call, mask=mask)
    trimmed = dataclasses.replace(call, x=call.x[:, mask[0]].copy())
    outputs, _, _ = reference.forward(masked)
    expected, _, _ = reference.forward(trimmed)
    np.testing.assert_array_equal(outputs[:, mask[0]], expected)
    np.testing.assert_array_equal(outputs[:, 0], np.zeros_like(outputs[:, 0]))
    np.testing.assert_array_equal(outputs[:, 2], outputs[:, 1])


@pytest.mark.parametrize("cell", CELL_NAMES)
def test_zero_output_for_mask(cell):
    call = make_call(Case(cell, mask="holes", zero_output_for_mask=True))
    outputs, _, _ = reference.forward(call)
    assert not outputs[~call.mask].any()
    assert outputs[call.mask].all()


@pytest.mark.parametrize("cell", CELL_NAMES)
def test_a_row_without_steps_keeps_its_state_and_puts_out_zero(cell):
    call = make_call(Case(cell, mask="rows"))
    outputs, states, _ = reference.forward(call)
    masked = ~call.mask.any(axis=1)
    assert not outputs[masked].any()
    for state, initial in zip(states, call.initial_state, strict=True):
        np.testing.assert_array_equal(state[masked], initial[masked])


@pytest.mark.parametrize("cell", CELL_NAMES)
def test_go_backwards_is_the_flipped_sequence(cell):
    call = make_call(Case(cell, mask="right"))
    backwards = dataclasses.replace(call, go_backwards=True)
    flipped = dataclasses.replace(call, x=call.x[:, ::-1].copy(), mask=call.mask[:, ::-1].copy())
    np.testing.assert_array_equal(reference.forward(backwards)[0], reference.forward(flipped)[0])


@pytest.mark.parametrize(
    "case", [c for c in ALL_CASES if c.mask and c.units < 10], ids=lambda c: c.id
)
def test_nan_under_a_mask_reaches_nothing(case):
    clean, dirty = make_call(case), make_call(case, nan_under_mask=True)
    assert np.isnan(dirty.x).any() == (not clean.mask.all())
    d_outputs, d_states = make_gradients(clean)
    results = [reference.forward(call) for call in (clean, dirty)]
    np.testing.assert_array_equal(results[0][0], results[1][0])
    gradients = [reference.backward(r[2], d_outputs, d_states) for r in results]
    for expected, actual in zip(*[named(g).values() for g in gradients], strict=True):
        np.testing.assert_array_equal(expected, actual)


def test_an_activation_of_the_users_own_has_the_gradient_of_its_trace():
    call = make_call(Case("lstm"))
    own = dataclasses.replace(call, activation=activations.get(np.tanh))
    np.testing.assert_array_equal(reference.forward(own)[0], reference.forward(call)[0])
    d_outputs, d_states = make_gradients(call)
    gradients = [
        named(reference.backward(reference.forward(c)[2], d_outputs, d_states)).values()
        for c in (call, own)
    ]
    for expected, actual in zip(*gradients, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)
