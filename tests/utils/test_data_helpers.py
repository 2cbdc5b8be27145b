"""Padding, one-hot vectors, timeseries windows and seeds, against live Keras or plain loops."""

import itertools
import random

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn import Input, Sequential, layers
from fastrnn.utils import (
    pad_sequences,
    set_random_seed,
    timeseries_dataset_from_array,
    to_categorical,
)


def assert_same(actual, expected):
    np.testing.assert_array_equal(actual, expected)
    assert actual.dtype == expected.dtype


# ---- pad_sequences ----

RAGGED = [[1, 2, 3, 4, 5], [], [6], [7, 8, 9]]
VECTORS = [np.arange(6.0).reshape(3, 2), [], [[7.5, 8.5]]]
WORDS = [["ab", "c"], ["def"]]


@pytest.mark.parametrize("maxlen", [None, 1, 3, 7])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("sequences", [RAGGED, VECTORS], ids=["numbers", "vectors"])
def test_padding_is_that_of_keras(sequences, padding, truncating, maxlen):
    for dtype, value in (("int32", 0.0), ("float32", -1.5), (np.int64, 9), ("bool", True)):
        options = {"padding": padding, "truncating": truncating, "dtype": dtype, "value": value}
        expected = keras.utils.pad_sequences(sequences, maxlen, **options)
        assert_same(pad_sequences(sequences, maxlen, **options), expected)


@pytest.mark.parametrize("dtype", [object, "U3", "S3"])
def test_padding_of_strings(dtype):
    options = {"dtype": dtype, "value": "-", "padding": "post"}
    expected = keras.utils.pad_sequences(WORDS, **options)
    assert_same(pad_sequences(WORDS, **options), expected)


def test_padding_defaults_and_paths():
    assert_same(pad_sequences(RAGGED), keras.utils.pad_sequences(RAGGED))
    assert_same(pad_sequences(tuple(map(tuple, RAGGED))), keras.utils.pad_sequences(RAGGED))
    assert fastrnn.preprocessing.sequence.pad_sequences is pad_sequences
    assert keras.preprocessing.sequence.pad_sequences is keras.utils.pad_sequences
    assert pad_sequences([]).shape == (0, 0)
    assert pad_sequences(RAGGED, maxlen=0).shape == (4, 0)


def test_padding_leaves_its_arguments_alone():
    sequences = [[1, 2, 3], [4]]
    pad_sequences(sequences, maxlen=2)
    assert sequences == [[1, 2, 3], [4]]


PADDING_ERRORS = {
    "a number": ("`sequences`", (3,), {}),
    "numbers": (r"`sequences\[0\]`", ([1, 2],), {}),
    "one number": (r"`sequences\[1\]`", ([[1], 2],), {}),
    "another shape": (r"`sequences\[1\]`", ([[1], [[2, 3]]],), {}),
    "ragged inside": (r"`sequences\[0\]`", ([[1, [2, 3]]],), {}),
    "words": (r"`sequences\[0\]`.*int32.*dtype", ([["a"]],), {}),
    "too large": (r"`sequences\[0\]`", ([[2**40]],), {}),
    "padding": ("`padding`.*'post', 'pre'.*'left'", (RAGGED,), {"padding": "left"}),
    "truncating": ("`truncating`", (RAGGED,), {"truncating": "left"}),
    "value": ("`value`.*int32", (RAGGED,), {"value": "0"}),
    "no value": ("`value`", (RAGGED,), {"value": None}),
    "dtype": ("`dtype`", (RAGGED,), {"dtype": "no"}),
    "maxlen": ("`maxlen`", (RAGGED,), {"maxlen": -1}),
    "fraction": ("`maxlen`", (RAGGED,), {"maxlen": 2.5}),
}


@pytest.mark.parametrize("name", PADDING_ERRORS)
def test_padding_errors(name):
    message, arguments, options = PADDING_ERRORS[name]
    with pytest.raises(ValueError, match=message):
        pad_sequences(*arguments, **options)


# ---- to_categorical ----


@pytest.mark.parametrize("num_classes", [None, 4, 9])
@pytest.mark.parametrize(
    "labels",
    [2, [0, 3, 1], [[0], [3]], [[0, 1], [2, 3]], [[[1], [3]]], [1.0, 3.0], [True, False]],
    ids=str,
)
def test_one_hot_vectors_are_those_of_keras(labels, num_classes):
    expected = keras.utils.to_categorical(labels, num_classes)
    assert_same(to_categorical(labels, num_classes), expected)
    assert_same(to_categorical(np.asarray(labels, dtype=">f4"), num_classes), expected)


def test_one_hot_vectors_of_no_labels():
    assert_same(to_categorical([], 3), keras.utils.to_categorical([], 3))


@pytest.mark.parametrize(
    ("labels", "num_classes", "message"),
    [
        ([1.5], None, "`x`.*integers"),
        ([np.nan], None, "`x`.*NaN"),
        ([-1, 2], None, "`x`.*-1 to 2"),
        ([0, 3], 3, "`x`.*num_classes - 1 = 2"),
        (["1"], None, "`x`.*real numbers"),
        ([1], -2, "`num_classes`"),
        ([1], 2.5, "`num_classes`"),
    ],
    ids=str,
)
def test_one_hot_errors(labels, num_classes, message):
    with pytest.raises(ValueError, match=message):
        to_categorical(labels, num_classes)


# ---- timeseries_dataset_from_array ----


def windows_by_a_loop(
    data, targets, length, stride=1, rate=1, batch_size=128, start_index=None, end_index=None
):
    """Return batches, from nothing but the meaning of the arguments."""
    start = 0 if start_index is None else start_index
    end = len(data) if end_index is None else end_index
    windows = []
    for i in range(start, end, stride):
        steps = [i + k * rate for k in range(length)]
        if steps[-1] >= end or (targets is not None and i >= min(end, len(targets))):
            break
        x = np.array([data[k] for k in steps])
        windows.append(x if targets is None else (x, targets[i]))
    if batch_size is None:
        return windows
    batches = [windows[k : k + batch_size] for k in range(0, len(windows), batch_size)]
    if targets is None:
        return [np.stack(batch) for batch in batches]
    return [(np.stack([x for x, _ in b]), np.stack([y for _, y in b])) for b in batches]


SERIES = {
    "numbers": np.arange(30.0),
    "vectors": np.random.default_rng(0).standard_normal((30, 3)).astype("float32"),
}
GRID = [
    {"length": length, "stride": stride, "rate": rate, "batch_size": batch_size, **part}
    for length, stride, rate, batch_size, part in itertools.product(
        (1, 4, 7),
        (1, 3),
        (1, 2),
        (None, 5),
        ({}, {"start_index": 6}, {"end_index": 25}, {"start_index": 3, "end_index": 29}),
    )
]


def make_dataset(data, targets, length, stride=1, rate=1, **options):
    return timeseries_dataset_from_array(data, targets, length, stride, rate, **options)


def assert_same_batches(dataset, expected):
    batches = list(dataset)
    assert len(dataset) == len(batches) == len(expected)
    for actual, wanted in zip(batches, expected, strict=True):
        if isinstance(wanted, tuple):
            np.testing.assert_array_equal(actual[0], wanted[0])
            np.testing.assert_array_equal(actual[1], wanted[1])
        else:
            np.testing.assert_array_equal(actual, wanted)


@pytest.mark.parametrize("series", SERIES)
def test_windows_are_those_of_a_loop(series):
    data = SERIES[series]
    for targets in (None, np.arange(30) * 10, np.arange(12), np.arange(60).reshape(30, 2)):
        for options in GRID:
            expected = windows_by_a_loop(data, targets, **options)
            assert_same_batches(make_dataset(data, targets, **options), expected)


class ListInsteadOfGrain:
    """Just enough of grain for Keras to hand out its windows: a list."""

    class MapDataset(list):
        source = classmethod(lambda cls, items: cls(items))

        def to_iter_dataset(self):
            return self

        def batch(self, size, batch_fn):
            for k in range(0, len(self), size):
                yield batch_fn(self[k : k + size])

    class experimental:
        @staticmethod
        def ZipMapDataset(parts):
            return ListInsteadOfGrain.MapDataset(zip(*parts, strict=True))


def test_windows_are_those_of_keras(monkeypatch):
    module = "keras.src.utils.timeseries_dataset_utils"
    monkeypatch.setattr(f"{module}.grain", ListInsteadOfGrain)

    def batched(items):
        if isinstance(items[0], tuple):
            return tuple(np.stack(part) for part in zip(*items, strict=True))
        return np.stack(items)

    monkeypatch.setattr(f"{module}.make_batch", batched)
    data = SERIES["vectors"]
    for targets in (None, np.arange(30) * 10):
        for options in GRID:
            renamed = dict(options)
            arguments = [renamed.pop(name) for name in ("length", "stride", "rate")]
            expected = keras.utils.timeseries_dataset_from_array(
                data, targets, *arguments, format="grain", **renamed
            )
            assert_same_batches(make_dataset(data, targets, **options), list(expected))


def test_shuffling_gives_every_window_once_with_its_target():
    def starts(dataset):
        batches = list(dataset)
        for x, y in batches:
            np.testing.assert_array_equal(x, y[:, None] + 2 * np.arange(3))
        return np.concatenate([y for _, y in batches]).tolist()

    options = {"rate": 2, "stride": 3, "batch_size": 4, "shuffle": True}
    data = np.arange(100)
    every = list(range(0, 96, 3))
    seeded = make_dataset(data, data, 3, seed=5, **options)
    first, second = starts(seeded), starts(seeded)
    assert first != second
    for order in (first, second):
        assert order != every
        assert sorted(order) == every
    again = make_dataset(data, data, 3, seed=5, **options)
    assert [starts(again), starts(again)] == [first, second]
    assert starts(make_dataset(data, data, 3, seed=6, **options)) != first
    set_random_seed(0)
    drawn = starts(make_dataset(data, data, 3, **options))
    set_random_seed(0)
    assert starts(make_dataset(data, data, 3, **options)) == drawn


def test_a_window_may_be_as_long_as_the_series():
    (batch,) = make_dataset(np.arange(6), None, 6)
    assert batch.tolist() == [[0, 1, 2, 3, 4, 5]]
    (batch,) = make_dataset(np.arange(6), None, 3, rate=2, start_index=1)
    assert batch.tolist() == [[1, 3, 5]]


def test_data_may_be_a_list_and_batches_may_be_written_to():
    dataset = make_dataset([1, 2, 3], [4, 5], 2)
    x, y = next(iter(dataset))
    assert (x.tolist(), y.tolist()) == ([[1, 2], [2, 3]], [4, 5])
    x[:], y[:] = 0, 0
    assert next(iter(dataset))[0].tolist() == [[1, 2], [2, 3]]


def test_a_dataset_trains_evaluates_and_predicts():
    set_random_seed(0)
    data = np.sin(np.arange(60.0))[:, None]
    dataset = make_dataset(data[:-1], data[8:], 8, batch_size=16)
    model = Sequential([Input((8, 1)), layers.GRU(4), layers.Dense(1)])
    model.compile("adam", "mse")
    history = model.fit(dataset, epochs=3, verbose=0).history["loss"]
    assert model.evaluate(dataset, verbose=0) < history[-1] < history[0]
    assert model.predict(dataset, verbose=0).shape == (52, 1)


WINDOW_ERRORS = {
    "too short": ("`data`.*at least 6 steps", ([1, 2, 3], None, 6), {}),
    "too short for the rate": ("`data`.*at least 5", ([1, 2, 3, 4], None, 3), {"rate": 2}),
    "no targets": ("`data`", ([1, 2, 3], [], 2), {}),
    "one target": ("`targets`", ([1, 2, 3], 1, 2), {}),
    "a number": ("`data`", (1, None, 1), {}),
    "empty": ("`data`", ([], None, 1), {}),
    "ragged": ("`data`", ([[1, 2], [3]], None, 1), {}),
    "words": ("`data`.*real numbers", (["a", "b"], None, 1), {}),
    "length": ("`sequence_length`", ([1, 2, 3], None, 0), {}),
    "stride": ("`sequence_stride`", ([1, 2, 3], None, 1), {"stride": -1}),
    "rate": ("`sampling_rate`", ([1, 2, 3], None, 1), {"rate": 0}),
    "batch_size": ("`batch_size`", ([1, 2, 3], None, 1), {"batch_size": 0}),
    "negative start": ("`start_index`", ([1, 2, 3], None, 1), {"start_index": -1}),
    "start behind": ("`end_index`", ([1, 2, 3], None, 1), {"start_index": 3}),
    "end behind": ("`end_index`", ([1, 2, 3], None, 1), {"end_index": 4}),
    "nothing": ("`end_index`", ([1, 2, 3], None, 1), {"start_index": 2, "end_index": 1}),
    "fraction": ("`end_index`", ([1, 2, 3], None, 1), {"end_index": 1.5}),
    "seed": ("`seed`", ([1, 2, 3], None, 1), {"shuffle": True, "seed": "a"}),
    "format": ("`format`", ([1, 2, 3], None, 1), {"format": "torch"}),
}


@pytest.mark.parametrize("name", WINDOW_ERRORS)
def test_window_errors(name):
    message, arguments, options = WINDOW_ERRORS[name]
    with pytest.raises(ValueError, match=message):
        make_dataset(*arguments, **options)


# ---- set_random_seed ----


def run_script(seed):
    """Draw from everything that is random; return all results."""
    set_random_seed(seed)
    rng_draws = [random.random(), *np.random.standard_normal(3)]
    data = np.random.standard_normal((40, 2))
    dataset = make_dataset(data[:-1], data[5:, :1], 5, batch_size=8, shuffle=True)
    model = Sequential(
        [
            Input((5, 2)),
            layers.Bidirectional(layers.LSTM(4, dropout=0.2, recurrent_dropout=0.2)),
            layers.Dropout(0.3),
            layers.Dense(1, kernel_initializer="he_normal"),
        ]
    )
    model.compile("adam", "mse")
    x, y = next(iter(dataset))
    losses = [
        *model.fit(dataset, epochs=2, verbose=0).history["loss"],
        *model.fit(x, y, epochs=2, batch_size=3, verbose=0).history["loss"],
    ]
    return [np.array(rng_draws), np.array(losses), *model.get_weights()]


def test_a_seed_repeats_a_script_bit_for_bit():
    first, same, other = run_script(3), run_script(3), run_script(4)
    for one, two in zip(first, same, strict=True):
        assert one.tobytes() == two.tobytes()
    assert (first[1] != other[1]).all()


@pytest.mark.parametrize("seed", [None, 1.0, True, "1", -1, 2**32])
def test_seeds_that_are_none(seed):
    with pytest.raises(ValueError, match="`seed`"):
        set_random_seed(seed)


def test_arrays_of_arrays_are_told_to_be_padded():
    ragged = np.empty(2, object)
    ragged[:] = [np.zeros((3, 2)), np.zeros((4, 2))]
    model = Sequential([Input((None, 2)), layers.LSTM(3)])
    for given in (ragged, list(ragged), [[[1, 1]], [[1, 1], [2, 2]]]):
        with pytest.raises(ValueError, match=r"one length.*pad_sequences"):
            model.predict(given, verbose=0)
