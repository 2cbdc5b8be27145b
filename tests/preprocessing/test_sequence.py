"""TimeseriesGenerator and skip-grams: against the package of Keras 2, which Keras 3 keeps."""

import random

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn.preprocessing import sequence as ours

theirs = keras.src.legacy.preprocessing.sequence

RNG = np.random.default_rng(3)
DATA, TARGETS = RNG.standard_normal((37, 2)), RNG.standard_normal((37, 1))
WINDOWS = [
    {"length": 3},
    {"length": 5, "sampling_rate": 2, "stride": 3, "batch_size": 4},
    {"length": 1, "batch_size": 1},
    {"length": 4, "start_index": 6, "end_index": 20, "batch_size": 5, "reverse": True},
    {"length": 4, "sampling_rate": 3, "reverse": True},
    {"length": 36},
    {"length": 3, "shuffle": True, "batch_size": 6},
]


@pytest.mark.parametrize("options", WINDOWS, ids=str)
def test_windows_are_those_of_keras(options):
    batches = []
    for package in (ours, theirs):
        np.random.seed(5)
        generator = package.TimeseriesGenerator(DATA, TARGETS, **options)
        batches.append([generator[k] for k in range(len(generator))])
    assert len(batches[0]) == len(batches[1])
    for (x, y), (wanted_x, wanted_y) in zip(*batches, strict=True):
        np.testing.assert_array_equal(x, wanted_x)
        np.testing.assert_array_equal(y, wanted_y)
    config = ours.TimeseriesGenerator(DATA, TARGETS, **options).get_config()
    wanted = theirs.TimeseriesGenerator(DATA, TARGETS, **options)
    assert (
        config.items()
        >= {k: getattr(wanted, k) for k in config if k not in ("data", "targets")}.items()
    )


def test_lists_and_scalars():
    x, y = ours.TimeseriesGenerator(list(range(8)), list(range(8)), length=3, batch_size=2)[0]
    assert x.tolist() == [[0, 1, 2], [1, 2, 3]]
    assert y.tolist() == [3, 4]
    assert '"length": 3' in ours.TimeseriesGenerator([1, 2, 3, 4], [0] * 4, 3).to_json()


def test_a_model_trains_on_windows():
    generator = ours.TimeseriesGenerator(DATA, TARGETS, 5, batch_size=8)
    model = fastrnn.Sequential(
        [fastrnn.Input((5, 2)), fastrnn.layers.GRU(3), fastrnn.layers.Dense(1)]
    )
    model.compile("adam", "mse")
    model.fit(generator, epochs=2, verbose=0, validation_data=generator)
    assert model.predict(generator, verbose=0).shape == (32, 1)
    assert np.isfinite(model.evaluate(generator, verbose=0))


def test_what_windows_refuse():
    with pytest.raises(ValueError, match=r"`targets`.*36 entries"):
        ours.TimeseriesGenerator(DATA, TARGETS[1:], 3)
    with pytest.raises(ValueError, match=r"`end_index`.*start_index \+ length = 37"):
        ours.TimeseriesGenerator(DATA, TARGETS, 37)
    with pytest.raises(ValueError, match=r"`length`"):
        ours.TimeseriesGenerator(DATA, TARGETS, 0)


def test_sampling_tables_are_those_of_keras():
    for arguments in ((10,), (1,), (200, 1e-3)):
        np.testing.assert_allclose(
            ours.make_sampling_table(*arguments), theirs.make_sampling_table(*arguments), 1e-12
        )


@pytest.mark.parametrize(
    "options",
    [
        {"seed": 4},
        {"window_size": 1, "negative_samples": 0, "seed": 0},
        {"negative_samples": 2.5, "categorical": True, "shuffle": False},
        {"categorical": True, "sampling_table": ours.make_sampling_table(20, 1e-1), "seed": 2},
    ],
    ids=lambda options: "-".join(options),
)
def test_skipgrams_are_those_of_keras(options):
    words = [3, 0, 7, 19, 3, 2, 2, 0, 11, 5, 6]
    results = []
    for package in (ours, theirs):
        random.seed(9)
        results.append(package.skipgrams(words, 20, **options))
    assert results[0] == results[1]


def test_the_order_of_skipgrams_is_drawn():
    words = list(range(1, 30))
    random.seed(1)
    first, labels = ours.skipgrams(words, 30)
    second, _ = ours.skipgrams(words, 30)
    assert first != second
    near = [abs(a - b) <= 4 for (a, b), label in zip(first, labels, strict=True) if label]
    assert all(near)
    assert len(near) * 2 == len(labels)
