# ruff: noqa: E402 - what needs scikit-learn is imported where it is installed
"""Models as estimators of scikit-learn."""

import re
import subprocess
import sys

import numpy as np
import pytest

import fastrnn
from fastrnn import layers, utils

sklearn = pytest.importorskip("sklearn", reason="the extra `sklearn` is not installed")

from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from fastrnn.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer
from fastrnn.wrappers.scikit_learn import BaseWrapper, KerasClassifier, KerasRegressor

X = np.random.default_rng(0).normal(size=(24, 5, 3))
LABELS = np.array(["down", "up"])[(X.sum((1, 2)) > 0).astype(int)]
THREE = np.arange(24) % 3
VALUES = X[:, -1, 0]


def build(outputs=1, activation="sigmoid", loss="binary_crossentropy", units=4, rate=0.1):
    utils.set_random_seed(1)
    model = fastrnn.Sequential(
        [fastrnn.Input((5, 3)), layers.GRU(units), layers.Dense(outputs, activation)]
    )
    model.compile(fastrnn.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


def for_data(X, y, loss="categorical_crossentropy", units=4):
    return build(y.shape[1], "softmax", loss, units)


def for_values(X, y):
    return build(y.shape[1], None, "mse")


# ---- Keras 3 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [LABELS, THREE, THREE[:, None]], ids=["two", "three", "column"])
def test_a_classifier_learns_classes_of_any_kind(labels):
    classifier = SKLearnClassifier(for_data, fit_kwargs={"epochs": 40, "verbose": 0})
    assert classifier.fit(X, labels) is classifier
    np.testing.assert_array_equal(classifier.classes_, np.unique(labels))
    predicted = classifier.predict(X)
    assert predicted.shape == labels.shape
    outputs = classifier.decision_function(X)
    np.testing.assert_array_equal(predicted.ravel(), classifier.classes_[outputs.argmax(-1)])
    assert classifier.score(X, labels) > 0.5
    assert len(classifier.history_.history["loss"]) == 40


@pytest.mark.parametrize(
    "model",
    [lambda: build(), lambda: build(2, "softmax", "sparse_categorical_crossentropy")],
    ids=["one output", "sparse"],
)
def test_labels_are_what_the_model_wants(model):
    classifier = SKLearnClassifier(model()).fit(X, LABELS, epochs=40, verbose=0)
    assert set(classifier.predict(X)) <= {"down", "up"}
    assert classifier.score(X, LABELS) > 0.8


def test_a_model_is_copied_unless_the_start_is_warm():
    model = build(1, None, "mse")
    before = model.get_weights()
    cold = SKLearnRegressor(model).fit(X, VALUES, epochs=2, verbose=0)
    assert cold.model_ is not model
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    first = cold.model_
    assert cold.fit(X, VALUES, verbose=0).model_ is not first
    warm = SKLearnRegressor(model, warm_start=True).fit(X, VALUES, verbose=0)
    first = warm.model_
    assert warm.fit(X, VALUES, verbose=0).model_ is first


def test_a_regressor_gives_values_of_the_form_of_the_targets():
    regressor = SKLearnRegressor(for_values, fit_kwargs={"epochs": 30, "verbose": 0})
    assert regressor.fit(X, VALUES).predict(X).shape == (24,)
    assert regressor.score(X, VALUES) > 0.5
    assert regressor.fit(X, X[:, -1, :2]).predict(X).shape == (24, 2)


def test_a_transformer_stands_in_a_pipeline():
    transformer = SKLearnTransformer(for_values, fit_kwargs={"verbose": 0})
    pipeline = make_pipeline(FunctionTransformer(lambda x: x * 2), transformer)
    assert pipeline.fit(X, VALUES).transform(X).shape == (24, 1)


def test_clones_and_searches():
    classifier = SKLearnClassifier(for_data, model_kwargs={"units": 3}, fit_kwargs={"verbose": 0})
    again = clone(classifier)
    assert again.get_params() == classifier.get_params()
    assert not hasattr(clone(SKLearnRegressor(build(1, None, "mse"))), "model_")
    grid = {"model_kwargs": [{"units": 2}, {"units": 3}]}
    search = GridSearchCV(classifier, grid, cv=2).fit(X, LABELS)
    assert search.best_params_["model_kwargs"]["units"] in (2, 3)
    assert cross_val_score(classifier, X, LABELS, cv=2).shape == (2,)


def test_what_is_wrong_is_said():
    classifier = SKLearnClassifier(for_data)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        classifier.predict(X)
    with pytest.raises(ValueError, match="one class"):
        classifier.fit(X, np.zeros(24, int))
    with pytest.raises(ValueError, match="continuous"):
        classifier.fit(X, VALUES)
    model = fastrnn.Sequential([fastrnn.Input((5, 3)), layers.GRU(1)])
    with pytest.raises(ValueError, match="compiled"):
        SKLearnRegressor(model).fit(X, VALUES)
    with pytest.raises(ValueError, match="samples"):
        classifier.fit(X, LABELS[:-1])


def test_the_same_numbers_as_with_keras():
    import keras

    x = X[:, 0]  # Keras takes no sequences here

    def make(package):
        def model(X, y):
            inputs = package.Input(X.shape[1:])
            outputs = package.layers.Dense(y.shape[1], "softmax")(inputs)
            made = package.Model(inputs, outputs)
            made.layers[-1].set_weights([np.ones((3, 3)) * [1, 2, 3], np.zeros(3)])
            made.compile("sgd", "categorical_crossentropy")
            return made

        return package.wrappers.SKLearnClassifier(model)

    ours, theirs = (
        make(package).fit(x, THREE, epochs=3, verbose=0, shuffle=False)
        for package in (fastrnn, keras)
    )
    np.testing.assert_allclose(ours.decision_function(x), theirs.decision_function(x), 1e-4)
    np.testing.assert_array_equal(ours.predict(x), theirs.predict(x))


# ---- Keras 1 and 2 ----------------------------------------------------------------------------


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setattr(BaseWrapper, "_told", True)


def test_todays_is_named_once(monkeypatch):
    monkeypatch.setattr(BaseWrapper, "_told", False)
    with pytest.warns(DeprecationWarning, match="SKLearnClassifier") as warned:
        clone(KerasClassifier(build))
    assert [warning.filename for warning in warned] == [__file__]


def test_an_old_classifier(told):
    classifier = KerasClassifier(build, epochs=30, batch_size=8, verbose=0)
    history = classifier.fit(X, LABELS)
    assert len(history.history["loss"]) == 30
    assert classifier.n_classes_ == 2
    predicted = classifier.predict(X)
    assert set(predicted.ravel()) <= {"down", "up"}
    probabilities = classifier.predict_proba(X)
    assert probabilities.shape == (24, 2)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-6)
    accuracy = (predicted.ravel() == LABELS).mean()
    assert classifier.score(X, LABELS) == pytest.approx(accuracy)


@pytest.mark.parametrize("labels", [THREE, np.eye(3)[THREE]], ids=["numbers", "one-hot"])
def test_old_labels_of_several_classes(labels, told):
    options = {"outputs": 3, "activation": "softmax", "loss": "categorical_crossentropy"}
    classifier = KerasClassifier(build_fn=build, epochs=2, verbose=0, **options)
    classifier.fit(X, labels)
    predicted = classifier.predict(X)
    assert predicted.shape == (24,)
    assert classifier.predict_proba(X).shape == (24, 3)
    assert classifier.score(X, labels) == pytest.approx((predicted == THREE).mean())


def test_an_old_regressor(told):
    regressor = KerasRegressor(build, activation=None, loss="mse", epochs=3, verbose=0)
    regressor.fit(X, VALUES)
    assert regressor.predict(X).shape == (24,)
    loss = regressor.model.evaluate(X, VALUES, verbose=0)[0]
    assert regressor.score(X, VALUES) == pytest.approx(-loss)


def test_an_old_search(told):
    classifier = KerasClassifier(build_fn=build, verbose=0)
    assert clone(classifier).get_params() == {"verbose": 0, "build_fn": build}
    search = GridSearchCV(classifier, {"epochs": [1, 2], "units": [2]}, cv=2)
    search.fit(X, (LABELS == "up").astype(int))
    assert search.best_params_["epochs"] in (1, 2)
    scores = cross_val_score(classifier, X, (LABELS == "up").astype(int), cv=2)
    assert scores.shape == (2,)


def test_a_class_may_make_its_model(told):
    class Mine(KerasRegressor):
        def __call__(self, units=2):
            return build(1, None, "mse", units)

    mine = Mine(units=3, verbose=0)
    mine.fit(X, VALUES)
    assert mine.model.layers[0].units == 3


def test_old_arguments_that_nothing_takes_are_refused(told):
    with pytest.raises(ValueError, match="colour"):
        KerasClassifier(build, colour="red")
    classifier = KerasClassifier(build, epochs=2)
    with pytest.raises(ValueError, match="colour"):
        classifier.set_params(colour="red")
    assert classifier.set_params(units=3).get_params()["units"] == 3
    with pytest.warns(DeprecationWarning, match=re.escape("fit(nb_epoch=…)")):
        KerasClassifier(build, nb_epoch=1, verbose=0).fit(X, LABELS)
    model = KerasClassifier(lambda: build(loss="mse"), verbose=0)
    model.fit(X, LABELS)
    model.model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="accuracy"):
        model.score(X, LABELS)


def test_scikit_learn_is_loaded_when_it_is_asked_for():
    code = """if True:
        import sys, fastrnn.wrappers
        assert "sklearn" not in sys.modules
        sys.modules["sklearn.base"] = None
        try:
            fastrnn.wrappers.SKLearnRegressor
        except ImportError as error:
            assert "fastrnn[sklearn]" in str(error)
        else:
            raise SystemExit("it was found")
    """
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
