"""Layers of Keras 1 and 2 that others are today."""

import numpy as np
import pytest

import fastrnn
from fastrnn import layers, utils

A, B = np.random.default_rng(0).normal(size=(2, 6, 4, 3)).astype("float32")


def quiet(call, *args, **kwargs):
    with pytest.warns(DeprecationWarning) as told:
        result = call(*args, **kwargs)
    assert {warning.filename for warning in told} == {__file__}
    return result


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (lambda: layers.CuDNNLSTM(4, return_state=True), lambda: layers.LSTM(4, return_state=True)),
        (lambda: layers.CuDNNGRU(4), lambda: layers.GRU(4, reset_after=True)),
        (lambda: layers.TimeDistributedDense(4), lambda: layers.TimeDistributed(layers.Dense(4))),
        (
            lambda: layers.AtrousConvolution1D(4, 2, atrous_rate=2),
            lambda: layers.Conv1D(4, 2, dilation_rate=2),
        ),
        (lambda: layers.ThresholdedReLU(0.5), lambda: layers.ReLU(threshold=0.5)),
    ],
)
def test_a_layer_computes_what_todays_does(old, new):
    made = []
    for make in (lambda: quiet(old), new):
        utils.set_random_seed(3)
        made.append(make())
    for ours, theirs in zip(*(layer(A) for layer in made), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert type(made[0]) is type(made[1])


@pytest.mark.parametrize("name", ["CuDNNLSTM", "CuDNNGRU"])
def test_a_layer_for_graphics_cards_has_no_other_activations(name):
    layer = quiet(getattr(layers, name), 2)
    assert layer.activation.__name__ == "tanh"
    assert layer.recurrent_activation.__name__ == "sigmoid"


def test_the_shape_of_sequences_is_that_of_the_inputs():
    with pytest.warns((DeprecationWarning, UserWarning)):
        layer = layers.TimeDistributedDense(5, input_dim=3, input_length=4)
        assert fastrnn.Sequential([layer]).output_shape == (None, 4, 5)


MODES = {
    "sum": layers.Add(),
    "mul": layers.Multiply(),
    "ave": layers.Average(),
    "max": layers.Maximum(),
    "min": layers.Minimum(),
    "concat": layers.Concatenate(),
    "dot": layers.Dot(-1),
    "cos": layers.Dot(-1, normalize=True),
}


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_is_a_layer(mode):
    x, y = fastrnn.Input((4, 3)), fastrnn.Input((4, 3))
    model = fastrnn.Model([x, y], quiet(layers.merge, [x, y], mode=mode))
    np.testing.assert_array_equal(model([A, B]), MODES[mode]([A, B]))
    assert type(quiet(layers.Merge, mode=mode)) is type(MODES[mode])


def test_axes_and_functions():
    x, y = fastrnn.Input((4, 3)), fastrnn.Input((4, 3))
    for options, expected in (
        ({"mode": "concat", "concat_axis": 1}, np.concatenate([A, B], 1)),
        ({"mode": "dot", "dot_axes": (2, 2)}, A @ B.swapaxes(1, 2)),
        ({"mode": "dot", "dot_axes": [[1], [1]]}, A.swapaxes(1, 2) @ B),
        ({"mode": lambda xs: xs[0] - xs[1], "output_shape": (4, 3)}, A - B),
    ):
        model = fastrnn.Model([x, y], quiet(layers.merge, [x, y], **options))
        np.testing.assert_allclose(model([A, B]), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="mode"):
        layers.merge([x, y], mode="other")


def test_the_module_of_this_name_can_be_called_and_has_layers():
    from fastrnn.layers import merge

    x = fastrnn.Input((4, 3))
    assert quiet(merge, [x, x], "sum").shape == (None, 4, 3)
    with pytest.warns(DeprecationWarning):
        from fastrnn.core.old_paths import old_names

        assert old_names("fastrnn.layers.merge")("add") is layers.add


def test_a_chain_may_begin_with_the_merge_of_others():
    """Two branches, joined, then further layers: the form of Keras 1 for several inputs."""

    def branch():
        return fastrnn.Sequential([fastrnn.Input((4, 3)), layers.GRU(5)])

    utils.set_random_seed(2)
    left, right = branch(), branch()
    model = fastrnn.Sequential()
    model.add(quiet(layers.Merge, [left, right], mode="concat"))
    model.add(layers.Dense(1))
    assert model.output_shape == (None, 1)
    joined = np.concatenate([left(A), right(B)], -1)
    np.testing.assert_allclose(model.predict([A, B], verbose=0), model.layers[-1](joined), 1e-5)
    model.compile("adam", "mse")
    losses = model.fit([A, B], A[:, 0, :1], epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert model.evaluate([A, B], A[:, 0, :1], verbose=0) < losses[-1] + 1
    assert len(model.trainable_weights) == 8
    with pytest.raises(ValueError, match="input"):
        model.predict([A, B[:, :, :2]], verbose=0)


def test_a_star_gives_them_too():
    names = {}
    exec("from fastrnn.layers import *", names)
    assert names["CuDNNLSTM"] is layers.CuDNNLSTM
    assert names["Merge"] is layers.Merge
