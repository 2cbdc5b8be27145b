"""Layers of one's own, written Keras's way: the same code on fastrnn and on live Keras."""

import numpy as np
import pytest
from live_keras import keras
from own_layers import OWN_LAYERS

import fastrnn

RNG = np.random.default_rng(0)


def pair(make):
    """Return the model of fastrnn and that of Keras, with the same weights."""
    models = []
    for package in (fastrnn, keras):
        package.utils.set_random_seed(1)
        _, model = make(package)
        entry = package.Input((5, 3))
        models.append(package.Model(entry, model(entry)))
    own, theirs = models
    theirs.set_weights(own.get_weights())
    return own, theirs


def data(model):
    x = RNG.standard_normal((6, 5, 3)).astype("float32")
    x[2, 3:] = 0  # steps that masks leave out
    y = RNG.standard_normal((6, *model.output_shape[1:])).astype("float32")
    return x, y


@pytest.mark.parametrize("make", OWN_LAYERS, ids=lambda make: make.__name__)
def test_outputs_shapes_and_weights_are_those_of_keras(make):
    own, theirs = pair(make)
    assert own.output_shape == theirs.output_shape
    assert [w.shape for w in own.trainable_weights] == [
        tuple(w.shape) for w in theirs.trainable_weights
    ]
    assert [w.name for w in own.weights] == [w.name for w in theirs.weights]
    assert own.count_params() == theirs.count_params()
    for size in (6, 4):
        x, _ = data(own)
        np.testing.assert_allclose(
            own.predict(x[:size], verbose=0), theirs.predict(x[:size], verbose=0), atol=2e-6
        )


@pytest.mark.parametrize("make", OWN_LAYERS, ids=lambda make: make.__name__)
def test_training_is_that_of_keras(make):
    own, theirs = pair(make)
    x, y = data(own)
    results = []
    for package, model in ((fastrnn, own), (keras, theirs)):
        model.compile(package.optimizers.SGD(0.1, momentum=0.5), "mse")
        losses = [model.train_on_batch(x, y) for _ in range(3)]
        losses.append(model.evaluate(x, y, verbose=0))
        results.append((losses, [np.asarray(w) for w in model.get_weights()]))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=2e-5)
    for a, b in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(a, b, atol=5e-6)
