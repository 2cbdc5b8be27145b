"""Every loss, and its gradient, against live Keras: options, weights, masks, reductions."""

import inspect
import itertools
import re

import numpy as np
import pytest
from live_keras import keras, to_numpy, torch
from tolerance import assert_close

import fastrnn
from fastrnn.reference.gradcheck import numerical_gradient

CLASSES = 4
SHAPES = {"samples": (6, CLASSES), "steps": (5, 3, CLASSES)}
REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None]


def numbers(rng, shape):
    return 2 * rng.standard_normal(shape), 2 * rng.standard_normal(shape)


def probabilities(rng, shape):
    """One a class, each for itself; some certain ones, beyond the limits of clipping."""
    p = rng.random(shape)
    p.flat[:4] = 0, 1, 1e-9, 1 - 1e-9
    return rng.integers(0, 2, shape), p


def distributions(rng, shape):
    """Not all labels are sure, and neither labels nor predictions need sum to 1."""
    labels = np.eye(CLASSES)[rng.integers(0, CLASSES, shape[:-1])]
    labels[0], labels[2] = 1 / CLASSES, 0.3
    return labels, rng.random(shape) + 0.01


def class_numbers(rng, shape):
    return rng.integers(0, CLASSES, shape[:-1]), rng.random(shape) + 0.01


def as_logits(make):
    def make_logits(rng, shape):
        labels, _ = make(rng, shape)
        return labels, 5 * rng.standard_normal(shape)

    return make_logits


def ignored(make):
    def make_with_ignored(rng, shape):
        labels, predictions = make(rng, shape)
        labels[0] = -1
        return labels, predictions

    return make_with_ignored


LOSSES = {
    "mse": ("MeanSquaredError", {}, numbers),
    "mae": ("MeanAbsoluteError", {}, numbers),
    "huber": ("Huber", {}, numbers),
    "huber, delta": ("Huber", {"delta": 0.4}, numbers),
    "binary": ("BinaryCrossentropy", {}, probabilities),
    "binary, smooth": ("BinaryCrossentropy", {"label_smoothing": 0.2}, probabilities),
    "binary, logits": ("BinaryCrossentropy", {"from_logits": True}, as_logits(probabilities)),
    "binary, smooth logits": (
        "BinaryCrossentropy",
        {"from_logits": True, "label_smoothing": 0.1},
        as_logits(probabilities),
    ),
    "categorical": ("CategoricalCrossentropy", {}, distributions),
    "categorical, smooth": ("CategoricalCrossentropy", {"label_smoothing": 0.2}, distributions),
    "categorical, logits": (
        "CategoricalCrossentropy",
        {"from_logits": True},
        as_logits(distributions),
    ),
    "categorical, smooth logits": (
        "CategoricalCrossentropy",
        {"from_logits": True, "label_smoothing": 0.1},
        as_logits(distributions),
    ),
    "sparse": ("SparseCategoricalCrossentropy", {}, class_numbers),
    "sparse, logits": (
        "SparseCategoricalCrossentropy",
        {"from_logits": True},
        as_logits(class_numbers),
    ),
    "sparse, ignored": (
        "SparseCategoricalCrossentropy",
        {"ignore_class": -1},
        ignored(class_numbers),
    ),
    "sparse, ignored logits": (
        "SparseCategoricalCrossentropy",
        {"ignore_class": -1, "from_logits": True},
        ignored(as_logits(class_numbers)),
    ),
}


def with_keras(loss, y_true, y_pred, sample_weight, mask):
    """Return the loss and, by torch, the gradient of its sum."""
    y_pred = torch.tensor(y_pred, requires_grad=True)
    if mask is not None:
        keras.src.backend.set_keras_mask(y_pred, torch.tensor(mask))
    weights = None
    if sample_weight is not None:
        if mask is not None or getattr(loss, "ignore_class", None) is not None:
            # Keras multiplies the weights by the mask in place: they must have its shape.
            sample_weight = np.broadcast_to(sample_weight, y_pred.shape[:-1])
        weights = torch.tensor(sample_weight.copy())
    value = loss(torch.tensor(y_true), y_pred, weights)
    value.sum().backward()
    return to_numpy(value), to_numpy(y_pred.grad)


def weights_and_masks(shape, rng):
    """Return all pairs of weights and masks that suit predictions of this shape."""
    values = shape[:-1]
    weights = [None, rng.random(values)]
    if len(values) > 1:
        weights.append(rng.random((values[0], 1)))
    mask = rng.random(values) < 0.6
    mask[0], mask[1] = False, True
    return itertools.product(weights, (None, mask, np.zeros_like(mask)))


def make_call(name, shape, dtype):
    """Return labels, predictions, and all pairs of weights and masks, of this float type."""
    rng = np.random.default_rng(0)
    y_true, y_pred = LOSSES[name][2](rng, shape)
    pairs = [
        (None if weights is None else weights.astype(dtype), mask)
        for weights, mask in weights_and_masks(shape, rng)
    ]
    return y_true.astype(dtype if y_true.dtype.kind == "f" else int), y_pred.astype(dtype), pairs


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", LOSSES)
def test_values_and_gradients_are_those_of_keras(name, shape, reduction):
    cls, options, _ = LOSSES[name]
    ours = getattr(fastrnn.losses, cls)(**options, reduction=reduction)
    theirs = getattr(keras.losses, cls)(**options, reduction=reduction)
    y_true, y_pred, pairs = make_call(name, SHAPES[shape], "float32")
    for sample_weight, mask in pairs:
        where = f"weights {np.shape(sample_weight)}, mask {mask}"
        expected, d_expected = with_keras(theirs, y_true, y_pred, sample_weight, mask)
        value = ours(y_true, y_pred, sample_weight, mask)
        assert_close(np.asarray(value, "float32"), expected, y_pred.size, name=where)
        total, gradient = ours.value_and_gradient(y_true, y_pred, sample_weight, mask)
        assert total == pytest.approx(float(np.sum(value)), rel=1e-6)
        assert gradient.dtype == y_pred.dtype
        where = f"gradient with {where}"
        assert_close(gradient, d_expected, y_pred.size, backward=True, name=where)


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_central_differences(name, reduction):
    """In double precision, where Keras on torch computes in single."""
    cls, options, _ = LOSSES[name]
    loss = getattr(fastrnn.losses, cls)(**options, reduction=reduction)
    y_true, y_pred, pairs = make_call(name, SHAPES["steps"], "float64")
    if LOSSES[name][2] is probabilities:
        y_pred = np.clip(y_pred, 0.01, 0.99)  # no difference crosses the limits of clipping
    for sample_weight, mask in pairs:
        _, gradient = loss.value_and_gradient(y_true, y_pred, sample_weight, mask)
        assert gradient.dtype == np.float64

        def value(arguments=(sample_weight, mask)):
            return loss.value(y_true, y_pred, *arguments)

        expected = numerical_gradient(value, y_pred)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", LOSSES)
def test_the_functions_give_the_values_of_the_classes(name):
    cls, options, _ = LOSSES[name]
    function = re.sub("(?<=.)([A-Z])", r"_\1", cls).lower()
    y_true, y_pred, _ = make_call(name, SHAPES["steps"], "float32")
    values = getattr(fastrnn.losses, function)(y_true, y_pred, **options)
    expected = getattr(fastrnn.losses, cls)(**options, reduction=None)(y_true, y_pred)
    np.testing.assert_array_equal(values, expected)
    theirs = getattr(keras.losses, function)(torch.tensor(y_true), torch.tensor(y_pred), **options)
    assert_close(values, to_numpy(theirs), y_pred.size)


def test_arguments_are_those_of_keras():
    for cls in sorted({cls for cls, _, _ in LOSSES.values()}):
        ours, theirs = (
            [(p.name, p.default) for p in inspect.signature(losses_of).parameters.values()]
            for losses_of in (getattr(fastrnn.losses, cls), getattr(keras.losses, cls))
        )
        assert ours == theirs, cls
