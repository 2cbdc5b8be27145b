"""``fastrnn inspect``: what is in a file, of every format, and nothing of it made."""

import json

import numpy as np
import pytest
from hostile_changes import CHANGES, KERAS_FILES, LAMBDA, adding, file_of, setting
from hostile_legacy_h5 import OLDER
from hostile_models import MODELS
from hostile_zip import Entry, npy, zip_of
from live_keras import keras

import fastrnn
from fastrnn.cli import main
from fastrnn.formats.inspection import inspect_file
from fastrnn.saving import ModelFileError


def make_model(package):
    layers = package.layers
    model = package.Sequential(
        [
            package.Input((5, 3)),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.GRU(2, name="gru"),
        ],
        name="model",
    )
    model.compile("adam", "mse")
    return model


def inspect(path, capsys, *options):
    code = main(["inspect", str(path), *options])
    return code, capsys.readouterr()


@pytest.mark.parametrize("ending", [".keras", ".fastrnn"])
def test_a_model(ending, tmp_path, capsys):
    path = tmp_path / f"a{ending}"
    model = make_model(fastrnn)
    model.save(path)
    code, captured = inspect(path, capsys, "--json")
    assert (code, captured.err) == (0, "")
    found = json.loads(captured.out)
    assert found["file"] == path.name
    assert found["bytes"] == path.stat().st_size
    assert found["format"] == ending[1:]
    assert found["versions"]["fastrnn_version"] == fastrnn.__version__
    assert (found["model"]["class"], found["model"]["name"]) == ("Sequential", "model")
    assert found["compiled"] == {"optimizer": "Adam", "loss": "mse"}
    classes = [(layer["depth"], layer["class"]) for layer in found["layers"]]
    inner = [(1, "LSTM"), (1, "LSTM")]
    assert classes == [(0, "InputLayer"), (0, "Bidirectional"), *inner, (0, "GRU")]
    assert found["layers"][2]["options"]["units"] == 4
    assert found["parameters"] == model.count_params()
    shapes = sorted(tuple(entry["shape"]) for entry in found["weights"])
    assert shapes == sorted(weight.shape for weight in model.weights)
    assert sum(entry["bytes"] for entry in found["weights"]) == 4 * model.count_params()
    assert {entry["dtype"] for entry in found["weights"]} == {"float32"}
    assert (found["not_finite"], found["refused"]) == ([], [])
    code, captured = inspect(path, capsys)
    assert code == 0
    assert "gru                          GRU(units=2" in captured.out
    assert "(4, 16)" in captured.out


def test_weights(tmp_path, capsys):
    for name in ("a.weights.npz", "a.weights.h5"):
        model = make_model(fastrnn)
        model.save_weights(tmp_path / name)
        code, captured = inspect(tmp_path / name, capsys, "--json")
        found = json.loads(captured.out)
        assert (code, found["format"]) == (0, name[2:])
        assert found["parameters"] == model.count_params()


def test_files_of_keras(tmp_path, capsys):
    model = make_model(keras)
    model.save(tmp_path / "a.keras")
    model.save(tmp_path / "a.h5")
    model.save_weights(tmp_path / "a.weights.h5")
    formats = {"a.keras": "keras", "a.h5": "h5 of Keras", "a.weights.h5": "weights.h5"}
    for name, expected in formats.items():
        code, captured = inspect(tmp_path / name, capsys, "--json")
        found = json.loads(captured.out)
        assert code == 0
        assert found["format"].startswith(expected)
        assert found["parameters"] == model.count_params()
        if "model" in found:
            assert [layer["class"] for layer in found["layers"]][-1] == "GRU"
            assert found["compiled"]["optimizer"] == "Adam"


def test_a_refused_file_is_1(tmp_path, capsys):
    path = tmp_path / "a.keras"
    for content, reason in ((b"", "not_a_zip"), (zip_of(Entry("b", b"c")), "not_a_model")):
        path.write_bytes(content)
        code, captured = inspect(path, capsys)
        assert (code, captured.out) == (1, "")
        assert captured.err.startswith("refused: a.keras: ")
        assert captured.err.endswith(f"[{reason}]\n")
        code, captured = inspect(path, capsys, "--json")
        assert (code, json.loads(captured.out)["refused"]) == (1, [reason])
    assert inspect(tmp_path / "none.keras", capsys)[0] == 1


def test_what_no_description_may_make_is_1_and_shown(tmp_path, capsys):
    path = tmp_path / "a.fastrnn"
    path.write_bytes(adding(LAMBDA)())
    code, captured = inspect(path, capsys)
    assert code == 1
    assert "Lambda" in captured.out
    assert captured.err == "refused: Lambda, __lambda__ [forbidden_class]\n"


def test_nothing_in_a_file_controls_the_terminal(tmp_path, capsys):
    path = tmp_path / "a.fastrnn"
    path.write_bytes(setting(name="a\n\x1b[2J\u202eb", activation="\x07")())
    for options in ((), ("--json",)):
        code, captured = inspect(path, capsys, *options)
        assert code == 0
        assert set(captured.out) <= set(map(chr, range(32, 127))) | {"\n"}
    assert r"a\n\x1b[2J\u202eb" in inspect(path, capsys)[1].out


def test_nan_is_reported(tmp_path, capsys):
    path = tmp_path / "a.fastrnn"
    name = "layers__gru__cell__vars__2_npy"
    path.write_bytes(file_of(**{name: npy(np.full((2, 6), np.nan, "f4"))}))
    assert "NaN or infinity in: layers/gru/cell/vars/2" in inspect(path, capsys)[1].out


TABLES = {"model": MODELS, "change": CHANGES, "keras": KERAS_FILES, "older": OLDER}
FILES = {
    f"{kind} {name}": build for kind, table in TABLES.items() for name, (_, build) in table.items()
}


@pytest.mark.parametrize("name", FILES)
def test_hostile_files_are_shown_or_refused(name, tmp_path, capsys):
    path = tmp_path / "a"
    path.write_bytes(FILES[name]())
    try:
        inspect_file(path)
    except ModelFileError:
        assert inspect(path, capsys)[0] == 1
        return
    code, captured = inspect(path, capsys)
    assert captured.out.replace("\n", "").isprintable()
    assert code == ("forbidden_class" in captured.err)
