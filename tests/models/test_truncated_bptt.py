"""Truncated back-propagation through time: against stateful models, window by window."""

import numpy as np
import pytest

import fastrnn
from fastrnn import Input, Model, Sequential, layers

BATCH, STEPS, FEATURES, WINDOW = 4, 11, 3, 4
RNG = np.random.default_rng(0)
X = RNG.standard_normal((3 * BATCH, STEPS, FEATURES)).astype("float32")
Y = RNG.standard_normal((3 * BATCH, STEPS, 2)).astype("float32")
W = RNG.random((3 * BATCH, STEPS)).astype("float32")
TOKENS = RNG.integers(1, 9, (3 * BATCH, STEPS))
TOKENS[:, -3:][RNG.random((3 * BATCH, 3)) < 0.5] = 0  # padded, some of them


def stack(stateful):
    batch = BATCH if stateful else None
    x = Input((None, FEATURES), batch_size=batch)
    return x, [
        layers.LSTM(5, return_sequences=True, stateful=stateful, kernel_regularizer="l2"),
        layers.Dropout(0.2, seed=1),
        layers.GRU(4, return_sequences=True, stateful=stateful, dropout=0.1, seed=2),
        layers.SimpleRNN(4, return_sequences=True, stateful=stateful),
        layers.TimeDistributed(layers.Dense(2)),
    ]


def cells(stateful):
    x = Input((None, FEATURES), batch_size=BATCH if stateful else None)
    stacked = [layers.LSTMCell(4), layers.GRUCell(3)]
    return x, [layers.RNN(stacked, return_sequences=True, stateful=stateful), layers.Dense(2)]


def masked(stateful):
    x = Input((None,), batch_size=BATCH if stateful else None, dtype="int32")
    return x, [
        layers.Embedding(9, 4, mask_zero=True),
        layers.LSTM(5, return_sequences=True, stateful=stateful, activity_regularizer="l2"),
        layers.LayerNormalization(),
        layers.Dense(2),
    ]


def stepwise(stateful):
    """A chain of layers that each look at one step alone."""
    return Input((None, FEATURES), batch_size=BATCH if stateful else None), [
        layers.Normalization(mean=0.1, variance=2.0),
        layers.GRU(5, return_sequences=True, stateful=stateful),
        *(layers.LeakyReLU(), layers.RMSNormalization(), layers.ELU(), layers.Softmax()),
        *(layers.GaussianDropout(0.0), layers.AlphaDropout(0.0), layers.ReLU(None, 0.1)),
        layers.Dense(2),
    ]


def make(kind, build=stack, stateful=False):
    """The same layers as a chain, a graph, a graph with a chain in it, or a subclass."""
    fastrnn.utils.set_random_seed(3)
    x, chain = build(stateful)
    if kind == "sequential":
        model = Sequential([x, *chain])
    elif kind == "functional":
        y = chain[0](x)
        for layer in chain[1:]:
            y = layer(y)
        model = Model(x, y)
    elif kind == "nested":
        inner = Sequential([Input(chain[0](x).shape[1:], batch_size=x.shape[0]), *chain[1:]])
        model = Model(x, inner(chain[0](x)))
    else:
        model = Subclass(chain)
    model.compile(fastrnn.optimizers.Adam(0.02), "mse", metrics=["mae"])
    return model


class Subclass(Model):
    def __init__(self, chain):
        super().__init__()
        self.chain = chain

    def call(self, inputs, training=False):
        for layer in self.chain:
            inputs = layer(inputs)
        return inputs


def recurrent(model):
    return [m for m in fastrnn.layers.base.layer.iterate_layers(model) if hasattr(m, "states")]


def by_hand(model, x, w=None):
    """Train a stateful model window by window."""
    losses = []
    for k in range(0, len(x), BATCH):
        rows = slice(k, k + BATCH)
        model.reset_state()
        for at in range(0, STEPS, WINDOW):
            part = np.s_[rows, at : at + WINDOW]
            weights = None if w is None else w[part]
            losses.append(model.train_on_batch(x[part], Y[part], sample_weight=weights)[0])
    return np.mean(losses)


def fit(model, x=X, y=Y, steps=WINDOW, **options):
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0, **options}
    return model.fit(x, y, truncated_bptt=steps, **options)


def assert_same_weights(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


CASES = [
    ("sequential", stack, X), ("functional", stack, X), ("nested", stack, X),
    ("sequential", cells, X), ("functional", stepwise, X),
    ("functional", masked, TOKENS), ("sequential", masked, TOKENS),
]  # fmt: skip


@pytest.mark.parametrize("weights", [None, W], ids=["plain", "weighted"])
@pytest.mark.parametrize(("kind", "build", "x"), CASES)
def test_is_a_stateful_model_trained_window_by_window(kind, build, x, weights):
    ours, theirs = make(kind, build), make("sequential", build, stateful=True)
    theirs.set_weights(ours.get_weights())
    before = ours.get_weights()
    history = fit(ours, x, sample_weight=weights)
    assert history.history["loss"][0] == pytest.approx(by_hand(theirs, x, weights), rel=1e-6)
    assert_same_weights(ours, theirs)
    assert any((a != b).any() for a, b in zip(before, ours.get_weights(), strict=True))
    assert all(layer.states is None and not layer.stateful for layer in recurrent(ours)[:1])


def test_a_subclass_trains_as_the_chain_in_it():
    one, other = make("subclass"), make("sequential")
    one.build(X.shape)
    one.set_weights(other.get_weights())
    assert fit(one).history == fit(other).history
    assert_same_weights(one, other)


@pytest.mark.parametrize("kind", ["sequential", "functional", "subclass"])
@pytest.mark.parametrize("steps", [STEPS, STEPS + 5])
def test_one_window_is_plain_training(kind, steps):
    one, other = make(kind), make(kind)
    plain = other.fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0)
    assert fit(one, steps=steps).history == plain.history
    assert_same_weights(one, other)


def test_states_go_on_and_gradients_do_not():
    """Without the states of the windows before, the losses are others."""
    with_states, without = make("sequential"), make("sequential")
    fit(with_states)
    for k in range(0, len(X), BATCH):
        for at in range(0, STEPS, WINDOW):
            part = np.s_[k : k + BATCH, at : at + WINDOW]
            without.train_on_batch(X[part], Y[part])
    pairs = zip(with_states.get_weights(), without.get_weights(), strict=True)
    assert any(np.abs(a - b).max() > 1e-3 for a, b in pairs)


def test_a_window_that_is_masked_throughout_changes_no_loss():
    tokens = TOKENS.copy()
    tokens[:, 8:] = 0
    model = make("sequential", masked)
    history = fit(model, tokens, epochs=2)
    assert np.isfinite(history.history["loss"]).all()
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_validation_and_prediction_start_with_zeros():
    model = make("sequential")
    history = fit(model, validation_data=(X, Y), epochs=2)
    loss, _ = model.evaluate(X, Y, verbose=0)
    assert history.history["val_loss"][-1] == pytest.approx(loss, rel=1e-6)


def test_data_in_batches_and_a_last_batch_that_is_shorter():
    one, other = make("sequential"), make("sequential")
    parts = ((X[k : k + 5], Y[k : k + 5]) for k in range(0, len(X), 5))
    mine = fit(one, parts, None, batch_size=None)
    assert mine.history == fit(other, batch_size=5).history
    assert_same_weights(one, other)


def test_stateful_layers_carry_on_between_batches():
    model, hand = make("sequential", stateful=True), make("sequential", stateful=True)
    fit(model)
    hand.reset_state()
    for k in range(0, len(X), BATCH):
        for at in range(0, STEPS, WINDOW):
            part = np.s_[k : k + BATCH, at : at + WINDOW]
            hand.train_on_batch(X[part], Y[part])
    assert_same_weights(model, hand)


def test_several_inputs_and_outputs():
    def two():
        fastrnn.utils.set_random_seed(1)
        a, b = Input((None, 3), name="a"), Input((None, 2), name="b")
        joined = layers.Concatenate()([a, b])
        h = layers.GRU(4, return_sequences=True)(joined)
        return Model({"a": a, "b": b}, {"u": layers.Dense(2)(h), "v": 0.5 * layers.Dense(2)(h)})

    models = [two(), two()]
    for model in models:
        model.compile("sgd", "mse")
    x, y = {"a": X, "b": Y}, {"u": Y, "v": Y}
    fit(models[0], x, y)
    fit(models[1], x, y, steps=STEPS)
    pairs = zip(models[0].get_weights(), models[1].get_weights(), strict=True)
    assert any(np.abs(a - b).max() > 1e-4 for a, b in pairs)


def test_an_error_leaves_the_layers_as_they_were():
    def broken(y_true, y_pred):
        raise RuntimeError("broken")

    model = make("sequential")
    model.compile("sgd", broken)
    with pytest.raises(RuntimeError, match="broken"):
        fit(model)
    assert all(layer.states is None and not layer.stateful for layer in recurrent(model))


MIXING = {
    "bidirectional": lambda: layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
    "convolution": lambda: layers.Conv1D(3, 2, padding="same"),
    "pooling": lambda: layers.GlobalAveragePooling1D(),
    "backwards": lambda: layers.GRU(3, return_sequences=True, go_backwards=True),
    "last output": lambda: layers.GRU(3),
    "group mean": lambda: layers.GroupNormalization(1),
}


@pytest.mark.parametrize("name", MIXING)
def test_layers_that_look_at_other_steps_are_refused(name):
    fastrnn.utils.clear_session()
    layer = MIXING[name]()
    model = Sequential([Input((None, FEATURES)), layer, layers.Dense(2)])
    model.compile("sgd", "mse")
    y = Y if len(model.output_shape) == 3 else Y[:, 0]
    before = model.get_weights()
    with pytest.raises(ValueError, match="truncated_bptt"):
        fit(model, y=y)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_graphs_that_cannot_be_cut():
    x = Input((None, FEATURES))
    shared = layers.LSTM(FEATURES, return_sequences=True)
    twice = Model(x, shared(shared(x)))
    state = layers.GRU(3, return_state=True)(x)[1]
    started = Model(x, layers.GRU(3, return_sequences=True)(x, initial_state=[state]))
    attentive = Model(x, layers.Attention()([x, x]))
    across = Model(x, layers.LayerNormalization(axis=-1)(layers.Concatenate(axis=1)([x, x])))
    for model, reason, times in [
        (twice, "more than once", 1),
        (started, "no outputs for each step", 1),
        (attentive, "look at more than one", 1),
        (across, "along the time axis", 2),
    ]:
        model.compile("sgd", "mse")
        with pytest.raises(ValueError, match=reason):
            fit(model, y=np.zeros((len(X), times * STEPS, 3), "float32"))
    started = Model([x, first := Input((3,))], layers.GRU(3, return_sequences=True)(
        x, initial_state=[first]))  # fmt: skip
    started.compile("sgd", "mse")
    with pytest.raises(ValueError, match="initial state"):
        fit(started, [X, X[:, 0]], np.zeros((len(X), STEPS, 3), "float32"))


def test_arguments_and_data_that_cannot_be_cut():
    model = make("sequential")
    for steps in (0, -1, 2.5, "4"):
        with pytest.raises(ValueError, match="truncated_bptt"):
            fit(model, steps=steps)
    x = Input((STEPS, FEATURES))
    fixed = Model(x, layers.GRU(2, return_sequences=True)(x))
    fixed.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"Input\(\(None, features\)\)"):
        fit(fixed)
    fit(fixed, steps=STEPS)
