"""Layers of several inputs, against live Keras."""

import numpy as np
import pytest
from live_keras import keras, to_numpy, torch
from tolerance import assert_close

import fastrnn
from fastrnn import layers

SHAPES = {
    "alike": [(4, 5, 3)] * 3,
    "broadcast": [(4, 5, 3), (4, 1, 3), (4, 5, 1)],
    "ranks": [(4, 5, 3), (4, 3)],
}
MAKERS = {
    "add": lambda L: L.Add(),
    "subtract": lambda L: L.Subtract(),
    "multiply": lambda L: L.Multiply(),
    "average": lambda L: L.Average(),
    "maximum": lambda L: L.Maximum(),
    "minimum": lambda L: L.Minimum(),
}
JOINED = {
    "concatenate": (lambda L: L.Concatenate(), [(4, 5, 3), (4, 5, 2), (4, 5, 1)]),
    "concatenate axis 1": (lambda L: L.Concatenate(axis=1), [(4, 5, 3), (4, 2, 3)]),
    "dot of vectors": (lambda L: L.Dot(axes=1), [(4, 5), (4, 5)]),
    "dot": (lambda L: L.Dot(axes=(2, 1)), [(4, 2, 3), (4, 3, 5)]),
    "dot of time": (lambda L: L.Dot(axes=1), [(4, 5, 2), (4, 5, 3)]),
    "dot of a vector": (lambda L: L.Dot(axes=(1, 2)), [(4, 3), (4, 5, 3)]),
    "cosine": (lambda L: L.Dot(axes=-1, normalize=True), [(4, 3), (4, 3)]),
    "cosines": (lambda L: L.Dot(axes=2, normalize=True), [(4, 2, 3), (4, 5, 3)]),
}


def check(make, shapes, rounded=False):
    rng = np.random.default_rng(0)
    x = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
    if rounded:  # so that entries tie
        x = [np.round(a) for a in x]
    ours, theirs = make(layers), make(keras.layers)
    outputs, pullback = ours.vjp(x)
    tensors = [torch.tensor(a, requires_grad=True) for a in x]
    expected = theirs(tensors)
    assert_close(outputs, to_numpy(expected), 16)
    assert ours.compute_output_shape(shapes) == tuple(expected.shape)
    d = rng.standard_normal(outputs.shape, dtype=np.float32)
    expected.backward(torch.tensor(d))
    d_inputs, d_weights = pullback(d)
    assert d_weights == []
    for mine, tensor in zip(d_inputs, tensors, strict=True):
        assert_close(mine, to_numpy(tensor.grad), 16, backward=True)
    again = type(ours).from_config(ours.get_config())
    np.testing.assert_array_equal(again(x), outputs)


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("name", MAKERS)
def test_entry_by_entry(name, shapes, rounded):
    check(MAKERS[name], SHAPES[shapes][: 2 if name == "subtract" else 3], rounded)


@pytest.mark.parametrize("name", JOINED)
def test_joined(name):
    check(*JOINED[name])


@pytest.mark.parametrize("which", ["both", "first", "none"])
@pytest.mark.parametrize("name", ["add", "concatenate", "concatenate axis 1"])
def test_masks(name, which):
    make = MAKERS[name] if name == "add" else JOINED[name][0]
    x = [np.zeros((2, 4, 3), np.float32)] * 2
    rng = np.random.default_rng(0)
    masks = [rng.random((2, 4)) < 0.5 for _ in x]
    masks = {"both": masks, "first": [masks[0], None], "none": [None, None]}[which]
    given = [None if m is None else torch.tensor(m) for m in masks]
    expected = make(keras.layers).compute_mask([torch.tensor(a) for a in x], given)
    found = make(layers).compute_mask(x, masks)
    if expected is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found, to_numpy(expected))


@pytest.mark.parametrize(
    "name", ["add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate", "dot"]
)
def test_functions_call_the_layers(name):
    x = [np.arange(6.0).reshape(2, 3), np.ones((2, 3))]
    expected = getattr(keras.layers, name)([torch.tensor(a, dtype=torch.float32) for a in x])
    assert_close(getattr(layers, name)(x), to_numpy(expected), 4)


BAD = {
    "one array": (lambda: layers.Add()(np.ones((2, 3))), "a list"),
    "three": (lambda: layers.Subtract()([np.ones((2, 3))] * 3), "exactly 2 inputs"),
    "shapes": (lambda: layers.Add()([np.ones((2, 3)), np.ones((2, 4))]), "broadcasts"),
    "joined shapes": (lambda: layers.Concatenate()([np.ones((2, n, 1)) for n in (3, 4)]), "axis"),
    "axis": (lambda: layers.Concatenate(axis=2)([np.ones((2, 3))] * 2), "`axis`"),
    "batch axis": (lambda: layers.Dot(axes=0)([np.ones((2, 3))] * 2), "`axes`"),
    "dot lengths": (lambda: layers.Dot(axes=1)([np.ones((2, 3)), np.ones((2, 4))]), "as long"),
    "no axes": (lambda: layers.Dot(axes="x"), "`axes`"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_inputs_say_why(name):
    call, words = BAD[name]
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("masked", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("name", MAKERS)
def test_masks_of_each_input_as_in_keras(name, masked):
    rng = np.random.default_rng(0)
    x = [rng.standard_normal((4, 6, 3), dtype=np.float32) for _ in range(2)]
    for a in x:
        a[:, :-1][rng.random((4, 5)) < 0.5] = 0
    models = []
    for k in (fastrnn, keras):
        inputs = [k.Input((6, 3)) for _ in x]
        branches = [
            k.layers.SimpleRNN(2, return_sequences=True)(k.layers.Masking()(a) if m else a)
            for a, m in zip(inputs, masked, strict=True)
        ]
        model = k.Model(inputs, MAKERS[name](k.layers)(branches))
        model.compile(k.optimizers.SGD(0.1), "mse")
        models.append(model)
    ours, theirs = models
    ours.set_weights(theirs.get_weights())
    assert_close(ours.predict_on_batch(x), theirs.predict_on_batch(x), 16, 6)
    for model in models:
        model.train_on_batch(x, np.ones((4, 6, 2), np.float32))
    for actual, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(actual, expected, 16, 6, backward=True)
