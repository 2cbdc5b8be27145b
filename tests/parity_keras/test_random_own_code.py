"""Random losses, metrics and cells of one's own: training against live Keras."""

import numpy as np
import pytest
import random_own_code
from live_keras import keras

import fastrnn


@pytest.mark.parametrize("seed", range(30))
def test_random_code_of_the_user_trains_as_in_keras(seed):
    models = [random_own_code.model(package, seed) for package in (fastrnn, keras)]
    own, theirs = models
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0, 0.5, w.shape).astype("float32") for w in own.get_weights()]
    for model in models:
        model.set_weights(weights)
    x = rng.standard_normal((6, 5, 3)).astype("float32")
    x[1, 3:] = x[4, 2:4] = 0  # steps that masks leave out
    y = rng.standard_normal((6, *own.output_shape[1:])).astype("float32")
    np.testing.assert_allclose(
        own.predict_on_batch(x), theirs.predict_on_batch(x), rtol=1e-5, atol=1e-6
    )
    for _ in range(3):
        logs = [model.train_on_batch(x, y, return_dict=True) for model in models]
        assert logs[0].keys() == logs[1].keys()
        for name, number in logs[0].items():
            assert number == pytest.approx(logs[1][name], rel=3e-5, abs=1e-6), name
    for a, b in zip(own.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=5e-6)
