"""The options of the summary; parity_keras/test_training.py compares the table with Keras's."""

import numpy as np
import pytest

from fastrnn import Input, Model, Sequential, layers


def make_text(**options):
    names = ("first", "second", "third")
    dense = [layers.Dense(k + 2, name=name) for k, name in enumerate(names)]
    lines = []
    Sequential([Input((4,)), *dense]).summary(print_fn=lines.append, **options)
    return "".join(lines)


def test_layer_range_lists_the_layers_between():
    text = make_text(layer_range=["second", "third"])
    assert "first" not in text
    assert "second (Dense)" in text
    assert "third (Dense)" in text
    for bad in (["second"], ["second", "no"]):
        with pytest.raises(ValueError, match="`layer_range`"):
            make_text(layer_range=bad)


def test_lines_are_as_long_as_asked_and_long_words_are_cut():
    for length in (40, 70):
        table = [line for line in make_text(line_length=length).splitlines() if line[0] in "┃│"]
        assert {len(line) for line in table} == {length}
    assert "…" in make_text(line_length=22)
    with pytest.raises(ValueError, match="`line_length`"):
        make_text(line_length=8)


def test_name_that_is_too_long_for_its_column():
    """The name ends in an ellipsis, and its class stands in the next line, as Keras has it."""
    model = Sequential([Input((4,)), layers.Dense(2, name="a_name_that_is_far_too_long_for_this")])
    lines = []
    model.summary(print_fn=lambda text: lines.extend(text.splitlines()), line_length=50)
    assert lines[4].startswith("│ a_name_that_is_far")
    assert lines[4].split("│")[1].rstrip().endswith("…")
    assert lines[5].startswith("│ (Dense) ")


class Called(Model):
    """A model with a ``call`` of its own, and a model inside."""

    def __init__(self):
        super().__init__()
        self.rnn = layers.GRU(4)
        self.inner = Sequential([layers.Dense(3, name="inside")])

    def call(self, inputs):
        return self.inner(self.rnn(inputs))


def test_shapes_are_known_once_a_model_has_been_called():
    model, texts = Called(), []
    model.summary(print_fn=texts.append)
    model(np.zeros((2, 5, 3)))
    model.summary(print_fn=texts.append, expand_nested=True)
    before, after = texts
    assert "(None" not in before
    assert [line.count("(None, 4)") for line in after.splitlines() if "gru" in line] == [1]
    assert [line.count("(None, 3)") for line in after.splitlines() if "inside" in line] == [1]
