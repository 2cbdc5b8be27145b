"""Training loops and steps of one's own, against `fit`."""

import numpy as np
import pytest

import fastrnn
from fastrnn import Input, Model, Sequential, layers, losses, metrics, optimizers
from fastrnn.utils import unpack_x_y_sample_weight

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 5, 3)).astype("float32")
Y = RNG.standard_normal((24, 2)).astype("float32")
W = RNG.random(24).astype("float32")


def chain():
    return [
        layers.LSTM(4, return_sequences=True, dropout=0.2, seed=1),
        layers.BatchNormalization(),
        layers.GRU(3, kernel_regularizer="l2"),
        layers.Dense(2),
    ]


def make(cls=Sequential):
    fastrnn.utils.set_random_seed(0)
    return cls([Input((5, 3)), *chain()])


def assert_same_weights(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def penalty_gradients(gradients, variables):
    return [
        g + v.regularizer.gradient(v.value) if v.regularizer else g
        for g, v in zip(gradients, variables, strict=True)
    ]


@pytest.mark.parametrize("pairs", [False, True])
def test_a_loop_of_ones_own_is_fit(pairs):
    fitted, model = make(), make()
    fitted.compile(optimizers.Adam(0.02), "mse")
    history = fitted.fit(
        X, Y, sample_weight=W, batch_size=8, epochs=3, shuffle=False, verbose=0
    ).history  # fmt: skip
    optimizer, loss, mean = optimizers.Adam(0.02), losses.MeanSquaredError(), metrics.Mean()
    variables = model.trainable_weights
    seen = []
    for _ in range(3):
        mean.reset_state()
        for k in range(0, 24, 8):
            x, y, w = X[k : k + 8], Y[k : k + 8], W[k : k + 8]
            outputs, pullback = model.vjp(x, training=True)
            value, gradient = loss.value_and_gradient(y, outputs, w)
            mean.update_state(value + sum(model.losses), len(x))
            _, gradients = pullback(gradient)
            gradients = penalty_gradients(gradients, variables)
            if pairs:
                optimizer.apply_gradients(zip(gradients, variables, strict=True))
            else:
                optimizer.apply(gradients, variables)
        seen.append(mean.result())
    assert_same_weights(fitted, model)
    np.testing.assert_allclose(seen, history["loss"], rtol=1e-6)


class OwnStep:
    def train_step(self, data):
        x, y, w = unpack_x_y_sample_weight(data)
        outputs, pullback = self.vjp(x, training=True)
        loss, gradient = losses.MeanSquaredError().value_and_gradient(y, outputs, w)
        _, gradients = pullback(gradient)
        variables = self.trainable_weights
        self.optimizer.apply(penalty_gradients(gradients, variables), variables)
        return {"own": loss}


class OwnSequential(OwnStep, Sequential):
    pass


class OwnModel(OwnStep, Model):
    def __init__(self):
        super().__init__()
        self.parts = chain()

    def call(self, inputs):
        for layer in self.parts:
            inputs = layer(inputs)
        return inputs


@pytest.mark.parametrize("weights", [None, W])
@pytest.mark.parametrize("kind", [OwnSequential, OwnModel])
def test_fit_calls_a_step_of_ones_own(kind, weights):
    plain = make()
    plain.compile(optimizers.Adam(0.02), "mse")
    model = make(OwnSequential) if kind is OwnSequential else OwnModel()
    if kind is OwnModel:
        model.build((None, 5, 3))
        model.set_weights(plain.get_weights())
    model.compile(optimizers.Adam(0.02))  # no loss: the step has its own
    options = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}
    plain.fit(X, Y, sample_weight=weights, **options)
    history = model.fit(X, Y, sample_weight=weights, **options).history
    assert list(history) == ["own"]
    assert len(history["own"]) == 2
    assert_same_weights(plain, model)
    assert list(model.train_on_batch(X, Y, return_dict=True)) == ["own"]


def test_steps_get_what_is_given_and_give_dicts():
    seen = []

    class Watched(Sequential):
        def train_step(self, data):
            seen.append(data)
            return {"loss": 0.0}

        def test_step(self, data):
            seen.append(data)
            return {"count": len(data[0])}

    model = Watched([Input((5, 3)), layers.GRU(2)])
    model.compile("sgd")
    model.fit(X, batch_size=24, shuffle=False, verbose=0)
    assert isinstance(seen[-1], np.ndarray)
    history = model.fit(X, Y, batch_size=24, verbose=0, validation_data=(X, Y, W))
    assert [len(data) for data in seen[-2:]] == [2, 3]
    assert history.history == {"loss": [0.0], "val_count": [24]}
    assert model.evaluate(X, Y, batch_size=24, verbose=0) == 24
    assert model.test_on_batch(X, Y) == 24

    class Broken(Sequential):
        def train_step(self, data):
            return 0.5

    model = Broken([Input((5, 3)), layers.GRU(2)])
    model.compile("sgd")
    with pytest.raises(TypeError, match="`train_step`"):
        model.fit(X, Y, verbose=0)


def test_a_step_may_end_in_that_of_all_models():
    class Scaled(Sequential):
        def train_step(self, data):
            x, y = data
            return super().train_step((x, 2 * y))

    model, plain = make(Scaled), make()
    for one in (model, plain):
        one.compile("sgd", "mse", metrics=["mae"])
    options = {"batch_size": 24, "shuffle": False, "verbose": 0}
    assert model.fit(X, Y, **options).history == plain.fit(X, 2 * Y, **options).history
    assert_same_weights(model, plain)


def test_windows_of_time_call_a_step_of_ones_own():
    class Counted(Sequential):
        count = 0

        def train_step(self, data):
            self.count += 1
            return super().train_step(data)

    model = Counted([Input((None, 3)), layers.GRU(2, return_sequences=True)])
    model.compile("sgd", "mse")
    model.fit(X, X[..., :2], batch_size=24, truncated_bptt=2, verbose=0)
    assert model.count == 3


@pytest.mark.parametrize("name", ["predict_step", "make_train_function"])
def test_methods_that_would_not_be_called_are_refused(name):
    class Taped(Sequential):
        pass

    setattr(Taped, name, lambda self, *args, **kwargs: None)
    model = Taped([Input((5, 3)), layers.GRU(2)])
    model.compile("sgd", "mse")
    for call in (model.fit, model.train_on_batch, model.evaluate):
        with pytest.raises(NotImplementedError, match=rf"`{name}`.*vjp"):
            call(X, Y)
    Taped.train_step = OwnStep.train_step
    model.fit(X, Y, verbose=0)


def test_the_model_must_be_compiled_all_the_same():
    model = make(OwnSequential)
    with pytest.raises(ValueError, match="compile"):
        model.fit(X, Y)
    plain = make()
    plain.compile("sgd")
    with pytest.raises(ValueError, match="`loss`"):
        plain.fit(X, Y)
