"""Every metric over several updates against live Keras: weights, masks, options, resets."""

import inspect

import numpy as np
import pytest
from live_keras import keras, torch
from tolerance import tolerance

import fastrnn

CLASSES, UPDATES = 4, 4
SHAPES = {"samples": (6, CLASSES), "steps": (5, 3, CLASSES)}


def numbers(rng, shape):
    return rng.standard_normal(shape), rng.standard_normal(shape)


def equal_numbers(rng, shape):
    return rng.integers(0, 2, shape), rng.integers(0, 2, shape)


def probabilities(rng, shape):
    p = rng.random(shape)
    p.flat[:3] = 0, 1, 0.5
    return rng.integers(0, 2, shape), p


def one_hot(rng, shape):
    return np.eye(CLASSES)[rng.integers(0, CLASSES, shape[:-1])], rng.random(shape) + 0.01


def class_numbers(rng, shape):
    return rng.integers(0, CLASSES, shape[:-1]), rng.random(shape) + 0.01


def class_numbers_with_an_axis(rng, shape):
    labels, predictions = class_numbers(rng, shape)
    return labels[..., None], predictions


METRICS = [
    ("Accuracy", {}, equal_numbers),
    ("BinaryAccuracy", {}, probabilities),
    ("BinaryAccuracy", {"threshold": 0.8}, probabilities),
    ("CategoricalAccuracy", {}, one_hot),
    ("SparseCategoricalAccuracy", {}, class_numbers),
    ("SparseCategoricalAccuracy", {}, class_numbers_with_an_axis),
    ("MeanSquaredError", {}, numbers),
    ("MeanAbsoluteError", {}, numbers),
    ("RootMeanSquaredError", {}, numbers),
    ("MeanAbsolutePercentageError", {}, numbers),
    ("MeanSquaredLogarithmicError", {}, probabilities),
    ("LogCoshError", {}, numbers),
    ("CosineSimilarity", {}, numbers),
    ("PearsonCorrelation", {}, numbers),
    ("ConcordanceCorrelation", {}, numbers),
    ("KLDivergence", {}, one_hot),
    ("Poisson", {}, probabilities),
    ("Hinge", {}, probabilities),
    ("SquaredHinge", {}, numbers),
    ("CategoricalHinge", {}, one_hot),
    ("TopKCategoricalAccuracy", {"k": 2}, one_hot),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, class_numbers),
    ("BinaryCrossentropy", {}, probabilities),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, probabilities),
    ("CategoricalCrossentropy", {}, one_hot),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, one_hot),
    ("SparseCategoricalCrossentropy", {}, class_numbers),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, class_numbers),
    ("SparseCategoricalCrossentropy", {"ignore_class": 0}, class_numbers),
]
NAMES = [f"{name} {options or ''} {make.__name__}" for name, options, make in METRICS]


class MaskedRoot(keras.metrics.MeanSquaredError):
    """Keras's own root of the mean squared error does not look at masks."""

    def result(self):
        return keras.ops.sqrt(super().result())


def assert_same_result(ours, theirs, where):
    expected = float(keras.ops.convert_to_numpy(theirs.result()))
    result = ours.result()
    assert type(result) is float
    allowed = tolerance("float32", CLASSES * 15, UPDATES) * max(1.0, abs(expected))
    assert abs(result - expected) <= allowed, f"{where}: {result}, Keras {expected}"


def weights_of(kind, shape, rng):
    """Return weights of samples or steps: with some zeros, and not of a mean of 1."""
    if kind == "none":
        return None
    weights = rng.random(shape[:1] if kind == "a sample" else shape[:-1]).astype("float32") * 3
    weights.flat[0] = 0
    return weights


# Keras cannot join weights of samples with a mask of steps.
SETTINGS = [
    pytest.param(*metric, shape, weighted, masked, id=f"{name}-{shape}-{weighted}-{masked}")
    for metric, name in zip(METRICS, NAMES, strict=True)
    for shape in SHAPES
    for weighted in ("none", "a sample", "a step")
    for masked in (False, True)
    if (weighted, shape) != ("a sample", "steps") or not (masked or "ignore_class" in metric[1])
]


@pytest.mark.parametrize(("name", "options", "make", "shape", "weighted", "masked"), SETTINGS)
def test_results_are_those_of_keras(name, options, make, shape, weighted, masked):
    ours = getattr(fastrnn.metrics, name)(**options)
    theirs = getattr(keras.metrics, name)(**options)
    if masked and name == "RootMeanSquaredError":
        theirs = MaskedRoot()
    rng = np.random.default_rng(0)
    assert_same_result(ours, theirs, "before the first update")
    for update in range(UPDATES):
        if update == UPDATES - 1:
            ours.reset_state()
            theirs.reset_state()
        y_true, y_pred = make(rng, SHAPES[shape])
        y_pred = y_pred.astype("float32")
        weights = weights_of(weighted, SHAPES[shape], rng)
        mask = rng.random(SHAPES[shape][:-1]) < 0.6 if masked else None
        tensor = torch.tensor(y_pred)
        if masked:
            keras.src.backend.set_keras_mask(tensor, torch.tensor(mask))
        ours.update_state(y_true, y_pred, weights, mask)
        given = None if weights is None else torch.tensor(weights.copy())
        theirs.update_state(torch.tensor(y_true), tensor, given)
        assert_same_result(ours, theirs, f"after update {update}")


@pytest.mark.parametrize("name", ["Mean", "Sum"])
@pytest.mark.parametrize("shape", [(), (5,), (5, 3)], ids=str)
def test_means_and_sums_are_those_of_keras(name, shape):
    rng = np.random.default_rng(0)
    ours, theirs = (getattr(package.metrics, name)() for package in (fastrnn, keras))
    for weights in (None, 2.0, rng.random(shape[:1]), rng.random(shape), np.zeros(shape)):
        values = rng.standard_normal(shape)
        ours.update_state(values, weights)
        theirs.update_state(values, weights)
        assert_same_result(ours, theirs, f"weights {weights}")


def test_arguments_and_names_are_those_of_keras():
    for name in sorted({name for name, _, _ in METRICS} | {"Mean", "Sum"}):
        ours, theirs = (getattr(package.metrics, name) for package in (fastrnn, keras))
        parameters = [
            [(p.name, p.default) for p in inspect.signature(cls).parameters.values()]
            for cls in (ours, theirs)
        ]
        assert parameters[0] == parameters[1], name
        assert ours().name == theirs().name
        assert ours(name="other").name == "other"


@pytest.mark.parametrize(("name", "options", "make"), METRICS, ids=NAMES)
def test_a_config_makes_the_same_metric(name, options, make):
    metric = getattr(fastrnn.metrics, name)(**options, name="other")
    again = type(metric).from_config(metric.get_config())
    assert again.name == "other"
    arguments = make(np.random.default_rng(0), SHAPES["samples"])
    assert metric(*arguments) == again(*arguments)


IDENTIFIERS = {
    "accuracy": "Accuracy",
    "binary_accuracy": "BinaryAccuracy",
    "CategoricalAccuracy": "CategoricalAccuracy",
    "sparse_categorical_accuracy": "SparseCategoricalAccuracy",
    "mse": "MeanSquaredError",
    "MSE": "MeanSquaredError",
    "mean_squared_error": "MeanSquaredError",
    "mae": "MeanAbsoluteError",
    "RootMeanSquaredError": "RootMeanSquaredError",
    "bce": "BinaryCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
}


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_names_of_keras_are_known(identifier):
    metric = fastrnn.metrics.get(identifier)
    assert type(metric).__name__ == IDENTIFIERS[identifier]
    assert metric.name == identifier
    keras.metrics.get(identifier)  # knows it, too


@pytest.mark.parametrize("identifier", ["no_such", 3, {"class_name": "No", "config": {}}])
def test_a_name_without_a_metric(identifier):
    with pytest.raises(ValueError, match="metric"):
        fastrnn.metrics.get(identifier)


def test_bad_arguments():
    for threshold in (0, 1, None):
        with pytest.raises(ValueError, match="`threshold`"):
            fastrnn.metrics.BinaryAccuracy(threshold=threshold)
    metric = fastrnn.metrics.MeanSquaredError()
    y = np.zeros((4, 1))
    for labels in (np.full((4, 1), "a"), np.zeros((3, 1))):
        with pytest.raises(ValueError, match="`y_true`"):
            metric.update_state(labels, y)
    with pytest.raises(ValueError, match="`sample_weight`"):
        metric.update_state(y, y, np.ones(3))
    assert metric.result() == 0
    metric.update_state(y, y + 2)
    assert metric.result() == 4
