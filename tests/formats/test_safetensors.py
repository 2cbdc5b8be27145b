"""The safetensors format beside the library of this name: each reads what the other wrote."""

import json
import struct

import numpy as np
import pytest
from live_keras import torch

import fastrnn
from fastrnn import Input, Sequential, layers
from fastrnn.formats.inspection import inspect_file
from fastrnn.saving import ModelFileError, read_safetensors, write_safetensors

library = pytest.importorskip("safetensors.numpy")

DTYPES = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"]


def arrays():
    rng = np.random.default_rng(0)
    found = {f"of {d}": (3 * rng.standard_normal((2, 3, 4))).astype(d) for d in DTYPES}
    return found | {"no axis": np.array(3, "f4"), "empty": np.zeros((0, 3)), "ünï": np.arange(5.0)}


def assert_same(actual, expected):
    assert set(actual) == set(expected)
    for name, array in expected.items():
        assert actual[name].dtype == np.asarray(array).dtype
        np.testing.assert_array_equal(actual[name], array)


def test_the_library_reads_what_was_written(tmp_path):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, arrays(), {"format": "pt"})
    assert_same(library.load_file(path), arrays())
    with pytest.importorskip("safetensors").safe_open(path, "np") as file:
        assert file.metadata() == {"format": "pt"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.safetensors"]


def test_what_the_library_wrote_is_read(tmp_path):
    path = tmp_path / "a.safetensors"
    library.save_file(arrays(), path, {"format": "np"})
    for source in (path, str(path), path.read_bytes(), path.open("rb")):
        read = read_safetensors(source)
        assert_same(read, arrays())
    source.close()
    read["of f4"][...] = 0  # an array of its own, which may be changed


def test_bfloat16_becomes_float32(tmp_path):
    path = tmp_path / "a.safetensors"
    narrow = torch.randn(50).to(torch.bfloat16)
    narrow[:3] = torch.tensor([float("inf"), -0.0, float("nan")])
    pytest.importorskip("safetensors.torch").save_file({"a": narrow}, path)
    read = read_safetensors(path)["a"]
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, narrow.float().numpy())


def test_other_byte_order_and_layout(tmp_path):
    path = tmp_path / "a.safetensors"
    array = np.arange(6, dtype=">f4").reshape(2, 3).T
    write_safetensors(path, {"a": array})
    np.testing.assert_array_equal(library.load_file(path)["a"], array)


def make_model():
    return Sequential(
        [Input((4, 3)), layers.Bidirectional(layers.GRU(4)), layers.BatchNormalization()]
    )


def test_weights_of_a_model(tmp_path):
    path = tmp_path / "a.safetensors"
    first, second = make_model(), make_model()
    first.save_weights(path)
    second.load_weights(path)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert set(library.load_file(path)) == {v.path for v in first.weights}
    other = Sequential([Input((4, 3)), layers.LSTM(4)])
    before = other.get_weights()
    with pytest.raises(ModelFileError, match="are expected") as caught:
        other.load_weights(path)
    assert caught.value.reason == "unexpected_weights"
    for reason, dtype, shape in (("dtype", "f8", (3, 16)), ("shape", "f4", (3, 17))):
        arrays = {v.path: v.value for v in other.weights}
        arrays[other.weights[0].path] = np.zeros(shape, dtype)
        write_safetensors(path, arrays)
        with pytest.raises(ModelFileError) as caught:
            other.load_weights(path)
        assert caught.value.reason == f"unexpected_{reason}"
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    fastrnn.utils.clear_session()


def test_inspection(tmp_path):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, {"a": np.ones((2, 3)), "b": np.array([np.nan], "f4")})
    found = inspect_file(path)
    assert (found["format"], found["parameters"], found["not_finite"]) == ("safetensors", 7, ["b"])
    assert [(w["path"], w["shape"], w["dtype"]) for w in found["weights"]] == [
        ("a", [2, 3], "float64"),
        ("b", [1], "float32"),
    ]
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(ModelFileError):
        inspect_file(path)


def test_what_cannot_be_written(tmp_path):
    path = tmp_path / "a.safetensors"
    for bad in ({"a": np.array(["text"])}, {"a": np.array([1j])}, {3: np.zeros(2)}):
        with pytest.raises(ValueError, match="`arrays"):
            write_safetensors(path, bad)
    with pytest.raises(ValueError, match="__metadata__"):
        write_safetensors(path, {"__metadata__": np.zeros(2)})
    with pytest.raises(ValueError, match="`filepath`"):
        write_safetensors(tmp_path / "a.npz", arrays())
    assert not path.exists()


def test_a_file_that_ends_at_any_byte(tmp_path):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, {"a": np.arange(6.0), "b": np.ones((2, 2), "f4")})
    whole = path.read_bytes()
    for end in range(len(whole)):
        with pytest.raises(ModelFileError):
            read_safetensors(whole[:end])
    for position in range(len(whole)):  # a byte that is wrong is found, or changes a value alone
        damaged = bytearray(whole)
        damaged[position] ^= 0x15
        try:
            read = read_safetensors(bytes(damaged))
        except ModelFileError:
            continue
        assert sorted(a.size for a in read.values()) == [4, 6]


def test_an_empty_file_of_tensors(tmp_path):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, {})
    assert library.load_file(path) == read_safetensors(path) == {}
    text = json.dumps({"__metadata__": {"a": "b"}}).encode()
    assert read_safetensors(struct.pack("<Q", len(text)) + text) == {}
