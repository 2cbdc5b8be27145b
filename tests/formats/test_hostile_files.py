"""Files that must be refused: with their reason, in under a second and little memory."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hostile_changes import CHANGES, KERAS_FILES, file_of
from hostile_hdf5 import HDF5S, hdf5, weights
from hostile_legacy_h5 import OLDER, older
from hostile_models import MODELS
from hostile_zip import JSONS, NPYS, ZIPS, Entry, npy, zip_of
from repository import HELPERS

import fastrnn
from fastrnn.formats.containers.hdf5 import open_hdf5
from fastrnn.formats.containers.json_data import parse_json
from fastrnn.formats.containers.npy import read_npy
from fastrnn.formats.containers.zip_archive import open_archive
from fastrnn.formats.error_codes import ERROR_CODES
from fastrnn.saving import ModelFileError

WEIGHTS = {  # of a layer GRU(4) on 3 features
    "sequential/gru/gru_cell/kernel": (3, 12),
    "sequential/gru/gru_cell/recurrent_kernel": (4, 12),
    "sequential/gru/gru_cell/bias": (2, 12),
}


def saved_weights(**other):
    arrays = {path: npy(np.zeros(shape, "f4")) for path, shape in WEIGHTS.items()}
    arrays |= {f"sequential/gru/gru_cell/{name}": data for name, data in other.items()}
    return zip_of(*(Entry(f"{path}.npy", data) for path, data in arrays.items()))


NPZS = {
    "9 pickled": ("npy_dtype", lambda: saved_weights(bias=npy(np.array([{}])))),
    "21 shape": (
        "unexpected_shape",
        lambda: saved_weights(bias=npy(np.zeros((2**20, 12), "f4"))),
    ),
    "21 dtype": (
        "unexpected_dtype",
        lambda: saved_weights(bias=npy(np.zeros((2, 12)))),
    ),
    "21 one more": ("unexpected_weights", lambda: saved_weights(more=npy())),
}
KINDS = {
    "zip": ZIPS,
    "json": JSONS,
    "npy": NPYS,
    "hdf5": HDF5S,
    "weights": NPZS,
    "model": MODELS | CHANGES,
    "keras": KERAS_FILES,
    "older": OLDER,
}
CASES = {
    f"{kind}-{number}": (name, *case)
    for kind, table in KINDS.items()
    for number, (name, case) in enumerate(table.items())
}
ENDINGS = {"weights": ".weights.npz", "model": ".fastrnn", "keras": ".keras", "older": ".h5"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """How a process of its own refused each file."""
    folder = tmp_path_factory.mktemp("hostile")
    for key, (_, _, build) in CASES.items():
        (folder / (key + ENDINGS.get(key.split("-")[0], ""))).write_bytes(build())
    command = [sys.executable, str(HELPERS / "hostile_run.py"), str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return {name.split(".")[0]: result for name, result in json.loads(run.stdout).items()}


@pytest.mark.parametrize("key", CASES, ids=lambda key: f"{key.split('-')[0]}: {CASES[key][0]}")
def test_it_is_refused(key, results):
    found = results[key]
    assert found["reason"] == CASES[key][1]
    assert found["seconds"] < 1  # a promise about safety, not about speed
    assert found["more_bytes"] < 64 << 20


def test_every_reason_is_the_reason_of_a_file():
    """One of the cases, or one that another file of the tests names."""
    cases = {reason for _, reason, _ in CASES.values()}
    tests = "".join(path.read_text() for path in HELPERS.parent.rglob("*.py"))
    assert cases <= set(ERROR_CODES)
    assert [reason for reason in set(ERROR_CODES) - cases if f'"{reason}"' not in tests] == []


def test_reasons_are_those_of_the_table():
    """Each code in the sources stands in the table, and the other way round."""
    folder = Path(fastrnn.__file__).parent
    text = "".join(path.read_text() for path in folder.rglob("*.py"))
    raised = set(re.findall(r'(?:ModelFileError|RefusedConfig|\.error)\(\s*"(\w+)"', text))
    raised |= set(re.findall(r'reason = "(\w+)" if .* else "\w+"', text))
    assert raised - {"not_json"} == set(ERROR_CODES) - {"not_json"}


def refusal(read, *arguments):
    with pytest.raises(ModelFileError) as caught:
        read(*arguments)
    return caught.value.reason


def test_folders_and_pipes_are_no_files(tmp_path):
    paths = [tmp_path]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        paths.append(tmp_path / "pipe")
    for path in paths:
        for opener in (open_archive, open_hdf5):
            assert refusal(opener(path).__enter__) == "not_a_file"


def test_what_is_missing():
    with open_archive(zip_of(Entry("b"))) as archive:
        assert refusal(archive.read, "a") == "member_missing"
    with open_hdf5(hdf5(weights)) as root:
        assert refusal(root.attribute, "a") == "hdf5_missing"
        assert refusal(root.group, "layers/lstm") == "hdf5_missing"
        assert refusal(root.dataset, "layers/dense/vars/2") == "hdf5_missing"
        dataset = root.dataset("layers/dense/vars/1")
        assert refusal(dataset.read, (4,)) == "unexpected_shape"


def test_a_file_is_opened_once(tmp_path):
    """What was checked is what is read, also if another file takes its place meanwhile."""
    path = tmp_path / "a.zip"
    path.write_bytes(zip_of(Entry(content=b"first")))
    with open_archive(path) as archive:
        other = tmp_path / "b.zip"
        other.write_bytes(zip_of(Entry(content=b"other")))
        other.replace(path)
        assert archive.read("a") == b"first"
    path.write_bytes(zip_of(Entry(content=bytes(1 << 20))))
    with open_archive(path) as archive:
        path.write_bytes(zip_of(Entry(content=b"a" * (1 << 20))))
        assert refusal(archive.read, "a") == "member_checksum"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_of_other_writers_are_read(compression):
    class Pipe(io.BytesIO):  # sizes follow the data where the writer cannot go back
        def seekable(self):
            return False

    content = b"content " * 1000
    for kind in (io.BytesIO, Pipe):
        for wide in (False, True):
            file = kind()
            with zipfile.ZipFile(file, "w", compression) as writer:
                for name in ("a", "\N{GREEK SMALL LETTER ALPHA}/b"):
                    with writer.open(name, "w", force_zip64=wide) as member:
                        member.write(content)
            with open_archive(file.getvalue()) as archive:
                assert archive.names == ("a", "α/b")
                assert [archive.read(name) for name in archive.names] == [content] * 2
                assert archive.read("a", 10) == content[:10]


ARRAYS = [
    np.arange(6.0),
    np.asfortranarray(np.arange(6, dtype="i2").reshape(2, 3)),
    np.arange(4, dtype=">f4").reshape(2, 2),
    np.array(3, "u1"),
    np.zeros((0, 3), bool),
    np.float16([[[1]]]),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype.str}{a.shape}")
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_arrays_are_read_as_numpy_reads_them(array, version):
    found = read_npy(npy(array, version=version), "a.npy", array.shape)
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, array, strict=array.dtype.isnative)


def test_hdf5_is_read_as_h5py_reads_it():
    arrays = {
        "compact": np.arange(6.0).reshape(2, 3),
        "big-endian": np.arange(3, dtype=">i4"),
        "scalar": np.array(3, "u1"),
        "none": np.zeros((0, 3)),
        "half": np.ones(3, "f2"),
    }
    chunks = np.arange(63.0).reshape(9, 7)
    texts = {"one": "é", "many": ["a", "bc"], "bytes": np.array([b"a", b"bcd"]), "empty": ""}

    def fill(root):
        for name, array in arrays.items():
            root[f"a/{name}"] = array
        root.create_dataset("a/chunks", data=chunks, chunks=(4, 3), compression="gzip")
        root.create_dataset("a/shuffled", data=chunks, shuffle=True, compression="gzip")
        root.attrs["number"] = np.array([1, 2], ">i2")
        for name, text in texts.items():
            root["a"].attrs[name] = text

    file = hdf5(fill)
    arrays |= {"chunks": chunks, "shuffled": chunks}
    with open_hdf5(file) as root:
        group = root.group("a")
        assert set(group.datasets) == set(arrays)
        for name, array in arrays.items():
            dataset = group.dataset(name)
            assert dataset.dtype == array.dtype.newbyteorder("=")
            found = dataset.read(array.shape)
            np.testing.assert_array_equal(found, array, strict=array.dtype.isnative)
        expected = {"one": "é", "many": ["a", "bc"], "bytes": ["a", "bcd"], "empty": ""}
        assert {name: group.attribute(name) for name in group.attributes} == expected
        np.testing.assert_array_equal(root.attribute("number"), np.int16([1, 2]), strict=True)


def test_hdf5_of_many_names_is_read(tmp_path):
    """Names and attributes that newer files keep in heaps of their own."""

    def fill(root):
        for k in range(50):
            root[f"group{k}/values"] = np.full(2, k)
            root.attrs[f"number{k}"] = k

    for options in ({}, {"libver": "latest"}, {"libver": "v110"}):
        with open_hdf5(hdf5(fill, **options)) as root:
            assert len(root.groups) == len(root.attributes) == 50
            assert root.attribute("number7") == 7
            np.testing.assert_array_equal(root.dataset("group9/values").read((2,)), [9, 9])


def test_json_is_read_as_python_reads_it():
    value = {
        "a": [1, -2.5, 1e300, True, None, "\N{GRINNING FACE}é"],
        "b": {"": {}},
        "__tuple__x": [],
    }
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert parse_json(text.encode(), "a") == json.loads(text)
    assert parse_json(b"[" * 64 + b"]" * 64, "a")
    assert parse_json(str(2**63 - 1).encode(), "a") == 2**63 - 1
    with pytest.raises(ModelFileError, match=r"^a\.keras, config\.json: NaN"):
        parse_json(b"[NaN]", "a.keras, config.json")


def load(tmp_path, data, **options):
    path = tmp_path / "a.fastrnn"
    path.write_bytes(data)
    return fastrnn.models.load_model(path, **options)


def test_weights_that_are_not_finite_are_reported_or_refused(tmp_path):
    broken = np.full((2, 6), np.inf, "f4")
    data = file_of(layers__gru__cell__vars__2_npy=npy(broken))
    with pytest.warns(UserWarning, match="NaN or infinity in"):
        model = load(tmp_path, data)
    np.testing.assert_array_equal(model.get_weights()[-1], broken)
    with pytest.raises(ModelFileError) as caught:
        load(tmp_path, data, strict_finite=True)
    assert caught.value.reason == "not_finite"
    assert load(tmp_path, file_of(), strict_finite=True).built
    path = tmp_path / "a.h5"
    path.write_bytes(older(values=np.nan))
    with pytest.warns(UserWarning, match="NaN or infinity in"):
        fastrnn.models.load_model(path)
    with pytest.raises(ModelFileError, match="not_finite"):
        fastrnn.models.load_model(path, strict_finite=True)


UNKNOWN_PARTS = [
    {"optimizer": {"module": "os", "class_name": "system", "config": {}, "registered_name": None}},
    {"optimizer": {"module": "builtins", "class_name": "function", "config": "eval"}},
    {"loss": {"module": "builtins", "class_name": "function", "config": "exec"}},
    {"loss": "os.system"},
    {"metrics": [{"module": "subprocess", "class_name": "Popen", "config": {"args": "id"}}]},
    {"metrics": [{"module": "keras.metrics", "class_name": "MeanMetricWrapper", "config": {}}]},
]


@pytest.mark.parametrize("parts", UNKNOWN_PARTS, ids=str)
def test_unknown_parts_of_compiling_are_left_out_and_reported(parts, tmp_path):
    data = file_of(lambda config: config["compile_config"].update(parts))
    with pytest.warns(UserWarning, match="left out"):
        model = load(tmp_path, data)
    assert model.compiled == ("optimizer" not in parts)


@pytest.mark.parametrize("option", ["num_thresholds", "num_classes"])
def test_metrics_of_large_arrays_are_left_out(option, tmp_path):
    metric = {"module": "keras.metrics", "class_name": "AUC", "config": {option: 10**9}}
    data = file_of(lambda config: config["compile_config"].update(metrics=[metric]))
    with pytest.warns(UserWarning, match=f"`{option}` is more than"):
        load(tmp_path, data)


def test_own_classes_do_not_take_the_names_of_built_in_ones(tmp_path):
    class GRU(fastrnn.layers.Dense):
        pass

    model = load(tmp_path, file_of(), custom_objects={"GRU": GRU})
    assert not any(isinstance(layer, GRU) for layer in model.layers)


def test_no_file_names_other_files(tmp_path):
    """Indices of shards, folders and addresses are no files of models."""
    (tmp_path / "a.weights.json").write_text('{"weight_map": {"/a": "../../secret"}}')
    for path in (tmp_path / "a.weights.json", tmp_path, "hf://a/b", "gs://a/b.keras/c"):
        with pytest.raises(ValueError, match="`filepath`"):
            fastrnn.models.load_model(path)
