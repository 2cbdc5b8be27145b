"""Training against live Keras: same weights, same batches, 20 steps and more."""

import numpy as np
import pytest
from live_keras import keras
from tolerance import tolerance

import fastrnn

STEPS, BATCH, TIME, FEATURES = 20, 8, 7, 4


def stack(layer, **options):
    """A stack of two recurrent layers and Dense."""

    def build(k):
        L = k.layers
        cell = getattr(L, layer)
        return [
            cell(6, return_sequences=True, **options),
            cell(5, **options),
            L.Dense(3, activation="softmax"),
        ]

    return build


def tagger(k):
    L = k.layers
    return [
        L.Embedding(11, 6, mask_zero=True),
        L.Bidirectional(L.LSTM(5, return_sequences=True)),
        L.TimeDistributed(L.Dense(3, activation="softmax")),
    ]


def regularized(k):
    L = k.layers
    return [
        L.GRU(6, return_sequences=True, kernel_regularizer="l2", recurrent_regularizer="l1",
              activity_regularizer=k.regularizers.L2(0.01), kernel_constraint="max_norm"),
        L.BatchNormalization(),
        L.SimpleRNN(5, bias_constraint="non_neg"),
        L.Dense(4, activation="relu", bias_regularizer="l2"),
        L.Dense(3, activation="softmax", kernel_constraint=k.constraints.UnitNorm(axis=0)),
    ]  # fmt: skip


def masked(k):
    L = k.layers
    return [
        L.Masking(0.0),
        L.LSTM(6, return_sequences=True),
        L.GRU(5),
        L.Dense(3, activation="softmax"),
    ]


MODELS = {
    "lstm": stack("LSTM"),
    "gru": stack("GRU"),
    "gru_reset_before": stack("GRU", reset_after=False),
    "simple_rnn": stack("SimpleRNN"),
    "tagger": tagger,
    "regularized": regularized,
    "masked": masked,
}


def make_pair(name, optimizer=lambda k: k.optimizers.Adam(0.01), **compile_options):
    models = []
    for k in (fastrnn, keras):
        shape = (TIME,) if name == "tagger" else (TIME, FEATURES)
        model = k.Sequential([k.Input(shape), *MODELS[name](k)])
        options = {"loss": "sparse_categorical_crossentropy", **compile_options}
        model.compile(optimizer=optimizer(k), **options)
        models.append(model)
    ours, theirs = models
    ours.set_weights(theirs.get_weights())
    return ours, theirs


def make_data(name, samples=BATCH * STEPS, seed=0):
    rng = np.random.default_rng(seed)
    if name == "tagger":
        x = rng.integers(0, 11, (samples, TIME))
        x[:, 0] = rng.integers(1, 11, samples)
        return x, rng.integers(0, 3, (samples, TIME))
    x = rng.standard_normal((samples, TIME, FEATURES)).astype("float32")
    if name == "masked":
        x[rng.random((samples, TIME)) < 0.3] = 0
    return x, rng.integers(0, 3, samples)


def assert_same_training(ours, theirs, losses):
    """Each step adds the rounding of one backward pass to the weights: STEPS times as much."""
    allowed = STEPS * tolerance("float32", 64, TIME, backward=True)
    mine, other = np.asarray(losses[0]), np.asarray(losses[1])
    assert (np.abs(mine - other) <= allowed * (1 + np.abs(other))).all(), (mine, other)
    for variable, actual, expected in zip(
        ours.weights, ours.get_weights(), theirs.get_weights(), strict=True
    ):
        scale = max(1.0, float(np.abs(expected).max()))
        assert np.abs(actual - expected).max() <= allowed * scale, variable.path


@pytest.mark.parametrize("name", MODELS)
def test_losses_and_weights_over_twenty_steps(name):
    ours, theirs = make_pair(name)
    assert ours.count_params() == theirs.count_params()
    x, y = make_data(name)
    losses = [
        [model.train_on_batch(x[k : k + BATCH], y[k : k + BATCH]) for k in range(0, len(x), BATCH)]
        for model in (ours, theirs)
    ]
    assert_same_training(ours, theirs, losses)


OPTIMIZERS = {
    "sgd": lambda k: k.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda k: k.optimizers.RMSprop(0.003),
    "clipnorm": lambda k: k.optimizers.SGD(0.1, clipnorm=0.3),
    "clipvalue": lambda k: k.optimizers.SGD(0.1, clipvalue=0.01),
    "global_clipnorm": lambda k: k.optimizers.SGD(0.1, global_clipnorm=0.3),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(optimizer):
    ours, theirs = make_pair("lstm", OPTIMIZERS[optimizer])
    x, y = make_data("lstm")
    histories = [
        m.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0).history["loss"]
        for m in (ours, theirs)
    ]
    assert_same_training(ours, theirs, histories)


FITS = {
    "validation_split": {"validation_split": 0.25},
    "class_weight": {"class_weight": {0: 2.0, 2: 0.3}},
    "class_weight and validation": {"class_weight": {0: 9.0, 2: 0.3}, "validation_split": 0.25},
    "list of validations": {"validation_split": 0.25, "validation_freq": [2, 5], "epochs": 3},
    "sample_weight": {"sample_weight": np.random.default_rng(1).random(40).astype("float32")},
    "short last batch": {"batch_size": 12},
    "initial_epoch": {"initial_epoch": 1},
    "steps": {"steps_per_epoch": 5},
    "validation_freq": {"validation_split": 0.25, "validation_freq": 2},
}


@pytest.mark.parametrize("option", FITS)
@pytest.mark.parametrize("name", ["gru", "masked"])
def test_fit_options_give_the_same_history(name, option):
    ours, theirs = make_pair(
        name, metrics=["accuracy"], weighted_metrics=["sparse_categorical_crossentropy"]
    )
    x, y = make_data(name, 40)
    options = {"epochs": 2, "batch_size": BATCH, "shuffle": False, "verbose": 0, **FITS[option]}
    mine, other = (m.fit(x, y, **options).history for m in (ours, theirs))
    assert list(mine) == list(other)
    flat = [np.concatenate(list(history.values())) for history in (mine, other)]
    assert_same_training(ours, theirs, flat)
    results = [m.evaluate(x, y, verbose=0, return_dict=True) for m in (ours, theirs)]
    assert list(results[0]) == list(results[1])
    assert_same_training(ours, theirs, [list(r.values()) for r in results])
    assert_same_training(
        ours, theirs, [m.predict(x, batch_size=7, verbose=0) for m in (ours, theirs)]
    )


def test_masks_reach_loss_and_metrics():
    x, y = make_data("tagger", 24)
    weights = np.random.default_rng(1).random((24, TIME)).astype("float32")
    for sample_weight in (None, weights):
        # With weights and a mask, Keras's torch backend hands its weighted metrics weights that the
        # loss has already multiplied by the mask's scale, in place.
        names = ["accuracy"] if sample_weight is None else None
        ours, theirs = make_pair("tagger", metrics=["accuracy"], weighted_metrics=names)
        options = {"sample_weight": sample_weight, "batch_size": BATCH, "verbose": 0}
        mine, other = (
            m.fit(x, y, shuffle=False, epochs=2, **options).history for m in (ours, theirs)
        )
        assert list(mine) == list(other)
        assert_same_training(ours, theirs, (list(mine.values()), list(other.values())))


TARGETS = {
    "mse": ("mse", 1, None, lambda rng, n: rng.standard_normal(n), ["mae", "mse"]),
    "mae 2d": ("mae", 1, None, lambda rng, n: rng.standard_normal((n, 1)), ["mse"]),
    "huber": ("huber", 2, None, lambda rng, n: rng.standard_normal((n, 2)) * 3, ["mae"]),
    "binary": ("binary_crossentropy", 1, "sigmoid", lambda rng, n: rng.integers(0, 2, n), ["acc"]),
    "categorical": (
        "categorical_crossentropy", 3, "softmax", lambda rng, n: np.eye(3)[rng.integers(0, 3, n)],
        ["accuracy", "categorical_crossentropy"],
    ),
    "sparse 2d": (
        "sparse_categorical_crossentropy", 3, "softmax", lambda rng, n: rng.integers(0, 3, (n, 1)),
        ["accuracy"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_losses_and_metrics_by_name(target):
    loss, units, activation, labels, names = TARGETS[target]
    rng = np.random.default_rng(2)
    x = rng.standard_normal((40, TIME, FEATURES)).astype("float32")
    y = labels(rng, 40)
    models = []
    for k in (fastrnn, keras):
        L = k.layers
        layers = [k.Input((TIME, FEATURES)), L.GRU(4), L.Dense(units, activation=activation)]
        model = k.Sequential(layers)
        model.compile("sgd", loss, metrics=names)
        models.append(model)
    models[0].set_weights(models[1].get_weights())
    histories = [m.fit(x, y, epochs=3, shuffle=False, verbose=0).history for m in models]
    assert list(histories[0]) == list(histories[1])
    assert_same_training(*models, [list(h.values()) for h in histories])


def test_stateful_prediction():
    models = []
    for k in (fastrnn, keras):
        L = k.layers
        layers = [k.Input(batch_shape=(4, TIME, FEATURES)), L.LSTM(5, stateful=True), L.Dense(1)]
        models.append(k.Sequential(layers))
    models[0].set_weights(models[1].get_weights())
    x = np.random.default_rng(0).standard_normal((16, TIME, FEATURES)).astype("float32")
    predictions = []
    for model in models:
        parts = [model.predict(x, batch_size=4, verbose=0) for _ in range(2)]
        model.layers[0].reset_states()
        predictions.append([*parts, model.predict(x, batch_size=4, verbose=0)])
    assert np.abs(predictions[0][0] - predictions[0][1]).max() > 1e-3
    np.testing.assert_array_equal(predictions[0][0], predictions[0][2])
    assert_same_training(*models, predictions)


def test_stateful_training_carries_states_and_cuts_gradients():
    """A stateful layer trains as one that is handed the last states (Keras on torch cannot)."""
    layer = fastrnn.layers.LSTM(5, stateful=True)
    inputs = fastrnn.Input(batch_shape=(4, TIME, FEATURES))
    model = fastrnn.Sequential([inputs, layer])
    model.compile(fastrnn.optimizers.SGD(0.5), "mse")
    other = fastrnn.layers.LSTM(5, return_state=True)
    other.build((4, TIME, FEATURES))
    other.set_weights(layer.get_weights())
    rng = np.random.default_rng(0)
    states = other.get_initial_state(4)
    for _ in range(5):
        x = rng.standard_normal((4, TIME, FEATURES))
        y = rng.standard_normal((4, 5))
        model.train_on_batch(x, y)
        (outputs, *states), pullback = other.vjp(x, initial_state=states)
        _, gradient = fastrnn.losses.MeanSquaredError().value_and_gradient(y, outputs)
        _, d_weights = pullback((gradient, None, None))
        for variable, d in zip(other.trainable_weights, d_weights, strict=True):
            variable.value -= 0.5 * d
    for mine, expected in zip(layer.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-7)


def test_summary_is_the_table_of_keras():
    texts = []
    for k in (fastrnn, keras):
        k.utils.clear_session()
        L = k.layers
        inner = k.Sequential([L.Dense(3), L.Dense(2)], name="inner")
        layers = [L.Bidirectional(L.LSTM(40, return_sequences=True)), L.BatchNormalization()]
        model = k.Sequential([k.Input((9, 3)), *layers, L.GRU(30), L.Dropout(0.1), inner])
        model.compile("adam", "mse")
        lines = []
        for options in (
            {},
            {"line_length": 60},
            {"show_trainable": True},
            {"expand_nested": True},
        ):
            model.summary(print_fn=lines.append, **options)
        model.train_on_batch(np.zeros((2, 9, 3), "float32"), np.zeros((2, 2), "float32"))
        model.summary(print_fn=lines.append)
        unbuilt = k.Sequential([L.LSTM(4), L.Dense(2)])
        unbuilt.summary(print_fn=lines.append)
        texts.append("\n".join(lines))
    assert texts[0] == texts[1]


def test_class_weights_are_for_models_of_one_output():
    x = np.zeros((4, 3), "float32")
    y = [np.zeros((4, 1)), np.zeros((4, 1))]
    for k in (fastrnn, keras):
        inputs = k.Input((3,))
        model = k.Model(inputs, [k.layers.Dense(1)(inputs), k.layers.Dense(1)(inputs)])
        model.compile("sgd", "mse")
        for labels in (y, dict(zip("ab", y, strict=True))):
            with pytest.raises(ValueError, match="class_weight"):
                model.fit(x, labels, class_weight={0: 2.0}, verbose=0)
    ours, _ = make_pair("lstm")
    losses = []
    for labels in (np.array([0, 1, 2, 0]), [np.array([0, 1, 2, 0])], [0, 1, 2, 0]):
        series = np.ones((4, TIME, FEATURES))
        losses.append(ours.train_on_batch(series, labels, class_weight={1: 3.0}))
        ours.compile("sgd", "sparse_categorical_crossentropy")
    assert losses[0] > losses[1] > losses[2]


def run_switches(k, order):
    """Train, freeze or thaw layers, and train on without compiling again."""
    model = k.Sequential([k.Input((3,)), k.layers.Dense(4), k.layers.Dense(1)])
    rng = np.random.default_rng(0)
    model.set_weights([rng.standard_normal(w.shape).astype("float32") for w in model.weights])
    model.compile(k.optimizers.Adam(0.05), "mse")
    x = rng.standard_normal((12, 3)).astype("float32")
    history = []
    for trainable in order:
        model.layers[0].trainable = trainable
        options = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0}
        history += model.fit(x, x[:, :1], **options).history["loss"]
    return history, model.get_weights()


@pytest.mark.parametrize("order", [[False], [True, False], [True, False, True]], ids=str)
def test_layers_frozen_and_thawed_between_fits(order):
    (ours, mine), (theirs, other) = (run_switches(k, order) for k in (fastrnn, keras))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    for actual, expected in zip(mine, other, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_layers_that_the_optimizer_has_not_seen_need_another_compile():
    for k in (fastrnn, keras):
        with pytest.raises(ValueError, match=r"`variables`|Unknown variable"):
            run_switches(k, [False, True])
