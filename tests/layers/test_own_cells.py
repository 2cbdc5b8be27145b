"""Cells of one's own, written Keras's way: the same code on fastrnn and on live Keras."""

import numpy as np
import pytest
from live_keras import keras
from own_cells import OWN_CELLS

import fastrnn

RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 5, 3)).astype("float32")
X[2, 3:] = 0  # steps that masks leave out


def plain(package, make):
    return [package.layers.RNN(make(package)), package.layers.Dense(2)]


def sequences(package, make):
    layers = package.layers
    rnn = layers.RNN(make(package), return_sequences=True, go_backwards=True)
    return [rnn, layers.GRU(3), layers.Dense(2)]


def masked(package, make):
    layers = package.layers
    return [layers.Masking(), layers.RNN(make(package), return_sequences=True), layers.Dense(2)]


def both_ways(package, make):
    layers, cell = package.layers, make(package)
    with package.utils.custom_object_scope({type(cell).__name__: type(cell)}):
        return [layers.Bidirectional(layers.RNN(cell)), layers.Dense(2)]


def stacked(package, make):
    layers = package.layers
    cells = [layers.GRUCell(3), make(package), make(package)]
    return [layers.RNN(cells), layers.Dense(2)]


USES = [plain, sequences, masked, both_ways, stacked]


def model_of(package, use, make):
    return package.Sequential([package.Input((5, 3)), *use(package, make)])


@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
@pytest.mark.parametrize("make", OWN_CELLS, ids=lambda make: make.__name__)
def test_outputs_and_training_are_those_of_keras(make, use):
    own, theirs = (model_of(package, use, make) for package in (fastrnn, keras))
    assert [w.shape for w in own.weights] == [tuple(w.shape) for w in theirs.weights]
    theirs.set_weights(own.get_weights())
    np.testing.assert_allclose(
        own.predict(X, verbose=0), theirs.predict(X, verbose=0), rtol=1e-5, atol=2e-6
    )
    y = RNG.standard_normal((6, *own.output_shape[1:])).astype("float32")
    found = []
    for package, model in ((fastrnn, own), (keras, theirs)):
        model.compile(package.optimizers.SGD(0.1, momentum=0.5), "mse")
        losses = [model.train_on_batch(X, y) for _ in range(3)]
        found.append((losses, model.get_weights()))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=2e-5)
    for a, b in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6)
