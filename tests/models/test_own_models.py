"""Models of one's own, written Keras's way: the same code on fastrnn and on live Keras."""

import copy
import pickle

import numpy as np
import pytest
from live_keras import keras, to_numpy, torch
from own_models import OWN_MODELS, own_loss, own_step, plain, variational, with_states

import fastrnn
from fastrnn import ops
from fastrnn.core.naming import reset_names

RNG = np.random.default_rng(0)


def pair(make):
    """Return the model of fastrnn and that of Keras, with the same weights, and inputs."""
    x = RNG.standard_normal((6, 5, 3)).astype("float32")
    reset_names()
    keras.utils.clear_session()
    models = []
    for package in (fastrnn, keras):
        package.utils.set_random_seed(1)
        model = make(package)
        model(x)
        models.append(model)
    own, theirs = models
    theirs.set_weights(own.get_weights())
    return own, theirs, x


@pytest.mark.parametrize("make", OWN_MODELS, ids=lambda make: make.__name__)
def test_outputs_and_weights_are_those_of_keras(make):
    own, theirs, x = pair(make)
    assert [w.path for w in own.weights] == [w.path for w in theirs.weights]
    assert [layer.name for layer in own.layers] == [layer.name for layer in theirs.layers]
    assert type(own).__name__ == type(theirs).__name__
    for size in (6, 4):
        results = own.predict(x[:size], verbose=0), theirs.predict(x[:size], verbose=0)
        np.testing.assert_allclose(*results, atol=2e-6)


@pytest.mark.parametrize("make", OWN_MODELS, ids=lambda make: make.__name__)
def test_training_is_that_of_keras(make):
    own, theirs, x = pair(make)
    for model in (own, theirs):
        for layer in model.layers:
            if isinstance(layer, (fastrnn.layers.Dropout, keras.layers.Dropout)):
                layer.rate = 0.0
    y = RNG.standard_normal(own.predict(x, verbose=0).shape).astype("float32")
    results = []
    for package, model in ((fastrnn, own), (keras, theirs)):
        model.compile(package.optimizers.Adam(0.05), "mse", metrics=["mae"])
        history = model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0).history
        results.append((history, model.evaluate(x, y, verbose=0), model.get_weights()))
    (history, end, weights), (their_history, their_end, their_weights) = results
    assert list(history) == list(their_history)
    for name, values in history.items():
        np.testing.assert_allclose(values, their_history[name], rtol=2e-4)
    np.testing.assert_allclose(end, their_end, rtol=2e-4)
    for a, b in zip(weights, their_weights, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4)


def test_a_call_takes_and_gives_states():
    own, theirs, x = pair(with_states)
    results = []
    for model, numbers in ((own, np.asarray), (theirs, to_numpy)):
        first, states = model(x, return_state=True)
        second, states = model(x, states=states, return_state=True, training=False)
        results.append([numbers(first), numbers(second), numbers(states)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


class TorchTape:
    """What a tape does on torch."""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass


def torch_gradients(tape, loss, variables):
    return torch.autograd.grad(loss, [v.value for v in variables], allow_unused=True)


def test_a_step_with_a_tape_trains_as_in_keras():
    x = RNG.standard_normal((8, 5, 3)).astype("float32")
    y = RNG.standard_normal((8, 2)).astype("float32")
    own = own_step(fastrnn, fastrnn.GradientTape, fastrnn.GradientTape.gradient)
    theirs = own_step(keras, TorchTape, torch_gradients)
    own(x), theirs(x)
    theirs.set_weights(own.get_weights())
    results = []
    for package, model in ((fastrnn, own), (keras, theirs)):
        model.compile(package.optimizers.SGD(0.1), loss="mse")
        history = model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0).history
        end = model.evaluate(x, y, verbose=0, return_dict=True)
        results.append((history, end, model.get_weights()))
    (history, end, weights), (their_history, their_end, their_weights) = results
    assert list(history) == list(their_history)
    for name, values in history.items():
        np.testing.assert_allclose(values, their_history[name], rtol=1e-5)
        np.testing.assert_allclose(end[name], their_end[name], rtol=1e-5)
    for a, b in zip(weights, their_weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_loss_of_the_model_s_own_trains_as_in_keras():
    own, theirs, x = pair(own_loss)
    y = RNG.standard_normal((6, 1)).astype("float32")
    results = []
    for package, model in ((fastrnn, own), (keras, theirs)):
        model.compile(package.optimizers.SGD(0.1), loss="mse", metrics=["mae"])
        losses = [model.train_on_batch(x, y) for _ in range(3)]
        results.append((losses, model.evaluate(x, y, verbose=0), model.get_weights()))
    for a, b in zip(results[0][:2], results[1][:2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    for a, b in zip(results[0][2], results[1][2], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.filterwarnings("ignore:Gradients do not exist")  # of the decoder
def test_what_layers_add_may_be_all_of_the_loss():
    own, theirs, x = pair(variational)
    results = []
    for package, model in ((fastrnn, own), (keras, theirs)):
        model.compile(package.optimizers.SGD(0.1))
        history = model.fit(x, batch_size=3, epochs=2, shuffle=False, verbose=0).history
        results.append((history["loss"], model.get_weights()))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5)
    for a, b in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    silent = plain(fastrnn)
    silent.compile("sgd")
    with pytest.raises(ValueError, match="`loss`"):
        silent.fit(x, verbose=0)


def dense(*units):
    made = [fastrnn.layers.Dense(n, use_bias=False, kernel_initializer="ones") for n in units[1:]]
    return fastrnn.Sequential([fastrnn.Input((units[0],)), *made])


def test_tapes_in_tapes_record_all():
    first, second = dense(3, 1), dense(1, 1)
    with fastrnn.GradientTape() as outer, fastrnn.GradientTape() as inner:
        y = second(first(np.ones((2, 3), "float32")))
        losses = ops.mean(ops.square(y)), ops.mean(ops.square(y - 1))
    # y = 3: d = 2 y, and 2 (y - 1) times the input, 3
    (d,) = outer.gradient(losses[0], first.trainable_variables)
    np.testing.assert_array_equal(d, np.full((3, 1), 6.0))
    (d,) = inner.gradient(losses[1], second.trainable_variables)
    np.testing.assert_array_equal(d, [[12.0]])


def test_a_gradient_of_a_gradient_is_refused():
    model, x = dense(3, 1), ops.ones((2, 3))
    with fastrnn.GradientTape() as outer:
        with fastrnn.GradientTape() as inner:
            y = ops.tanh(model(x))
        (d,) = inner.gradient(y, model.trainable_variables)
        penalized = ops.mean(y) + ops.sum(ops.square(d))
        constant = ops.mean(y) + ops.sum(ops.stop_gradient(d))
    with pytest.raises(NotImplementedError, match="Gradients of gradients"):
        outer.gradient(penalized, model.trainable_variables)
    (d,) = outer.gradient(constant, model.trainable_variables)
    np.testing.assert_allclose(d, np.full((3, 1), 1 - np.tanh(3.0) ** 2), rtol=1e-5)


def test_a_tape_keeps_the_values_of_its_variables():
    model, scale = dense(3, 2, 1), fastrnn.Variable(3.0)
    with fastrnn.GradientTape(persistent=True) as tape:
        squared = scale * scale
        loss = ops.mean(model(np.ones((2, 3), "float32"))) + squared
        scale.assign(5.0)
        product = scale * squared
    sources = [*model.trainable_variables, scale]
    before = tape.gradient(loss, sources)
    for variable in sources:
        variable.assign(10 * variable.value)
    for a, b in zip(before, tape.gradient(loss, sources), strict=True):
        np.testing.assert_array_equal(a, b)
    # s * (t * t) with t = 3 before and s = 5 after: 9 + 5 * 2 * 3
    assert tape.gradient(product, scale) == 39.0
    assert float(scale) == 50.0


def test_an_attribute_that_a_loss_reads_may_change():
    class Scaled(fastrnn.losses.Loss):
        factor = 1.0

        def call(self, y_true, y_pred):
            return self.factor * ops.mean(ops.square(y_true - y_pred), axis=-1)

    loss, model = Scaled(), dense(3, 1)
    model.compile("sgd", loss)
    x, y = np.ones((2, 3)), np.zeros((2, 1))
    found = [model.evaluate(x, y, verbose=0)]
    loss.factor = 3.0
    assert [*found, model.evaluate(x, y, verbose=0)] == [9.0, 27.0]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_of_compiled_models_train_on(copied):
    x, y = np.ones((2, 3), "float32"), np.ones((2, 1), "float32")
    model = dense(3, 2, 1)
    optimizer = fastrnn.optimizers.AdamW(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(model.weights[:1])
    model.compile(optimizer, "mse")
    model.fit(x, y, verbose=0)
    other = copied(model)
    before = model.get_weights()
    other.fit(x, y, epochs=2, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.fit(x, y, epochs=2, verbose=0)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_model_may_have_a_train_step_and_no_call():
    class Adversaries(fastrnn.Model):
        def __init__(self, maker, judge):
            super().__init__()
            self.maker, self.judge = maker, judge

        def compile(self, of_maker, of_judge):
            super().compile()
            self.of_maker, self.of_judge = of_maker, of_judge

        def train_step(self, data):
            with fastrnn.GradientTape() as tape, fastrnn.GradientTape() as other:
                made = self.maker(data)
                lost = ops.mean(self.judge(made))
                won = -lost
            for trained, optimizer, gradients in (
                (self.maker, self.of_maker, tape.gradient(lost, self.maker.trainable_weights)),
                (self.judge, self.of_judge, other.gradient(won, self.judge.trainable_weights)),
            ):
                optimizer.apply_gradients(zip(gradients, trained.trainable_weights, strict=True))
            return {"lost": lost}

    model = Adversaries(dense(3, 2), dense(2, 1))
    model.compile(fastrnn.optimizers.SGD(0.25), fastrnn.optimizers.SGD(0.5))
    history = model.fit(np.ones((4, 3), "float32"), batch_size=4, verbose=0)
    assert history.history["lost"] == [6.0]
    # Of the maker: 1 - 0.25 * 1; of the judge, whose inputs are 3: 1 + 0.5 * 3.
    (maker,), (judge,) = model.maker.get_weights(), model.judge.get_weights()
    np.testing.assert_array_equal(maker, np.full((3, 2), 0.75))
    np.testing.assert_array_equal(judge, np.full((2, 1), 2.5))
