"""The flow of gradients through time, against finite differences and the layers' own pullbacks."""

import numpy as np
import pytest

from fastrnn import Input, Model, Sequential, config, diagnostics
from fastrnn.layers import (
    GRU,
    LSTM,
    Add,
    Bidirectional,
    Concatenate,
    Dense,
    Masking,
    Permute,
    Reshape,
    SimpleRNN,
)

BATCH, STEPS, FEATURES, UNITS = 3, 6, 2, 4
RNG = np.random.default_rng(5)
X = RNG.normal(size=(BATCH, STEPS, FEATURES))
X[0, 4:], X[1, :2], X[2, 2] = 0, 0, 0


@pytest.fixture(autouse=True)
def float64():
    before = config.floatx()
    config.set_floatx("float64")
    yield
    config.set_floatx(before)


def chain(*layers, masked=False):
    masking = [Masking()] if masked else []
    model = Sequential([Input((STEPS, FEATURES)), *masking, *layers])
    model.compile(loss="mse")
    return model, RNG.normal(size=(BATCH, *model.output_shape[1:]))


def numeric_norms(model, layer, y, step=1e-6):
    """Norms of dLoss/dh_t: h_t is changed, and what is computed before step t is left alone."""
    mask = np.any(X != 0, axis=-1) if isinstance(model.layers[0], Masking) else None
    stepper = type(layer).from_config(
        {**layer.get_config(), "name": "s", "return_sequences": False, "return_state": True}
        | {"go_backwards": False}
    )
    order = -1 if layer.go_backwards else 1
    x = X[:, ::order]
    stepper(x)
    stepper.set_weights(layer.get_weights())
    after = model.layers[model.layers.index(layer) + 1 :]

    def loss(at, which, delta):
        states = stepper.get_initial_state(BATCH)
        seen = np.zeros((BATCH, 1), bool)
        outputs = []
        for t in range(STEPS):
            here = None if mask is None else mask[:, ::order][:, t : t + 1]
            _, *states = stepper(x[:, t : t + 1], mask=here, initial_state=states)
            if t == at:
                states[which] = states[which] + delta
            seen = seen | (True if here is None else here)
            shown = here if layer.zero_output_for_mask and here is not None else seen
            outputs.append(np.where(shown, states[0], 0))
        value = np.stack(outputs, axis=1) if layer.return_sequences else outputs[-1]
        for layer_after in after:
            value = layer_after(value)
        return float(np.square(value - y).mean())

    norms = []
    for which in range(len(stepper.get_initial_state(1))):
        for t in range(STEPS):
            total = 0.0
            for k in range(BATCH * UNITS):
                delta = np.zeros(BATCH * UNITS)
                delta[k] = step
                delta = delta.reshape(BATCH, UNITS)
                slope = loss(t, which, delta) - loss(t, which, -delta)
                total += (slope / (2 * step)) ** 2
            norms.append(np.sqrt(total))
    return np.reshape(norms, (-1, STEPS))[:, ::order]


@pytest.mark.parametrize("masked", [False, True, "zero_output_for_mask"])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", [SimpleRNN, LSTM, GRU])
def test_finite_differences(kind, backwards, sequences, masked):
    layer = kind(UNITS, return_sequences=sequences, go_backwards=backwards)
    layer.zero_output_for_mask = masked == "zero_output_for_mask"
    # Reshape lets no mask pass: the loss counts the outputs of masked steps too.
    flat = [Reshape((STEPS * UNITS,))] if sequences else []
    model, y = chain(layer, *flat, Dense(2), masked=bool(masked))
    flow = diagnostics.gradient_flow(model, X, y)
    expected = numeric_norms(model, layer, y)
    np.testing.assert_allclose(flow[layer.name], expected[0], rtol=1e-7, atol=1e-10)
    if kind is LSTM:
        cells = flow.cell_states[layer.name]
        np.testing.assert_allclose(cells, expected[1], rtol=1e-7, atol=1e-10)
    else:
        assert not flow.cell_states


@pytest.mark.parametrize("merge_mode", ["concat", "sum"])
def test_bidirectional_is_its_two_layers(merge_mode):
    """The layers of a functional model that does the same have the same norms."""
    both = Bidirectional(GRU(UNITS, return_sequences=True), merge_mode=merge_mode)
    model, y = chain(both, Dense(2))
    flow = diagnostics.gradient_flow(model, X, y)
    assert list(flow) == [
        f"{both.name}/{both.forward_layer.name}",
        f"{both.name}/{both.backward_layer.name}",
    ]
    inputs = Input((STEPS, FEATURES))
    there = GRU(UNITS, return_sequences=True)
    back = GRU(UNITS, return_sequences=True, go_backwards=True)
    # The backward outputs come into the order of time by a product with a permutation.
    time = np.eye(STEPS)[::-1]
    turn = Dense(STEPS, use_bias=False)
    turned = Permute((2, 1))(turn(Permute((2, 1))(back(inputs))))
    join = Concatenate() if merge_mode == "concat" else Add()
    head = Dense(2)
    other = Model(inputs, head(join([there(inputs), turned])))
    turn.set_weights([time])
    there.set_weights(both.forward_layer.get_weights())
    back.set_weights(both.backward_layer.get_weights())
    head.set_weights(model.layers[-1].get_weights())
    other.compile(loss="mse")
    same = diagnostics.gradient_flow(other, X, y)
    for norms, layer in zip(flow.values(), (there, back), strict=True):
        np.testing.assert_allclose(norms, same[layer.name], rtol=1e-10)


def test_final_states_count_and_stateful_layers_keep_theirs():
    inputs = Input(batch_shape=(BATCH, STEPS, FEATURES))
    layer = LSTM(UNITS, return_state=True, stateful=True)
    _, _, c = layer(inputs)
    model = Model(inputs, c)
    model.compile(loss="mse")
    model.predict(X, verbose=0)
    before = [state.copy() for state in layer.states]
    y = RNG.normal(size=(BATCH, UNITS))
    flow = diagnostics.gradient_flow(model, X, y)
    for state, kept in zip(layer.states, before, strict=True):
        np.testing.assert_array_equal(state, kept)
    assert flow[layer.name][-1] == 0
    d_last = 2 * (model.predict(X, verbose=0) - y) / (BATCH * UNITS)
    assert flow.cell_states[layer.name][-1] == pytest.approx(np.linalg.norm(d_last), rel=1e-10)
    assert not {"make_call", "split_gradient"} & set(vars(layer))


def test_bad_models():
    model, y = chain(LSTM(UNITS))
    with pytest.raises(ValueError, match="not compiled"):
        diagnostics.gradient_flow(Sequential(model.layers), X, y)
    with pytest.raises(ValueError, match="recurrent"):
        diagnostics.gradient_flow(chain(Dense(2))[0], X, RNG.normal(size=X.shape))
    with pytest.raises(ValueError, match="Sequential or functional"):
        diagnostics.gradient_flow(LSTM(3), X, y)
    shared = LSTM(FEATURES, return_sequences=True)
    y = RNG.normal(size=X.shape)
    inputs = Input((STEPS, FEATURES))
    twice = Model(inputs, shared(shared(inputs)))
    twice.compile(loss="mse")
    with pytest.raises(ValueError, match="called again"):
        diagnostics.gradient_flow(twice, X, y)
    assert "make_call" not in vars(shared)


def test_repr_and_plot():
    pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
    model, y = chain(LSTM(UNITS, name="memory"))
    flow = diagnostics.gradient_flow(model, X, y)
    assert repr(flow).startswith("<GradientFlow memory: 6 steps, ")
    axes = flow.plot()
    (line,) = axes.get_lines()
    np.testing.assert_array_equal(line.get_ydata(), flow["memory"])
    assert flow.plot(axes) is axes
    assert len(axes.get_lines()) == 2


def test_torch_of_live_keras():
    """The gradients that torch finds at the states of Keras's cell, run step by step."""
    keras, torch = pytest.importorskip("keras"), pytest.importorskip("torch")
    layer = LSTM(UNITS)
    model, y = chain(layer, Dense(2))
    flow = diagnostics.gradient_flow(model, X, y)
    cell = keras.layers.LSTMCell(UNITS, dtype="float64")
    cell.build((BATCH, FEATURES))
    cell.set_weights(layer.get_weights())
    kernel, bias = (torch.tensor(w) for w in model.layers[-1].get_weights())
    states = [torch.zeros((BATCH, UNITS), dtype=torch.float64) for _ in range(2)]
    steps = []
    for t in range(STEPS):
        _, states = cell(torch.tensor(X[:, t]), states)
        for state in states:
            state.retain_grad()
        steps.append(states)
    ((states[0] @ kernel + bias - torch.tensor(y)) ** 2).mean().backward()
    hidden = [float(h.grad.norm()) for h, _ in steps]
    # ops.matmul of Keras rounds products of float64 arrays to float32.
    np.testing.assert_allclose(flow[layer.name], hidden, rtol=1e-6)
