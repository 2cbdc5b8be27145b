"""Branches and loops on arrays, as in Keras, and on symbolic tensors, with gradients."""

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn import Input, Model, ops

X = np.random.default_rng(0).standard_normal((4, 5, 3)).astype("float32")


def check(function, x=X):
    """The function on arrays, in a model, and its gradient by differences."""
    tensor = Input(batch_shape=x.shape)
    model = Model(tensor, function(tensor))
    y, pullback = model.vjp(x)
    np.testing.assert_allclose(y, function(x), rtol=1e-5, atol=1e-6)
    d, direction = np.ones_like(y), np.random.default_rng(1).standard_normal(x.shape)
    step = 1e-3
    ends = [function(np.float64(x) + s * direction) for s in (step, -step)]
    expected = (np.float64(ends[0]) - np.float64(ends[1])).sum() / (2 * step)
    assert (pullback(d)[0] * direction).sum() == pytest.approx(expected, rel=1e-3)
    return y


def running(k, x):
    def step(carry, entry):
        carry = k.ops.tanh(carry + entry)
        return carry, carry * 2

    return k.ops.scan(step, k.ops.zeros_like(x[:, 0]), k.ops.transpose(x, (1, 0, 2)))


@pytest.mark.parametrize("reverse", [False, True])
def test_scan(reverse):
    def total(k, x):
        xs = k.ops.transpose(x, (1, 0, 2))
        return k.ops.scan(
            lambda c, e: (c * 0.5 + e, c), k.ops.zeros_like(xs[0]), xs, reverse=reverse
        )

    mine, theirs = total(fastrnn, X), total(keras, X)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, keras.ops.convert_to_numpy(b), rtol=1e-5)
    check(lambda x: running(fastrnn, x)[1])


def test_cond_and_switch():
    assert ops.cond(True, lambda: 1, lambda: 2) == 1
    assert ops.switch(5, [lambda x: x, lambda x: x + 1], 3) == 4
    y = check(lambda x: ops.cond(ops.sum(x) > 100, lambda: x, lambda: x * 3))
    np.testing.assert_allclose(y, 3 * X, rtol=1e-6)
    branches = [lambda x: x, lambda x: x * 2, lambda x: x * 4]
    for number, factor in ((-1, 1), (0, 1), (1, 2), (2, 4), (9, 4)):
        tensor = Input(batch_shape=(2, 3))
        index = ops.cast(ops.sum(tensor) * 0 + number, "int32")
        found = Model(tensor, ops.switch(index, branches, tensor))(np.ones((2, 3)))
        np.testing.assert_array_equal(found, factor * np.ones((2, 3)))


def test_loops():
    assert ops.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, s + i), (0, 0)) == (5, 10)
    assert ops.fori_loop(0, 4, lambda k, v: v + k, 0) == 6
    check(lambda x: ops.fori_loop(0, 3, lambda k, v: ops.sin(v) + k, x))
    check(lambda x: ops.map(lambda row: row * row, x))
    check(lambda x: ops.vectorized_map(lambda row: ops.matmul(row, ops.transpose(row)), x))
    check(lambda x: ops.associative_scan(lambda a, b: a * 0.5 + b, x, axis=1))


def test_a_loop_on_values_stops_where_they_say():
    tensor = Input(batch_shape=(3,))

    def count(x):
        return ops.while_loop(lambda v: ops.max(v) < 10.0, lambda v: v * 2, x, 20)

    assert Model(tensor, count(tensor))(np.array([1.0, 2.0, 3.0])).tolist() == [4.0, 8.0, 12.0]
    with pytest.raises(TypeError, match="maximum_iterations"):
        ops.while_loop(lambda v: ops.max(v) < 10.0, lambda v: v * 2, tensor)


def test_associative_scan_is_that_of_keras():
    for options in ({}, {"reverse": True}, {"axis": 1}):
        mine = ops.associative_scan(lambda a, b: a + b, X, **options)
        theirs = keras.ops.associative_scan(lambda a, b: a + b, X, **options)
        np.testing.assert_allclose(mine, keras.ops.convert_to_numpy(theirs), rtol=1e-5)


def test_a_gradient_of_ones_own():
    @ops.custom_gradient
    def half(x, y):
        return x * y, lambda upstream: (upstream * 7, upstream * 5)

    a, b = Input(batch_shape=(2, 3)), Input(batch_shape=(2, 3))
    outputs, pullback = Model([a, b], half(a, b)).vjp([np.full((2, 3), 2.0), np.full((2, 3), 3.0)])
    assert outputs.tolist() == np.full((2, 3), 6.0).tolist()
    d_a, d_b = pullback(np.ones((2, 3)))[0]
    assert (d_a == 7).all() and (d_b == 5).all()


def test_stop_gradient_stops_it():
    x = Input((3,))
    _, pullback = Model(x, ops.stop_gradient(x) * x).vjp(np.full((2, 3), 4.0))
    np.testing.assert_array_equal(pullback(np.ones((2, 3)))[0], np.full((2, 3), 4.0))
