"""Files of random content, and good files that are damaged: only ``ModelFileError`` comes out.

``FASTRNN_FUZZ_EXAMPLES=10000`` looks longer, at other files each time; ``fuzz_files.py`` for hours.
"""

import contextlib
import json
import os
import warnings

import h5py
import numpy as np
import pytest
from fuzz_files import damaged, read, seeds
from hostile_changes import file_of
from hostile_hdf5 import hdf5
from hostile_run import read_hdf5
from hostile_zip import Entry, zip_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fastrnn
from fastrnn.formats.containers.json_data import parse_json
from fastrnn.formats.containers.zip_archive import open_archive
from fastrnn.saving import ModelFileError

EXAMPLES = int(os.environ.get("FASTRNN_FUZZ_EXAMPLES", "0"))
SOME = settings(
    max_examples=EXAMPLES or 200,
    deadline=None,
    derandomize=not EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("number", range(len(seeds())))
def test_the_good_files_are_read(number, tmp_path):
    assert read(*seeds()[number], tmp_path) == "read"


@pytest.mark.parametrize("number", range(len(seeds())))
def test_files_that_end_anywhere_are_refused(number, tmp_path):
    kind, data = seeds()[number]
    for end in range(0, len(data), 1 if len(data) < 1000 else len(data) // 300):
        assert read(kind, data[:end], tmp_path) != "read", end


@SOME
@given(st.data(), st.sampled_from(range(len(seeds()))))
def test_damaged_files_are_read_or_refused(tmp_path_factory, data, number):
    kind, content = seeds()[number]
    for _ in range(data.draw(st.integers(1, 8))):
        content = damaged(content, lambda n: data.draw(st.integers(0, n - 1)))
    read(kind, content, tmp_path_factory.getbasetemp())


# ---- random structure --------------------------------------------------------------------------

NAMES = st.text(max_size=8) | st.sampled_from(["a", "A", "a/b", "config.json", "..", "class_name"])
SIZES = st.integers(0, 2**32 - 1) | st.integers(0, 40)
FIELDS = {
    "name": NAMES.map(lambda name: name.encode("utf-8", "replace")),
    "flags": st.integers(0, 2**16 - 1) | st.sampled_from([0, 8, 0x800, 0x808]),
    "method": st.sampled_from([0, 8, 9, 12, 14, 99]),
    "checksum": SIZES,
    "stored": SIZES,
    "size": SIZES,
    "extra": st.binary(max_size=24),
}
LIES = st.fixed_dictionaries({}, optional=FIELDS)
ENTRIES = st.builds(
    Entry,
    NAMES.map(lambda name: name.encode("utf-8", "replace").decode()),
    st.binary(max_size=60),
    st.sampled_from([0, 8]),
    st.sampled_from([0x800, 0x808, 0]),
    LIES,
    LIES,
    st.sampled_from([0, 0o100644, 0o120777, 0o40755]),
    st.binary(max_size=16),
)


@SOME
@given(st.lists(ENTRIES, max_size=4), st.binary(max_size=8))
def test_random_archives(entries, between):
    with contextlib.suppress(ModelFileError), open_archive(zip_of(*entries, between=between)) as a:
        for name in a.names:
            a.read(name)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
    | st.sampled_from(["Lambda", "LSTM", "keras.layers", "relu", "os", "__numpy__", "function"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@SOME
@given(VALUES)
def test_random_json(value):
    text = json.dumps(value)
    try:
        assert parse_json(text.encode(), "a") == json.loads(text)
    except ModelFileError as error:
        assert error.reason in ("json_number", "json_surrogate", "json_key")


@SOME
@given(st.binary(max_size=40) | st.text('[]{}",:0123eE+-.\\untrfals \ud800', max_size=40))
def test_random_texts(text):
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    with contextlib.suppress(ModelFileError):
        parse_json(data, "a")


def places(value, path=()):
    """Give the paths of all parts of a description."""
    yield path
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def put(config, path, value):
    for key in path[:-1]:
        config = config[key]
    config[path[-1]] = value


@SOME
@given(st.data())
def test_descriptions_with_random_parts(tmp_path_factory, data):
    def change(config):
        for _ in range(data.draw(st.integers(1, 3))):
            known = [path for path in places(config) if path]
            path = data.draw(st.sampled_from(known))
            put(config, path, data.draw(VALUES))

    path = tmp_path_factory.getbasetemp() / "a.fastrnn"
    path.write_bytes(file_of(change))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(ModelFileError):
            fastrnn.models.load_model(path)


DTYPES = ["f4", ">f8", "i1", "u8", "f2", "?", "S3", "V2", "c8", h5py.string_dtype()]
SHAPES = st.lists(st.integers(0, 5), max_size=3).map(tuple)
OPTIONS = st.sampled_from([{}, {"compression": "gzip"}, {"shuffle": True}, {"fletcher32": True}])
THINGS = st.one_of(
    st.tuples(st.just("dataset"), st.sampled_from(DTYPES), SHAPES, OPTIONS),
    st.tuples(st.just("attribute"), st.sampled_from(DTYPES), SHAPES),
    st.tuples(st.just("group")),
    st.tuples(st.just("link"), st.sampled_from(["/", "/a", "/none"])),
)


def make(root, name, kind, *arguments):
    if kind == "group":
        root.create_group(name)
    elif kind == "dataset":
        dtype, shape, options = arguments
        root.create_dataset(name, shape, dtype, **options)[...] = np.zeros(shape, "i1").astype("S1")
    elif kind == "attribute":
        root.attrs.create(name, np.zeros(arguments[1], "i1"), dtype=arguments[0])
    else:
        root[name] = h5py.SoftLink(*arguments)


@SOME
@given(st.lists(st.tuples(NAMES, THINGS), max_size=6), st.sampled_from(["earliest", "latest"]))
def test_random_hdf5(things, libver):
    def fill(root):
        for name, thing in things:
            with contextlib.suppress(ValueError, TypeError, OSError, KeyError, RuntimeError):
                make(root, name, *thing)

    file = hdf5(fill, libver=libver)
    with contextlib.suppress(ModelFileError):
        read_hdf5(file)
