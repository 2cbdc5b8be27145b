"""Activations, penalties, Lambdas of one's own: the same code on fastrnn and on live Keras."""

import numpy as np
import pytest
from live_keras import keras
from own_functions import OWN_FUNCTIONS

import fastrnn

RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 5, 3)).astype("float32")
Y = RNG.standard_normal((6, 2)).astype("float32")


@pytest.mark.parametrize("make", OWN_FUNCTIONS, ids=lambda make: make.__name__)
def test_training_is_that_of_keras(make):
    own, theirs = (
        package.Sequential([package.Input((5, 3)), *make(package)]) for package in (fastrnn, keras)
    )
    theirs.set_weights(own.get_weights())
    found = []
    for package, model in ((fastrnn, own), (keras, theirs)):
        model.compile(package.optimizers.SGD(0.1, momentum=0.5), "mse")
        losses = [model.train_on_batch(X, Y) for _ in range(3)]
        losses.append(model.evaluate(X, Y, verbose=0))
        found.append((losses, model.get_weights()))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=2e-5)
    for a, b in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6)


def test_an_activation_of_numpy_trains_as_the_built_in_one():
    losses = []
    for activation in (np.tanh, lambda x: np.tanh(x), "tanh"):
        fastrnn.utils.set_random_seed(1)
        dense = fastrnn.layers.Dense(3, activation=activation)
        model = fastrnn.Sequential([fastrnn.Input((5, 3)), fastrnn.layers.LSTM(4), dense])
        model.compile("sgd", "mse")
        losses.append([model.train_on_batch(X, np.ones((6, 3))) for _ in range(3)])
    np.testing.assert_allclose(losses[0], losses[2], rtol=1e-6)
    np.testing.assert_allclose(losses[1], losses[2], rtol=1e-6)


def test_an_activation_that_needs_values_names_its_line_in_training():
    def choose(x):
        return x if x.sum() > 0 else 2 * x

    layers = fastrnn.layers
    model = fastrnn.Sequential([fastrnn.Input((5, 3)), layers.GRU(2), layers.Dense(2, choose)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.evaluate(X, Y, verbose=0))
    with pytest.raises((TypeError, AttributeError), match=r"In activation 'choose', .*line \d+"):
        model.train_on_batch(X, Y)


def test_an_activation_object_is_noted_on_symbolic_tensors():
    entry = fastrnn.Input((3,))
    model = fastrnn.Model(entry, fastrnn.activations.get("elu")(entry))
    x = X[:, 0]
    np.testing.assert_allclose(model(x), fastrnn.activations.elu(x), rtol=1e-6)


def test_a_lambda_of_several_inputs_and_a_mask():
    layers, ops = fastrnn.layers, fastrnn.ops
    entry = fastrnn.Input((5, 3))
    h = layers.GRU(4, return_sequences=True)(layers.Masking()(entry))

    def pooled(inputs, mask=None):
        h, x = inputs
        keep = ops.cast(mask[0], "float32")[..., None]
        return ops.sum(h * keep, axis=1) / ops.sum(keep, axis=1) + ops.mean(x, axis=(1, 2))[:, None]

    outputs = layers.Lambda(pooled, output_shape=(4,))([h, entry])
    model = fastrnn.Model(entry, outputs)
    model.compile(fastrnn.optimizers.SGD(0.1), "mse")
    x = X.copy()
    x[2, 3:] = 0
    values = model.predict(x, verbose=0)
    assert values.shape == (6, 4)
    first, *_, last = (model.train_on_batch(x, values + 1) for _ in range(5))
    assert last < first
