"""Streams: layers that run one by one, those that cannot be streamed, states and weights."""

import copy
import pickle

import numpy as np
import pytest
from streams import (
    RECURRENT,
    randomize,
    sequences,
    sequential,
    settings,
    small_stream,
    step_through,
)

import fastrnn
from fastrnn import Input, Model, Sequential, layers
from fastrnn.layers.base.streaming import LayerStream, Stream

# ---- streams of layers one by one ----

UNCOVERED = {
    "own activation": lambda: [layers.LSTM(6, activation=np.sin, return_sequences=True)],
    "elu": lambda: [layers.GRU(6, activation="elu", return_sequences=True)],
    "gelu": lambda: [layers.LSTM(6, return_sequences=True), layers.Dense(4, "gelu")],
    "unit norm": lambda: [
        layers.GRU(6, return_sequences=True),
        layers.UnitNormalization(axis=2),
        layers.LayerNormalization(axis=2),
        layers.BatchNormalization(axis=2),
    ],
    "activation layers": lambda: [
        layers.GRU(6, return_sequences=True),
        layers.RMSNormalization(),
        layers.ReLU(max_value=0.5),
        layers.LeakyReLU(),
        layers.ELU(),
    ],
    "normalization": lambda: [
        layers.Normalization(mean=0.5, variance=2.0),
        layers.LSTM(6, return_sequences=True),
    ],
    "two dtypes": lambda: [
        layers.LSTM(6, return_sequences=True),
        layers.GRU(5, return_sequences=True, dtype="float64"),
    ],
}


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", UNCOVERED)
def test_what_the_fused_engine_has_not_runs_layer_by_layer(name, batch):
    model = sequential(*UNCOVERED[name](), layers.Dropout(0.5))
    check_layer_stream(model, batch)


def test_a_quantized_model_is_streamed_as_such():
    model = sequential(layers.LSTM(16, return_sequences=True), layers.Dense(3))
    float_outputs = model.stream().run(sequences(1))
    model.layers[0].quantize("int8")
    check_layer_stream(model, 1)
    assert np.abs(model.stream().run(sequences(1)) - float_outputs).max() > 1e-5


@pytest.mark.parametrize("engine", ["reference", "blas"])
def test_a_forced_engine_runs_layer_by_layer(engine):
    with settings(engine=engine):
        for name in RECURRENT:
            check_layer_stream(sequential(RECURRENT[name](6, return_sequences=True)), 2)


def check_layer_stream(model, batch):
    x = sequences(batch)
    stream = model.stream(batch)
    assert isinstance(stream, LayerStream) and stream.engine == "layers"
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(step_through(stream, x), expected, atol=1e-6)
    saved = stream.state
    stream.reset()
    np.testing.assert_allclose(stream.run(x), expected, atol=1e-6)
    np.testing.assert_array_equal(stream.state[0], saved[0])
    stream.reset([0])
    assert not stream.state[0][0].any()
    out = np.empty(expected[:, 0].shape, expected.dtype)
    stream.reset()
    assert stream(x[:, 0], out=out) is out
    np.testing.assert_allclose(out, expected[:, 0], atol=1e-6)
    with pytest.raises(ValueError, match="`out`"):
        stream(x[:, 0], out=np.empty((batch, 1)))
    with pytest.raises(ValueError, match="`x`"):
        stream(x[:, 0, :2])
    with pytest.raises(ValueError, match="`x`"):
        stream.run(x[:, 0])


# ---- what cannot be streamed ----

REFUSED = {
    "bidirectional": (lambda: layers.Bidirectional(layers.LSTM(3)), "end of the sequence"),
    "backwards": (lambda: layers.LSTM(3, go_backwards=True), "goes backwards"),
    "pooling": (lambda: layers.GlobalMaxPooling1D(), "all steps"),
    "conv": (lambda: layers.Conv1D(3, 2), "several steps"),
    "masking": (lambda: layers.Masking(), "no masks"),
    "flatten": (lambda: layers.Flatten(), "axis"),
    "repeat": (lambda: Sequential([layers.GRU(3), layers.RepeatVector(4)]), "axis"),
    "inner steps": (
        lambda: layers.TimeDistributed(Sequential([layers.Reshape((5, 1)), layers.LSTM(2)])),
        "time steps of its own",
    ),
    "batch norm of steps": (lambda: layers.BatchNormalization(axis=1), "another axis"),
    "layer norm of steps": (lambda: layers.LayerNormalization(axis=1), "another axis"),
    "own layer": (lambda: Doubling(name="doubling"), "not known"),
}


class Doubling(layers.Layer):
    def forward(self, inputs, context, mask=None):
        return 2 * inputs, None


@pytest.mark.parametrize("name", REFUSED)
def test_a_layer_that_needs_more_than_a_step_is_named(name):
    make, reason = REFUSED[name]
    layer = make()
    model = Sequential([Input((6, 5)), layer])
    culprit = model.stream_layers()[-1]
    with pytest.raises(ValueError, match=f"'{culprit.name}'.*cannot be streamed.*{reason}"):
        model.stream()


def test_other_refusals():
    with pytest.raises(ValueError, match="mask_zero"):
        Sequential([Input((None,)), layers.Embedding(5, 2, mask_zero=True)]).stream()
    with pytest.raises(ValueError, match="no weights yet"):
        layers.LSTM(3).stream()
    with pytest.raises(ValueError, match="features"):
        layers.Activation("tanh").stream()
    for batch in (0, -1, 2.0, "a", None, 2**62):
        with pytest.raises((ValueError, MemoryError)):
            sequential(layers.LSTM(3)).stream(batch)
    a, b = Input((None, 3)), Input((None, 3))
    with pytest.raises(ValueError, match="something else"):
        Model([a, b], layers.add([a, b])).stream()
    shared = layers.LSTM(3, return_sequences=True)(a)
    with pytest.raises(ValueError, match="something else"):
        Model(a, layers.add([a, layers.Dense(3)(shared)])).stream()
    with pytest.raises(ValueError, match="one output"):
        Model(a, [shared, layers.Dense(2)(shared)]).stream()
    with pytest.raises(ValueError, match="training=True"):
        Model(a, layers.Dropout(0.5)(shared, training=True)).stream()


# ---- states, weights ----


@pytest.mark.parametrize("name", RECURRENT)
def test_states_in_keras_order_saved_and_set(name):
    model = sequential(
        RECURRENT[name](7, return_sequences=True, return_state=False),
        RECURRENT[name](4, return_sequences=True),
    )
    x, stream = sequences(3), model.stream(3)
    stream.run(x[:, :5])
    saved = stream.state
    shapes = [(3, size) for layer in model.layers for size in layer.cell.state_sizes]
    assert [s.shape for s in saved] == shapes
    count = 2 if "lstm" in name else 1
    assert len(shapes) == 2 * count
    first = RECURRENT[name](7, return_state=True)
    first.build((None, None, 5))
    first.set_weights(model.layers[0].get_weights())
    for state, expected in zip(saved[:count], first(x[:, :5])[1:], strict=True):
        np.testing.assert_array_equal(state, expected)
    rest = stream.run(x[:, 5:])
    for states in (saved, tuple(s.astype("float64") for s in saved), [s.tolist() for s in saved]):
        other = model.stream(3)
        other(x[:, 0])
        other.state = states
        np.testing.assert_array_equal(other.run(x[:, 5:]), rest)
    saved[0][...] = 9  # a copy
    np.testing.assert_array_equal(stream.state[0] == 9, False)


def test_wrong_states_are_refused_and_change_nothing():
    stream = small_stream()
    stream(np.ones((2, 5), "float32"))
    before = stream.state
    zeros = np.zeros((2, 6))
    for states in ([], [zeros], [zeros, zeros[:1]], [zeros] * 3, [zeros, [["a"] * 6] * 2]):
        with pytest.raises(ValueError, match="`state`"):
            stream.state = states
    for states in (None, zeros, 3):
        with pytest.raises(TypeError, match="`state`"):
            stream.state = states
    np.testing.assert_array_equal(stream.state, before)


def test_reset_of_some_rows():
    x, stream = sequences(4), small_stream(4)
    for rows, reset in (
        (2, [2]),
        ([0, 3], [0, 3]),
        ([], []),
        (np.arange(4) == 1, [1]),
        (None, [0, 1, 2, 3]),
    ):
        stream.run(x)
        before = stream.state
        stream.reset(rows)
        for state, old in zip(stream.state, before, strict=True):
            old[reset] = 0
            np.testing.assert_array_equal(state, old)
    for rows in (4, -1, [0, 9], "a", 1.5, [[0]], [True], np.ones(3, bool)):
        with pytest.raises(ValueError, match="`rows`"):
            stream.reset(rows)


def test_weights_are_those_of_its_beginning_until_refresh():
    for engine in ("auto", "blas"):
        with settings(engine=engine):
            model = sequential(
                layers.LSTM(6, return_sequences=True), layers.BatchNormalization(), layers.Dense(2)
            )
            x, stream = sequences(2), model.stream(2)
            before, state = stream(x[:, 0]), stream.state
            randomize(model, seed=7)
            stream.reset()
            np.testing.assert_array_equal(stream(x[:, 0]), before)
            stream.refresh()
            np.testing.assert_array_equal(stream.state[0], state[0])
            stream.reset()
            np.testing.assert_allclose(stream.run(x), model.predict(x, verbose=0), atol=1e-6)
            assert np.abs(stream(x[:, 0]) - before).max() > 1e-3
    with settings():
        model = sequential(layers.Dense(4))
        stream = model.stream()
        model.layers[0].activation = fastrnn.activations.tanh
        with pytest.raises(ValueError, match="new stream"):
            stream.refresh()


def test_a_stream_is_an_object_of_its_own():
    stream = small_stream()
    assert isinstance(stream, Stream)
    assert repr(stream) == "<Stream of lstm; batch_size=2, engine=fused>".replace(
        "lstm", stream._layers[0].name
    )
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            duplicate(stream)
