"""Streams: single steps against one long ``predict``, and what can go wrong in a step."""

import os
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from streams import (
    RECURRENT,
    STEPS,
    randomize,
    sequences,
    sequential,
    settings,
    small_stream,
    step_through,
)
from tolerance import assert_close

from fastrnn import Input, Model, Sequential, layers
from fastrnn.engines.fused import engine as fused

ISAS = fused.usable_isas()
BATCHES = (1, 2, 3, 7, 17)


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
    "activation layers": lambda dtype: [layers.ReLU(dtype=dtype), layers.Softmax(dtype=dtype)],
    "identities": lambda dtype: [
        layers.AlphaDropout(0.5, dtype=dtype),
        layers.GaussianDropout(0.5, dtype=dtype),
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


# ---- steps: inputs and outputs ----


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
                stop.set()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    stop.wait(timeout=20)  # for the first error
    stop.set()
    for thread in threads:
        thread.join()
    assert seen and all("another thread" in message for message in seen)
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
