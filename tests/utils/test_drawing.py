"""Drawings of models and histories."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from fastrnn import Input, Model, Sequential, utils
from fastrnn.layers import LSTM, Concatenate, Dense

SVG = "{http://www.w3.org/2000/svg}"


def parts(path):
    root = ElementTree.parse(path).getroot()
    return {kind: root.findall(f"{SVG}{kind}") for kind in ("rect", "line", "text")}


def test_sequential(tmp_path):
    model = Sequential([Input((5, 2)), LSTM(3, name="a<b&c"), Dense(1, activation="relu")])
    path = tmp_path / "model.svg"
    shown = {"show_shapes": True, "show_layer_names": True, "show_layer_activations": True}
    assert utils.plot_model(model, path, **shown) == str(path)
    found = parts(path)
    assert (len(found["rect"]), len(found["line"])) == (3, 2)
    texts = [text.text for text in found["text"]]
    assert {"LSTM", "a<b&c", "output: (None, 5, 2)", "activation: relu"} <= set(texts)


def test_functional_rows(tmp_path):
    a, b = Input((5, 2)), Input((3,))
    model = Model([a, b], Dense(1)(Concatenate()([LSTM(4)(a), b])))
    found = parts(utils.plot_model(model, tmp_path / "model.svg"))
    assert [text.text for text in found["text"]].count("InputLayer") == 2
    assert (len(found["rect"]), len(found["line"])) == (5, 4)
    assert len({box.get("y") for box in found["rect"]}) == 4
    for line in found["line"]:
        assert float(line.get("y1")) < float(line.get("y2"))


@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
def test_directions(rankdir, tmp_path):
    model = Sequential([Input((5, 2)), LSTM(3), Dense(1)])
    found = parts(utils.plot_model(model, tmp_path / "model.svg", rankdir=rankdir))
    ends = [(float(line.get(f"{k}1")), float(line.get(f"{k}2"))) for line in found["line"]
            for k in ("y" if rankdir in ("TB", "BT") else "x")]  # fmt: skip
    assert all((a < b) == (rankdir in ("TB", "LR")) for a, b in ends)
    assert len({box.get("x" if rankdir in ("LR", "RL") else "y") for box in found["rect"]}) == 3


def test_models_inside(tmp_path):
    x = Input((5, 2))
    inner = Sequential([Input((5, 2)), LSTM(3), Dense(2)], name="inner")
    model = Model(x, Dense(1)(inner(x)))
    whole = parts(utils.plot_model(model, tmp_path / "a.svg"))
    expanded = parts(utils.plot_model(model, tmp_path / "b.svg", expand_nested=True))
    assert [text.text for text in whole["text"]] == ["InputLayer", "Sequential", "Dense"]
    assert [text.text for text in expanded["text"]] == ["InputLayer", "LSTM", "Dense", "Dense"]
    assert len(expanded["line"]) == 3


@pytest.mark.parametrize("name", ["m.png", "m.pdf", "m", "m.JPG"])
def test_other_formats(name, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
    model = Sequential([Input((5, 2)), LSTM(3, name="$a"), Dense(1)])
    path = utils.plot_model(model, tmp_path / name, show_layer_names=True, dpi=60)
    start = Path(path).read_bytes()[:8]
    kinds = {"m.png": b"\x89PNG", "m.pdf": b"%PDF", "m": b"\x89PNG", "m.JPG": b"\xff\xd8"}
    assert start.startswith(kinds[name])
    assert utils.model_to_dot(model).create(prog="dot", format="png").startswith(b"\x89PNG")


def test_as_notebooks_of_keras_2_draw():
    model = Sequential([Input((5, 2)), LSTM(3)])
    text = utils.model_to_dot(model, show_shapes=True).create(prog="dot", format="svg").decode()
    assert ElementTree.fromstring(text).tag == f"{SVG}svg" and "(None, 3)" in text


@pytest.mark.parametrize("options", [{"to_file": "m.what"}, {"rankdir": "up"}])
def test_bad_arguments(options, tmp_path):
    (name,) = options
    model = Sequential([Input((5, 2)), LSTM(3)])
    with pytest.raises(ValueError, match=name):
        utils.plot_model(model, **{"to_file": tmp_path / "m.svg", **options})
    assert not list(tmp_path.iterdir())


def test_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    model = Sequential([Input((5, 2)), LSTM(3)])
    with pytest.raises(ImportError, match=r"fastrnn\[plot\].*\.svg"):
        utils.plot_model(model, tmp_path / "m.png")
    utils.plot_model(model, tmp_path / "m.svg")


def test_unbuilt_model(tmp_path):
    with pytest.raises(ValueError):
        utils.plot_model(Sequential([LSTM(3)]), tmp_path / "m.svg")


def test_history(tmp_path):
    pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
    logs = {"loss": [2.0, 1.0], "mae": [1.0, 0.5], "val_loss": [3.0, 2.0]}
    figure = utils.plot_history(logs, tmp_path / "history.png")
    assert (tmp_path / "history.png").stat().st_size > 0
    loss, mae = figure.axes
    assert [list(line.get_ydata()) for line in loss.get_lines()] == [[2, 1], [3, 2]]
    assert len(mae.get_lines()) == 1


def test_empty_history():
    with pytest.raises(ValueError, match="history"):
        utils.plot_history({})
