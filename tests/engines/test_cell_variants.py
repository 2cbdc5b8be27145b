"""The variants of the cells against their papers' equations, torch and onnxruntime, and zoneout."""

import dataclasses

import numpy as np
import pytest
import torch
from cases import EPSILON, Case, make_call
from engine_checks import named
from onnx import TensorProto, helper

from fastrnn.engines import dispatch, reference
from fastrnn.selftest import in_force

onnxruntime = pytest.importorskip("onnxruntime")


def logistic(a):
    return 1 / (1 + np.exp(-a))


def run_steps(call, step):
    """Run ``step(x, states) -> states`` of whole batches; return the first state of each step."""
    states, outputs = list(call.initial_state), []
    for t in range(call.x.shape[1]):
        states = step(call.x[:, t], states)
        outputs.append(states[0])
    return np.stack(outputs, axis=1)


def layer_norm(v, gain):
    return torch.nn.functional.layer_norm(
        torch.from_numpy(v), v.shape[1:], torch.from_numpy(gain), eps=EPSILON
    ).numpy()


# ---- equations ----


def test_layer_norm_lstm_is_the_equation_of_the_paper():
    """Ba et al. 2016, equations 20 to 22; torch normalises."""
    call = make_call(Case("layer_norm_lstm"))
    w = call.weights

    def step(x, states):
        h, c = states
        a = layer_norm(x @ w["kernel"], w["kernel_gain"]) + w["bias"]
        a = a + layer_norm(h @ w["recurrent_kernel"], w["recurrent_gain"])
        i, f, g, o = np.split(a, 4, axis=1)
        c = logistic(f) * c + logistic(i) * np.tanh(g)
        return [logistic(o) * np.tanh(layer_norm(c, w["state_gain"]) + w["state_bias"]), c]

    outputs = reference.forward(call)[0]
    np.testing.assert_allclose(outputs, run_steps(call, step), rtol=1e-12, atol=1e-13)


def test_layer_norm_gru_is_the_equation_of_the_paper():
    """Ba et al. 2016, equations 31 to 33: both gates are one row, the candidate is another."""
    call = make_call(Case("layer_norm_gru"))
    w, units = call.weights, call.units

    def sums(v, name):
        gain = w[name]
        gates, candidate = v[:, : 2 * units], v[:, 2 * units :]
        return (
            layer_norm(gates.copy(), gain[: 2 * units]),
            layer_norm(candidate.copy(), gain[2 * units :]),
        )

    def step(x, states):
        (h,) = states
        inputs, input_candidate = sums(x @ w["kernel"], "kernel_gain")
        recurrent, candidate = sums(h @ w["recurrent_kernel"], "recurrent_gain")
        b, b_recurrent = w["bias"]
        gates = inputs + recurrent + (b + b_recurrent)[: 2 * units]
        z, r = np.split(logistic(gates), 2, axis=1)
        candidate = r * (candidate + b_recurrent[2 * units :])
        return [z * h + (1 - z) * np.tanh(input_candidate + b[2 * units :] + candidate)]

    outputs = reference.forward(call)[0]
    np.testing.assert_allclose(outputs, run_steps(call, step), rtol=1e-12, atol=1e-13)


def test_without_peepholes_and_with_an_identity_for_a_projection_it_is_the_lstm():
    plain = make_call(Case("lstm"))
    expected = reference.forward(plain)
    peephole = dataclasses.replace(plain, cell="peephole_lstm")
    peephole = peephole.with_weights(peephole=np.zeros((3, plain.units)))
    projected = dataclasses.replace(plain, cell="projected_lstm")
    projected = projected.with_weights(projection_kernel=np.eye(plain.units))
    for call in (peephole, projected):
        outputs, states, _ = reference.forward(call)
        np.testing.assert_array_equal(outputs, expected[0])
        np.testing.assert_array_equal(states, expected[1])


# ---- other systems ----


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_values_and_gradients_of_the_projection_are_those_of_torch(engine):
    case = Case("projected_lstm", batch=4, timesteps=6, features=5, units=8)
    call = make_call(case)
    w = call.weights
    lstm = torch.nn.LSTM(5, 8, proj_size=case.outputs, batch_first=True).double()
    # torch's gates stand as i f g o, as ours; its weights are transposed, its biases are two.
    order = {
        "weight_ih_l0": w["kernel"].T,
        "weight_hh_l0": w["recurrent_kernel"].T,
        "bias_ih_l0": w["bias"],
        "bias_hh_l0": np.zeros_like(w["bias"]),
        "weight_hr_l0": w["projection_kernel"].T,
    }
    with torch.no_grad():
        for name, array in order.items():
            getattr(lstm, name).copy_(torch.from_numpy(np.ascontiguousarray(array)))
    x, *states = (torch.from_numpy(a).requires_grad_() for a in (call.x, *call.initial_state))
    y, (h, c) = lstm(x, tuple(s[None] for s in states))
    with in_force(engine):
        outputs, final, workspace = dispatch.rnn_forward(call)
        d_outputs, d_states = np.cos(outputs), [np.sin(s) for s in final]
        gradients = named(dispatch.rnn_backward(workspace, d_outputs, d_states))
    for ours, theirs in zip([outputs, *final], (y, h[0], c[0]), strict=True):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-13)
    pairs = zip((y, h[0], c[0]), (d_outputs, *d_states), strict=True)
    sum((array * torch.from_numpy(d)).sum() for array, d in pairs).backward()
    expected = {
        "x": x.grad,
        "kernel": lstm.weight_ih_l0.grad.T,
        "recurrent_kernel": lstm.weight_hh_l0.grad.T,
        "bias": lstm.bias_ih_l0.grad,
        "projection_kernel": lstm.weight_hr_l0.grad.T,
        "initial_state[0]": states[0].grad,
        "initial_state[1]": states[1].grad,
    }
    assert set(expected) == set(gradients)
    for name, array in expected.items():
        np.testing.assert_allclose(
            gradients[name], array.numpy(), rtol=1e-11, atol=1e-12, err_msg=name
        )


def onnx_lstm(call):
    """The outputs of ONNX's LSTM with peepholes: gates i o f c, P in the order i o f."""
    units = call.units

    def gates(array):
        i, f, c, o = np.split(array, 4, axis=-1)
        return np.concatenate([i, o, f, c], axis=-1)

    w = call.weights
    bias = np.concatenate([gates(w["bias"]), np.zeros_like(w["bias"])])
    arrays = {
        "X": call.x.transpose(1, 0, 2),
        "W": gates(w["kernel"]).T[None],
        "R": gates(w["recurrent_kernel"]).T[None],
        "B": bias[None],
        "h": call.initial_state[0][None],
        "c": call.initial_state[1][None],
        "P": w["peephole"][[0, 2, 1]].reshape(1, -1),
    }
    inputs = ["X", "W", "R", "B", "", "h", "c", "P"]
    node = helper.make_node("LSTM", inputs, ["Y", "Y_h", "Y_c"], hidden_size=units)
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)
        for name, array in arrays.items()
    ]
    results = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("Y", "Y_h", "Y_c")
    ]
    graph = helper.make_graph([node], "peepholes", values, results)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
    model.ir_version = 8
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    feeds = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    y, h, c = session.run(None, feeds)
    return y[:, 0].transpose(1, 0, 2), h[0], c[0]


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_peepholes_are_those_of_onnxruntime(engine):
    case = Case("peephole_lstm", batch=4, timesteps=6, features=5, units=8)
    call = make_call(case, dtype="float32")
    with in_force(engine):
        outputs, states, _ = dispatch.rnn_forward(call)
    for ours, theirs in zip((outputs, *states), onnx_lstm(call), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=2e-6)


# ---- zoneout ----


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_share_of_one_is_no_zoneout_and_one_of_zero_keeps_the_states(cell):
    call = make_call(Case(cell))
    expected, states, _ = reference.forward(call)
    count = len(call.initial_state)
    for share in (1.0, None, np.ones((5, *call.initial_state[0].shape))):
        zoned = dataclasses.replace(call, zoneout=(share,) * count)
        np.testing.assert_array_equal(reference.forward(zoned)[0], expected)
        np.testing.assert_array_equal(reference.forward(zoned)[1], states)
    kept = dataclasses.replace(call, zoneout=(0.0,) * count)
    outputs, final, _ = reference.forward(kept)
    np.testing.assert_array_equal(final, call.initial_state)
    np.testing.assert_array_equal(outputs, np.repeat(call.initial_state[0][:, None], 5, axis=1))


def test_the_lstms_output_comes_from_the_new_cell_state_not_from_the_zoned_one():
    """Krueger et al. 2016, equation 6: h = o·tanh(f·c' + i·g) where h is not zoned out."""
    call = make_call(Case("lstm", timesteps=1))
    expected = reference.forward(call)[0]
    kept = dataclasses.replace(call, zoneout=(None, 0.0))
    outputs, (_, c), _ = reference.forward(kept)
    np.testing.assert_array_equal(outputs, expected)
    np.testing.assert_array_equal(c, call.initial_state[1])


@pytest.mark.parametrize(
    "zoneout",
    [(1.0,), (1.0, 1.0, 1.0), (np.ones((4, 3, 7)), None), (None, np.ones((5, 3, 7), "float32"))],
)
def test_zoneout_that_does_not_fit_is_refused(zoneout):
    call = dataclasses.replace(make_call(Case("lstm")), zoneout=zoneout)
    with pytest.raises(ValueError, match="`zoneout`"):
        reference.forward(call)
