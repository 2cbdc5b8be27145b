"""RNN, StackedRNNCells and single steps of cells, against live Keras and the layers."""

import numpy as np
import pytest
from live_keras import differentiate, keras, to_numpy
from tolerance import assert_close

import fastrnn
from fastrnn import layers

STACKS = {
    "lstm": ["LSTMCell"],
    "gru": ["GRUCell"],
    "simple": ["SimpleRNNCell"],
    "mixed": ["LSTMCell", "GRUCell", "SimpleRNNCell"],
    "two_lstm": ["LSTMCell", "LSTMCell"],
}
X = np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 0, 1, 1, 0], [0, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]], bool)


def make_pair(names, **options):
    """A fastrnn and a Keras layer with the same weights, built for X."""
    pair = []
    for k in (fastrnn, keras):
        cells = [getattr(k.layers, name)(5 - i) for i, name in enumerate(names)]
        layer = k.layers.RNN(cells if len(cells) > 1 else cells[0], **options)
        layer.build(X.shape)
        pair.append(layer)
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=w.shape).astype("float32") * 0.5 for w in pair[0].get_weights()]
    for layer in pair:
        layer.set_weights(weights)
    return pair


def flat(value):
    return [a for v in value for a in flat(v)] if isinstance(value, (list, tuple)) else [value]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("stack", STACKS)
def test_outputs_states_and_gradients(stack, sequences, back, masked):
    names, options = STACKS[stack], {"mask": MASK} if masked else {}
    settings = {"return_sequences": sequences, "return_state": True, "go_backwards": back}
    ours, theirs = make_pair(names, zero_output_for_mask=sequences and masked, **settings)
    rng = np.random.default_rng(2)
    states = [rng.normal(size=a.shape).astype("float32") for a in flat(ours.get_initial_state(3))]
    outputs, pullback = ours.vjp(X, initial_state=states, **options)
    d_outputs = [rng.normal(size=y.shape).astype("float32") for y in flat(outputs)]
    d_inputs, d_weights = pullback(tuple(d_outputs))

    class Flat:
        trainable_weights = theirs.trainable_weights

        def __call__(self, x, initial_state, **more):
            nested, rest = [], list(initial_state)
            for name in names:
                count = 2 if name == "LSTMCell" else 1
                nested.append([rest.pop(0) for _ in range(count)])
            nested = nested if len(names) > 1 else nested[0]
            return flat(theirs(x, initial_state=nested, **more))

    expected = differentiate(Flat(), [X, *states], d_outputs, **options)
    found = ([*outputs], d_inputs, d_weights)
    for kind, (a, b) in enumerate(zip(found, expected, strict=True)):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_close(one, other, 20, 6 * len(names), backward=kind > 0)


@pytest.mark.parametrize("stack", ["lstm", "mixed", "two_lstm"])
def test_structure_of_the_states(stack):
    ours, theirs = make_pair(STACKS[stack], return_state=True)

    def shapes(value):
        nested = isinstance(value, (list, tuple))
        return [shapes(v) for v in value] if nested else tuple(value.shape)

    assert shapes(ours(X)) == shapes(theirs(X))
    assert [w.path.split("/")[-1] for w in ours.weights] == [w.name for w in theirs.weights]


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_same_bits_as_the_layer(name):
    cell = getattr(layers, f"{name}Cell")(5)
    rnn = layers.RNN(cell, return_sequences=True)
    layer = getattr(layers, name)(5, return_sequences=True)
    outputs = rnn(X, mask=MASK)
    layer.build(X.shape)
    layer.set_weights(rnn.get_weights())
    np.testing.assert_array_equal(outputs, layer(X, mask=MASK))


@pytest.mark.parametrize("stack", STACKS)
def test_one_step(stack):
    ours, theirs = make_pair(STACKS[stack])
    states = ours.get_initial_state(3)
    output, new = ours.cell(X[:, 0], states)
    expected, after = theirs.cell(X[:, 0], theirs.get_initial_state(3))
    for a, b in zip(flat([output, new]), flat([expected, after]), strict=True):
        assert_close(a, to_numpy(b), 20)


@pytest.mark.parametrize("stack", ["gru", "mixed"])
def test_stateful(stack):
    ours, theirs = make_pair(STACKS[stack], stateful=True)
    first = ours(X)
    assert_close(first, to_numpy(theirs(X)), 20, 6)
    if stack == "gru":
        assert_close(ours(X), to_numpy(theirs(X)), 20, 12)
    else:
        assert not np.array_equal(ours(X), first)
    ours.reset_state()
    np.testing.assert_array_equal(ours(X), first)


@pytest.mark.parametrize("stack", STACKS)
def test_config(stack):
    ours, _ = make_pair(STACKS[stack], return_sequences=True, go_backwards=True)
    again = layers.RNN.from_config(ours.get_config())
    assert again.get_config() == ours.get_config()
    again.build(X.shape)
    again.set_weights(ours.get_weights())
    np.testing.assert_array_equal(again(X), ours(X))


@pytest.mark.parametrize("stack", STACKS)
def test_functional_model(stack):
    ours, _ = make_pair(STACKS[stack], return_state=True)
    inputs = fastrnn.Input((6, 4))
    model = fastrnn.Model(inputs, list(ours(inputs)))
    for a, b in zip(model(X), flat(ours(X)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_errors():
    with pytest.raises(ValueError, match="cell"):
        layers.RNN(layers.Dense(2))
    with pytest.raises(ValueError, match="cells"):
        layers.StackedRNNCells([])
    with pytest.raises(ValueError, match="initial_state"):
        layers.RNN(layers.LSTMCell(2))(X, initial_state=[np.zeros((3, 2))])


class OwnCell(layers.Layer):
    """A SimpleRNNCell, written as a user would."""

    state_size = 5

    def make_weights(self, input_shape):
        self.w = self.add_weight((input_shape[-1], 5), name="w")
        self.u = self.add_weight((5, 5), name="u")
        self.b = self.add_weight((5,), name="b")

    def call(self, inputs, states):
        h = np.tanh(inputs @ self.w.value + states[0] @ self.u.value + self.b.value)
        return h, [h]

    def vjp(self, inputs, states, training):
        h, new = self.call(inputs, states)

        def pullback(d_output, d_new):
            d = (d_output + d_new[0]) * (1 - h * h)
            d_weights = [inputs.T @ d, states[0].T @ d, d.sum(0)]
            return d @ self.w.value.T, [d @ self.u.value.T], d_weights

        return (h, new), pullback


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_own_cell_computes_what_the_same_built_in_cell_does(sequences, back, zero, masked):
    settings = {"return_sequences": sequences, "go_backwards": back, "return_state": True}
    settings["zero_output_for_mask"] = zero and sequences
    own, built_in = (layers.RNN(cell, **settings) for cell in (OwnCell(), layers.SimpleRNNCell(5)))
    for layer in (own, built_in):
        layer.build(X.shape)
    built_in.set_weights(own.get_weights())
    mask, state = (MASK if masked else None), [np.full((3, 5), 0.3, "float32")]
    results = []
    for layer in (own, built_in):
        outputs, pullback = layer.vjp(X, mask=mask, initial_state=state)
        d = tuple(np.cos(np.arange(y.size, dtype="float32")).reshape(y.shape) for y in outputs)
        d_inputs, d_weights = pullback(d)
        results.append([*outputs, *d_inputs, *d_weights])
    for a, b in zip(*results, strict=True):
        assert_close(a, b, 20, 6, backward=True)


def test_own_cell_without_vjp():
    class Forward(layers.Layer):
        state_size = 4

        def call(self, inputs, states):
            return inputs + states[0], [inputs + states[0]]

    layer = layers.RNN(Forward(), stateful=True)
    assert_close(layer(X), X.sum(1), 6)
    assert_close(layer(X), 2 * X.sum(1), 12)
    layer.reset_state()
    outputs, pullback = layer.vjp(X)
    assert_close(outputs, X.sum(1), 6)
    assert_close(pullback(np.ones_like(outputs))[0], np.ones_like(X), 6)


def test_own_cell_against_finite_differences():
    layer = layers.RNN(OwnCell(dtype="float64"), return_sequences=True)
    x = X.astype("float64")
    outputs, pullback = layer.vjp(x, mask=MASK)
    d_outputs, direction = np.cos(outputs), np.sin(x)
    step = 1e-6
    ends = [layer(x + sign * step * direction, mask=MASK) for sign in (1, -1)]
    numeric = ((ends[0] - ends[1]) * d_outputs).sum() / (2 * step)
    assert abs((pullback(d_outputs)[0] * direction).sum() - numeric) < 1e-7
    with pytest.raises(ValueError, match="features"):
        layers.RNN(make_pair(["GRUCell"])[0].cell)(X[..., :3])
