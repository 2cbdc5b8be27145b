"""IMDB and the sunspots: against live Keras on the same file; bad files and no network."""

import hashlib
import inspect
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from live_keras import keras
from repository import REPOSITORY

from fastrnn.datasets import files, imdb, sunspots

SHARED = REPOSITORY.parent / "shared" / "data" / "imdb"


def make_reviews(samples, rng):
    lengths = rng.integers(1, 12, samples)
    reviews = np.empty(samples, dtype=object)
    reviews[:] = [rng.integers(1, 40, length).tolist() for length in lengths]
    return reviews


def write_reviews(path):
    rng = np.random.default_rng(0)
    x_train, x_test = make_reviews(30, rng), make_reviews(20, rng)
    labels = rng.integers(0, 2, 30), rng.integers(0, 2, 20)
    np.savez(path, x_train=x_train, y_train=labels[0], x_test=x_test, y_test=labels[1])


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of Keras's with a small file of reviews, and an index of words."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    write_reviews(tmp_path / "datasets" / "imdb.npz")
    index = {"the": 1, "señal": 2, "'tis": 3}
    text = json.dumps(index, ensure_ascii=False)
    (tmp_path / "datasets" / "imdb_word_index.json").write_text(text, encoding="utf-8")
    return tmp_path / "datasets"


def load_with_keras(monkeypatch, file, **options):
    """Live Keras on a file that it would download again, its checksum being another."""
    monkeypatch.setattr("keras.src.datasets.imdb.get_file", lambda **_: str(file))
    return keras.datasets.imdb.load_data(**options)


def assert_same_parts(actual, expected):
    for (x, y), (wanted_x, wanted_y) in zip(actual, expected, strict=True):
        assert x.dtype == object
        assert x.ndim == 1
        assert all(type(review) is list for review in x)
        assert x.tolist() == [list(review) for review in wanted_x]
        np.testing.assert_array_equal(y, wanted_y)


OPTIONS = [
    {},
    {"num_words": 20},
    {"num_words": 0},
    {"skip_top": 6},
    {"num_words": 25, "skip_top": 5, "oov_char": None},
    {"num_words": 25, "skip_top": 5, "oov_char": 39},
    {"maxlen": 6},
    {"maxlen": 6, "start_char": None},
    {"seed": 7},
    {"start_char": None},
    {"start_char": 5, "index_from": 10},
    {"start_char": None, "index_from": 0},
    {"start_char": None, "index_from": None},
    {"index_from": 0, "num_words": 10},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_reviews_are_those_of_keras(options, home, monkeypatch):
    expected = load_with_keras(monkeypatch, home / "imdb.npz", **options)
    assert_same_parts(imdb.load_data(**options), expected)
    assert_same_parts(imdb.load_data(home / "imdb.npz", **options), expected)


def test_arguments_are_those_of_keras():
    for name in ("load_data", "get_word_index"):
        ours, theirs = (
            [(p.name, p.default, p.kind) for p in inspect.signature(f).parameters.values()]
            for f in (getattr(imdb, name), getattr(keras.datasets.imdb, name))
        )
        assert ours == theirs
    with pytest.raises(ValueError, match="load_data: words"):
        imdb.load_data(words=3)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the data set is not part of the repository")
def test_the_real_reviews_are_those_of_keras(monkeypatch):
    options = {"num_words": 5000, "maxlen": 120, "skip_top": 10}
    expected = load_with_keras(monkeypatch, SHARED / "imdb.npz", **options)
    assert_same_parts(imdb.load_data(SHARED / "imdb.npz", **options), expected)
    index = imdb.get_word_index(SHARED / "imdb_word_index.json")
    assert index["the"] == 1
    assert sorted(index.values()) == list(range(1, len(index) + 1))


def test_the_name_of_keras_1(home):
    with pytest.warns(DeprecationWarning, match=r"nb_words.*num_words"):
        older = imdb.load_data(nb_words=20)
    assert_same_parts(older, imdb.load_data(num_words=20))


def test_word_index(home):
    expected = {"the": 1, "señal": 2, "'tis": 3}
    assert imdb.get_word_index() == expected
    assert imdb.get_word_index(home / "imdb_word_index.json") == expected
    for text in ("{", "[]"):
        (home / "bad.json").write_text(text)
        with pytest.raises(ValueError, match=r"`path`.*bad\.json"):
            imdb.get_word_index("bad.json")


def test_no_review_is_short_enough(home):
    with pytest.raises(ValueError, match=r"`maxlen`.*larger"):
        imdb.load_data(maxlen=1)


def test_the_home_of_keras_without_its_variable(home, monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "user")
    folder = tmp_path / "user" / ".keras" / "datasets"
    folder.mkdir(parents=True)
    (home / "imdb.npz").rename(folder / "imdb.npz")
    assert len(imdb.load_data()[0][0]) == 30


# ---- downloads, from a server of our own ----


@pytest.fixture
def remote(home, server, monkeypatch):
    """The reviews are no longer in Keras's folder, but on the server, with the right checksum."""
    content = (home / "imdb.npz").read_bytes()
    (home / "imdb.npz").unlink()
    server.pages["/imdb.npz"] = content
    monkeypatch.setattr(files, "SITE", server.url)
    monkeypatch.setattr(imdb, "_REVIEWS_SHA256", hashlib.sha256(content).hexdigest())
    return server


def test_an_absent_file_is_downloaded_once(home, remote):
    first = imdb.load_data()
    assert remote.visits == 1
    assert (home / "imdb.npz").read_bytes() == remote.pages["/imdb.npz"]
    assert_same_parts(imdb.load_data(), first)
    assert remote.visits == 1


def test_the_folder_is_made_for_a_download(remote, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "new"))
    imdb.load_data("deep/reviews.npz")
    assert (tmp_path / "new" / "datasets" / "deep" / "reviews.npz").is_file()


def test_a_download_with_another_checksum_is_not_kept(home, remote):
    remote.pages["/imdb.npz"] += b"!"
    before = sorted(home.iterdir())
    with pytest.raises(ValueError, match=r"sha256 checksum .* was not kept"):
        imdb.load_data()
    assert sorted(home.iterdir()) == before


def test_a_file_that_is_there_is_used_whatever_its_checksum(home, monkeypatch):
    monkeypatch.setattr(files, "SITE", "http://127.0.0.1:9/")
    assert len(imdb.load_data()[0][0]) == 30


@pytest.mark.parametrize("trouble", ["offline", "not found", "cut off"])
def test_a_download_that_fails_says_what_to_do(home, remote, monkeypatch, trouble):
    if trouble == "offline":
        monkeypatch.setattr(files, "SITE", "http://127.0.0.1:9/")
    elif trouble == "not found":
        remote.pages.clear()
    else:
        remote.lost = 10
    for load in (imdb.load_data, lambda: imdb.get_word_index("other.json")):
        with pytest.raises(OSError, match=r"There is no file .*http://127.*put the file there"):
            load()
    assert [file.name for file in home.iterdir()] == ["imdb_word_index.json"]


def test_checksums_are_those_of_keras():
    source = Path(keras.src.datasets.imdb.__file__).read_text()
    assert imdb._REVIEWS_SHA256 in source
    assert imdb._WORDS_MD5 in source
    assert files.SITE in source


# ---- files that are not as they should be ----


class Attack:
    """Pickles to a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def write_npz(path, **members):
    """Write object arrays whose pickles are ``members``, beside good labels."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("x_train", "x_test", "y_train", "y_test"):
            with archive.open(f"{name}.npy", "w") as file:
                if name not in members:
                    np.lib.format.write_array(file, np.zeros(1, np.int64))
                    continue
                header = {"descr": "|O", "fortran_order": False, "shape": (1,)}
                np.lib.format.write_array_header_1_0(file, header)
                file.write(members[name])


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("depth", ["instead of the array", "inside it", "inside a review"])
def test_code_in_a_file_is_refused_and_not_run(home, tmp_path, depth, protocol):
    target = tmp_path / "made-by-the-file"
    attack = Attack(os.mkdir, str(target))
    if depth != "instead of the array":
        array = np.empty(1, dtype=object)
        array[0] = attack if depth == "inside it" else [1, attack]
        attack = array
    payload = pickle.dumps(attack, protocol)
    write_npz(home / "evil.npz", x_train=payload)
    with pytest.raises(ValueError, match=r"`path`.*evil\.npz.*(posix|nt)\.mkdir"):
        imdb.load_data("evil.npz")
    assert not target.exists()
    pickle.loads(payload)  # the attack is a real one
    assert target.exists()


@pytest.mark.parametrize(
    ("function", "arguments"),
    [(eval, ("1 + 1",)), (getattr, ("x", "upper")), (np.load, ("x",)), (np.memmap, ("x",))],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_names_that_are_not_needed_are_refused(home, function, arguments):
    write_npz(home / "evil.npz", x_test=pickle.dumps(Attack(function, *arguments), 0))
    with pytest.raises(ValueError, match=r"`path`.*it holds \w+.*\.\w+, not lists of numbers"):
        imdb.load_data("evil.npz")


def test_any_damage_is_a_clear_error(home):
    """Whatever byte is lost or changed: the file loads, or the error names the argument."""
    content = (home / "imdb.npz").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for trial in range(300):
        damaged = bytearray(content)
        if trial < 100:
            del damaged[rng.integers(0, len(content)) :]
        else:
            for position in rng.integers(0, len(content), 3):
                damaged[position] = rng.integers(0, 256)
        (home / "damaged.npz").write_bytes(bytes(damaged))
        try:
            imdb.load_data("damaged.npz")
        except ValueError as error:
            assert "`path`" in str(error)
            refused += 1
    assert refused > 250


CONTENTS = {
    "missing arrays": ({"x_train": [[1]], "y_train": [0]}, r"x_test.*y_test"),
    "lengths": ({"y_train": [0, 1]}, "one label each"),
    "words": ({"x_train": ["a"]}, "lists of integers"),
    "fractions": ({"x_test": [[1.5]]}, "lists of integers"),
    "numbers": ({"x_test": [3]}, "lists of integers"),
    "one number": ({"x_test": 3, "y_test": 1}, "lists of integers"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_reviews_of_another_kind_are_refused(home, name):
    given, message = CONTENTS[name]
    good = {"x_train": [[1]], "y_train": [0], "x_test": [[2]], "y_test": [1]}
    contents = given if name == "missing arrays" else {**good, **given}
    arrays = {}
    for key, value in contents.items():
        arrays[key] = np.asarray(value)
        if key[0] == "x" and isinstance(value, list):
            arrays[key] = np.empty(len(value), dtype=object)
            arrays[key][:] = value
    np.savez(home / "other.npz", **arrays)
    with pytest.raises(ValueError, match=f"`path`.*{message}"):
        imdb.load_data("other.npz")


def test_a_file_of_another_kind_is_refused(home):
    (home / "text.npz").write_text("hello")
    with pytest.raises(ValueError, match=r"`path`.*whole \.npz file"):
        imdb.load_data("text.npz")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_arrays_of_numbers_are_read_as_they_are(tmp_path, order, version):
    array = np.asarray(np.arange(6, dtype=">f4").reshape(2, 3), order=order)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive, archive.open("a.npy", "w") as file:
        np.lib.format.write_array(file, array, version)
    read = files.read_npz(tmp_path / "a.npz")["a"]
    np.testing.assert_array_equal(read, array)
    assert read.dtype == array.dtype


def test_sunspots():
    years, numbers = sunspots.load_data()
    assert years.tolist() == list(range(1700, 2009))
    assert years.dtype == np.int64
    assert numbers.shape == (309,)
    assert numbers.min() == 0
    assert numbers.max() == pytest.approx(190.2)  # 1957
    assert years[numbers.argmax()] == 1957
