"""Cells of a user's own: in stacks, both ways, in models that train; rows of kept states."""

import numpy as np
import pytest
from live_keras import differentiate, keras, to_numpy
from tolerance import assert_close

import fastrnn
from fastrnn import layers

X = np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 0, 1, 1, 0], [0, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]], bool)


class OwnCell(layers.Layer):
    """A GRU without a reset gate, and with a state that counts: two states of different sizes."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, 1]
        self.output_size = units

    def make_weights(self, input_shape):
        self.w = self.add_weight((input_shape[-1], self.units), name="w")
        self.u = self.add_weight((self.units, self.units), name="u")

    def call(self, inputs, states):
        h, count = states
        new = np.tanh(inputs @ self.w.value + h @ self.u.value) + h / (1 + count * count)
        return new, [new, count + 1]

    def vjp(self, inputs, states, training):
        h, count = states
        new, after = self.call(inputs, states)
        share = 1 / (1 + count * count)
        t = new - h * share

        def pullback(d_output, d_new):
            d_h, d_count = d_new
            d = d_output + d_h
            dz = d * (1 - t * t)
            through = (d * h).sum(axis=1, keepdims=True) * (-2 * count * share * share)
            d_states = [dz @ self.u.value.T + d * share, d_count + through]
            return dz @ self.w.value.T, d_states, [inputs.T @ dz, h.T @ dz]

        return (new, after), pullback

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable()
class KerasCell(keras.layers.Layer):
    """The same in Keras."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, 1]
        self.output_size = units

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1], self.units), name="w")
        self.u = self.add_weight((self.units, self.units), name="u")

    def call(self, inputs, states):
        ops = keras.ops
        h, count = states
        new = ops.tanh(inputs @ self.w + h @ self.u) + h / (1 + count * count)
        return new, [new, count + 1]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


CELLS = {
    "own": lambda k, own: own(5),
    "own twice": lambda k, own: [own(5), own(3)],
    "own above": lambda k, own: [k.layers.LSTMCell(4), own(5)],
    "own below": lambda k, own: [own(5), k.layers.GRUCell(4)],
    "built in": lambda k, own: k.layers.LSTMCell(4),
    "stack": lambda k, own: k.layers.StackedRNNCells([k.layers.GRUCell(4), k.layers.LSTMCell(5)]),
}


def flat(value):
    return [a for v in value for a in flat(v)] if isinstance(value, (list, tuple)) else [value]


def randomize(ours, theirs, scale=0.4):
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=w.shape).astype("float32") * scale for w in ours.get_weights()]
    for layer in (ours, theirs):
        layer.set_weights(weights)


class Flat:
    """A Keras layer that gives its results in one list."""

    def __init__(self, layer):
        self.layer, self.trainable_weights = layer, layer.trainable_weights

    def __call__(self, x, **options):
        return flat(self.layer(x, **options))


def compare(ours, theirs, d_rows=3, **options):
    outputs, pullback = ours.vjp(X, **options)
    rng = np.random.default_rng(2)
    several = isinstance(outputs, tuple)
    outputs = list(outputs) if several else [outputs]
    d = [rng.normal(size=y.shape).astype("float32") for y in outputs]
    dx, d_weights = pullback(tuple(d) if several else d[0])
    expected = differentiate(Flat(theirs), [X], d, **options)
    for kind, (a, b) in enumerate(zip(([*outputs], [dx], d_weights), expected, strict=True)):
        for one, other in zip(a, b, strict=True):
            assert_close(one, other, 20, 12, backward=kind > 0)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("name", ["own twice", "own above", "own below"])
def test_stacks(name, back, sequences, masked):
    settings = {"return_sequences": sequences, "return_state": True, "go_backwards": back}
    pair = [
        k.layers.RNN(CELLS[name](k, own), zero_output_for_mask=sequences, **settings)
        for k, own in ((fastrnn, OwnCell), (keras, KerasCell))
    ]
    for layer in pair:
        layer.build(X.shape)
    randomize(*pair)
    compare(*pair, **({"mask": MASK} if masked else {}))
    ours, theirs = pair
    assert [[len(s) for s in flat([a])] for a in ours(X)] == [
        [len(s) for s in flat([a])] for a in theirs(X)
    ]
    output, new = ours.cell(X[:, 0], ours.get_initial_state(3))
    expected, after = theirs.cell(X[:, 0], theirs.get_initial_state(3))
    for a, b in zip(flat([output, new]), flat([expected, after]), strict=True):
        assert_close(a, to_numpy(b), 20)
    assert ours.cell.output_size == theirs.cell.output_size
    assert ours.cell.state_size == theirs.cell.state_size


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("mode", ["concat", "sum", "mul", None])
@pytest.mark.parametrize("name", CELLS)
def test_both_ways(name, mode, sequences, masked):
    pair = []
    for k, own in ((fastrnn, OwnCell), (keras, KerasCell)):
        inner = k.layers.RNN(CELLS[name](k, own), return_sequences=sequences)
        pair.append(k.layers.Bidirectional(inner, merge_mode=mode))
    ours, theirs = pair
    ours.build(X.shape)
    theirs.build(X.shape)
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    randomize(ours, theirs)
    compare(ours, theirs, **({"mask": MASK} if masked else {}))
    inputs = fastrnn.Input((6, 4))
    model = fastrnn.Model(inputs, ours(inputs))
    for a, b in zip(flat([model(X)]), flat([ours(X)]), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["own below", "built in", "stack"])
def test_states_of_both_ways(name):
    inner = layers.RNN(CELLS[name](fastrnn, OwnCell), return_state=True, return_sequences=True)
    layer = layers.Bidirectional(inner)
    outputs, *states = layer(X)
    half = len(states) // 2
    y, *forward = flat(layer.forward_layer(X))
    z, *backward = flat(layer.backward_layer(X))
    for a, b in zip(states, [*forward, *backward], strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(outputs, np.concatenate([y, z[:, ::-1]], axis=-1))
    again, *_ = layer(X, initial_state=states)
    y, *_ = flat(layer.forward_layer(X, initial_state=states[:half]))
    np.testing.assert_array_equal(again[..., : y.shape[-1]], y)
    with pytest.raises(ValueError, match="`initial_state`"):
        layer(X, initial_state=states[:-1])
    result, pullback = layer.vjp(X, initial_state=states)
    d_inputs, _ = pullback(tuple(np.ones_like(a) for a in result))
    assert [d.shape for d in d_inputs] == [X.shape, *[s.shape for s in states]]


def test_two_different_layers_and_a_configuration():
    layer = layers.Bidirectional(
        layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], return_sequences=True),
        backward_layer=layers.LSTM(5, return_sequences=True, go_backwards=True),
    )
    outputs = layer(X, mask=MASK)
    assert outputs.shape == (3, 6, 8)
    assert layer.compute_output_shape((None, 6, 4)) == (None, 6, 8)
    np.testing.assert_array_equal(outputs[~MASK], 0)
    again = layers.Bidirectional.from_config(layer.get_config())
    again.build(X.shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(X, mask=MASK), outputs)


def test_a_copy_needs_a_configuration():
    class Forgetful(OwnCell):
        def get_config(self):
            return layers.Layer.get_config(self)

    with pytest.raises(ValueError, match="get_config"):
        layers.Bidirectional(layers.RNN(Forgetful(3)))


def test_training_with_own_cells():
    models = []
    for k, own in ((fastrnn, OwnCell), (keras, KerasCell)):
        k.utils.clear_session()
        inner = k.layers.RNN([own(5), k.layers.GRUCell(4)], return_sequences=True)
        top = k.layers.RNN(own(3))
        models.append(
            k.Sequential([k.Input((6, 4)), k.layers.Bidirectional(inner), top, k.layers.Dense(1)])
        )
    ours, theirs = models
    randomize(ours, theirs, 0.3)
    y = np.random.default_rng(4).normal(size=(3, 1)).astype("float32")
    for model in models:
        model.compile(loss="mse", optimizer="sgd")
    for _ in range(4):
        losses = [float(model.train_on_batch(X, y)) for model in models]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(mine, other, 256, 12, backward=True)
    top = ours.layers[1]
    top.trainable = False
    before = top.get_weights()
    ours.train_on_batch(X, y)
    for mine, other in zip(top.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_small_calls_take_the_fast_path_with_the_same_bits():
    rnn = layers.RNN(layers.LSTMCell(4), return_sequences=True)
    layer = layers.LSTM(4, return_sequences=True)
    layer.build(X.shape)
    rnn.build(X.shape)
    rnn.set_weights(layer.get_weights())
    np.testing.assert_array_equal(rnn(X), layer(X))
    assert rnn._chain[0]._prepared[1] is not None
    rnn.set_weights([2 * w for w in rnn.get_weights()])
    layer.set_weights(rnn.get_weights())
    np.testing.assert_array_equal(rnn(X), layer(X))
    with pytest.raises(ValueError, match="features"):
        rnn(X[..., :3])


MAKERS = {
    "lstm": lambda **o: layers.LSTM(4, **o),
    "gru": lambda **o: layers.GRU(4, **o),
    "rnn": lambda **o: layers.RNN(layers.LSTMCell(4), **o),
    "own": lambda **o: layers.RNN(OwnCell(4), **o),
    "stack": lambda **o: layers.RNN([OwnCell(4), layers.LSTMCell(3)], **o),
    "both ways": lambda **o: layers.Bidirectional(layers.LSTM(4, **o)),
    "both ways, stack": lambda **o: layers.Bidirectional(
        layers.RNN([layers.GRUCell(4), OwnCell(3)], **o)
    ),
}


@pytest.mark.parametrize("rows", [None, 1, [0, 2], [-1], [True, False, True], [], np.array([2])])
@pytest.mark.parametrize("name", MAKERS)
def test_rows_begin_anew(name, rows):
    layer = MAKERS[name](stateful=True, return_sequences=True)
    first = layer(X)
    carried = layer(X)
    assert not np.array_equal(first, carried)
    layer.reset_states()
    layer(X)
    layer.reset_state(rows)
    anew = np.zeros(3, bool)
    anew[slice(None) if rows is None else (rows if np.size(rows) else [])] = True
    found = layer(X)
    for k in range(3):
        expected = first if anew[k] else carried
        assert_close(found[k], expected[k], 20, 12)
    before = [state.copy() for state in flat(list(layer.states))]
    for wrong in ([3], [-4], [0.5], "all", [True], [[True, False, True]]):
        with pytest.raises(ValueError, match="`rows`"):
            layer.reset_state(wrong)
    for a, b in zip(flat(list(layer.states)), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_rows_of_a_model():
    model = fastrnn.Sequential([fastrnn.Input(batch_shape=(3, 6, 4))])
    model.add(layers.LSTM(4, stateful=True, return_sequences=True))
    model.add(layers.Bidirectional(layers.GRU(3, stateful=True)))
    model.add(layers.Dense(2))
    first = model.predict_on_batch(X)
    model.reset_state(rows=[1])
    second = model.predict_on_batch(X)
    np.testing.assert_allclose(second[1], first[1], rtol=1e-5)
    assert np.abs(second[[0, 2]] - first[[0, 2]]).max() > 1e-4
    layers.LSTM(3).reset_state(rows=[0])  # nothing is kept


@pytest.mark.parametrize("stateful", [False, True])
def test_time_distributed_takes_layers_with_one_output(stateful):
    layer = layers.TimeDistributed(layers.LSTM(3, return_state=True, stateful=stateful))
    x = np.zeros((2, 5, 4, 3), np.float32)
    for call in (lambda: layer(x), lambda: layer(fastrnn.Input(batch_shape=x.shape))):
        with pytest.raises(ValueError, match="`layer`"):
            call()
    with pytest.raises(TypeError, match="constants"):  # as in Keras 3
        layers.RNN(layers.LSTMCell(2))(X, constants=[X])
