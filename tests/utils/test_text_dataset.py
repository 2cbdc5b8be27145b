"""Folders of texts, and data sets that are split: against live Keras where it runs."""

import copy

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn.data import Dataset
from fastrnn.utils import split_dataset, text_dataset_from_directory
from fastrnn.utils.folders import in_drawn_order, index_folder

CLASSES = {"neg": 4, "pos": 5, "unsup": 3}


@pytest.fixture
def folder(tmp_path):
    """Texts in three classes; others of another ending, in hidden folders and behind links."""
    root = tmp_path / "texts"
    for name, count in CLASSES.items():
        (root / name / "deep").mkdir(parents=True)
        for k in range(count):
            file = {1: "deep/1.txt", 2: "2.TXT"}.get(k, f"{k}.txt")
            (root / name / file).write_text(f"{name} {k} é", encoding="utf-8")
        (root / name / "notes.md").write_text("none")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "x.txt").write_text("none")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "linked.txt").write_text("linked")
    (root / "pos" / "link").symlink_to(tmp_path / "elsewhere")
    return root


def read(dataset):
    """Texts and labels of all batches."""
    batches = [zip(*batch, strict=True) for batch in dataset]
    return [(str(x), np.asarray(y).tolist()) for batch in batches for x, y in batch]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"labels": None},
        {"class_names": ["pos", "neg"]},
        {"follow_links": True},
        {"labels": [3, 1] * 6 + [1]},
    ],
    ids=str,
)
def test_files_are_found_as_keras_finds_them(folder, options):
    """Keras's own index, which needs no TensorFlow."""
    labels = options.get("labels", "inferred")
    names, links = options.get("class_names"), options.get("follow_links", False)
    for shuffle in (False, True):
        expected = keras.src.utils.dataset_utils.index_directory(
            str(folder), copy.copy(labels), (".txt",), names, shuffle, 7, links, False
        )
        paths, numbers, found = index_folder(folder, labels, ".txt", names, links)
        if shuffle:
            paths, numbers = in_drawn_order(paths, numbers, 7)
        assert [str(folder.joinpath(p)) for p in expected[0]] == paths
        assert (None if numbers is None else numbers.tolist()) == (
            None if expected[1] is None else list(expected[1])
        )
        assert found == expected[2]


def test_texts_and_labels(folder, capsys):
    data = text_dataset_from_directory(folder, batch_size=5, shuffle=False)
    assert capsys.readouterr().out == "Found 12 files belonging to 3 classes.\n"
    assert data.class_names == ["neg", "pos", "unsup"]
    assert len(data) == 3
    pairs = read(data)
    assert pairs[0] == ("neg 0 é", 0)
    assert [label for _, label in pairs] == [0] * 4 + [1] * 5 + [2] * 3
    assert all(text.startswith(data.class_names[label]) for text, label in pairs)
    drawn = text_dataset_from_directory(folder, batch_size=5, seed=1, verbose=False)
    assert capsys.readouterr().out == ""
    assert sorted(read(drawn)) == sorted(pairs)
    assert read(drawn) != pairs
    cut = text_dataset_from_directory(
        folder, max_length=3, shuffle=False, label_mode="binary", class_names=["neg", "pos"]
    )
    assert next(iter(cut))[0].tolist() == ["neg"] * 4 + ["pos"] * 5


def test_modes_of_labels(folder):
    def labels(**options):
        data = text_dataset_from_directory(folder, shuffle=False, verbose=False, **options)
        return next(iter(data))[1]

    assert labels().dtype == np.int32
    vectors = labels(label_mode="categorical")
    assert (vectors.dtype, vectors.shape.as_list()) == (np.float32, [12, 3])
    assert vectors.argmax(axis=1).tolist() == labels().tolist()
    binary = labels(label_mode="binary", class_names=["pos", "neg"])
    assert binary.tolist() == [[0.0]] * 5 + [[1.0]] * 4
    alone = text_dataset_from_directory(folder, label_mode=None, batch_size=None, verbose=False)
    assert {x.shape for x in alone} == {()}


def test_subsets(folder):
    options = {"validation_split": 0.25, "seed": 4, "verbose": False}
    training, validation = (
        text_dataset_from_directory(folder, subset=subset, **options)
        for subset in ("training", "validation")
    )
    both = text_dataset_from_directory(folder, subset="both", **options)
    assert sorted(read(both[0])) == sorted(read(training))
    assert sorted(read(both[1])) == sorted(read(validation))
    assert (len(read(training)), len(read(validation))) == (9, 3)
    assert len({*read(training), *read(validation)}) == 12


def test_a_model_trains_on_a_folder(folder):
    data = text_dataset_from_directory(folder, batch_size=4, seed=1, verbose=False)
    vectorize = fastrnn.layers.TextVectorization(output_sequence_length=3)
    vectorize.adapt(data.map(lambda x, y: x))
    layers = fastrnn.layers
    model = fastrnn.Sequential(
        [fastrnn.Input((1,), dtype="string"), vectorize, layers.Embedding(30, 3), layers.LSTM(3)]
    )
    model.add(layers.Dense(3, "softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(data, epochs=2, verbose=0, validation_data=data)
    numbers = data.map(lambda x, y: (vectorize(x), y)).cache().prefetch(fastrnn.data.AUTOTUNE)
    assert next(iter(numbers))[0].shape.as_list() == [4, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"directory": "absent"}, r"`directory`.*absent"),
        ({"labels": "folders"}, r"`labels`.*'inferred'"),
        ({"labels": [1, 2]}, r"`labels`.*13 files"),
        ({"labels": None, "class_names": ["neg"]}, r"`class_names`.*inferred"),
        ({"class_names": ["no"]}, r"`class_names`.*'neg', 'pos', 'unsup'"),
        ({"label_mode": "float"}, r"`label_mode`.*'binary'"),
        ({"label_mode": "binary"}, r"`class_names`.*two folders"),
        ({"format": "torch"}, r"`format`"),
        ({"subset": "training"}, r"`subset`.*validation_split"),
        ({"validation_split": 0.5}, r"`subset`.*'both'"),
        ({"validation_split": 1.5, "subset": "both"}, r"`validation_split`"),
        ({"validation_split": 0.5, "subset": "both"}, r"`seed`.*same order"),
        ({"validation_split": 0.01, "subset": "both", "seed": 1}, r"`directory`.*each part"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_folder_refuses(folder, options, message):
    with pytest.raises(ValueError, match=message):
        text_dataset_from_directory(**{"directory": folder, **options})


def test_images_are_refused_by_name():
    with pytest.raises(AttributeError, match=r"image_dataset_from_directory.*images"):
        getattr(fastrnn.utils, "image_dataset_from_" + "directory")


# ---- split_dataset ----


@pytest.mark.parametrize(
    "sizes",
    [{"left_size": 0.7}, {"left_size": 3}, {"right_size": 0.25}, {"left_size": 2, "right_size": 3}],
    ids=str,
)
def test_sizes_are_those_of_keras(sizes):
    given = sizes.get("left_size"), sizes.get("right_size")
    expected = keras.src.utils.dataset_utils._rescale_dataset_split_sizes(*given, 11)
    assert tuple(map(len, split_dataset(np.arange(11), **sizes))) == expected


def test_data_sets_are_split():
    x, y = np.arange(10), np.arange(10) * 2
    left, right = split_dataset((x, y), left_size=0.6)
    assert [int(a) for a, _ in left] == [0, 1, 2, 3, 4, 5]
    assert [int(b) for _, b in right] == [12, 14, 16, 18]
    batched = Dataset.from_tensor_slices(x).batch(4)
    left, right = split_dataset(batched, right_size=3)
    assert [a.tolist() for a in left] == [[0, 1, 2, 3], [4, 5, 6]]
    assert [a.tolist() for a in right] == [[7, 8, 9]]
    shuffled = [split_dataset(x, 0.5, shuffle=True, seed=1) for _ in range(2)]
    orders = [[int(a) for part in parts for a in part] for parts in shuffled]
    assert orders[0] == orders[1] != sorted(orders[0])
    assert sorted(orders[0]) == x.tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.arange(4),), "`left_size`.*`right_size`"),
        ((np.arange(4), 0), "`left_size`"),
        ((np.arange(4), 1.5), "`left_size`.*share"),
        ((np.arange(4), 3, 2), "`left_size`.*at most 4"),
        ((np.arange(4), 0.01), "`left_size`.*leaves"),
        ((Dataset.range(3).repeat(), 2), "`dataset`.*ends"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_split_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        split_dataset(*arguments)
    with pytest.raises(TypeError, match="`dataset`"):
        split_dataset({"a": 1}, 2)
