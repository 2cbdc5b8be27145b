"""Training: repeatable, exact about what is learned from what, and usable after interruptions."""

import numpy as np
import pytest

import fastrnn
from fastrnn import Input, Sequential, layers
from fastrnn.callbacks import LambdaCallback

RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 5, 3)).astype("float32")
Y = RNG.standard_normal((20, 1)).astype("float32")


def make_model(*, seed=1, optimizer="sgd", **options):
    fastrnn.utils.set_random_seed(seed)
    model = Sequential([Input((5, 3)), layers.GRU(4, dropout=0.2), layers.Dense(1)])
    model.compile(optimizer, "mse", **options)
    return model


def assert_same_weights(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def changed(model, before):
    return [bool((a != b).any()) for a, b in zip(model.get_weights(), before, strict=True)]


def test_a_seed_makes_training_repeatable():
    models = [make_model(seed=s) for s in (3, 3, 4)]
    losses = []
    for seed, model in zip((3, 3, 4), models, strict=True):
        fastrnn.utils.set_random_seed(seed)
        history = model.fit(X, Y, epochs=3, batch_size=8, verbose=0)
        losses.append(history.history["loss"])
    assert losses[0] == losses[1] != losses[2]
    assert_same_weights(models[0], models[1])


def test_shuffling_draws_each_sample_once_in_a_new_order_each_epoch():
    fastrnn.utils.set_random_seed(0)
    batches = fastrnn.models.trainer.batches.ArrayBatches(
        np.arange(20), np.arange(20) * 2, None, 8, True
    )
    epochs = []
    for _ in range(2):
        parts = list(batches)
        assert [len(x) for x, _, _ in parts] == [8, 8, 4]
        assert all((y == 2 * x).all() for x, y, _ in parts)
        epochs.append(np.concatenate([x for x, _, _ in parts]))
        assert sorted(epochs[-1]) == list(range(20))
    assert (epochs[0] != epochs[1]).any()


def test_validation_takes_the_last_samples_and_does_not_train_on_them():
    models = [make_model(), make_model()]
    options = {"epochs": 2, "batch_size": 6, "shuffle": False, "verbose": 0}
    histories = []
    for model, arguments in zip(
        models,
        (
            (X, Y, {"validation_split": 0.3}),
            (X[:14], Y[:14], {"validation_data": (X[14:], Y[14:])}),
        ),
        strict=True,
    ):
        x, y, extra = arguments
        fastrnn.utils.set_random_seed(5)
        histories.append(model.fit(x, y, **options, **extra).history)
    assert histories[0] == histories[1]
    assert_same_weights(*models)
    last = models[0].evaluate(X[14:], Y[14:], batch_size=6, verbose=0)
    assert last == histories[0]["val_loss"][-1]


def test_loss_of_an_epoch_weighs_batches_by_their_size():
    model = make_model()
    whole = model.evaluate(X, Y, batch_size=20, verbose=0)
    parts = model.evaluate(X, Y, batch_size=7, verbose=0)
    assert parts == pytest.approx(whole, rel=1e-6)


def test_results_are_numbers_lists_or_dicts():
    model = make_model()
    assert isinstance(model.evaluate(X, Y, verbose=0), float)
    assert list(model.test_on_batch(X, Y, return_dict=True)) == ["loss"]
    model = make_model(metrics=["mae"])
    assert len(model.train_on_batch(X, Y)) == 2
    assert model.metrics_names == ["loss", "mae"]
    loss, mae = model.evaluate(X, Y, verbose=0)
    predicted = model.predict(X, verbose=0)
    assert loss == pytest.approx(np.mean((predicted - Y) ** 2), rel=1e-5)
    assert mae == pytest.approx(np.mean(np.abs(predicted - Y)), rel=1e-5)


def test_a_frozen_layer_learns_nothing_after_compiling_again():
    model = make_model()
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    assert changed(model, before) == [False] * 3 + [True] * 2
    model.layers[0].trainable = True
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    assert all(changed(model, before))


def test_every_optimizer_by_name_and_the_default():
    for optimizer in ("sgd", "adam", "rmsprop", "RMSprop", "Adam", "SGD"):
        make_model(optimizer=optimizer).train_on_batch(X, Y)
    model = make_model()
    model.compile(loss="mse")
    assert isinstance(model.optimizer, fastrnn.optimizers.RMSprop)


def test_interrupted_training_leaves_a_usable_model():
    def interrupt(batch, logs):
        if batch == 1:
            raise KeyboardInterrupt

    model, other = make_model(), make_model()
    options = {"batch_size": 5, "shuffle": False, "verbose": 0}
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, callbacks=[LambdaCallback(on_train_batch_end=interrupt)], **options)
    fastrnn.utils.set_random_seed(1)
    other = make_model()
    other.fit(X, Y, steps_per_epoch=2, **options)
    assert_same_weights(model, other)
    assert len(model.fit(X, Y, epochs=2, **options).epoch) == 2


def test_data_in_batches_trains_as_arrays_do():
    arrays, listed, once = make_model(), make_model(), make_model()
    pairs = [(X[k : k + 8], Y[k : k + 8]) for k in range(0, 20, 8)]

    class Batches:
        def __iter__(self):
            return iter(pairs)

        def __len__(self):
            return len(pairs)

    histories = []
    for model, data in (
        (arrays, {"x": X, "y": Y, "batch_size": 8, "shuffle": False}),
        (listed, {"x": Batches()}),
        (once, {"x": iter(pairs)}),  # checking it before training must not lose a batch
    ):
        fastrnn.utils.set_random_seed(2)
        histories.append(model.fit(**data, verbose=0).history["loss"])
    assert histories[0] == histories[1] == histories[2]
    assert_same_weights(arrays, listed)
    assert_same_weights(arrays, once)
    assert listed.evaluate(Batches(), verbose=0) == arrays.evaluate(X, Y, 8, verbose=0)
    np.testing.assert_array_equal(
        listed.predict(Batches(), verbose=0), arrays.predict(X, batch_size=8, verbose=0)
    )


def test_lists_of_one_array_are_that_array():
    listed, plain = make_model(), make_model()
    for model, pack in ((listed, lambda a: [a]), (plain, lambda a: a)):
        fastrnn.utils.set_random_seed(2)
        model.fit(pack(X), pack(Y), sample_weight=pack(np.ones(len(X))), verbose=0)
        model.train_on_batch(pack(X), pack(Y))
    assert_same_weights(listed, plain)
    expected = plain.predict(X, verbose=0)
    np.testing.assert_array_equal(plain.predict((X,), verbose=0), expected)
    np.testing.assert_array_equal(plain.predict([X[0]], verbose=0), plain.predict(X[:1], verbose=0))


def test_an_epoch_of_some_steps_goes_on_where_the_last_one_stopped():
    """Four batches, three steps: 0 1 2, then 3 alone, then 0 1 2 again, as in Keras."""
    model, expected = make_model(), make_model()
    options = {"batch_size": 5, "shuffle": False, "verbose": 0}
    with pytest.warns(UserWarning, match="ended after 1 of 3 steps"):
        model.fit(X[:20], Y[:20], epochs=3, steps_per_epoch=3, **options)
    for rows in (slice(0, 15), slice(15, 20), slice(0, 15)):
        expected.fit(X[rows], Y[rows], **options)
    assert_same_weights(model, expected)


def test_data_that_end_before_training_does():
    model = make_model()
    pairs = ((X[k : k + 4], Y[k : k + 4]) for k in range(0, 12, 4))
    with pytest.warns(UserWarning, match="The data ended"):
        model.fit(pairs, steps_per_epoch=2, epochs=3, verbose=0)
    assert int(model.optimizer.iterations) == 3


def test_a_last_batch_that_does_not_fit_is_found_before_training():
    model = Sequential([Input(batch_shape=(6, 5, 3)), layers.GRU(4, stateful=True)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"`inputs`.*6 samples.*\(2, 5, 3\)"):
        model.fit(X, np.zeros((20, 4)), batch_size=6, verbose=0)
    assert not any(changed(model, before))


OPTIONS = {
    "steps_per_epoch": 0,
    "validation_steps": -1,
    "validation_freq": 0,
    "initial_epoch": "a",
    "class_weight": {"a": 1},
    "validation_split": -0.1,
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_out_of_range(name):
    model = make_model()
    before = model.get_weights()
    options = {"validation_split": 0.2, "verbose": 0, name: OPTIONS[name]}
    with pytest.raises(ValueError, match=f"`{name}`"):
        model.fit(X, Y, **options)
    assert not any(changed(model, before))


def test_labels_are_required_and_finite_classes():
    model = make_model()
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="`y`"):
            call(X, verbose=0)
    model = Sequential([Input((5, 3)), layers.GRU(4, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"`y_true`.*inf"):
        model.fit(X, np.where(np.arange(20) == 19, np.inf, 1.0), verbose=0)


def test_epochs_of_validation():
    model = make_model()
    for frequency in (0, 1.5, "3", None):
        with pytest.raises(ValueError, match="`validation_freq`"):
            model.fit(X, Y, validation_data=(X, Y), validation_freq=frequency, verbose=0)
    for frequency, count in ((2, 2), ([1, 4], 2), ((3,), 1), ([], 0), (range(1, 3), 2)):
        options = {"validation_data": (X, Y), "validation_freq": frequency, "epochs": 4}
        history = model.fit(X, Y, verbose=0, **options).history
        assert len(history.get("val_loss", [])) == count
