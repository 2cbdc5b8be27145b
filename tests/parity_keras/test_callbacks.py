"""The same fit with the same callbacks in fastrnn and in live Keras."""

import re
import warnings

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn import callbacks

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 3)).astype("float32")
Y = (X[:, :1] - 0.5 * X[:, 1:2] + 0.1 * RNG.standard_normal((24, 1))).astype("float32")
START = [RNG.standard_normal((3, 1)).astype("float32"), np.zeros(1, "float32")]


def run(package, make, epochs=8, rate=0.1, metrics=(), x=X, fits=1, validation=True):
    """Return the model, the callback and the history of a fit."""
    model = package.Sequential([package.Input((3,)), package.layers.Dense(1)])
    model.set_weights(START)
    model.compile(package.optimizers.SGD(rate), "mse", metrics=list(metrics))
    callback = make(package.callbacks)
    data = (X[:6], Y[:6]) if validation else None
    for _ in range(fits):
        history = model.fit(
            x, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0, callbacks=[callback],
            validation_data=data,
        )  # fmt: skip
    return model, callback, history.history


def run_both(make, **options):
    theirs = run(keras, make, **options)
    ours = run(fastrnn, make, **options)
    assert ours[2].keys() == theirs[2].keys()
    for name, values in theirs[2].items():
        np.testing.assert_allclose(ours[2][name], values, rtol=1e-4, atol=1e-6, err_msg=name)
    for actual, expected in zip(ours[0].get_weights(), theirs[0].get_weights(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)
    return ours, theirs


STOPS = [
    ({"monitor": "loss"}, {"epochs": 3}),
    ({"min_delta": 0.05, "patience": 2}, {}),
    ({"min_delta": 0.05, "patience": 2, "restore_best_weights": True}, {}),
    ({"restore_best_weights": True}, {"rate": 0.9, "epochs": 4}),
    ({"patience": 9, "restore_best_weights": True}, {"rate": 0.9, "epochs": 4}),
    ({"patience": 1, "baseline": 0.0}, {}),
    ({"patience": 2, "baseline": 0.0, "restore_best_weights": True}, {"rate": 0.9}),
    ({"patience": 0, "min_delta": 9.0, "start_from_epoch": 4}, {}),
    ({"start_from_epoch": 20, "restore_best_weights": True}, {"epochs": 3}),
    (
        {"monitor": "val_mean_absolute_error", "min_delta": 0.05},
        {"metrics": ["mean_absolute_error"]},
    ),
    ({"monitor": "val_loss", "mode": "max", "patience": 1}, {}),
    ({"monitor": "loss", "min_delta": -0.05, "patience": 1}, {"fits": 2}),
]


@pytest.mark.parametrize(("options", "fit"), STOPS, ids=str)
def test_early_stopping(options, fit):
    ours, theirs = run_both(lambda module: module.EarlyStopping(**options), **fit)
    for name in ("stopped_epoch", "best_epoch", "wait"):
        assert getattr(ours[1], name) == getattr(theirs[1], name), name
    assert (ours[1].best_weights is None) == (theirs[1].best_weights is None)


@pytest.mark.parametrize("name", ["accuracy", "mean_squared_error"])
def test_mode_auto_is_told_by_the_metric(name):
    make = lambda module: module.EarlyStopping(f"val_{name}", patience=1)  # noqa: E731
    ours, theirs = run_both(make, metrics=[name], epochs=5)
    assert ours[1].stopped_epoch == theirs[1].stopped_epoch


def test_mode_auto_that_nothing_tells():
    for package in (keras, fastrnn):
        with pytest.raises(ValueError, match="mode='m"):
            run(package, lambda module: module.EarlyStopping("other"))


PLATEAUS = [
    {"patience": 1, "min_delta": 0.05},
    {"patience": 2, "min_delta": 0.05, "factor": 0.5, "cooldown": 2},
    {"patience": 0, "min_delta": 0.5, "factor": 0.5, "min_lr": 0.03},
    {"monitor": "loss", "mode": "max", "patience": 1, "factor": 0.7, "cooldown": 1},
]


@pytest.mark.parametrize("options", PLATEAUS, ids=str)
def test_reduce_lr_on_plateau(options):
    ours, theirs = run_both(lambda module: module.ReduceLROnPlateau(**options), epochs=10)
    rates = ours[2]["learning_rate"]
    assert rates[-1] < rates[0]
    for name in ("wait", "cooldown_counter"):
        assert getattr(ours[1], name) == getattr(theirs[1], name), name


@pytest.mark.parametrize(
    "schedule",
    [
        lambda epoch: 0.2 / (1 + epoch),
        lambda epoch, rate: 0.5 * rate,
        lambda epoch, rate=1.0: rate * 0.9,
    ],
)
def test_learning_rate_scheduler(schedule):
    ours, _ = run_both(lambda module: module.LearningRateScheduler(schedule))
    assert len(ours[2]["learning_rate"]) == 8


def test_learning_rate_scheduler_refuses_what_is_no_float():
    with pytest.raises(TypeError, match="`schedule`"):
        callbacks.LearningRateScheduler(0.1)
    with pytest.raises(ValueError, match="`schedule`"):
        run(fastrnn, lambda module: module.LearningRateScheduler(lambda epoch: 1))


@pytest.mark.parametrize("name", ["EarlyStopping", "ReduceLROnPlateau"])
def test_a_value_that_is_not_in_the_logs(name):
    make = lambda module: getattr(module, name)("val_loss")  # noqa: E731
    for package in (keras, fastrnn):
        with pytest.warns(UserWarning, match="val_loss"):
            _, _, history = run(package, make, epochs=2, validation=False)
        assert len(history["loss"]) == 2


@pytest.mark.parametrize("validation", [True, False])
@pytest.mark.parametrize("options", [{}, {"separator": ";"}, {"append": True}], ids=str)
def test_csv_logger(options, validation, tmp_path):
    rows = []
    for package in (keras, fastrnn):
        path = tmp_path / f"{package.__name__}.csv"
        make = lambda module, p=path: module.CSVLogger(str(p), **options)  # noqa: E731
        run(package, make, epochs=2, metrics=["mae"], fits=2, validation=validation)
        with path.open(newline="") as file:
            rows.append([re.split("[,;]", line) for line in file.read().splitlines()])
    assert len(rows[0]) == len(rows[1]) == (5 if "append" in options else 3)
    for expected, actual in zip(*rows, strict=True):
        for a, b in zip(actual, expected, strict=True):
            assert a == b or float(a) == pytest.approx(float(b), rel=1e-4)


def test_terminate_on_nan(capsys):
    x = X.copy()
    x[10] = np.nan
    lengths = []
    for package in (keras, fastrnn):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            _, _, history = run(package, lambda m: m.TerminateOnNaN(), x=x, validation=False)
            with pytest.raises(RuntimeError, match=r"[Bb]atch 1"):
                run(package, lambda m: m.TerminateOnNaN(raise_error=True), x=x)
        lengths.append(len(history["loss"]))
        assert "batch 1" in capsys.readouterr().out.lower()
    assert lengths == [1, 1]


def test_what_is_printed(capsys):
    stop = {"patience": 1, "min_delta": 9.0, "verbose": 1, "restore_best_weights": True}
    for package in (keras, fastrnn):
        run(package, lambda m: m.EarlyStopping(**stop))
        text = capsys.readouterr().out
        assert re.search("Epoch 2: .*", text)
        assert re.search(r"epoch:? 1\b", text)
        run(package, lambda m: m.ReduceLROnPlateau(patience=1, min_delta=9.0, verbose=1), epochs=2)
        assert re.search(r"Epoch 2: .*0\.01", capsys.readouterr().out)
        run(package, lambda m: m.LearningRateScheduler(lambda e: 0.25, verbose=1), epochs=1)
        assert re.search(r"Epoch 1: .*0\.25", capsys.readouterr().out)


BAD = [
    ("EarlyStopping", "patience", -1),
    ("EarlyStopping", "min_delta", "small"),
    ("EarlyStopping", "baseline", "low"),
    ("ReduceLROnPlateau", "factor", 1.0),
    ("ReduceLROnPlateau", "min_lr", -0.1),
    ("ReduceLROnPlateau", "cooldown", None),
]


@pytest.mark.parametrize(("name", "argument", "value"), BAD, ids=str)
def test_bad_arguments(name, argument, value):
    with pytest.raises(ValueError, match=f"`{argument}`"):
        getattr(callbacks, name)(**{argument: value})


def test_bad_arguments_of_the_others():
    with pytest.raises(TypeError, match="`filename`"):
        callbacks.CSVLogger(3)
    with pytest.raises(TypeError, match="`separator`"):
        callbacks.CSVLogger("log.csv", separator="--")


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_swap_ema_weights(swap_on_epoch):
    """Validation, what callbacks behind see, and the weights at the end."""
    results = []
    for package in (keras, fastrnn):
        model = package.Sequential([package.Input((3,)), package.layers.Dense(1)])
        model.set_weights(START)
        optimizer = package.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.7)
        model.compile(optimizer, "mse")
        seen = []
        watch = package.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs, m=model, s=seen: s.extend(m.get_weights())
        )
        swap = package.callbacks.SwapEMAWeights(swap_on_epoch)
        history = model.fit(
            X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0, callbacks=[swap, watch],
            validation_data=(X[:6], Y[:6]),
        ).history  # fmt: skip
        final = model.get_weights()
        results.append([*history["loss"], *history["val_loss"], *seen, *final])
    for actual, expected in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)


def test_swapped_weights_come_back():
    model = fastrnn.Sequential([fastrnn.Input((3,)), fastrnn.layers.Dense(1)])
    model.compile(fastrnn.optimizers.SGD(0.1, use_ema=True), "mse")
    swap = callbacks.SwapEMAWeights()
    with pytest.raises(ValueError, match="use_ema=True"):
        model.evaluate(X, Y, verbose=0, callbacks=[swap])
    model.train_on_batch(X, Y)
    model.train_on_batch(X, Y)
    before = model.get_weights()
    average = [average.numpy() for _, average in model.optimizer.averages()]
    predicted = model.predict(X, verbose=0, callbacks=[swap])
    model.evaluate(X, Y, verbose=0, callbacks=[swap])
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(predicted, X @ average[0] + average[1], rtol=1e-5)
    assert np.abs(predicted - model.predict(X, verbose=0)).max() > 1e-4
    with pytest.raises(ValueError, match="use_ema=True"):
        run(fastrnn, lambda module: module.SwapEMAWeights())
