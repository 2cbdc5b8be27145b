"""Every loss, and its gradient, against live Keras: options, weights, masks, reductions."""

import inspect
import itertools

import numpy as np
import pytest
from live_keras import keras, to_numpy, torch
from tolerance import assert_close

import fastrnn
from fastrnn.engines.reference.gradcheck import numerical_gradient

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


def positive(rng, shape):
    """Among them some near 0, below the limits of logarithms and divisions."""
    labels, predictions = 2 * rng.random(shape), 2 * rng.random(shape) + 0.01
    labels.flat[:2] = 0, 1e-9
    predictions.flat[2] = 1e-9
    return labels, predictions


def short_vectors(rng, shape):
    """Among them some too short to have a direction."""
    labels, predictions = numbers(rng, shape)
    labels[0], predictions[1] = 0, 1e-9
    return labels, predictions


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
    "mape": ("MeanAbsolutePercentageError", {}, numbers),
    "msle": ("MeanSquaredLogarithmicError", {}, positive),
    "log cosh": ("LogCosh", {}, numbers),
    "cosine": ("CosineSimilarity", {}, short_vectors),
    "hinge": ("Hinge", {}, numbers),
    "hinge, binary": ("Hinge", {}, as_logits(probabilities)),
    "squared hinge": ("SquaredHinge", {}, numbers),
    "squared hinge, binary": ("SquaredHinge", {}, as_logits(probabilities)),
    "categorical hinge": ("CategoricalHinge", {}, as_logits(distributions)),
    "divergence": ("KLDivergence", {}, distributions),
    "poisson": ("Poisson", {}, positive),
    "dice": ("Dice", {"axis": -1}, probabilities),
    "tversky": ("Tversky", {"axis": -1, "alpha": 0.3, "beta": 0.9}, probabilities),
    "binary focal": ("BinaryFocalCrossentropy", {}, probabilities),
    "binary focal, all options": (
        "BinaryFocalCrossentropy",
        {
            "apply_class_balancing": True,
            "alpha": 0.3,
            "gamma": 1.5,
            "from_logits": True,
            "label_smoothing": 0.1,
        },
        as_logits(probabilities),
    ),
    "binary focal, gamma 0": ("BinaryFocalCrossentropy", {"gamma": 0.0}, probabilities),
    "categorical focal": ("CategoricalFocalCrossentropy", {}, distributions),
    "categorical focal, all options": (
        "CategoricalFocalCrossentropy",
        {"alpha": 0.3, "gamma": 1.5, "from_logits": True, "label_smoothing": 0.1},
        as_logits(distributions),
    ),
    "categorical focal, alphas": (
        "CategoricalFocalCrossentropy",
        {"alpha": [0.1, 0.2, 0.3, 0.4], "gamma": 0.0},
        distributions,
    ),
    "generalized": ("CategoricalGeneralizedCrossEntropy", {"q": 0.7}, class_numbers),
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
    if LOSSES[name][2] in (positive, short_vectors):
        y_pred = np.where(np.abs(y_pred) < 1e-3, 0.5, y_pred)
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
    function = fastrnn.core.class_table.to_snake_case(cls)
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


OVERLAPS = [None, 0, -1, (1, 2), (0, -1)]


@pytest.mark.parametrize("axis", OVERLAPS, ids=str)
@pytest.mark.parametrize("name", ["Dice", "Tversky"])
def test_overlaps_along_any_axes(name, axis):
    y_true, y_pred = probabilities(np.random.default_rng(0), SHAPES["steps"])
    y_pred = y_pred.astype("float32")
    for reduction in ("sum_over_batch_size", "sum", None):
        options = {"axis": axis, "reduction": reduction}
        expected, d_expected = with_keras(
            getattr(keras.losses, name)(**options), y_true, y_pred, None, None
        )
        loss = getattr(fastrnn.losses, name)(**options)
        assert_close(np.asarray(loss(y_true, y_pred), "float32"), expected, y_pred.size)
        _, gradient = loss.value_and_gradient(y_true, y_pred)
        assert_close(gradient, d_expected, y_pred.size, backward=True)


def test_losses_along_another_axis():
    rng = np.random.default_rng(0)
    y_true, y_pred = (a.astype("float32") for a in distributions(rng, SHAPES["steps"]))
    for name, options in (
        ("CosineSimilarity", {}),
        ("BinaryFocalCrossentropy", {}),
        ("CategoricalCrossentropy", {"label_smoothing": 0.2}),
        ("CategoricalFocalCrossentropy", {"label_smoothing": 0.2, "from_logits": True}),
    ):
        ours, theirs = (
            getattr(k.losses, name)(axis=1, **options, reduction=None) for k in (fastrnn, keras)
        )
        expected, d_expected = with_keras(theirs, y_true, y_pred, None, None)
        assert_close(ours(y_true, y_pred), expected, y_pred.size, name=name)
        _, gradient = ours.value_and_gradient(y_true, y_pred)
        assert_close(gradient, d_expected, y_pred.size, backward=True, name=name)


def test_extreme_differences_do_not_overflow():
    y_pred = np.array([[-1e4, 1e4, 500, -0.5]], "float32")
    expected, d_expected = with_keras(
        keras.losses.LogCosh(), np.zeros_like(y_pred), y_pred, None, None
    )
    value, gradient = fastrnn.losses.LogCosh().value_and_gradient(np.zeros_like(y_pred), y_pred)
    assert value == pytest.approx(float(expected), rel=1e-6)
    assert_close(gradient, d_expected, 4, backward=True)


NAMES = {
    "mape": "MeanAbsolutePercentageError",
    "MAPE": "MeanAbsolutePercentageError",
    "msle": "MeanSquaredLogarithmicError",
    "MSLE": "MeanSquaredLogarithmicError",
    "kld": "KLDivergence",
    "KLD": "KLDivergence",
    "bce": "BinaryCrossentropy",
    "BCE": "BinaryCrossentropy",
    "mse": "MeanSquaredError",
    "mae": "MeanAbsoluteError",
}
for cls, _, _ in LOSSES.values():
    if cls != "CategoricalGeneralizedCrossEntropy":  # the one that Keras does not know by name
        NAMES[cls] = NAMES[fastrnn.core.class_table.to_snake_case(cls)] = cls


@pytest.mark.parametrize("name", NAMES)
def test_names_of_keras_are_known(name):
    keras.losses.get(name)  # knows it, too
    assert type(fastrnn.losses.get(name)).__name__ == NAMES[name]


@pytest.mark.parametrize("name", LOSSES)
def test_a_config_makes_the_same_loss(name):
    cls, options, _ = LOSSES[name]
    loss = getattr(fastrnn.losses, cls)(**options, name="other")
    again = fastrnn.losses.deserialize(fastrnn.losses.serialize(loss))
    assert again.name == "other"
    y_true, y_pred, _ = make_call(name, SHAPES["samples"], "float32")
    assert loss(y_true, y_pred) == again(y_true, y_pred)


@pytest.mark.parametrize(
    ("argument", "make"),
    [
        ("q", lambda: fastrnn.losses.CategoricalGeneralizedCrossEntropy(q=1)),
        ("alpha", lambda: fastrnn.losses.CategoricalFocalCrossentropy(alpha="a")),
        ("gamma", lambda: fastrnn.losses.BinaryFocalCrossentropy(gamma=None)),
        ("beta", lambda: fastrnn.losses.Tversky(beta=float("nan"))),
        ("axis", lambda: fastrnn.losses.Dice(axis="all")),
        ("axis", lambda: fastrnn.losses.CosineSimilarity(axis=None)),
        ("axis", lambda: fastrnn.losses.dice(np.ones((2, 3)), np.ones((2, 3)), axis=(1, -1))),
        ("axis", lambda: fastrnn.losses.dice(np.ones((2, 3)), np.ones((2, 3)), axis=(0, 2))),
        ("y_true", lambda: fastrnn.losses.hinge(np.ones((2, 3)), np.ones((2, 4)))),
        (
            "y_true",
            lambda: fastrnn.losses.CategoricalGeneralizedCrossEntropy()([3], np.ones((1, 3))),
        ),
    ],
)
def test_bad_arguments(argument, make):
    with pytest.raises(ValueError, match=f"`{argument}`"):
        make()


@pytest.mark.parametrize(("extra", "options"), [((3,), {}), ((), {"reduction": "sum"})])
def test_functions_take_the_options_of_the_formula_alone(extra, options):
    with pytest.raises(TypeError):
        fastrnn.losses.mean_squared_error([1.0], [2.0], *extra, **options)
