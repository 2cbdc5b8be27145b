"""The models of the textbook chapter on recurrent networks that this package grew from.

Each at the chapter's shapes, with few samples: as many parameters as in live Keras, the same
outputs from the same weights, and a loss that training brings down.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from live_keras import keras
from tolerance import assert_close

import fastrnn

SAMPLES, TIME, FEATURES = 64, 100, 50
WORDS, REVIEW = 10_000, 200


# ---- data that can be learned: (x, y) from a generator of random numbers ----


def shifted(classes, rng, shape):
    """Noise, moved along a direction of its class."""
    labels = rng.integers(0, classes, shape[:-1])
    directions = rng.standard_normal((classes, shape[-1]))
    return labels, rng.standard_normal(shape) + directions[labels]


def sequences_of_two_kinds(rng):
    labels, x = shifted(2, rng, (SAMPLES, 1, FEATURES))
    return x + rng.standard_normal((SAMPLES, TIME, FEATURES)), labels


def sequences_with_tags(rng):
    labels, x = shifted(10, rng, (SAMPLES, TIME, FEATURES))
    return x, labels


def one_value_to_a_sequence(rng):
    """A frequency, and the wave that has it."""
    frequency = rng.uniform(0.2, 1.0, (SAMPLES, 1))
    return frequency, np.sin(frequency * np.arange(20))[..., None]


def sequence_to_another_length(rng):
    """Twelve numbers; the running sums of the first four."""
    x = rng.uniform(-1, 1, (SAMPLES * 4, 12, 1))
    return x, x[:, :4].cumsum(axis=1)


def few_steps(rng):
    """Ten inputs at each of five steps; five outputs that also depend on the step before."""
    x = rng.standard_normal((SAMPLES * 4, 5, 10))
    before = np.concatenate([np.zeros_like(x[:, :1]), x[:, :-1]], axis=1)
    return x, np.tanh(x[..., :5] + before[..., 5:])


def noisy_wave(rng):
    t = np.linspace(0, 100, 1000)
    series = np.sin(t) + 0.1 * rng.standard_normal(1000)
    series = (series - series.min()) / (series.max() - series.min())
    windows = np.lib.stride_tricks.sliding_window_view(series, 51)[::3]
    return windows[:, :50, None], windows[:, 50:]


def reviews(rng):
    """Common words, and a few more frequent in one kind of review; zeros before short ones."""
    labels = rng.integers(0, 2, SAMPLES)
    words = rng.integers(100, WORDS, (SAMPLES, REVIEW))
    telling = rng.random((SAMPLES, REVIEW)) < 0.3
    words[telling] = (10 + 40 * labels[:, None] + rng.integers(0, 40, words.shape))[telling]
    words[np.arange(REVIEW) < rng.integers(0, REVIEW // 2, (SAMPLES, 1))] = 0
    return words, labels


# ---- the models ----


@dataclass
class Model:
    shape: tuple[int, ...]
    layers: Callable
    data: Callable
    loss: str
    epochs: int = 6
    batch_size: int = 16


def binary(layers, **options):
    """A model that reads (100, 50) and says which of two kinds it is."""
    shape = (TIME, FEATURES)
    return Model(shape, layers, sequences_of_two_kinds, "binary_crossentropy", **options)


def to_number(layers, **options):
    """A model that reads (100, 50) and gives one number without bounds."""
    return Model((TIME, FEATURES), layers, sequences_of_two_kinds, "mse", **options)


def imdb(L):
    lstm = L.LSTM(64, dropout=0.2, recurrent_dropout=0.2)
    return [L.Embedding(WORDS, 128), L.Bidirectional(lstm), L.Dense(1, activation="sigmoid")]


MODELS = {
    "rnn from its equations": Model(
        (5, 10),
        lambda L: [L.SimpleRNN(20, return_sequences=True), L.Dense(5)],
        few_steps,
        "mse",
        epochs=12,
    ),
    "lstm": binary(lambda L: [L.LSTM(128), L.Dense(1, activation="sigmoid")]),
    "stacked lstm": to_number(
        lambda L: [
            L.LSTM(128, return_sequences=True),
            L.LSTM(64, return_sequences=True),
            L.LSTM(32),
            L.Dense(1),
        ]
    ),
    "gru": to_number(lambda L: [L.GRU(128), L.Dense(1)]),
    "bidirectional lstm": to_number(lambda L: [L.Bidirectional(L.LSTM(64)), L.Dense(1)]),
    "many to one": Model(
        (TIME, FEATURES),
        lambda L: [L.LSTM(64), L.Dense(2, activation="softmax")],
        sequences_of_two_kinds,
        "sparse_categorical_crossentropy",
    ),
    "one to many": Model(
        (1,),
        lambda L: [L.RepeatVector(20), L.LSTM(32, return_sequences=True), L.Dense(1)],
        one_value_to_a_sequence,
        "mse",
        epochs=60,
    ),
    "many to many": Model(
        (TIME, FEATURES),
        lambda L: [L.LSTM(64, return_sequences=True), L.Dense(10, activation="softmax")],
        sequences_with_tags,
        "sparse_categorical_crossentropy",
    ),
    "many to many of another length": Model(
        (12, 1),
        lambda L: [
            L.LSTM(32),
            L.RepeatVector(4),
            L.LSTM(32, return_sequences=True),
            L.TimeDistributed(L.Dense(1)),
        ],
        sequence_to_another_length,
        "mse",
        epochs=20,
    ),
    "time series": Model(
        (50, 1),
        lambda L: [
            L.LSTM(50, return_sequences=True),
            L.LSTM(50),
            L.Dense(25, activation="relu"),
            L.Dense(1),
        ],
        noisy_wave,
        "mse",
    ),
    "text": Model((REVIEW,), imdb, reviews, "binary_crossentropy"),
    "dropout": to_number(
        lambda L: [L.LSTM(64, dropout=0.2, recurrent_dropout=0.2), L.Dropout(0.5), L.Dense(1)]
    ),
    "batch normalization": to_number(
        lambda L: [
            L.LSTM(64, return_sequences=True),
            L.BatchNormalization(),
            L.LSTM(32),
            L.Dense(1),
        ],
        epochs=8,
    ),
}


def build(package, name):
    description = MODELS[name]
    return package.Sequential(
        [package.Input(description.shape), *description.layers(package.layers)]
    )


def totals(model):
    """Return the lines of the summary below its table."""
    lines = []
    model.summary(print_fn=lines.append)
    return [line.strip() for line in "\n".join(lines).splitlines() if "params:" in line]


@pytest.mark.parametrize("name", MODELS)
def test_as_many_parameters_as_in_keras(name):
    ours, theirs = build(fastrnn, name), build(keras, name)
    assert ours.count_params() == theirs.count_params()
    assert [w.shape for w in ours.get_weights()] == [w.shape for w in theirs.get_weights()]
    assert len(totals(ours)) == 3
    assert totals(ours) == totals(theirs)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_outputs_as_keras(name):
    ours, theirs = build(fastrnn, name), build(keras, name)
    ours.set_weights(theirs.get_weights())
    x, _ = MODELS[name].data(np.random.default_rng(0))
    outputs = [model.predict(x[:4], verbose=0) for model in (ours, theirs)]
    widest = max(sum(w.shape) for w in ours.get_weights()[-3:])
    assert_close(*outputs, n_accumulated=widest, timesteps=MODELS[name].shape[0])


def loss_of_the_best_constant(y, loss):
    """What a model gets that has learned nothing about its inputs."""
    if loss == "mse":
        return np.var(y, axis=0).mean()
    shares = np.bincount(np.ravel(y)) / np.size(y)
    return -(shares * np.log(shares)).sum()


@pytest.mark.parametrize("name", MODELS)
def test_training_brings_the_loss_down(name):
    description = MODELS[name]
    x, y = description.data(np.random.default_rng(0))
    fastrnn.utils.set_random_seed(0)
    model = build(fastrnn, name)
    model.compile(fastrnn.optimizers.Adam(0.003, clipnorm=1.0), description.loss)
    before = model.evaluate(x, y, verbose=0)
    options = {"validation_split": 0.1, "verbose": 0}
    history = model.fit(x, y, description.batch_size, description.epochs, **options).history
    after = model.evaluate(x, y, verbose=0)
    assert history["loss"][-1] < history["loss"][0]
    assert after < 0.5 * min(before, loss_of_the_best_constant(y, description.loss)), history
