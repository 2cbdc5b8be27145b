"""Random small models against live Keras: outputs, losses and weights of training.

Each configuration comes from its seed alone; ``random_models.draw(seed)`` shows it.
"""

import numpy as np
import pytest
import random_models
from live_keras import keras
from tolerance import tolerance

import fastrnn

COUNT, STEPS = 510, 3

# Seeds that cannot be compared, and why.
EXCLUDED = {
    138: "UnitNormalization of zeros: Keras's gradients are NaN",
    490: "CosineSimilarity of predictions of zeros: Keras's gradients are NaN",
    403: "the loss jumps from 3 to 15: rounding grows beyond the tolerance, in float64 they agree",
    427: "unstable: Keras's own weights in float32 and in float64 differ by more than 1",
}
CONFIGS = [random_models.draw(seed) for seed in range(COUNT) if seed not in EXCLUDED]


def random_weights(model, rng):
    """Moving averages are positive, as a variance is."""
    return [
        (rng.standard_normal(v.shape) * 0.5 if v.trainable else rng.random(v.shape) + 0.5).astype(
            "float32"
        )
        for v in model.weights
    ]


def assert_near(actual, expected, name, backward=False):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, (name, actual.shape, expected.shape)
    assert np.isfinite(expected).all(), f"{name} of Keras is not finite"
    steps = STEPS if backward else 1
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    allowed = steps * tolerance("float32", 64, 7, backward) * scale
    worst = np.abs(actual - expected).max(initial=0.0)
    assert worst <= allowed, f"{name} differs by {worst:.3g}, allowed {allowed:.3g}"


def compare(config):
    ours, theirs = config.build(fastrnn), config.build(keras)
    assert [(v.name, tuple(v.shape)) for v in ours.weights] == [
        (v.name, tuple(v.shape)) for v in theirs.weights
    ]
    assert ours.output_shape == theirs.output_shape
    rng = np.random.default_rng(config.seed)
    weights = random_weights(ours, rng)
    for model in (ours, theirs):
        model.set_weights(weights)
    x = random_models.draw_inputs(config, rng)
    expected = theirs.predict_on_batch(x)
    assert_near(ours.predict_on_batch(x), expected, "predictions")
    y = random_models.draw_targets(config, expected.shape, rng)
    for step in range(STEPS):
        losses = [model.train_on_batch(x, y) for model in (ours, theirs)]
        assert_near(*losses, f"loss of step {step}", backward=True)
        pairs = zip(ours.get_weights(), theirs.get_weights(), strict=True)
        for variable, (actual, wanted) in zip(ours.weights, pairs, strict=True):
            assert_near(actual, wanted, f"{variable.path} after step {step}", backward=True)


# Keras warns where a mask ends, where a model has nothing to train, and of softmax over one unit.
@pytest.mark.filterwarnings("ignore:[\\s\\S]*using a softmax over axis")
@pytest.mark.filterwarnings("ignore:Layer .* does not support masking")
@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.id)
def test_a_random_model_is_keras_s(config):
    try:
        compare(config)
    except Exception as error:
        error.add_note(f"The configuration: {config}")
        raise
