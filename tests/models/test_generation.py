"""One step at a time: a loop over ``predict`` gives what one pass over the sequence gives."""

import numpy as np
import pytest

import fastrnn
from fastrnn import Input, Sequential, layers

CELLS = {
    "SimpleRNN": {},
    "LSTM": {},
    "GRU": {},
    "GRU, reset before": {"reset_after": False},
}
STEPS, FEATURES, LETTERS = 9, 3, 7


def recurrent(name, units, **options):
    return getattr(layers, name.split(",")[0])(units, **CELLS[name], **options)


def stack(name, batch_shape, stateful):
    options = {"return_sequences": True, "stateful": stateful}
    return Sequential(
        [
            Input(batch_shape=batch_shape),
            recurrent(name, 6, **options),
            recurrent(name, 5, **options),
            layers.Dense(2),
        ]
    )


# One product over all steps adds up in another order than one product a step.
ROUNDING = {"rtol": 1e-5, "atol": 1e-6}


@pytest.mark.parametrize("name", CELLS)
def test_predict_with_kept_states(name):
    x = np.random.default_rng(0).standard_normal((2, STEPS, FEATURES)).astype("float32")
    whole = stack(name, (None, None, FEATURES), stateful=False)
    stepper = stack(name, (2, 1, FEATURES), stateful=True)
    stepper.set_weights(whole.get_weights())
    expected = whole.predict(x, verbose=0)
    for _ in range(2):
        steps = [stepper.predict(x[:, t : t + 1], verbose=0) for t in range(STEPS)]
        np.testing.assert_allclose(np.concatenate(steps, axis=1), expected, **ROUNDING)
        assert np.abs(stepper.predict(x[:, :1], verbose=0) - expected[:, :1]).max() > 1e-3
        stepper.reset_states()


@pytest.mark.parametrize("name", CELLS)
def test_a_layer_with_carried_states(name):
    fastrnn.utils.set_random_seed(0)
    x = np.random.default_rng(0).standard_normal((2, STEPS, FEATURES)).astype("float32")
    layer = recurrent(name, 4, return_sequences=True, return_state=True)
    expected, *last = layer(x)
    parts, states = [], None
    for t in range(STEPS):
        part, *states = layer(x[:, t : t + 1], initial_state=states)
        parts.append(part)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, **ROUNDING)
    np.testing.assert_allclose(states, last, **ROUNDING)


@pytest.mark.parametrize("name", CELLS)
def test_a_model_writes_the_sequence_that_it_has_learned(name):
    """One letter in, the rest out: each letter that is written is the next input."""
    fastrnn.utils.set_random_seed(0)
    text = np.random.default_rng(1).permutation(LETTERS)[np.arange(30) % LETTERS]

    def build(batch_shape, stateful):
        recurrent_layer = recurrent(name, 16, return_sequences=True, stateful=stateful)
        softmax = layers.Dense(LETTERS, activation="softmax")
        embedding = layers.Embedding(LETTERS, 6)
        return Sequential([Input(batch_shape=batch_shape), embedding, recurrent_layer, softmax])

    model = build((None, None), stateful=False)
    model.compile(fastrnn.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
    pieces = np.lib.stride_tricks.sliding_window_view(text, 11)
    model.fit(pieces[:, :-1], pieces[:, 1:], epochs=40, batch_size=10, verbose=0)
    writer = build((1, 1), stateful=True)
    writer.set_weights(model.get_weights())
    written = [text[0]]
    for _ in range(20):
        p = writer.predict(np.array([[written[-1]]]), verbose=0)
        written.append(p[0, 0].argmax())
    assert written == text[:21].tolist()
