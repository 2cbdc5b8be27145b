"""Methods of models, and their arguments, as Keras 1 and 2 had them."""

import itertools
import warnings

import numpy as np
import pytest

import fastrnn
from fastrnn import callbacks, layers, utils
from fastrnn.core.old_keywords import RENAMED, WITHOUT_EFFECT

X = np.random.default_rng(0).normal(size=(10, 4, 3)).astype("float32")
Y = (X.sum((1, 2)) > 0).astype("float32")[:, None]


def made(units=1, activation="sigmoid", loss="binary_crossentropy", **options):
    utils.set_random_seed(1)
    model = fastrnn.Sequential(
        [fastrnn.Input((4, 3)), layers.GRU(3), layers.Dense(units, activation)]
    )
    model.compile("sgd", loss, **options)
    return model


def batches(size=4, endless=True):
    while True:
        for start in range(0, len(X), size):
            yield X[start : start + size], Y[start : start + size]
        if not endless:
            return


# For each old keyword of a method, what is called with it, and with what it is today.
CALLS = {
    "nb_epoch": (made().fit, {"x": X, "y": Y, "verbose": 0}, 2),
    "nb_epochs": (made().fit, {"x": X, "y": Y, "verbose": 0}, 2),
    "X": (made().predict, {"verbose": 0}, X),
    "Y": (made().evaluate, {"x": X, "verbose": 0}, Y),
    "y": (utils.to_categorical, {}, [0, 2]),
    "nb_classes": (utils.to_categorical, {"x": [0, 2]}, 4),
    "epsilon": (callbacks.ReduceLROnPlateau, {}, 0.5),
    "input": (fastrnn.Model, {}, None),
    "output": (fastrnn.Model, {}, None),
}


def test_every_old_keyword_has_a_call():
    assert set(CALLS) == set(RENAMED)


@pytest.mark.parametrize("old", [name for name in CALLS if name not in ("input", "output")])
def test_an_old_keyword_is_todays(old):
    call, others, value = CALLS[old]
    with pytest.warns(DeprecationWarning, match=rf"\({old}=…\).*\({RENAMED[old]}=…\)") as told:
        result = call(**others, **{old: value})
    assert [warning.filename for warning in told] == [__file__]
    again = call(**others, **{RENAMED[old]: value})
    if isinstance(result, fastrnn.callbacks.History):
        assert result.epoch == again.epoch
    elif isinstance(result, callbacks.Callback):
        assert result.min_delta == again.min_delta == value
    elif old != "Y":  # its loss goes on falling
        np.testing.assert_array_equal(result, again)
    with pytest.raises(TypeError, match=f"'{old}'.*'{RENAMED[old]}'"):
        call(**{**others, old: value, RENAMED[old]: value})


def test_a_model_of_inputs_and_outputs_as_keras_1_named_them():
    x = fastrnn.Input((4, 3))
    y = layers.GRU(2)(x)
    with pytest.warns(DeprecationWarning) as told:
        model = fastrnn.Model(input=x, output=y)
    assert [str(w.message).split("`")[3] for w in told] == ["Model(inputs=…)", "Model(outputs=…)"]
    assert model.output_shape == (None, 2)
    with pytest.raises(TypeError, match="inputs"):
        fastrnn.Model()


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
def test_what_has_no_effect_is_taken(name):
    model = made()
    of_compile = WITHOUT_EFFECT[name][0].startswith("compile") and name != "show_accuracy"
    of_compile |= name == "sample_weight_mode"
    value = (WITHOUT_EFFECT[name][1] or (3,))[0]
    with pytest.warns(DeprecationWarning, match=name) as told:
        if of_compile:
            model.compile("sgd", "mse", **{name: value})
        else:
            model.fit(X, Y, verbose=0, **{name: value})
    assert len(told) == 1
    if WITHOUT_EFFECT[name][1]:
        with pytest.raises(ValueError, match=name):
            model.compile("sgd", "mse", **{name: "another"})


def test_a_word_for_the_weights_of_classes():
    """Keras 1 took it, and weighed nothing."""
    old, new = made(), made()
    with pytest.warns(DeprecationWarning, match="auto"):
        told = old.fit(X, Y, class_weight="auto", verbose=0, shuffle=False)
    assert told.history == new.fit(X, Y, verbose=0, shuffle=False).history
    with pytest.raises(ValueError, match="class_weight"):
        new.fit(X, Y, class_weight="other", verbose=0)


def test_what_no_keras_had_is_refused():
    with pytest.raises(TypeError, match="epoch"):
        made().fit(X, Y, epoch=3)


@pytest.mark.parametrize("verbose", [0, 5, -1, True, False, np.int64(2), "auto"])
def test_every_number_is_a_verbosity(verbose, capsys):
    made().fit(X, Y, verbose=verbose)
    assert bool(capsys.readouterr().out) == (verbose in (1, 2, "auto"))


# ---- generators -------------------------------------------------------------------------------


def quiet(call, *args, **kwargs):
    with pytest.warns(DeprecationWarning) as told:
        result = call(*args, **kwargs)
    assert {warning.filename for warning in told} == {__file__}
    return result


def test_training_on_a_generator():
    old, new = made(), made()
    told = quiet(old.fit_generator, batches(), steps_per_epoch=3, epochs=2, verbose=0)
    history = new.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0)
    assert told.history == history.history
    options = {"workers": 2, "use_multiprocessing": True, "max_queue_size": 3, "verbose": 0}
    quiet(old.fit_generator, batches(), 3, 1, validation_data=(X, Y), class_weight=None, **options)


def test_numbers_of_samples_are_those_of_keras_1():
    """Ten samples are three batches of at most four."""
    old, new = made(), made()
    told = quiet(
        old.fit_generator,
        batches(),
        samples_per_epoch=10,
        nb_epoch=2,
        verbose=0,
        validation_data=batches(),
        nb_val_samples=10,
    )
    data = {"validation_data": batches(), "validation_steps": 3}
    history = new.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0, **data)
    assert told.history == history.history
    assert quiet(old.evaluate_generator, batches(), val_samples=10) == pytest.approx(
        old.evaluate(X, Y, batch_size=4, verbose=0)
    )
    taken = quiet(old.predict_generator, (x for x, _ in batches()), val_samples=10)
    np.testing.assert_array_equal(taken, old.predict(X, batch_size=4, verbose=0))


def test_evaluating_and_predicting_on_a_generator():
    model = made()
    generator = itertools.islice(batches(), 3)
    assert quiet(model.evaluate_generator, generator, steps=3) == pytest.approx(
        model.evaluate(X, Y, batch_size=4, verbose=0)
    )
    outputs = quiet(model.predict_generator, batches(), 3, workers=4)
    np.testing.assert_array_equal(outputs, model.predict(X, batch_size=4, verbose=0))


def test_classes_and_probabilities():
    model = made()
    outputs = model.predict(X, verbose=0)
    np.testing.assert_array_equal(quiet(model.predict_proba, X), outputs)
    classes = quiet(model.predict_classes, X, batch_size=3, verbose=0)
    np.testing.assert_array_equal(classes, outputs > 0.5)
    assert classes.dtype == "int32"
    model = made(3, "softmax", "sparse_categorical_crossentropy")
    classes = quiet(model.predict_classes, X)
    np.testing.assert_array_equal(classes, model.predict(X, verbose=0).argmax(-1))


def test_hooks_of_batches_under_their_old_names():
    seen = []
    hook = callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append(batch))
    made().fit(X, Y, batch_size=4, verbose=0, callbacks=[hook])
    assert seen == [0, 1, 2]


# ---- names in the logs ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "asked"),
    [
        ("accuracy", "acc"),
        ("acc", "accuracy"),
        ("mae", "mean_absolute_error"),
        ("mse", "mean_squared_error"),
        ("mean_squared_error", "mse"),
        ("cosine_similarity", "cosine_proximity"),
    ],
)
def test_a_metric_is_found_under_its_other_name(metric, asked):
    model = made(metrics=[metric])
    stop = callbacks.EarlyStopping(f"val_{asked}", mode="max", patience=3)
    with pytest.warns(DeprecationWarning, match=f"`val_{asked}`.*`val_{metric}`") as told:
        history = model.fit(X, Y, validation_split=0.5, epochs=2, verbose=0, callbacks=[stop])
    assert len(told) == 1
    for prefix in ("", "val_"):
        with pytest.warns(DeprecationWarning, match=f"`{prefix}{asked}`.*`{prefix}{metric}`"):
            values = history.history[prefix + asked]
        assert values == history.history[prefix + metric]
        assert len(values) == 2
    assert prefix + asked not in history.history


def test_the_rate_is_found_under_its_old_name():
    schedule = callbacks.LearningRateScheduler(lambda epoch: 0.5)
    history = made().fit(X, Y, verbose=0, callbacks=[schedule])
    with pytest.warns(DeprecationWarning, match="`lr`.*`learning_rate`"):
        assert history.history["lr"] == [0.5]


def test_what_is_not_there_is_a_key_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = made().fit(X, Y, verbose=0)
        for name in ("acc", "val_loss", "lr"):
            with pytest.raises(KeyError, match=name):
                history.history[name]


def test_labels_of_a_type():
    with pytest.warns(DeprecationWarning, match="astype"):
        labels = utils.to_categorical([0, 2], 3, dtype="int32")
    np.testing.assert_array_equal(labels, utils.to_categorical([0, 2], 3).astype("int32"))
    assert labels.dtype == "int32"


# ---- functions --------------------------------------------------------------------------------


def test_a_model_of_a_description():
    model = made()
    config = {"class_name": "Sequential", "config": model.get_config()}
    again = quiet(fastrnn.models.model_from_config, config)
    assert again.get_config() == model.get_config()
    with pytest.raises(ValueError, match="model"), pytest.warns(DeprecationWarning):
        fastrnn.models.model_from_config({"class_name": "Dense", "config": {"units": 2}})


def test_functions_of_layers_and_models(capsys):
    model = made()
    assert quiet(utils.count_params, model.trainable_weights) == model.count_params()
    assert quiet(utils.multi_gpu_model, model, gpus=2) is model
    quiet(utils.print_summary, model)
    assert "gru" in capsys.readouterr().out
