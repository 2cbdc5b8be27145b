"""The quick way to single steps of a cell computes what the long way does."""

import copy
import threading

import numpy as np
import pytest

import fastrnn
from fastrnn import config
from fastrnn.engines import dispatch
from fastrnn.layers import GRUCell, LSTMCell, SimpleRNNCell

CELLS = {
    "simple_rnn": SimpleRNNCell,
    "lstm": LSTMCell,
    "gru": lambda *args, **kwargs: GRUCell(*args, reset_after=False, **kwargs),
    "gru_reset_after": GRUCell,
}
RNG = np.random.default_rng(0)


def make(name, batch=5, units=33, dtype="float32", mode=None):
    fastrnn.utils.set_random_seed(1)
    cell = CELLS[name](units, dtype=dtype, dropout=0.5)
    cell.build((None, 20))
    cell.bias.assign(RNG.standard_normal(cell.bias.shape))
    if mode is not None:
        cell.use_quantized(cell.quantize_weights(mode))
    x = RNG.standard_normal((batch, 20)).astype(dtype)
    states = [RNG.standard_normal((batch, units)).astype(dtype) for _ in cell.spec.states]
    return cell, x, states


def long_way(monkeypatch, cell, x, states):
    with monkeypatch.context() as patch:
        patch.setattr(type(cell), "_quick_step", lambda self: None)
        return cell(x, states)


def assert_same(actual, expected):
    for one, other in zip([actual[0], *actual[1]], [expected[0], *expected[1]], strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("mode", [None, "int8", "bf16"])
@pytest.mark.parametrize("batch", [1, 2, 7, 64, 65])
@pytest.mark.parametrize("name", CELLS)
def test_the_same_bits(monkeypatch, name, batch, mode):
    cell, x, states = make(name, batch, mode=mode)
    expected = long_way(monkeypatch, cell, x, states)
    assert_same(cell(x, states), expected)
    assert_same(cell(x, tuple(states)), expected)
    assert (cell._quick_step()(x, states) is None) == (batch > 64)


@pytest.mark.parametrize("isa", dispatch.usable_instruction_sets())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CELLS)
def test_every_dtype_and_instruction_set(monkeypatch, name, dtype, isa):
    cell, x, states = make(name, dtype=dtype)
    cell(x, states)
    config.set_isa(isa)
    try:
        assert_same(cell(x, states), long_way(monkeypatch, cell, x, states))
    finally:
        config.set_isa("auto")


UNUSUAL = {
    "strided": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "float64": lambda a: a.astype("float64"),
    "swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "list": lambda a: a.tolist(),
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
}


@pytest.mark.parametrize("change", UNUSUAL.values(), ids=UNUSUAL)
@pytest.mark.parametrize("name", CELLS)
def test_arrays_that_need_the_long_way(name, change):
    cell, x, states = make(name)
    expected = cell(x, states)
    assert_same(cell(change(x), states), expected)
    assert_same(cell(x, [change(state) for state in states]), expected)


def test_a_state_that_is_no_list():
    cell, x, states = make("gru")
    assert_same(cell(x, states[0]), cell(x, states))


def test_results_are_arrays_of_their_own():
    cell, x, states = make("lstm")
    before = [a.copy() for a in (x, *states)]
    output, new = cell(x, states)
    arrays = [output, *new, x, *states]
    for k, one in enumerate(arrays):
        assert one.flags.writeable
        assert not any(np.shares_memory(one, other) for other in arrays[:k])
    for array, kept in zip((x, *states), before, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_weights_that_change_and_copies(monkeypatch):
    cell, x, states = make("lstm")
    cell(x, states)
    other = copy.deepcopy(cell)
    cell.set_weights([w / 2 for w in cell.get_weights()])
    assert_same(cell(x, states), long_way(monkeypatch, cell, x, states))
    assert np.abs(other(x, states)[0] - cell(x, states)[0]).max() > 0.01
    full = other(x, states)
    other.use_quantized(other.quantize_weights("int8"))
    assert 0 < np.abs(other(x, states)[0] - full[0]).max() < 0.05


def test_dropout_of_training_is_drawn():
    cell, x, states = make("gru_reset_after")
    cell(x, states)
    assert np.abs(cell(x, states, training=True)[0] - cell(x, states)[0]).max() > 0.01


def test_other_shapes_are_refused():
    cell, x, states = make("lstm")
    cell(x, states)
    for bad_x, bad_states in (
        (x[:, :19], states),
        (x[0], states),
        (x[:4], states),
        (x, states[:1]),
        (x, [states[0], states[1][:, :32]]),
        (x[:0], [state[:0] for state in states]),
    ):
        with pytest.raises(ValueError, match=r"Argument|argument"):
            cell(np.ascontiguousarray(bad_x), [np.ascontiguousarray(s) for s in bad_states])


def test_threads_of_callers():
    cell, x, states = make("lstm", batch=3, units=130)
    expected = cell(x, states)
    failures = []

    def step():
        for _ in range(50):
            try:
                assert_same(cell(x, states), expected)
            except AssertionError as error:
                failures.append(error)

    threads = [threading.Thread(target=step) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
