"""Metrics of decisions, F scores and R2 over several updates against live Keras."""

import numpy as np
import pytest
from live_keras import keras, torch
from tolerance import assert_close

import fastrnn

BATCH, CLASSES, UPDATES = 12, 4, 4
TWO_AXES, ONE_AXIS, STEPS = (BATCH, CLASSES), (BATCH,), (BATCH, 3, CLASSES)


def decisions(rng, shape):
    """Some certain, some that meet a threshold."""
    y_pred = rng.random(shape).astype("float32")
    y_pred.flat[:4] = 0, 1, 0.5, 0.25
    return rng.integers(0, 2, shape), y_pred


def one_hot(rng, shape):
    labels = np.eye(CLASSES)[rng.integers(0, CLASSES, shape[:-1])]
    return labels, rng.standard_normal(shape).astype("float32")


def numbers(rng, shape):
    return tuple(rng.standard_normal(shape).astype("float32") for _ in range(2))


COUNTS = ["TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"]
EVEN, UNEVEN = [0.0, 0.25, 0.5, 0.75, 1.0], [0.7, 0.1, 0.5]
CASES = [
    *((name, {"thresholds": t}, decisions) for name in COUNTS for t in (None, 0.3, EVEN, UNEVEN)),
    *(
        (name, options, decisions)
        for name in ("Precision", "Recall")
        for options in (
            {},
            {"thresholds": EVEN},
            {"thresholds": UNEVEN},
            {"top_k": 2},
            {"top_k": 3, "thresholds": [0.2, 0.6]},
            {"class_id": 1},
            {"class_id": 2, "top_k": 2},
        )
    ),
    *(
        (name, {key: 0.6, **options}, decisions)
        for name, key in (
            ("SensitivityAtSpecificity", "specificity"),
            ("SpecificityAtSensitivity", "sensitivity"),
            ("PrecisionAtRecall", "recall"),
            ("RecallAtPrecision", "precision"),
        )
        for options in ({}, {"num_thresholds": 1}, {"num_thresholds": 2}, {"class_id": 3})
    ),
    *(
        ("AUC", {"curve": curve, "summation_method": method, **options}, decisions)
        for curve in ("ROC", "PR", "PRGAIN")
        for method in ("interpolation", "majoring", "minoring")
        for options in (
            {},
            {"num_thresholds": 5},
            {"thresholds": [0.3, 0.9, 0.35]},
            {"multi_label": True, "num_labels": CLASSES},
            {"multi_label": True, "label_weights": [1.0, 0.0, 2.0, 0.5], "num_labels": CLASSES},
        )
    ),
    ("AUC", {"from_logits": True}, one_hot),
    ("AUC", {"label_weights": [1.0, 0.0, 2.0, 0.5]}, decisions),
    ("AUC", {"thresholds": [0.3, 0.9], "multi_label": True, "num_labels": CLASSES}, decisions),
    *(
        ("FBetaScore", {"average": average, "beta": 2.0, "threshold": threshold}, one_hot)
        for average in (None, "micro", "macro", "weighted")
        for threshold in (None, 0.4)
    ),
    ("F1Score", {}, one_hot),
    ("F1Score", {"average": "macro", "threshold": 0.5}, decisions),
    *(
        ("R2Score", {"class_aggregation": average, "num_regressors": regressors}, numbers)
        for average in ("uniform_average", "variance_weighted_average", None)
        for regressors in (0, 2)
    ),
]
NAMES = [f"{name} {options or ''}" for name, options, _ in CASES]
# Metrics that are for two axes, or for the classes of the last axis.
NEED_CLASSES = ("multi_label", "label_weights", "top_k", "class_id")


def suits(name, options, shape):
    if name in ("F1Score", "FBetaScore", "R2Score") or options.get("multi_label"):
        return len(shape) == 2
    return len(shape) > 1 or not set(NEED_CLASSES) & set(options)


def assert_same_result(ours, theirs, where):
    expected = keras.ops.convert_to_numpy(theirs.result())
    result = ours.result()
    assert (type(result) is float) == (expected.ndim == 0)
    actual = np.asarray(result, "float32")
    assert_close(actual, expected, BATCH * CLASSES * 3, UPDATES, name=where)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize(
    ("name", "options", "make", "shape"),
    [
        (*case, shape)
        for case in CASES
        for shape in (TWO_AXES, ONE_AXIS, STEPS)
        if suits(*case[:2], shape)
    ],
)
def test_results_are_those_of_keras(name, options, make, shape, weighted):
    ours = getattr(fastrnn.metrics, name)(**options)
    theirs = getattr(keras.metrics, name)(**options)
    rng = np.random.default_rng(0)
    for update in range(UPDATES):
        if update == UPDATES - 1:
            ours.reset_state()
            theirs.reset_state()
        y_true, y_pred = make(rng, shape if len(shape) > 1 or make is not one_hot else (*shape, 4))
        weights = rng.random(shape[:-1] or shape).astype("float32") * 3 if weighted else None
        ours.update_state(y_true, y_pred, weights)
        theirs.update_state(torch.tensor(y_true), torch.tensor(y_pred), weights)
        assert_same_result(ours, theirs, f"after update {update}")


@pytest.mark.parametrize(("name", "options", "make"), CASES, ids=NAMES)
def test_a_config_makes_the_same_metric(name, options, make):
    metric = getattr(fastrnn.metrics, name)(**options)
    again = fastrnn.metrics.deserialize(fastrnn.metrics.serialize(metric))
    arguments = make(np.random.default_rng(0), TWO_AXES)
    np.testing.assert_array_equal(metric(*arguments), again(*arguments))
    theirs = getattr(keras.metrics, name)(**options).get_config()
    ours = metric.get_config()
    assert set(theirs) <= set(ours)
    for key in set(theirs) - {"name", "dtype", "label_weights", "thresholds", "value"}:
        assert ours[key] == theirs[key], key


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES}))
def test_names_of_keras_are_known(name):
    required = (0.5,) if "At" in name else ()
    if not required:
        for identifier in (name, fastrnn.core.class_table.to_snake_case(name)):
            assert type(fastrnn.metrics.get(identifier)).__name__ == name
            keras.metrics.get(identifier)  # knows it, too
    keras.utils.clear_session()
    ours, theirs = (getattr(k.metrics, name)(*required) for k in (fastrnn, keras))
    assert ours.name == theirs.name


def test_a_model_reports_them_under_the_names_of_keras():
    x, y = np.random.default_rng(0).random((8, 3)), np.array([[0], [1]] * 4)
    histories = []
    for k in (fastrnn, keras):
        k.utils.clear_session()
        model = k.Sequential([k.Input((3,)), k.layers.Dense(1, activation="sigmoid")])
        model.set_weights([np.array([[1.0], [-2.0], [0.5]]), np.zeros(1)])
        own = k.metrics.Recall(thresholds=0.4)
        measured = ["AUC", "precision", own, k.metrics.FalsePositives(), "mape", "TruePositives"]
        model.compile("sgd", "bce", metrics=measured, weighted_metrics=["poisson", "hinge"])
        weights = np.arange(8.0)
        histories.append(model.fit(x, y, 4, 2, sample_weight=weights, shuffle=False, verbose=0))
    ours, theirs = (history.history for history in histories)
    assert list(ours) == list(theirs)
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("verbose", [1, 2])
def test_results_of_several_numbers_are_shown_by_their_mean(verbose, capsys):
    k, y = fastrnn, np.eye(4)[np.arange(8) % 4]
    model = k.Sequential([k.Input((3,)), k.layers.Dense(4, activation="softmax")])
    model.compile("sgd", "kld", metrics=["F1Score", k.metrics.Recall(thresholds=[0.1, 0.4])])
    x = np.random.default_rng(0).random((8, 3))
    logs = model.fit(x, y, verbose=verbose).history
    assert (logs["F1Score"][0].shape, logs["recall"][0].shape) == ((4,), (2,))
    shown = capsys.readouterr().out
    for name in ("F1Score", "recall"):
        mean = float(shown.split(f"{name}: ")[-1].split()[0])
        assert mean == pytest.approx(logs[name][0].mean(), abs=1e-4)
    assert [np.shape(value) for value in model.evaluate(x, y, verbose=0)] == [(), (4,), (2,)]


BAD = {
    "thresholds": [
        lambda: fastrnn.metrics.Precision(thresholds=1.5),
        lambda: fastrnn.metrics.Recall(thresholds=[0.5, None]),
        lambda: fastrnn.metrics.TruePositives(thresholds=[]),
        lambda: fastrnn.metrics.AUC(thresholds=0.5),
    ],
    "top_k": [lambda: fastrnn.metrics.Precision(top_k=0)],
    "class_id": [
        lambda: fastrnn.metrics.Precision(class_id=0.5),
        lambda: fastrnn.metrics.Precision(class_id=4)(np.ones((2, 3)), np.ones((2, 3))),
        lambda: fastrnn.metrics.Precision(class_id=0)(np.ones(2), np.ones(2)),
    ],
    "num_thresholds": [
        lambda: fastrnn.metrics.AUC(num_thresholds=1),
        lambda: fastrnn.metrics.PrecisionAtRecall(0.5, num_thresholds=0),
    ],
    "recall": [lambda: fastrnn.metrics.PrecisionAtRecall(1.5)],
    "curve": [lambda: fastrnn.metrics.AUC(curve="best")],
    "summation_method": [lambda: fastrnn.metrics.AUC(summation_method=None)],
    "label_weights": [
        lambda: fastrnn.metrics.AUC(label_weights="a"),
        lambda: fastrnn.metrics.AUC(label_weights=[1.0])(np.ones((2, 3)), np.ones((2, 3))),
    ],
    "y_pred": [
        lambda: fastrnn.metrics.AUC(multi_label=True)(np.ones(2), np.ones(2)),
        lambda: fastrnn.metrics.F1Score()(np.ones(2), np.ones(2)),
        lambda: fastrnn.metrics.R2Score()(np.ones((2, 3, 1)), np.ones((2, 3, 2))),
    ],
    "y_true": [
        lambda: fastrnn.metrics.Recall()(np.ones((2, 3)), np.ones((2, 4))),
        lambda: fastrnn.metrics.F1Score()(np.ones((2, 3)), np.ones((2, 4))),
        lambda: fastrnn.metrics.R2Score()(np.array([["a"]]), np.ones((1, 1))),
        lambda: fastrnn.metrics.sparse_top_k_categorical_accuracy([4], np.ones((1, 4)), k=2),
    ],
    "sample_weight": [
        lambda: fastrnn.metrics.Recall()(np.ones((2, 3)), np.ones((2, 3)), np.ones(3)),
        lambda: fastrnn.metrics.R2Score()(np.ones((2, 3)), np.ones((2, 3)), ["a", "b"]),
    ],
    "average": [lambda: fastrnn.metrics.F1Score(average="mean")],
    "beta": [lambda: fastrnn.metrics.FBetaScore(beta=0)],
    "threshold": [lambda: fastrnn.metrics.F1Score(threshold=0)],
    "class_aggregation": [lambda: fastrnn.metrics.R2Score(class_aggregation="none")],
    "num_regressors": [lambda: fastrnn.metrics.R2Score(num_regressors=-1)],
    "k": [
        lambda: fastrnn.metrics.TopKCategoricalAccuracy(k=0),
        lambda: fastrnn.metrics.TopKCategoricalAccuracy(k=5)(np.eye(3), np.eye(3)),
    ],
}


@pytest.mark.parametrize(
    ("argument", "make"), [(argument, make) for argument, makes in BAD.items() for make in makes]
)
def test_bad_arguments(argument, make):
    with pytest.raises(ValueError, match=f"`{argument}`"):
        make()


def test_bad_batches_change_nothing():
    for metric in (
        fastrnn.metrics.Recall(),
        fastrnn.metrics.AUC(),
        fastrnn.metrics.F1Score("micro"),
    ):
        good = np.array([[0, 1], [1, 0]]), np.array([[0.1, 0.9], [0.2, 0.8]])
        before = metric(*good)
        with pytest.raises(ValueError, match="`y_true`"):
            metric.update_state(np.ones((2, 3)), good[1])
        with pytest.raises(ValueError, match="`sample_weight`"):
            metric.update_state(*good, np.ones(5))
        assert metric.result() == before
