"""Data sets in stages: against what ``tf.data`` gave, and plain loops where order is drawn."""

import itertools
import json

import numpy as np
import pipelines
import pytest
from repository import REPOSITORY

import fastrnn
from fastrnn.data import AUTOTUNE, Dataset, TensorSpec

RECORDED = json.loads((REPOSITORY / "tests" / "recorded" / "tf_data.json").read_text())
# TensorFlow's -2 where fastrnn knows better.
COUNTED = {"unbatch", "rebatch"}


def items(dataset):
    return [np.asarray(x).tolist() for x in dataset]


@pytest.mark.parametrize("name", pipelines.PIPELINES)
def test_elements_are_those_of_tensorflow(name):
    dataset = pipelines.PIPELINES[name](Dataset)
    expected = RECORDED[name]
    for _ in range(2):
        found = [pipelines.in_json(element) for element in dataset.as_numpy_iterator()]
        assert found == expected["elements"]
    if name not in COUNTED:
        assert int(dataset.cardinality()) == expected["cardinality"]
    if int(dataset.cardinality()) >= 0:
        assert len(dataset) == len(found)


def test_nothing_is_recorded_in_vain():
    assert set(RECORDED) == set(pipelines.PIPELINES)


# ---- elements as users see them ----


def test_arrays_of_elements_have_numpy():
    (x, y), *_ = Dataset.from_tensor_slices(([[1.0, 2.0]], [3]))
    assert (x.numpy().tolist(), y.numpy()) == ([1.0, 2.0], 3)
    assert x.shape.as_list() == [2]
    seen = []
    list(Dataset.range(2).map(lambda x: seen.append(x.numpy()) or x))
    assert seen == [0, 1]
    assert iter(Dataset.range(2)).get_next() == 0
    assert type(next(Dataset.range(2).batch(2).as_numpy_iterator())) is np.ndarray


def test_a_pass_begins_anew():
    dataset = Dataset.range(4).map(lambda x: x)
    first = iter(dataset)
    next(first)
    assert items(dataset) == [0, 1, 2, 3]
    assert items(first) == [1, 2, 3]


def test_nothing_is_computed_before_it_is_needed():
    def fail(x):
        raise RuntimeError("called")

    dataset = Dataset.range(3).map(fail).filter(fail).batch(2)
    with pytest.raises(RuntimeError, match="called"):
        next(iter(dataset))


def test_batches_of_arrays_are_views_where_rows_follow_each_other():
    x = np.arange(20.0).reshape(10, 2)
    for batch in Dataset.from_tensor_slices(x).batch(4):
        assert np.shares_memory(batch, x)


def test_frames_and_objects_are_arrays():
    numbers = np.array([1, 2.5], object)
    assert items(Dataset.from_tensor_slices(numbers)) == [1.0, 2.5]
    texts = np.array(["a", "longer"], object)
    assert items(Dataset.from_tensor_slices(texts).batch(2)) == [["a", "longer"]]


# ---- order ----


@pytest.mark.parametrize("stage", ["rows", "elements"])
@pytest.mark.parametrize("size", [1, 3, 9, 50])
def test_a_shuffle_draws_from_its_buffer(size, stage):
    dataset = Dataset.range(30)
    if stage == "elements":
        dataset = dataset.map(lambda x: x)
    dataset = dataset.shuffle(size, seed=4)
    first, second = items(dataset), items(dataset)
    assert sorted(first) == sorted(second) == list(range(30))
    assert (first == second) == (size == 1)
    # Element k has been drawn before place k + size at the latest, from the first k + size.
    assert all(element < place + size for place, element in enumerate(first))
    assert [len(x) for x in dataset.batch(8)] == [8, 8, 8, 6]
    assert sorted(itertools.chain(*items(dataset.batch(8)))) == list(range(30))


@pytest.mark.parametrize("stage", ["rows", "elements"])
def test_seeds_of_a_shuffle(stage):
    def shuffled(**options):
        dataset = Dataset.range(20)
        dataset = dataset if stage == "rows" else dataset.map(lambda x: x)
        return dataset.shuffle(20, **options)

    assert items(shuffled(seed=1)) == items(shuffled(seed=1)) != items(shuffled(seed=2))
    once = shuffled(reshuffle_each_iteration=False)
    assert items(once) == items(once) != list(range(20))
    cached = shuffled().cache()
    assert items(cached) == items(cached)
    orders = []
    for _ in range(2):
        fastrnn.utils.set_random_seed(3)
        orders.append(items(shuffled()))
    assert orders[0] == orders[1]
    passes = np.array(items(shuffled(seed=1).repeat(2))).reshape(2, 20)
    assert np.sort(passes).tolist() == [list(range(20))] * 2
    assert passes[0].tolist() != passes[1].tolist()


def test_a_shuffle_of_what_never_ends():
    first = items(Dataset.range(10).repeat().shuffle(10, seed=1).batch(5).take(40))
    counts = np.bincount(np.ravel(first))
    assert counts.sum() == 200
    assert (abs(counts - 20) <= 10).all()
    assert np.ravel(first)[:10].tolist() != list(range(10))


def test_parts_of_a_shuffle_are_parts():
    dataset = Dataset.range(20).shuffle(20, seed=1, reshuffle_each_iteration=False)
    train, rest = dataset.take(15), dataset.skip(15)
    assert sorted(items(train) + items(rest)) == list(range(20))


def test_a_cache_makes_elements_once():
    made = []
    dataset = Dataset.range(3).map(lambda x: made.append(int(x)) or x).cache()
    next(iter(dataset))
    assert items(dataset) == items(dataset) == [0, 1, 2]
    assert made == [0, 0, 1, 2]


# ---- lengths and specs ----


def test_lengths_that_are_not_known():
    for dataset, count in ((Dataset.range(3).repeat(), -1), (Dataset.range(3).filter(bool), -2)):
        assert int(dataset.cardinality()) == count
        assert bool(dataset)
        with pytest.raises(TypeError, match="no known length"):
            len(dataset)
    assert (fastrnn.data.INFINITE_CARDINALITY, fastrnn.data.UNKNOWN_CARDINALITY) == (-1, -2)


def test_specs_of_elements():
    rows = pipelines.rows(Dataset)
    x, y = TensorSpec((2,), "float32"), TensorSpec((), "int64")
    assert rows.element_spec == (x, y)
    assert rows.batch(3).element_spec == (TensorSpec((None, 2)), TensorSpec((None,), "int64"))
    assert rows.batch(3, True).element_spec[0] == TensorSpec((3, 2))
    assert rows.batch(3).map(lambda x, y: x).repeat().element_spec == TensorSpec((None, 2))
    assert rows.batch(3).unbatch().element_spec == (x, y)
    assert Dataset.from_tensor_slices(["a"]).element_spec == TensorSpec((), "string")
    assert repr(Dataset.range(2)) == "<Dataset of TensorSpec(shape=(), dtype='int64')>"
    shuffled, same = (Dataset.range(50).shuffle(50, seed=1) for _ in range(2))
    assert shuffled.element_spec == TensorSpec((), "int64")
    assert items(shuffled) == items(same)


def test_signatures_of_generators():
    signature = (TensorSpec((None,), "int32"), TensorSpec((), "float64"))
    dataset = Dataset.from_generator(pipelines.pairs, output_signature=signature)
    x, y = next(iter(dataset))
    assert (x.dtype, y.dtype) == (np.int32, np.float64)
    given = Dataset.from_generator(lambda n: iter(range(n)), output_types="int64", args=(3,))
    assert items(given) == [0, 1, 2]
    named = Dataset.from_generator(lambda: iter([{"a": 1}]), output_types={"a": "float32"})
    assert next(iter(named))["a"].dtype == np.float32
    listed = Dataset.from_generator(lambda: iter([[1, 2.5]]), output_types=("int32", "float32"))
    assert [float(x) for x in next(iter(listed))] == [1, 2.5]


# ---- the rest ----


def test_reduce_apply_and_one_element():
    assert int(Dataset.range(5).reduce(0, lambda s, x: s + x)) == 10
    total, count = pipelines.rows(Dataset).reduce((0, 0), lambda s, e: (s[0] + e[1], s[1] + 1))
    assert (int(total), int(count)) == (450, 10)
    assert items(Dataset.range(5).apply(lambda d: d.take(2))) == [0, 1]
    assert int(Dataset.range(1).get_single_element()) == 0
    for count in (0, 2):
        with pytest.raises(ValueError, match="one element"):
            Dataset.range(count).get_single_element()
    assert items(Dataset.range(2).with_options(None).prefetch(AUTOTUNE)) == [0, 1]


def test_files_are_listed(tmp_path):
    for name in ("b.txt", "a.txt", "c.csv"):
        (tmp_path / name).write_text(name)
    pattern = str(tmp_path / "*.txt")
    wanted = [str(tmp_path / name) for name in ("a.txt", "b.txt")]
    assert items(Dataset.list_files(pattern, shuffle=False)) == wanted
    assert sorted(items(Dataset.list_files([pattern, pattern]))) == wanted
    with pytest.raises(ValueError, match="`file_pattern`"):
        Dataset.list_files(str(tmp_path / "*.md"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dataset.from_tensor_slices(([1, 2], [1])), r"`tensors`.*\(2,\), \(1,\)"),
        (lambda: Dataset.from_tensor_slices(3), r"`tensors`.*first axis"),
        (lambda: Dataset.from_tensor_slices([[1], [2, 3]]), r"`tensors`.*pad_sequences"),
        (lambda: Dataset.range(3).batch(0), r"`batch_size`.*from 1 on"),
        (lambda: Dataset.range(3).take(2.5), r"`count`.*2\.5"),
        (lambda: Dataset.range(3).shuffle(0.8 * 3), r"`buffer_size`"),
        (lambda: Dataset.range(3).shard(2, 2), r"`index`.*less than num_shards=2"),
        (lambda: list(pipelines.of_words(Dataset).batch(2)), r"`batch_size`.*padded_batch"),
        (lambda: list(Dataset.range(9).window(3).batch(3)), r"`batch_size`.*flat_map"),
        (lambda: list(pipelines.of_words(Dataset).padded_batch(2, [1])), r"`padded_shapes`"),
        (
            lambda: Dataset.range(3).bucket_by_sequence_length(len, [2], [2]),
            r"`bucket_batch_sizes`.*2",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_is_no_data_set_is_refused():
    with pytest.raises(TypeError, match=r"`datasets`.*Dataset"):
        Dataset.zip(([1, 2], [3, 4]))
    with pytest.raises(TypeError, match=r"`map_func`.*Dataset"):
        list(Dataset.range(3).flat_map(lambda x: x))
    with pytest.raises(TypeError, match=r"`generator`.*function"):
        Dataset.from_generator(iter([1]))


# ---- training ----


def model_of(units=3):
    fastrnn.utils.set_random_seed(1)
    layers = fastrnn.layers
    model = fastrnn.Sequential([fastrnn.Input((5, 2)), layers.LSTM(units), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


X = np.random.default_rng(0).standard_normal((22, 5, 2)).astype("float32")
Y = X.sum(axis=(1, 2))[:, None]
WEIGHTS = np.linspace(0.5, 2, 22)


def test_training_on_a_data_set_is_that_on_arrays():
    histories = []
    for on_arrays in (True, False):
        model, options = model_of(), {"epochs": 2, "verbose": 0}
        if on_arrays:
            model.fit(
                X, Y, 8, sample_weight=WEIGHTS, validation_data=(X, Y), shuffle=False, **options
            )
            results = model.evaluate(X, Y, 8, verbose=0), model.predict(X, 8, verbose=0)
        else:
            data = Dataset.from_tensor_slices((X, Y, WEIGHTS)).batch(8)
            held_out = Dataset.from_tensor_slices((X, Y)).batch(32)
            model.fit(data, validation_data=held_out, **options)
            unweighed = Dataset.from_tensor_slices((X, Y)).batch(8).prefetch(AUTOTUNE)
            results = model.evaluate(unweighed, verbose=0), model.predict(unweighed, verbose=0)
        histories.append((model.history.history, *results))
    (logs, scores, outputs), (wanted_logs, wanted_scores, wanted) = histories[1], histories[0]
    assert logs == wanted_logs
    assert scores == wanted_scores
    np.testing.assert_array_equal(outputs, wanted)
    assert type(outputs) is np.ndarray


def test_training_on_data_that_never_end():
    data = Dataset.from_tensor_slices((X, Y)).shuffle(22).repeat().batch(8)
    model = model_of()
    model.fit(data, epochs=2, steps_per_epoch=5, verbose=0)
    assert int(model.optimizer.iterations.value) == 10


def test_named_inputs_and_mapped_batches():
    layers = fastrnn.layers
    a, b = fastrnn.Input((5, 2), name="a"), fastrnn.Input((2,), name="b")
    outputs = layers.Dense(1)(layers.Concatenate()([layers.GRU(3)(a), b]))
    model = fastrnn.Model([a, b], outputs)
    model.compile("adam", "mse")
    data = Dataset.from_tensor_slices(({"a": X, "b": X[:, 0]}, Y)).batch(8)
    model.fit(data.map(lambda inputs, y: (inputs, y * 2)), epochs=1, verbose=0)
    assert model.predict(data, verbose=0).shape == (22, 1)
    listed = data.map(lambda inputs, y: ((inputs["a"], inputs["b"]), y))
    assert np.isfinite(model.evaluate(listed, verbose=0))


def test_a_layer_adapts_to_a_data_set():
    layer, wanted = fastrnn.layers.Normalization(), fastrnn.layers.Normalization()
    layer.adapt(Dataset.from_tensor_slices((X, Y)).map(lambda x, y: x).batch(5))
    wanted.adapt(X)
    np.testing.assert_allclose(layer.mean, wanted.mean, rtol=1e-6)
    np.testing.assert_allclose(layer.variance, wanted.variance, rtol=1e-5)
