"""Streams: single steps against one long ``predict``, and what can go wrong in a step."""

import contextlib
import copy
import os
import pickle
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from tolerance import assert_close

import fastrnn
from fastrnn import Input, Model, Sequential, _fused, config, layers
from fastrnn.streaming import LayerStream, Stream

ISAS = _fused.usable_isas()
RECURRENT = {
    "simple_rnn": layers.SimpleRNN,
    "lstm": layers.LSTM,
    "gru": lambda units, **options: layers.GRU(units, reset_after=False, **options),
    "gru_reset_after": layers.GRU,
}
BATCHES = (1, 2, 3, 7, 17)
STEPS = 11


@contextlib.contextmanager
def settings(isa="auto", engine="auto"):
    config.set_isa(isa)
    config.set_engine(engine)
    try:
        yield
    finally:
        config.set_isa("auto")
        config.set_engine("auto")


def randomize(layer, seed=0):
    """Give every weight random values: no bias, gain or moving average is left at 0 or 1."""
    rng = np.random.default_rng(seed)
    for variable in layer.weights:
        values = rng.standard_normal(variable.shape) / np.sqrt(variable.shape[0])
        variable.assign(np.abs(values) if variable.name == "moving_variance" else values)
    return layer


def sequential(*chain, features=5, dtype="float32", seed=0):
    return randomize(Sequential([Input((None, features), dtype=dtype), *chain]), seed)


def sequences(batch, features=5, dtype="float32", steps=STEPS):
    return np.random.default_rng(1).standard_normal((batch, steps, features)).astype(dtype)


def step_through(stream, x):
    """The outputs of all steps, one call for each."""
    return np.stack([stream(np.ascontiguousarray(x[:, t])) for t in range(x.shape[1])], axis=1)


# ---- the same results as predict ----


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("units", [1, 16, 33, 70])
@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers_have_the_bits_of_predict(name, units, isa, dtype):
    with settings(isa):
        model = sequential(
            RECURRENT[name](units, return_sequences=True, dtype=dtype),
            layers.Dropout(0.5, dtype=dtype),
            layers.BatchNormalization(dtype=dtype),
            RECURRENT[name](20, return_sequences=True, use_bias=False, dtype=dtype),
            dtype=dtype,
        )
        for batch in BATCHES:
            x = sequences(batch, dtype=dtype)
            stream = model.stream(batch)
            assert stream.engine == "fused"
            outputs = step_through(stream, x)
            assert outputs.dtype == dtype
            np.testing.assert_array_equal(outputs, model.predict(x, verbose=0), err_msg=str(batch))


ACTIVATIONS = ("linear", "tanh", "sigmoid", "relu", "hard_sigmoid")


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", RECURRENT)
def test_every_activation_of_the_fused_engine(name, activation):
    options = {} if name == "simple_rnn" else {"recurrent_activation": activation}
    layer = RECURRENT[name](9, activation=activation, return_sequences=True, **options)
    model = sequential(layer)
    x = sequences(2)
    stream = layer.stream(2)
    assert stream.engine == "fused"
    np.testing.assert_array_equal(step_through(stream, x), model.predict(x, verbose=0))


CHAINS = {
    "dense": lambda dtype: [layers.Dense(40, dtype=dtype), layers.Dense(1, dtype=dtype)],
    "dense_tanh": lambda dtype: [layers.Dense(70, "tanh", use_bias=False, dtype=dtype)],
    "softmax": lambda dtype: [layers.Dense(19, "softmax", dtype=dtype)],
    "layer_norm": lambda dtype: [layers.LayerNormalization(dtype=dtype)],
    "layer_norm_plain": lambda dtype: [
        layers.LayerNormalization(axis=[2], center=False, scale=False, dtype=dtype)
    ],
    "batch_norm": lambda dtype: [layers.BatchNormalization(scale=False, dtype=dtype)],
    "rescaling": lambda dtype: [layers.Rescaling(0.3, -2.0, dtype=dtype)],
    "activation": lambda dtype: [
        layers.Activation("sigmoid", dtype=dtype),
        layers.Activation("softmax", dtype=dtype),
    ],
    "identities": lambda dtype: [
        layers.SpatialDropout1D(0.5, dtype=dtype),
        layers.GaussianNoise(0.5, dtype=dtype),
        layers.ActivityRegularization(0.1, dtype=dtype),
        layers.Identity(dtype=dtype),
    ],
    "time_distributed": lambda dtype: [
        layers.TimeDistributed(layers.Dense(6, "relu", dtype=dtype), dtype=dtype),
        layers.TimeDistributed(layers.BatchNormalization(dtype=dtype), dtype=dtype),
        layers.TimeDistributed(layers.LayerNormalization(dtype=dtype), dtype=dtype),
    ],
    "rnn": lambda dtype: [
        layers.RNN(
            [layers.LSTMCell(6, dtype=dtype), layers.GRUCell(4, dtype=dtype)],
            return_sequences=True,
        )
    ],
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", CHAINS)
def test_layers_around_the_recurrent_ones(name, isa, dtype):
    with settings(isa):
        model = sequential(
            layers.LSTM(23, return_sequences=True, dtype=dtype), *CHAINS[name](dtype), dtype=dtype
        )
        for batch in BATCHES:
            x = sequences(batch, dtype=dtype)
            stream = model.stream(batch)
            assert stream.engine == "fused"
            expected = model.predict(x, verbose=0)
            assert_close(step_through(stream, x), expected, n_accumulated=70, timesteps=STEPS)
            stream.reset()
            np.testing.assert_array_equal(stream.run(x)[:, -1], stream_last(model, x))


def stream_last(model, x):
    return step_through(model.stream(len(x)), x)[:, -1]


@pytest.mark.parametrize("batch", BATCHES)
def test_embedding_takes_integers(batch):
    model = Sequential(
        [Input((None,), dtype="int32"), layers.Embedding(50, 6), layers.GRU(9), layers.Dense(3)]
    )
    ids = np.random.default_rng(0).integers(0, 50, (batch, STEPS))
    stream = model.stream(batch)
    assert stream.engine == "fused"
    last = step_through(stream, ids)[:, -1]
    np.testing.assert_allclose(last, model.predict(ids, verbose=0), atol=1e-6)
    for dtype in ("int8", "float32"):
        stream.reset()
        np.testing.assert_array_equal(step_through(stream, ids.astype(dtype))[:, -1], last)
    stream.reset()
    np.testing.assert_array_equal(stream.run(ids)[:, -1], last)
    table = layers.Embedding(50, 6)
    table.build((None, None))
    np.testing.assert_array_equal(table.stream(batch)(ids[:, 0]), table.embeddings.value[ids[:, 0]])


@pytest.mark.parametrize("value", [-1, 50, 2**40, np.nan, np.inf])
@pytest.mark.parametrize("first", [0, 3])
def test_an_integer_out_of_range_is_refused_and_changes_nothing(first, value):
    model = Sequential([Input((None,)), layers.Embedding(50, 6), layers.LSTM(9)])
    stream = model.stream(2)
    stream(np.array([1, 2]))
    before = stream.state
    with pytest.raises(ValueError, match="integers"):
        stream(np.array([first, value]))
    with pytest.raises(ValueError, match="integers"):
        stream.run([[first, 1], [first, value]])
    np.testing.assert_array_equal(stream.state, before)


def test_the_last_recurrent_layer_gives_every_step():
    x = sequences(2)
    last = sequential(layers.LSTM(8, return_sequences=True), layers.GRU(6), layers.Dense(2))
    outputs = step_through(last.stream(2), x)
    for t in (5, STEPS):
        np.testing.assert_allclose(outputs[:, t - 1], last.predict(x[:, :t], verbose=0), atol=1e-6)


def test_functional_nested_and_subclassed_models():
    inputs = Input((None, 5))
    inner = Sequential([Input((None, 8)), layers.GRU(6, return_sequences=True), layers.Dense(4)])
    outputs = layers.Dense(2)(inner(layers.LSTM(8, return_sequences=True)(inputs)))
    functional = randomize(Model(inputs, outputs))

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.first, self.last = layers.LSTM(8), layers.Dense(3)

        def call(self, inputs, training=False):
            return self.last(self.first(inputs, training=training))

    own = Own()
    with pytest.raises(ValueError, match="has not been called"):
        own.stream()
    x = sequences(3)
    own(x)
    for model in (functional, own):
        stream = model.stream(3)
        assert stream.engine == "fused"
        assert_close(
            step_through(stream, x)[:, -1],
            model.predict(x, verbose=0).reshape(3, -1)[:, -stream(x[:, 0]).shape[1] :],
            n_accumulated=20,
            timesteps=STEPS,
        )


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


# ---- steps: inputs and outputs ----


def small_stream(batch=2, dtype="float32"):
    return sequential(layers.LSTM(6, dtype=dtype), dtype=dtype).stream(batch)


def unaligned(array):
    raw = np.empty(array.nbytes + 1, np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


class Subclass(np.ndarray):
    pass


INPUTS = {
    "list": lambda x: x.tolist(),
    "float64": lambda x: x.astype("float64"),
    "fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "negative strides": lambda x: x[:, ::-1].copy()[:, ::-1],
    "unaligned": unaligned,
    "byte-swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "subclass": lambda x: x.view(Subclass),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
}


@pytest.mark.parametrize("change", INPUTS.values(), ids=INPUTS)
def test_any_memory_layout_of_a_step(change):
    x = sequences(2)[:, 0].copy()
    np.testing.assert_array_equal(small_stream()(change(x)), small_stream()(x))


WRONG = [
    None, 1.0, "a", b"abc", [], [[]], [[1, 2], [3]], object(), {"a": 1}, np.zeros(5), 1j,
    np.zeros((2, 4), "float32"), np.zeros((3, 5), "float32"), np.zeros((2, 1, 5), "float32"),
    np.zeros((0, 5), "float32"), np.zeros((2, 5), complex), np.array([["a"] * 5] * 2), np.ma.masked,
    np.zeros((5, 2), "float32"), np.zeros((2, 5), object), np.zeros((2, 5), "M8[s]"),
]  # fmt: skip


@pytest.mark.parametrize("x", WRONG, ids=range(len(WRONG)))
def test_wrong_inputs_are_refused_and_change_nothing(x):
    stream = small_stream()
    stream(np.ones((2, 5), "float32"))
    before = stream.state
    with pytest.raises(ValueError):
        stream(x)
    with pytest.raises(ValueError):
        stream.run(x if np.ndim(x) != 3 else x[:, :, :4])
    np.testing.assert_array_equal(stream.state, before)


BAD_OUT = [
    [[0.0] * 6] * 2, np.empty((2, 6)), np.empty((2, 5), "float32"), np.empty(12, "float32"),
    np.empty((6, 2), "float32").T, np.empty((2, 12), "float32")[:, ::2], "a", 1,
    np.broadcast_to(np.float32(1), (2, 6)), np.frombuffer(bytes(48), "float32").reshape(2, 6),
    unaligned(np.empty((2, 6), "float32")), np.empty((2, 6), ">f4"),
    np.empty((2, 6), "float32").view(Subclass),
]  # fmt: skip


@pytest.mark.parametrize("out", BAD_OUT, ids=range(len(BAD_OUT)))
def test_wrong_outputs_are_refused_and_change_nothing(out):
    stream, x = small_stream(), np.ones((2, 5), "float32")
    stream(x)
    before = stream.state
    with pytest.raises(ValueError, match=r"`out`.*\(2, 6\) and dtype float32"):
        stream(x, out=out)
    np.testing.assert_array_equal(stream.state, before)


def test_out_and_nothing_outside_it():
    x, stream, other = sequences(2), small_stream(), small_stream()
    around = np.full((4, 6), np.nan, "float32")
    for t in range(STEPS):
        assert stream(np.ascontiguousarray(x[:, t]), out=around[1:3]).base is around
        np.testing.assert_array_equal(around[1:3], other(x[:, t]))
        assert np.isnan(around[[0, 3]]).all()
    for fresh in (other(x[:, 0]), other.run(x), *other.state):
        assert fresh.flags.owndata and fresh.flags.writeable and fresh.flags.c_contiguous


@pytest.mark.parametrize("shift", [0, 3])
def test_the_input_may_be_where_the_output_goes(shift):
    model = sequential(layers.Dense(5, "tanh"))
    x = sequences(2)[:, 0].copy()
    room = np.zeros(10 + shift, "float32")
    given, out = room[:10].reshape(2, 5), room[shift:].reshape(2, 5)
    given[...] = x
    np.testing.assert_array_equal(model.stream(2)(given, out=out), model.stream(2)(x))


def test_nan_stays_in_its_row_and_reset_takes_it_away():
    for name in RECURRENT:
        stream = sequential(RECURRENT[name](19)).stream(3)
        x = sequences(3)[:, 0].copy()
        clean = stream(x)
        stream.reset()
        x[1] = np.nan
        y = stream(x)
        assert np.isnan(y[1]).all()
        np.testing.assert_array_equal(y[[0, 2]], clean[[0, 2]])
        stream.reset(1)
        x[1] = 0.5
        assert np.isfinite(stream(x)).all()


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
    count = 2 if name == "lstm" else 1
    assert [s.shape for s in saved] == [(3, 7)] * count + [(3, 4)] * count
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


# ---- memory and threads ----


def test_a_step_allocates_nothing():
    for model in (
        sequential(
            layers.LSTM(8, return_sequences=True), layers.GRU(6), layers.Dense(3, "softmax")
        ),
        sequential(layers.GRU(300)),  # large: without the GIL
    ):
        stream = model.stream(2)
        x = sequences(2)[:, 0].copy()
        out = stream(x)
        many = [None] * 1000
        tracemalloc.start()
        try:
            stream(x, out)
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            for _ in many:
                stream(x, out)
            after, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 200 and peak - before < 400


@pytest.mark.parametrize("units", [16, 300])
def test_four_threads_with_a_stream_each(units):
    model = sequential(layers.LSTM(units, return_sequences=True), layers.GRU(9))
    x = np.ascontiguousarray(sequences(1, steps=200)[0])
    expected = model.stream().run(x[None])[0]
    results, errors = [np.empty_like(expected) for _ in range(4)], []

    def work(k):
        try:
            for _ in range(3):
                stream = model.stream()
                for t in range(len(x)):
                    stream(x[t : t + 1], out=results[k][t : t + 1])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    before = threading.active_count()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and threading.active_count() == before
    for result in results:
        np.testing.assert_array_equal(result, expected)


def test_one_stream_in_two_threads_is_an_error_and_no_harm():
    stream = sequential(layers.LSTM(700)).stream()
    x, seen, stop = sequences(1)[:, 0].copy(), [], threading.Event()

    def work():
        while not stop.is_set():
            try:
                stream(x)
            except RuntimeError as error:
                seen.append(str(error))
                return

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
        if thread.is_alive():
            stop.set()
            thread.join()
            break
    stop.set()
    for thread in threads:
        thread.join()
    assert all("another thread" in message for message in seen)
    assert stream(x).shape == (1, 700)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", RECURRENT)
def test_threads_of_a_stream_change_no_bit(name, batch):
    model = sequential(RECURRENT[name](300, return_sequences=True), RECURRENT[name](150))
    x = sequences(batch, steps=60)
    alone = model.stream(batch).run(x)
    for _ in range(10):
        stream = model.stream(batch, threads=2)
        np.testing.assert_array_equal(step_through(stream, x), alone)
        stream.reset()
        np.testing.assert_array_equal(stream.run(x), alone)
    for threads in (0, -1, 1.5, None):
        with pytest.raises(ValueError, match="`threads`"):
            model.stream(threads=threads)


def test_threads_of_a_stream_end_with_it():
    model = sequential(layers.LSTM(200))
    before = count_threads()
    streams = [model.stream(threads=2) for _ in range(8)]
    assert count_threads() <= before + 8
    del streams
    assert count_threads() == before


def count_threads():
    """Threads of this process, as far as the system tells."""
    folder = Path("/proc/self/task")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_a_forked_child_goes_on_alone():
    code = """if True:
        import os, numpy as np
        from fastrnn import Input, Sequential, layers
        model = Sequential([Input((None, 5)), layers.LSTM(300)])
        stream, x = model.stream(threads=2), np.ones((1, 5), "float32")
        for _ in range(50):
            stream(x)
        state, expected = stream.state, stream(x)
        child = os.fork()
        stream.state = state
        for _ in range(3):
            stream.state = state
            assert np.array_equal(stream(x), expected)
        del stream
        if child == 0:
            os._exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    command = [sys.executable, "-P", "-W", "error", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.stdout.strip() == "7", result.stderr
