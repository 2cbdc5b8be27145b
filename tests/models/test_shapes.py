"""Shapes of data that are not quite those of the model, as Keras takes them."""

import numpy as np
import pytest
from live_keras import keras

import fastrnn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 5, 1)).astype("float32")


def chain(k, sequences=False, shape=(5, 1), **options):
    L = k.layers
    layers = [k.Input(shape, **options), L.LSTM(2, return_sequences=sequences), L.Dense(1)]
    return k.Sequential(layers)


def functional(k):
    x = k.Input((5, 1))
    return k.Model(x, k.layers.Dense(1)(k.layers.LSTM(2)(x)))


def flat(k):
    x = k.Input((5,))
    return k.Model(x, k.layers.Dense(1)(x))


def two_inputs(k):
    x, y = k.Input((5, 1), name="x"), k.Input((5,), name="y")
    return k.Model([x, y], k.layers.Concatenate()([k.layers.LSTM(2)(x), k.layers.Dense(1)(y)]))


def both(make, *args, **options):
    """The same model in Keras and here, with the same weights."""
    models = [make(k, *args, **options) for k in (keras, fastrnn)]
    rng = np.random.default_rng(1)
    weights = [rng.uniform(-1, 1, w.shape) for w in models[1].get_weights()]
    for model in models:
        model.set_weights(weights)
    return models


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (chain, X[..., 0]),
        (functional, X[..., 0]),
        (flat, X),
        (two_inputs, [X[..., 0], X]),
        (two_inputs, {"y": X, "x": X[..., 0]}),
    ],
    ids=["chain", "functional", "flat", "list", "dict"],
)
def test_a_last_axis_of_1_is_added_or_left_out(make, x):
    theirs, ours = both(make)
    expected = theirs.predict(x, verbose=0)
    np.testing.assert_allclose(ours.predict(x, verbose=0), expected, atol=1e-6)
    np.testing.assert_array_equal(ours(x), ours.predict(x, verbose=0))
    losses = []
    for model, k in ((theirs, keras), (ours, fastrnn)):
        model.compile(k.optimizers.SGD(0.1), "mse")
        y = np.ones((8, model.output_shape[-1]))
        history = model.fit(x, y, epochs=2, verbose=0, shuffle=False)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


def test_inputs_by_name_in_any_order():
    """The order of the names is not that of the inputs; equal shapes would hide a swap."""

    def make(k):
        x, y = k.Input((5, 1), name="zeta"), k.Input((5, 1), name="alpha")
        return k.Model([x, y], k.layers.Concatenate()([k.layers.LSTM(2)(x), k.layers.GRU(2)(y)]))

    theirs, ours = both(make)
    named = {"alpha": X, "zeta": 2 * X}
    expected = theirs.predict(named, verbose=0)
    for inputs in (named, dict(reversed(named.items())), [2 * X, X]):
        np.testing.assert_allclose(ours.predict(inputs, verbose=0), expected, atol=1e-6)
        np.testing.assert_allclose(ours(inputs), expected, atol=1e-6)
    with pytest.raises(ValueError, match="zeta"):
        ours.predict({"alpha": X, "beta": X}, verbose=0)


def test_other_axes_are_not_made_up():
    for make, x in ((chain, X[..., 0, 0]), (functional, X[..., None, None]), (flat, X[:, 0, 0])):
        with pytest.raises(ValueError, match="incompatible shape"):
            make(fastrnn).predict(x, verbose=0)


def test_a_chain_takes_sequences_of_other_lengths_and_a_graph_does_not():
    x = RNG.normal(size=(3, 7, 1)).astype("float32")
    theirs, ours = both(chain)
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), atol=1e-6)
    for model in both(functional):
        with pytest.raises(ValueError, match="incompatible"):
            model.predict(x, verbose=0)


@pytest.mark.parametrize("batch_size", [1, 3, 5, 8])
def test_a_fixed_batch_size_binds_stateful_models_alone(batch_size):
    theirs, ours = both(chain, batch_size=4)
    expected = theirs.predict(X, batch_size=batch_size, verbose=0)
    np.testing.assert_allclose(
        ours.predict(X, batch_size=batch_size, verbose=0), expected, atol=1e-6
    )
    ours.compile("sgd", "mse")
    ours.fit(X, np.ones((8, 1)), batch_size=batch_size, verbose=0)
    x = fastrnn.Input((5, 1), batch_size=4)
    graph = fastrnn.Model(x, fastrnn.layers.LSTM(2)(x))
    assert graph.predict(X, batch_size=batch_size, verbose=0).shape == (8, 2)
    stateful = fastrnn.Model(x, fastrnn.layers.LSTM(2, stateful=True, name="keeper")(x))
    with pytest.raises(ValueError, match="batches of 4 samples, whose states layer 'keeper' keeps"):
        stateful.predict(X, batch_size=batch_size, verbose=0)


def test_a_part_for_validation_that_fills_no_batch():
    L = fastrnn.layers
    model = fastrnn.Sequential([fastrnn.Input((5, 1), batch_size=2), L.LSTM(1, stateful=True)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match="batches of 2 samples"):
        model.fit(X, X[:, 0], batch_size=2, validation_split=0.3, verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    model.fit(X, X[:, 0], batch_size=2, validation_split=0.25, shuffle=False, verbose=0)


# ---- labels --------------------------------------------------------------------------------------

BROADCAST = [
    "mse", "mae", "huber", "mape", "msle", "log_cosh", "poisson", "hinge", "squared_hinge",
    "categorical_hinge", "kl_divergence",
]  # fmt: skip
SHAPES = [((8,), True), ((8, 1), True), ((8, 5), False), ((8, 5, 1), False), ((8, 1, 1), True)]


@pytest.mark.parametrize("loss", BROADCAST)
@pytest.mark.parametrize(("shape", "sequences"), SHAPES, ids=str)
def test_labels_are_broadcast_with_a_warning(loss, shape, sequences):
    y = np.random.default_rng(2).uniform(0.1, 1, shape).astype("float32")
    found = []
    for model, k in zip(both(chain, sequences), (keras, fastrnn), strict=True):
        model.compile(k.optimizers.SGD(0.01), loss, metrics=["mae"])
        if k is keras:
            history = model.fit(X, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
        else:
            with pytest.warns(UserWarning, match="Labels of shape .* are broadcast"):
                history = model.fit(X, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
        found.append(history.history)
    for name, values in found[0].items():
        np.testing.assert_allclose(found[1][name], values, rtol=2e-4)


@pytest.mark.parametrize("shape", [(8,), (8, 1)])
def test_labels_that_differ_by_an_axis_of_1_fit_without_a_word(shape):
    theirs, ours = both(chain)
    for model, k in ((theirs, keras), (ours, fastrnn)):
        model.compile(k.optimizers.SGD(0.1), "mse")
    y = np.arange(8.0).reshape(shape)
    losses = [m.fit(X, y, batch_size=8, verbose=0).history["loss"] for m in (theirs, ours)]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


@pytest.mark.parametrize("loss", ["binary_crossentropy", "cosine_similarity", "mse"])
def test_labels_that_cannot_be_meant(loss):
    model = chain(fastrnn, sequences=True)
    model.compile("sgd", loss)
    y = np.ones((8, 3) if loss == "mse" else (8, 1))
    with pytest.raises(ValueError, match="`y_true`"):
        model.fit(X, y, verbose=0)
