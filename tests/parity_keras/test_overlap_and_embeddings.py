"""IoU metrics, Circle loss and the STFT initializer against live Keras."""

import numpy as np
import pytest
from live_keras import keras, to_numpy, torch
from tolerance import assert_close

import fastrnn
from fastrnn import losses, metrics
from fastrnn.engines.reference.gradcheck import numerical_gradient

RNG = np.random.default_rng(0)
LABELS, SCORES = RNG.integers(0, 4, (6, 5)), RNG.random((6, 5, 4))
ONE_HOT, GUESSES = np.eye(4)[LABELS], RNG.integers(0, 4, (6, 5))
FLAT = [RNG.integers(0, 2, 30), RNG.random(30).astype("float32")]

METRICS = {
    "iou": ("IoU", {"num_classes": 4, "target_class_ids": [0, 2]}, LABELS, GUESSES),
    "iou, scores": (
        "IoU",
        {"num_classes": 4, "target_class_ids": [1, 3], "sparse_y_pred": False},
        LABELS,
        SCORES,
    ),
    "iou, a class ignored": ("MeanIoU", {"num_classes": 4, "ignore_class": 1}, LABELS, GUESSES),
    "mean, few classes": ("MeanIoU", {"num_classes": 3}, LABELS, GUESSES),
    "mean, more classes": ("MeanIoU", {"num_classes": 9}, LABELS, GUESSES),
    "mean, axis": (
        "MeanIoU",
        {"num_classes": 4, "sparse_y_true": False, "sparse_y_pred": True},
        ONE_HOT,
        GUESSES,
    ),
    "binary": ("BinaryIoU", {}, *FLAT),
    "binary, threshold": ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.3}, *FLAT),
    "one-hot": ("OneHotIoU", {"num_classes": 4, "target_class_ids": (3, 0)}, ONE_HOT, SCORES),
    "one-hot, guesses": (
        "OneHotMeanIoU",
        {"num_classes": 4, "sparse_y_pred": True},
        ONE_HOT,
        GUESSES,
    ),
    "one-hot, all": ("OneHotMeanIoU", {"num_classes": 4}, ONE_HOT, SCORES),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", METRICS)
def test_iou(name, weighted):
    cls, options, y_true, y_pred = METRICS[name]
    options = {**options, "dtype": "float32"}  # else Keras cuts weights to integers
    ours, theirs = (getattr(k.metrics, cls)(**options) for k in (fastrnn, keras))
    assert ours.result() == 0 == float(theirs.result())
    for part in (slice(0, 2), slice(2, 6), slice(1, 3)):
        labels, guesses = y_true[part], y_pred[part]
        weights = RNG.random(guesses.size if guesses.ndim == 1 else labels.shape[:2])
        weights = weights.astype("float32") if weighted else None
        ours.update_state(labels, guesses, weights)
        theirs.update_state(labels, torch.tensor(guesses), weights)
        assert ours.result() == pytest.approx(float(theirs.result()), rel=1e-5)
    config = ours.get_config()
    assert set(config) == set(theirs.get_config())
    again = metrics.deserialize(metrics.serialize(ours))
    again.update_state(y_true, y_pred)
    ours.reset_state()
    assert ours(y_true, y_pred) == again.result() > 0
    assert ours.name == theirs.name.rstrip("_0123456789") or ours.name == theirs.name


def test_iou_in_a_model_and_errors():
    model = fastrnn.Sequential([fastrnn.Input((5, 3)), fastrnn.layers.Dense(4, "softmax")])
    metric = metrics.MeanIoU(4, name="iou", sparse_y_pred=False)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[metric])
    x = RNG.random((6, 5, 3))
    found = model.evaluate(x, LABELS, verbose=0, return_dict=True)["iou"]
    expected = metrics.MeanIoU(4)(LABELS, model.predict(x, verbose=0).argmax(-1))
    assert found == pytest.approx(expected)
    for argument, make in {
        "num_classes": lambda: metrics.MeanIoU(0),
        "target_class_ids": lambda: metrics.IoU(3, [3]),
        "axis": lambda: metrics.OneHotMeanIoU(3, axis="last"),
        "y_true": lambda: metrics.MeanIoU(3)(np.zeros(4), np.zeros(5)),
        "threshold": lambda: metrics.BinaryIoU(threshold="half"),
    }.items():
        with pytest.raises(ValueError, match=f"`{argument}`"):
            make()


def test_correlations_along_other_axes():
    a, b = RNG.normal(size=(2, 6, 5)).astype("float32")
    for axis in (0, -1, (0, 1)):
        for name in ("PearsonCorrelation", "ConcordanceCorrelation"):
            ours, theirs = (getattr(k.metrics, name)(axis=axis) for k in (fastrnn, keras))
            weights = np.arange(5.0) if axis == 0 else None
            assert ours(a, b, weights) == pytest.approx(float(theirs(a, b, weights)), rel=1e-5)
            assert ours.get_config()["axis"] == axis
    assert np.isnan(metrics.PearsonCorrelation()(np.ones((1, 3)), a[:1, :3]))
    for argument, call in {
        "axis": lambda: metrics.pearson_correlation(a, b, axis=2),
        "y_true": lambda: metrics.concordance_correlation(a, b[:3]),
    }.items():
        with pytest.raises(ValueError, match=f"`{argument}`"):
            call()


def embeddings(batch=12, dim=5, dtype="float32"):
    x = np.random.default_rng(3).normal(size=(batch, dim))
    x /= np.sqrt((x * x).sum(axis=1, keepdims=True))
    return np.arange(batch) % 3, x.astype(dtype)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", None]
)
@pytest.mark.parametrize("options", [{}, {"gamma": 8.0, "margin": 0.1}, {"remove_diagonal": False}])
def test_circle(options, reduction, weighted):
    labels, x = embeddings()
    ours, theirs = (k.losses.Circle(**options, reduction=reduction) for k in (fastrnn, keras))
    weights = RNG.random(12).astype("float32") if weighted else None
    tensor = torch.tensor(x, requires_grad=True)
    given = None if weights is None else torch.tensor(weights.copy())
    expected = theirs(torch.tensor(labels), tensor, given)
    expected.sum().backward()
    value, gradient = ours.value_and_gradient(labels, x, weights)
    scale = float(np.abs(to_numpy(expected)).max())
    assert_close(np.float32(value) / scale, to_numpy(expected).sum() / scale, 64)
    if options.get("remove_diagonal", True):  # of a sample and itself, 1 - cosine is rounding
        top = np.abs(gradient).max()
        assert_close(gradient / top, to_numpy(tensor.grad) / top, 256, backward=True)
    np.testing.assert_array_equal(ours(labels[:, None], x, weights), ours(labels, x, weights))
    again = losses.deserialize(losses.serialize(ours))
    np.testing.assert_array_equal(again(labels, x), ours(labels, x))


def test_circle_against_central_differences():
    labels, x = embeddings(dtype="float64")
    for options in ({"gamma": 5.0}, {"gamma": 5.0, "remove_diagonal": True, "margin": 0.2}):
        loss = losses.Circle(**options)
        _, gradient = loss.value_and_gradient(labels, x)
        expected = numerical_gradient(lambda loss=loss: loss.value(labels, x), x)
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-7)


def test_circle_with_references_and_alone():
    labels, x = embeddings()
    others, y = embeddings(7)
    options = {"remove_diagonal": False, "gamma": 10}
    found = losses.circle(labels, x, others, y, **options)
    given = (torch.tensor(a) for a in (labels, x, others, y))
    assert_close(found, to_numpy(keras.losses.circle(*given, **options)), 64)
    # Without a neighbour of its class, or without one of another class, a sample has no loss.
    value, gradient = losses.Circle().value_and_gradient(np.arange(12), x)
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)
    for argument, call in {
        "y_pred": lambda: losses.Circle()(labels, x[None]),
        "y_true": lambda: losses.Circle()(labels[:5], x),
        "ref_embeddings": lambda: losses.circle(labels, x, others, y[:, :2]),
        "margin": lambda: losses.Circle(margin="wide"),
    }.items():
        with pytest.raises(ValueError, match=f"`{argument}`"):
            call()


def test_circle_trains_embeddings():
    fastrnn.utils.set_random_seed(1)
    x = RNG.normal(size=(30, 4))
    labels = (x[:, 0] > 0).astype(int)
    model = fastrnn.Sequential([fastrnn.Input((4,)), fastrnn.layers.Dense(3)])
    model.add(fastrnn.layers.UnitNormalization())
    model.compile(fastrnn.optimizers.Adam(0.03), losses.Circle(gamma=10.0))
    history = model.fit(x, labels, epochs=30, batch_size=30, verbose=0).history["loss"]
    assert history[-1] < 0.6 * history[0]


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("scaling", ["density", "spectrum", None])
@pytest.mark.parametrize("window", ["hann", "hamming", [1.0, 2.0, 3.0, 2.0, 1.0, 0.5], None])
@pytest.mark.parametrize("side", ["real", "imag"])
def test_stft(side, window, scaling, periodic):
    arguments = (side, window, scaling, periodic)
    ours, theirs = (k.initializers.STFT(*arguments) for k in (fastrnn, keras))
    assert_close(ours((6, 1, 5)), to_numpy(theirs((6, 1, 5))), 64)
    assert ours.get_config() == theirs.get_config()
    again = fastrnn.initializers.deserialize(fastrnn.initializers.serialize(ours))
    np.testing.assert_array_equal(again((6, 1, 5)), ours((6, 1, 5)))


def test_stft_errors():
    stft = fastrnn.initializers.STFT
    for argument, make in {
        "side": lambda: stft("both"),
        "scaling": lambda: stft(scaling="length"),
        "window": lambda: stft(window="no such window"),
        "window ": lambda: stft(window=[1.0, 2.0])((3, 1, 2)),
        "shape": lambda: stft()((3, 2)),
    }.items():
        with pytest.raises(ValueError, match=f"`{argument.strip()}`"):
            make()
