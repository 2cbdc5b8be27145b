"""Random operations: their distributions, their seeds, and that nodes draw anew."""

import numpy as np
import pytest

from fastrnn import Input, Model, ops, random
from fastrnn.core import tracing
from fastrnn.layers.base.graph import Graph
from fastrnn.layers.base.layer import CallContext

MANY = (200, 200)


@pytest.mark.parametrize(
    ("name", "args", "mean", "deviation"),
    [
        ("normal", (2.0, 3.0), 2.0, 3.0),
        ("uniform", (1.0, 3.0), 2.0, 2 / 12**0.5),
        ("truncated_normal", (), 0.0, 0.8796),
        ("gamma", (4.0,), 4.0, 2.0),
        ("beta", (2.0, 2.0), 0.5, 0.05**0.5),
        ("binomial", (10, 0.5), 5.0, 2.5**0.5),
        ("randint", (0, 3), 1.0, (2 / 3) ** 0.5),
    ],
)
def test_distributions(name, args, mean, deviation):
    values = getattr(random, name)(MANY, *args, seed=1)
    assert values.shape == MANY
    assert values.dtype == ("int32" if name == "randint" else "float32")
    assert values.mean() == pytest.approx(mean, abs=0.05)
    assert values.std() == pytest.approx(deviation, rel=0.02)


def test_classes_come_as_often_as_they_are_probable():
    logits = np.log([[0.2, 0.8], [0.5, 0.5]])
    drawn = random.categorical(logits, 20000, seed=3)
    assert drawn.shape == (2, 20000) and drawn.dtype == "int32"
    np.testing.assert_allclose(drawn.mean(axis=1), [0.8, 0.5], atol=0.02)


def test_seeds():
    assert (random.normal((3,), seed=5) == random.normal((3,), seed=5)).all()
    seeds = random.SeedGenerator(5)
    assert (random.normal((3,), seed=seeds) != random.normal((3,), seed=seeds)).all()
    assert (random.normal((3,)) != random.normal((3,))).all()
    assert sorted(random.shuffle(np.arange(9), seed=1)) == list(range(9))


def test_dropout_drops_its_share_and_keeps_the_mean():
    x = np.ones(MANY, "float32")
    y = random.dropout(x, 0.25, seed=2)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert y.mean() == pytest.approx(1, abs=0.02)
    rows = random.dropout(x, 0.5, noise_shape=(None, 1), seed=2)
    assert (rows == rows[:, :1]).all()


def test_nodes_draw_anew_and_gradients_know_what_was_drawn():
    x = Input((50,))
    model = Model(x, random.dropout(x, 0.5))
    data = np.ones((4, 50), "float32")
    y, pullback = model.vjp(data)
    np.testing.assert_array_equal(pullback(np.ones_like(y))[0], y)
    assert (model(data) != model(data)).any()


def test_a_trace_keeps_the_drawing_not_the_numbers():
    with tracing.tracing(tracing.Trace()):
        noise = random.normal((4, 3))
        total = noise + ops.ones((4, 3))
    graph = Graph([], [total])
    first, second = (graph.run([], CallContext(), [])[0][0] for _ in range(2))
    assert noise.shape == (4, 3) and (first != second).all()
