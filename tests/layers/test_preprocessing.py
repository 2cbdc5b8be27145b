"""Layers before a model: against what Keras gave on TensorFlow, and live Keras where it runs."""

import json
import zipfile

import h5py
import numpy as np
import preprocessing_cases as cases
import pytest
from live_keras import keras
from repository import REPOSITORY

import fastrnn
from fastrnn import Input, Model, Sequential, layers
from fastrnn.data import Dataset

RECORDED = json.loads((REPOSITORY / "tests" / "recorded" / "preprocessing.json").read_text())
TEXTS = ["the cat and the dog", "a dog", "the end"]


def assert_close(actual, expected):
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-6)


@pytest.mark.parametrize("name", cases.CASES)
def test_outputs_are_those_of_keras_on_tensorflow(name):
    outputs, vocabulary = cases.run(fastrnn, cases.CASES[name])
    expected = RECORDED[name]
    assert_close(outputs, np.array(expected["outputs"]))
    assert outputs.dtype.name == expected["dtype"]
    assert vocabulary == expected["vocabulary"]


def test_nothing_is_recorded_in_vain():
    assert set(RECORDED) == set(cases.CASES)


@pytest.mark.parametrize("name", cases.LIVE)
def test_outputs_are_those_of_live_keras(name):
    outputs, expected = (cases.run(package, cases.LIVE[name])[0] for package in (fastrnn, keras))
    assert_close(outputs, expected)


@pytest.mark.parametrize("name", [*cases.CASES, *cases.LIVE])
def test_configurations_and_shapes(name):
    layer, data, inputs = {**cases.CASES, **cases.LIVE}[name](fastrnn)
    if data is not None:
        layer.adapt(data)
    outputs = layer(inputs)
    config = json.loads(json.dumps(layer.get_config()))
    copy = type(layer).from_config(config)
    np.testing.assert_array_equal(copy(inputs), outputs)
    assert copy.get_config() == layer.get_config()
    shape = np.shape(inputs)
    if len(shape):
        predicted = layer.compute_output_shape((None, *shape[1:]) if len(shape) > 1 else shape)
        pairs = list(zip(predicted, outputs.shape, strict=True))
        assert all(n in (None, size) for n, size in pairs), (predicted, outputs.shape)


# ---- adapt ----


def test_what_layers_adapt_to():
    wanted = layers.TextVectorization()
    wanted.adapt(TEXTS)
    arrays = np.array(TEXTS), np.array(TEXTS, object), np.array(TEXTS, "S").reshape(3, 1)
    dataset = Dataset.from_tensor_slices(TEXTS)
    for data in (*arrays, dataset, dataset.batch(2), (text for text in TEXTS)):
        layer = layers.TextVectorization()
        layer.adapt(["forgotten"])
        layer.adapt(data)
        assert layer.get_vocabulary() == wanted.get_vocabulary()
    layer.adapt(dataset.repeat(), steps=6)
    assert layer.get_vocabulary() == wanted.get_vocabulary()
    with pytest.raises(TypeError, match="`data`"):
        layer.adapt(3)


def test_what_was_given_is_not_learnt():
    for layer, data in (
        (layers.StringLookup(vocabulary=["a"]), ["b"]),
        (layers.TextVectorization(vocabulary=["a"]), ["b"]),
        (layers.Discretization([0.0]), np.zeros(3)),
    ):
        with pytest.raises(ValueError, match=r"`data`.*given to the layer"):
            layer.adapt(data)


def test_vocabularies(tmp_path):
    layer = layers.StringLookup(mask_token="")
    layer.set_vocabulary(["x", "y"])
    assert layer.get_vocabulary() == ["", "[UNK]", "x", "y"]
    assert layer.get_vocabulary(include_special_tokens=False) == ["x", "y"]
    assert layer.vocabulary_size() == 4
    (tmp_path / "words.txt").write_text("x\nÿ\r\nz\n\n", encoding="utf-8")
    layer = layers.TextVectorization(vocabulary=str(tmp_path / "words.txt"))
    assert layer.get_vocabulary() == ["", "[UNK]", "x", "ÿ", "z"]
    (tmp_path / "numbers.txt").write_text("5\n7\n")
    numbers = layers.IntegerLookup(vocabulary=str(tmp_path / "numbers.txt"))
    assert numbers.get_vocabulary() == [-1, 5, 7]
    with pytest.raises(ValueError, match=r"`vocabulary`.*absent\.txt"):
        layers.StringLookup(vocabulary=str(tmp_path / "absent.txt"))
    config = {**layer.get_config(), "vocabulary": str(tmp_path / "words.txt")}
    for kind in (layers.TextVectorization, layers.StringLookup):
        with pytest.raises(ValueError, match=r"`vocabulary`.*other files"):
            kind.from_config(config)


# ---- functions of the user's ----


def remove_digits(texts):
    return np.char.translate(np.char.lower(texts), str.maketrans("", "", "0123456789"))


def split_at_commas(texts):
    return [text.split(",") for text in texts]


def test_functions_that_standardize_and_split():
    layer = layers.TextVectorization(standardize=remove_digits, split=split_at_commas)
    layer.adapt(["A1,b", "a,c3"])
    assert layer(["b,A7"]).tolist() == [[4, 2]]
    functions = {"remove_digits": remove_digits, "split_at_commas": split_at_commas}
    with fastrnn.utils.custom_object_scope(functions):
        copy = layers.deserialize(layers.serialize(layer))
    assert copy(["b,A7"]).tolist() == [[4, 2]]


def split_to_array(texts):
    found = np.empty(len(texts), object)
    found[:] = [text.split() for text in texts]
    return found


def test_words_may_come_in_an_array_of_lists():
    layer = layers.TextVectorization(split=split_to_array, vocabulary=["a", "b"])
    outputs = layer(["b a", "a"])
    assert outputs.numpy().tolist() == [[3, 2], [2, 0]]
    assert layers.StringLookup(vocabulary=["é"], invert=True)([1]).numpy()[0] == "é".encode()


# ---- in models ----


def text_model(**options):
    fastrnn.utils.set_random_seed(1)
    layer = layers.TextVectorization(**options)
    layer.adapt(TEXTS)
    inner = [layers.Embedding(layer.vocabulary_size(), 3, mask_zero=True), layers.LSTM(4)]
    rest = inner if layer.output_mode == "int" else []
    return Sequential([Input((1,), dtype="string"), layer, *rest, layers.Dense(1)]), layer


COLUMN = np.array(TEXTS, object)[:, None]


@pytest.mark.parametrize("mode", ["int", "multi_hot", "tf_idf"])
def test_a_model_takes_texts(mode, tmp_path):
    model, layer = text_model(output_mode=mode)
    model.compile("adam", "mse")
    model.fit(COLUMN, np.ones((3, 1)), epochs=2, verbose=0)
    outputs = model.predict(COLUMN, verbose=0)
    np.testing.assert_array_equal(model.predict(np.array(TEXTS)[:, None], verbose=0), outputs)
    data = Dataset.from_tensor_slices((COLUMN, np.ones((3, 1)))).batch(2)
    model.fit(data, verbose=0, validation_data=data)
    outputs = model.predict(data, verbose=0)
    longest = layer(COLUMN)
    assert longest.dtype == (np.float32 if mode == "tf_idf" else np.int64)
    for ending in (".keras", ".fastrnn"):
        model.save(tmp_path / f"model{ending}")
        copy = fastrnn.models.load_model(tmp_path / f"model{ending}")
        np.testing.assert_allclose(copy.predict(data, verbose=0), outputs, rtol=1e-6)
        assert copy.layers[0].get_vocabulary() == layer.get_vocabulary()


def test_functional_models_take_texts_and_numbers():
    text, number = Input((1,), dtype="string", name="text"), Input((2,), name="number")
    lookup = layers.TextVectorization(output_mode="count", vocabulary=["the", "dog"])
    vectors = lookup(text)
    assert (vectors.shape, vectors.dtype) == ((None, 3), "int64")
    assert Input((), dtype=str).dtype == "string"
    outputs = layers.Dense(1)(layers.Concatenate()([vectors, number]))
    model = Model({"text": text, "number": number}, outputs)
    model.compile("sgd", "mse")
    inputs = {"text": COLUMN, "number": np.ones((3, 2))}
    model.fit(inputs, np.zeros(3), verbose=0)
    listed = Model([text, number], outputs)
    np.testing.assert_array_equal(
        model.predict(inputs, verbose=0), listed.predict([COLUMN, np.ones((3, 2))], verbose=0)
    )
    with pytest.raises(ValueError, match=r"`inputs\[0\]`.*strings"):
        listed.predict([np.ones((3, 1)), np.ones((3, 2))], verbose=0)


def test_layers_in_data_sets():
    layer = layers.TextVectorization(output_sequence_length=4, vocabulary=["the", "dog"])
    data = Dataset.from_tensor_slices((TEXTS, [0, 1, 1])).batch(2)
    batches = list(data.map(lambda x, y: (layer(x), y)))
    assert np.concatenate([x for x, _ in batches]).tolist() == layer(TEXTS).tolist()
    single = Dataset.from_tensor_slices(TEXTS).map(layer)
    assert [x.tolist() for x in single] == layer(TEXTS).tolist()


def test_categories_with_weights():
    layer = layers.CategoryEncoding(3, output_mode="count")
    theirs = keras.layers.CategoryEncoding(3, output_mode="count")
    inputs, weights = np.array([[0, 1], [2, 2]]), np.array([[0.5, 2.0], [1.0, 4.0]])
    expected = theirs(inputs, count_weights=weights).numpy()
    np.testing.assert_array_equal(layer(inputs, count_weights=weights), expected)
    with pytest.raises(ValueError, match="`count_weights`"):
        layers.CategoryEncoding(3)(inputs, count_weights=weights)


# ---- Keras's files, where vocabularies stand beside the configuration ----


def as_keras_writes(path, folders, vocabulary):
    """Move the vocabulary of a saved model out of its configuration."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    for entry in config["config"]["layers"]:
        own = entry["config"]
        if own.get("vocabulary"):
            own.update(vocabulary=None, idf_weights=None, vocabulary_size=len(vocabulary))
    members["config.json"] = json.dumps(config).encode()
    for folder in folders:
        members[f"assets/{folder}/vocabulary.txt"] = "\n".join(vocabulary).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("mode", ["int", "multi_hot", "tf_idf"])
def test_vocabularies_of_keras_files(mode, tmp_path):
    model, layer = text_model(output_mode=mode)
    outputs = model.predict(COLUMN, verbose=0)
    path = tmp_path / "model.keras"
    model.save(path)
    folders = [f"layers/text_vectorization{below}" for below in ("", "/_lookup_layer")]
    with zipfile.ZipFile(path) as archive, h5py.File(archive.open("model.weights.h5")) as stored:
        for folder in folders if mode == "tf_idf" else ():  # where Keras looks for them
            assert stored[f"{folder}/vars/idf_weights"].shape == (layer.vocabulary_size(),)
    as_keras_writes(path, folders, layer.get_vocabulary())
    copy = fastrnn.models.load_model(path)
    np.testing.assert_allclose(copy.predict(COLUMN, verbose=0), outputs, rtol=1e-6)
    assert copy.layers[0].get_vocabulary() == layer.get_vocabulary()


# ---- what is refused ----


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.StringLookup(max_tokens=1), "`max_tokens`.*more than 1"),
        (lambda: layers.StringLookup(num_oov_indices=-1), "`num_oov_indices`"),
        (lambda: layers.StringLookup(pad_to_max_tokens=True), "`max_tokens`.*pad"),
        (lambda: layers.StringLookup(output_mode="float"), "`output_mode`.*'tf_idf'"),
        (lambda: layers.StringLookup(invert=True, output_mode="count"), "`output_mode`.*'int'"),
        (lambda: layers.StringLookup(sparse=True), "`sparse`.*dense"),
        (lambda: layers.StringLookup(vocabulary=[]), "`vocabulary`.*at least one"),
        (lambda: layers.StringLookup(vocabulary=["a", "b", "a"]), r"`vocabulary`.*\['a'\]"),
        (lambda: layers.StringLookup(vocabulary=["a", "x"], mask_token="x"), "`vocabulary`.*'x'"),
        (lambda: layers.StringLookup(3, vocabulary=["a", "b", "c"]), "max_tokens=3"),
        (lambda: layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"), "`idf_weights`"),
        (lambda: layers.StringLookup(vocabulary=["a"], idf_weights=[1.0]), "`idf_weights`.*None"),
        (
            lambda: layers.StringLookup(
                vocabulary=["a"], output_mode="tf_idf", idf_weights=[1.0, 2.0]
            ),
            r"`idf_weights`.*\(2,\)",
        ),
        (lambda: layers.StringLookup(salt=[1, 2, 3]), "`salt`"),
        (lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["b"]), "`inputs`.*'b'"),
        (lambda: layers.StringLookup(vocabulary=["a"])([["a"], ["a", "b"]]), "`inputs`.*length"),
        (lambda: layers.StringLookup(vocabulary=["a"])([1.5]), "`inputs`.*strings"),
        (lambda: layers.StringLookup(output_mode="count")(["a"]), "no vocabulary yet"),
        (lambda: layers.IntegerLookup(vocabulary_dtype="int32"), "`vocabulary_dtype`"),
        (lambda: layers.IntegerLookup(vocabulary=[1])(["a"]), "`inputs`.*integers"),
        (lambda: layers.TextVectorization(ragged=True), "`ragged`"),
        (lambda: layers.TextVectorization(standardize="upper"), "`standardize`.*'lower'"),
        (lambda: layers.TextVectorization(split="comma"), "`split`.*'whitespace'"),
        (lambda: layers.TextVectorization(ngrams=0.5), "ngrams"),
        (
            lambda: layers.TextVectorization(output_mode="count", output_sequence_length=3),
            "`output_sequence_length`",
        ),
        (lambda: layers.TextVectorization()([["a", "b"]]), r"`inputs`.*\(1, 2\)"),
        (lambda: layers.CategoryEncoding(), "`num_tokens`"),
        (lambda: layers.CategoryEncoding(3, "int"), "`output_mode`"),
        (lambda: layers.CategoryEncoding(3)([3]), "`inputs`.*num_tokens - 1 = 2"),
        (lambda: layers.Hashing(0), "`num_bins`"),
        (lambda: layers.Hashing(3, salt=1.5), "`salt`"),
        (lambda: layers.Discretization(), "`num_bins`.*exactly one"),
        (lambda: layers.Discretization([1.0, 0.0]), "`bin_boundaries`"),
        (lambda: layers.Discretization(num_bins=3)(np.zeros(3)), "no boundaries yet"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()
