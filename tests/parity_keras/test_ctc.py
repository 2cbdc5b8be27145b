"""Connectionist temporal classification against live Keras, all paths, and finite differences."""

import itertools

import numpy as np
import pytest
from live_keras import keras, to_numpy, torch
from tolerance import assert_close

import fastrnn
from fastrnn.engines.reference.gradcheck import numerical_gradient

TIMESTEPS, CLASSES = 7, 4
# Among them repeated labels, none at all, and some that fill all time steps.
LABELS = np.array([[1, 2, 3, 0], [2, 2, 0, 0], [0, 0, 0, 0], [3, 3, 3, 3], [1, 0, 0, 0]])


def logits(dtype="float32", timesteps=TIMESTEPS):
    rng = np.random.default_rng(0)
    return 2 * rng.standard_normal((len(LABELS), timesteps, CLASSES)).astype(dtype)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "none"])
def test_values_and_gradients_are_those_of_keras(reduction, weighted):
    y_pred = logits()
    weights = np.arange(len(LABELS)).astype("float32") if weighted else None
    tensor = torch.tensor(y_pred, requires_grad=True)
    expected = keras.losses.CTC(reduction)(
        torch.tensor(LABELS), tensor, None if weights is None else torch.tensor(weights)
    )
    expected.sum().backward()
    loss = fastrnn.losses.CTC(reduction)
    actual = np.asarray(loss(LABELS, y_pred, weights), "float32")
    assert_close(actual, to_numpy(expected), CLASSES, TIMESTEPS)
    _, gradient = loss.value_and_gradient(LABELS, y_pred, weights)
    assert gradient.dtype == y_pred.dtype
    assert_close(gradient, to_numpy(tensor.grad), CLASSES, TIMESTEPS, backward=True)


@pytest.mark.parametrize("timesteps", [TIMESTEPS, 20, 200])
def test_values_and_gradients_are_those_of_torch_in_double_precision(timesteps):
    """Keras hands over single precision alone, in which sums over many steps are rounded."""
    y_pred, lengths = logits("float64", timesteps), (LABELS != 0).sum(axis=1)
    tensor = torch.tensor(y_pred, requires_grad=True)
    expected = torch.nn.functional.ctc_loss(
        torch.log_softmax(tensor, -1).transpose(0, 1),
        torch.tensor(LABELS),
        torch.full((len(LABELS),), timesteps),
        torch.tensor(lengths),
        reduction="none",
    )
    expected.sum().backward()
    actual = fastrnn.losses.ctc(LABELS, y_pred)
    assert_close(actual, to_numpy(expected), CLASSES, timesteps)
    if timesteps < 200:  # beyond, both round: exp of a difference of large logarithms
        _, gradient = fastrnn.losses.CTC("sum").value_and_gradient(LABELS, y_pred)
        assert_close(gradient, to_numpy(tensor.grad), CLASSES, timesteps, backward=True)


def collapse(path):
    return [label for label, _ in itertools.groupby(path) if label != 0]


def test_values_are_sums_over_all_paths():
    timesteps = 4
    y_true, y_pred = np.array([[1, 2], [3, 3], [2, 0]]), logits("float64", timesteps)[:3]
    p = np.exp(y_pred) / np.exp(y_pred).sum(axis=-1, keepdims=True)
    for labels, probabilities, value in zip(
        y_true, p, fastrnn.losses.ctc(y_true, y_pred), strict=True
    ):
        total = sum(
            np.prod(probabilities[range(timesteps), path])
            for path in itertools.product(range(CLASSES), repeat=timesteps)
            if collapse(path) == [label for label in labels if label]
        )
        assert value == pytest.approx(-np.log(total), rel=1e-12)


def test_gradients_are_those_of_central_differences():
    loss, y_pred = fastrnn.losses.CTC("sum"), logits("float64")
    _, gradient = loss.value_and_gradient(LABELS, y_pred)
    expected = numerical_gradient(lambda: loss.value(LABELS, y_pred), y_pred)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)


def test_a_model_learns_labels_without_times():
    fastrnn.utils.set_random_seed(0)
    x, y = np.eye(6)[[[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]]], np.array([[1, 2], [2, 1]])
    layers = fastrnn.layers
    model = fastrnn.Sequential(
        [fastrnn.Input((6, 6)), layers.LSTM(8, return_sequences=True), layers.Dense(3)]
    )
    model.compile(fastrnn.optimizers.Adam(0.05), "ctc")
    losses = model.fit(x, y, epochs=60, verbose=0, sample_weight=np.ones(2)).history["loss"]
    assert losses[-1] < 0.1 * losses[0]
    path = model.predict(x, verbose=0).argmax(axis=-1)
    assert [collapse(labels) for labels in path] == y.tolist()


@pytest.mark.parametrize(
    ("argument", "y_true", "shape"),
    [
        ("y_true", [1, 2], (2, 5, 4)),
        ("y_true", [[1, 4]], (1, 5, 4)),
        ("y_true", [[1, -1]], (1, 5, 4)),
        ("y_true", [[1, 0.5]], (1, 5, 4)),
        ("y_true", [[1, 0, 2]], (1, 5, 4)),
        ("y_true", [[1, 2, 3]], (1, 2, 4)),
        ("y_true", [[1, 1]], (1, 2, 4)),
        ("y_true", [[1, 2]], (2, 5, 4)),
        ("y_pred", [[1, 2]], (1, 4)),
    ],
)
def test_bad_arguments(argument, y_true, shape):
    with pytest.raises(ValueError, match=f"`{argument}`"):
        fastrnn.losses.CTC()(np.array(y_true), np.zeros(shape))


def test_bad_weights():
    with pytest.raises(ValueError, match="`sample_weight`"):
        fastrnn.losses.CTC()(LABELS, logits(), np.ones((len(LABELS), TIMESTEPS)))
