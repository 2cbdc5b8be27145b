"""Newswires, prices and images: against live Keras on the same small files."""

import gzip
import importlib
import inspect
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn.datasets import files

RNG = np.random.default_rng(0)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    return tmp_path / "datasets"


def load_both(name, file, monkeypatch, **options):
    """Return what fastrnn and live Keras load from the same file."""
    monkeypatch.setattr(f"keras.src.datasets.{name}.get_file", lambda *_, **__: str(file))
    modules = (getattr(package.datasets, name) for package in (fastrnn, keras))
    return [module.load_data(**options) for module in modules]


def assert_same_parts(actual, expected):
    for part, wanted in zip(actual, expected, strict=True):
        for array, wanted_array in zip(part, wanted, strict=True):
            assert array.dtype == wanted_array.dtype
            assert array.shape == wanted_array.shape
            assert array.tolist() == wanted_array.tolist()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_words": 20, "test_split": 0.3},
        {"skip_top": 6, "oov_char": None},
        {"maxlen": 6, "seed": 3},
        {"start_char": None, "index_from": 0},
    ],
    ids=str,
)
def test_newswires_are_those_of_keras(home, monkeypatch, options):
    news = np.empty(30, dtype=object)
    news[:] = [RNG.integers(1, 40, length).tolist() for length in RNG.integers(1, 12, 30)]
    np.savez(home / "reuters.npz", x=news, y=RNG.integers(0, 46, 30))
    assert_same_parts(*load_both("reuters", home / "reuters.npz", monkeypatch, **options))


def test_topics_are_those_of_keras(home):
    reuters = fastrnn.datasets.reuters
    assert reuters.get_label_names() == keras.datasets.reuters.get_label_names()
    (home / "reuters_word_index.json").write_text('{"the": 1}')
    assert reuters.get_word_index() == {"the": 1}


@pytest.mark.parametrize("options", [{}, {"test_split": 0, "seed": 5}], ids=str)
@pytest.mark.parametrize("name", ["boston_housing", "california_housing"])
def test_prices_are_those_of_keras(home, monkeypatch, name, options):
    file = home / f"{name}.npz"
    np.savez(file, x=RNG.standard_normal((700, 8)), y=RNG.standard_normal(700))
    if name == "california_housing":
        options = {**options, "version": "small"}
        with pytest.raises(ValueError, match=r"`version`.*'large', 'small'"):
            fastrnn.datasets.california_housing.load_data("tiny")
    assert_same_parts(*load_both(name, file, monkeypatch, **options))
    with pytest.raises(ValueError, match=r"`test_split`"):
        getattr(fastrnn.datasets, name).load_data(test_split=1)


def test_digits_are_those_of_keras(home, monkeypatch):
    images, labels = RNG.integers(0, 256, (5, 28, 28), np.uint8), np.arange(5, dtype=np.uint8)
    arrays = {"x_train": images, "y_train": labels, "x_test": images[:2], "y_test": labels[:2]}
    np.savez(home / "mnist.npz", **arrays)
    assert_same_parts(*load_both("mnist", home / "mnist.npz", monkeypatch))


def idx_file(array):
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())


def test_clothes_are_those_of_keras(home, monkeypatch):
    folder = home / "fashion-mnist"
    folder.mkdir()
    for part, count in (("train", 5), ("t10k", 3)):
        images = RNG.integers(0, 256, (count, 28, 28), np.uint8)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(idx_file(images))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx_file(images[:, 0, 0]))
    monkeypatch.setattr(
        "keras.src.datasets.fashion_mnist.get_file", lambda name, **_: str(folder / name)
    )
    expected = keras.datasets.fashion_mnist.load_data()
    assert_same_parts(fastrnn.datasets.fashion_mnist.load_data(), expected)
    for damage in (b"", b"no gzip", gzip.compress(b"short"), gzip.compress(bytes([0, 0, 8, 1, 9]))):
        (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(damage)
        with pytest.raises(ValueError, match=r"`path`.*whole file of bytes in the IDX format"):
            fastrnn.datasets.fashion_mnist.load_data()


def test_small_images_row_by_row(home, monkeypatch):
    from fastrnn.datasets import cifar10

    monkeypatch.setattr(cifar10, "_SHA256", None)
    images, labels = RNG.integers(0, 256, (18, 3, 32, 32), np.uint8), RNG.integers(0, 10, 18)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for k, name in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]):
            rows = slice(3 * k, 3 * k + 3)
            entries = {b"data": images[rows].reshape(3, -1), b"labels": labels[rows].tolist()}
            data = pickle.dumps(entries, 3)
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    (home / "cifar-10-batches-py-target_archive").write_bytes(content.getvalue())
    train, test = cifar10.load_data()
    for (x, y), rows in ((train, slice(0, 15)), (test, slice(15, 18))):
        np.testing.assert_array_equal(x, images[rows].transpose(0, 2, 3, 1))
        assert y.tolist() == labels[rows, None].tolist()
        assert (x.dtype, y.dtype) == (np.uint8, np.uint8)
    file = home / "cifar-10-batches-py-target" / "cifar-10-batches-py" / "test_batch"
    for damage in (b"damaged", pickle.dumps({b"data": print})):
        file.write_bytes(damage)
        with pytest.raises(ValueError, match=r"`path`.*test_batch"):
            cifar10.load_data()


MODULES = ["boston_housing", "california_housing", "cifar10", "mnist", "reuters"]


@pytest.mark.parametrize("name", MODULES)
def test_arguments_and_checksums_are_those_of_keras(name):
    ours = getattr(fastrnn.datasets, name)
    theirs = importlib.import_module(f"keras.src.datasets.{name}")
    parameters = [
        [(p.name, p.default) for p in inspect.signature(module.load_data).parameters.values()]
        for module in (ours, theirs)
    ]
    assert [p for p in parameters[0] if p[0] != "kwargs"] == parameters[1]
    source = Path(theirs.__file__).read_text()
    hashes = [value for key, value in vars(ours).items() if key.endswith(("SHA256", "MD5"))]
    assert hashes
    assert all(value in source for value in hashes)
    assert getattr(ours, "_ORIGIN", files.SITE) in source


def test_names_are_those_of_keras():
    names = {name for name in dir(keras.datasets) if not name.startswith("_")}
    assert names - set(fastrnn.datasets.__all__) == {"cifar", "cifar100"} & names
