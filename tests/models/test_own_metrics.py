"""Metrics of one's own, written Keras's way: the same code on fastrnn and on live Keras."""

import warnings

import numpy as np
import pytest
from live_keras import keras
from own_metrics import OWN_METRICS, function, with_state

import fastrnn

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 5, 3)).astype("float32")
Y = RNG.standard_normal((12, 2)).astype("float32")
WEIGHTS = RNG.random(12).astype("float32")


def logs_of(package, make, weights, weighted):
    layers = package.layers
    model = package.Sequential([package.Input((5, 3)), layers.GRU(4), layers.Dense(2)])
    model.set_weights(weights)
    given = {"weighted_metrics" if weighted else "metrics": [make(package)]}
    model.compile(package.optimizers.SGD(0.1), "mse", **given)
    options = {"sample_weight": WEIGHTS} if weighted else {}
    history = model.fit(
        X, Y, epochs=2, batch_size=5, shuffle=False, verbose=0, validation_data=(X, Y), **options
    )
    return {**history.history, **model.evaluate(X, Y, verbose=0, return_dict=True)}


# Keras weighs no metric that is one number for the batch.
@pytest.mark.parametrize(
    ("make", "weighted"),
    [(make, w) for make in OWN_METRICS for w in (False, True) if not (w and make is function)],
    ids=lambda value: getattr(value, "__name__", "weighted" if value else "plain"),
)
def test_names_and_numbers_in_the_logs_are_those_of_keras(make, weighted):
    layers = fastrnn.layers
    weights = fastrnn.Sequential(
        [fastrnn.Input((5, 3)), layers.GRU(4), layers.Dense(2)]
    ).get_weights()
    own, theirs = (logs_of(package, make, weights, weighted) for package in (fastrnn, keras))
    assert own.keys() == theirs.keys()
    for name, numbers in own.items():
        np.testing.assert_allclose(numbers, theirs[name], rtol=2e-5, err_msg=name)


def test_variables_are_found_and_reset():
    metric = with_state(fastrnn)
    metric(Y, Y)
    assert [v.name for v in metric.variables] == ["hits", "count"]
    assert float(metric.result()) == pytest.approx(1)

    class Bare(fastrnn.metrics.Metric):
        def __init__(self):
            super().__init__()
            self.inner = fastrnn.metrics.Mean()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                self.count = self.add_weight("count", initializer="zeros")

        def update_state(self, values):
            self.count.assign_add(1.0)
            self.inner.update_state(values)

    bare = Bare()
    bare.update_state(Y)
    bare.reset_state()
    assert bare.name == "bare"
    assert float(bare.count) == bare.inner.result() == 0


def test_the_name_of_keras_2_resets():
    class Old(fastrnn.metrics.Metric):
        reset = 0

        def reset_states(self):
            self.reset += 1

    old = Old()
    old.reset_state()
    assert old.reset == 1
    with pytest.warns(DeprecationWarning, match="reset_state"):
        fastrnn.metrics.Mean().reset_states()


def test_an_object_that_can_be_called_is_named_after_its_class():
    class WorstOf:
        def __call__(self, y_true, y_pred):
            return abs(y_true - y_pred).max()

    assert (
        fastrnn.metrics.get(WorstOf()).name
        == keras.metrics.MeanMetricWrapper(WorstOf(), name="worst_of").name
    )


def test_update_state_need_not_take_weights_and_masks():
    class Last(fastrnn.metrics.Metric):
        def __init__(self):
            super().__init__(name="last")
            self.last = self.add_weight(name="last", shape=(), initializer="zeros")

        def update_state(self, y_true, y_pred):
            self.last.assign(np.mean(y_pred))

        def result(self):
            return self.last.value

    layers = fastrnn.layers
    model = fastrnn.Sequential(
        [fastrnn.Input((5, 3)), layers.Masking(), layers.GRU(2, return_sequences=True)]
    )
    model.compile("sgd", "mse", metrics=[Last()])
    logs = model.evaluate(X, np.zeros((12, 5, 2)), batch_size=12, verbose=0, return_dict=True)
    assert logs["last"] == pytest.approx(model.predict(X, verbose=0).mean(), rel=1e-5)


def test_metrics_in_plain_numpy_may_ask_for_values():
    def worst(y_true, y_pred):
        return np.abs(y_true.numpy() - y_pred.numpy()).max()

    class Last(fastrnn.metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            self.last = float(worst(y_true, y_pred))

        def result(self):
            return self.last

    model = fastrnn.Sequential([fastrnn.Input((5, 3)), fastrnn.layers.GRU(2)])
    model.compile("sgd", "mse", metrics=[worst, Last()])
    logs = model.evaluate(X, Y, batch_size=12, verbose=0, return_dict=True)
    wanted = np.abs(Y - model.predict(X, verbose=0)).max()
    assert logs["worst"] == pytest.approx(wanted, rel=1e-5)
    assert logs["last"] == pytest.approx(wanted, rel=1e-5)


def test_a_loss_that_serves_as_a_metric_keeps_its_name():
    names = []
    for package in (fastrnn, keras):
        model = package.Sequential([package.Input((5, 3)), package.layers.GRU(2)])
        model.compile("sgd", "mse", metrics=[package.losses.Huber(name="mine")])
        names.append(model.evaluate(X, Y, verbose=0, return_dict=True).keys())
    assert names[0] == names[1] == {"loss", "mine"}
