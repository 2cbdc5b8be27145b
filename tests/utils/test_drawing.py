"""Drawings of models and histories."""

import xml.etree.ElementTree as ElementTree

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


@pytest.mark.parametrize(
    "options", [{"to_file": "m.png"}, {"rankdir": "LR"}, {"expand_nested": True}]
)
def test_bad_arguments(options, tmp_path):
    (name,) = options
    model = Sequential([Input((5, 2)), LSTM(3)])
    with pytest.raises(ValueError, match=name):
        utils.plot_model(model, **{"to_file": tmp_path / "m.svg", **options})
    assert not list(tmp_path.iterdir())


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
