"""Progbar."""

import pytest

from fastrnn.utils import Progbar


def test_a_line_at_the_end_has_the_means(capsys):
    bar = Progbar(4, verbose=2, stateful_metrics=["rate"])
    bar.add(1, [("loss", 1.0), ("rate", 5)])
    assert capsys.readouterr().out == ""
    bar.update(4, [("loss", 3.0), ("rate", 7)])
    line = capsys.readouterr().out
    assert line.startswith("4/4 - ")
    assert line.endswith(" - loss: 2.5000 - rate: 7.0000\n")
    assert bar.means() == {"loss": 2.5, "rate": 7.0}
    bar.add(1)
    assert capsys.readouterr().out == ""


def test_it_is_the_mean_that_keras_shows():
    import keras

    ours, theirs = (
        kind(10, verbose=0, stateful_metrics=["b"]) for kind in (Progbar, keras.utils.Progbar)
    )
    for bar in (ours, theirs):
        bar.update(2, [("a", 1.0), ("b", 2.0)])
        bar.add(3, [("a", 2.0), ("b", 4.0)])
        bar.update(5, [("a", 9.0)])
    shown = theirs._values
    assert ours.means() == {"a": shown["a"][0] / shown["a"][1], "b": shown["b"][0]}


def test_silence_and_its_refusal(capsys):
    bar = Progbar(None, verbose=0)
    bar.update(3, finalize=True)
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="verbose"):
        Progbar(3, verbose=4)
