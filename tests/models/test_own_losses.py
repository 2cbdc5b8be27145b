"""Losses of one's own, written Keras's way: the same code on fastrnn and on live Keras."""

import numpy as np
import pytest
from live_keras import keras
from own_losses import OWN_LOSSES, called_class, methods_of_arrays, plain_numpy

import fastrnn
from fastrnn import ops
from fastrnn.losses.tensors import FORMULAS

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 5, 3)).astype("float32")
Y = RNG.integers(0, 2, (12, 2))


def model_of(package, weights=None):
    layers = package.layers
    model = package.Sequential([package.Input((5, 3)), layers.LSTM(4), layers.Dense(2)])
    if weights is not None:
        model.set_weights(weights)
    return model


def trained(package, loss, weights, **options):
    """Return the losses of two epochs, of an evaluation, and the weights after them."""
    model = model_of(package, weights)
    model.compile(package.optimizers.SGD(0.1), loss)
    history = model.fit(X, Y, epochs=2, batch_size=5, shuffle=False, verbose=0, **options)
    return [*history.history["loss"], model.evaluate(X, Y, verbose=0)], model.get_weights()


# A class with `__call__` leaves weights to itself.
@pytest.mark.parametrize(
    ("make", "weighted"),
    [(make, w) for make in OWN_LOSSES for w in (False, True) if not (w and make is called_class)],
    ids=lambda value: getattr(value, "__name__", "weighted" if value else "plain"),
)
def test_training_is_that_of_keras(make, weighted):
    weights = model_of(fastrnn).get_weights()
    options = {"sample_weight": RNG.random(12).astype("float32")} if weighted else {}
    own = trained(fastrnn, make(fastrnn), weights, **options)
    theirs = trained(keras, make(keras), weights, **options)
    np.testing.assert_allclose(own[0], theirs[0], rtol=1e-5)
    for a, b in zip(own[1], theirs[1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("function", (plain_numpy, methods_of_arrays))
def test_a_function_in_plain_numpy_trains_as_the_built_in_loss(function):
    weights = model_of(fastrnn).get_weights()
    own, built_in = (trained(fastrnn, loss, weights) for loss in (function, "mse"))
    np.testing.assert_allclose(own[0], built_in[0], rtol=1e-6)
    for a, b in zip(own[1], built_in[1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-7)


def test_a_weight_that_the_loss_reads_gets_its_gradient():
    weights = model_of(fastrnn).get_weights()
    found = []
    for package in (fastrnn, keras):
        model = model_of(package, weights)
        kernel = model.layers[-1].kernel

        def loss(y_true, y_pred, kernel=kernel, package=package):
            return package.ops.mean((y_true - y_pred) ** 2) + package.ops.sum(kernel * kernel)

        model.compile(package.optimizers.SGD(0.1), loss)
        model.train_on_batch(X, Y)
        found.append(model.get_weights()[-2])
    np.testing.assert_allclose(*found, atol=1e-6)


def test_code_that_needs_values_evaluates_and_names_its_line_in_training():
    def loss(y_true, y_pred):
        return y_pred * 2 if y_pred.sum() > 0 else y_pred

    model = model_of(fastrnn)
    model.compile("sgd", loss)
    assert np.isfinite(model.evaluate(X, Y, verbose=0))
    with pytest.raises((TypeError, AttributeError), match=r"In loss 'loss', .*line \d+"):
        model.fit(X, Y, verbose=0)


def test_a_loss_class_without_call_is_refused():
    class Empty(fastrnn.losses.Loss):
        pass

    with pytest.raises(NotImplementedError, match="does not implement `call`"):
        Empty()(np.ones((2, 2)), np.ones((2, 2)))


def labels_and_predictions(name):
    p = RNG.uniform(0.05, 0.95, (4, 3)).astype("float32")
    if name == "SparseCategoricalCrossentropy":
        return RNG.integers(0, 3, (4,)).astype("float32"), p
    return RNG.uniform(0.1, 0.9, (4, 3)).astype("float32"), p


OPTIONS = {
    "BinaryCrossentropy": ({}, {"from_logits": True, "label_smoothing": 0.1}),
    "CategoricalCrossentropy": ({}, {"from_logits": True, "label_smoothing": 0.1}),
    "SparseCategoricalCrossentropy": ({}, {"from_logits": True}, {"ignore_class": 1}),
    "Huber": ({}, {"delta": 0.1}),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_built_in_losses_of_tensors_have_gradients_to_both_arguments(name):
    """A graph of the loss against the loss of arrays, and against Keras's gradients."""
    import torch

    for options in OPTIONS.get(name, ({},)):
        loss = getattr(fastrnn.losses, name)(**options, reduction="none")
        t, p = labels_and_predictions(name)
        tensors = [fastrnn.Input(x.shape[1:], dtype="float32") for x in (t, p)]
        model = fastrnn.Model(tensors, loss(*tensors))
        values, pullback = model.vjp([t, p])
        np.testing.assert_allclose(values, loss(t, p), rtol=2e-5, atol=1e-6)
        d = RNG.standard_normal(values.shape).astype("float32")
        gradients, _ = pullback(d)
        leaves = [torch.tensor(x, requires_grad=True) for x in (t, p)]
        theirs = getattr(keras.losses, name)(**options, reduction="none").call(*leaves)
        (theirs * torch.tensor(d)).sum().backward()
        np.testing.assert_allclose(gradients[1], leaves[1].grad.numpy(), rtol=1e-4, atol=1e-5)
        if name != "SparseCategoricalCrossentropy":
            np.testing.assert_allclose(gradients[0], leaves[0].grad.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("reduction", ("sum", "mean", "mean_with_sample_weight", "none"))
def test_a_loss_object_of_tensors_reduces_and_weighs_as_one_of_arrays(reduction):
    loss = fastrnn.losses.MeanSquaredError(reduction=reduction)
    t, p = (RNG.standard_normal((4, 3)).astype("float32") for _ in range(2))
    weights = RNG.random(4).astype("float32")
    tensors = [fastrnn.Input((3,)), fastrnn.Input((3,)), fastrnn.Input(())]
    made = ops.reshape(loss(tensors[0], tensors[1], sample_weight=tensors[2]), (-1,))
    found = fastrnn.Model(tensors, made)([t, p, weights])
    np.testing.assert_allclose(found, np.reshape(loss(t, p, weights), -1), rtol=1e-5)


def test_a_built_in_loss_that_is_no_graph_is_refused_by_name():
    entry = fastrnn.Input((3,))
    with pytest.raises(NotImplementedError, match="Circle"):
        fastrnn.losses.Circle()(entry, entry)
