"""Dense with an activation of the user's, which sees the whole result."""

import numpy as np
from live_keras import keras

import fastrnn


def softmax_over_time(package):
    def activation(x):
        e = package.ops.exp(x - package.ops.max(x, axis=1, keepdims=True))
        return e / package.ops.sum(e, axis=1, keepdims=True)

    return activation


def test_an_activation_along_the_steps():
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    results = []
    for package in (fastrnn, keras):
        layer = package.layers.Dense(1, activation=softmax_over_time(package))
        layer.build(x.shape)
        layer.set_weights([np.ones((3, 1), "float32"), np.zeros(1, "float32")])
        results.append(package.ops.convert_to_numpy(layer(x)))
    np.testing.assert_allclose(*results, rtol=1e-5)
    np.testing.assert_allclose(results[0].sum(1), 1, rtol=1e-5)
