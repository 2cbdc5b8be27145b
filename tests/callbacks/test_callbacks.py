"""Callbacks: their hooks in order, what they are given, and what is printed."""

import io
import re

import numpy as np
import pytest

from fastrnn import Input, Sequential, layers
from fastrnn.callbacks import Callback, History, LambdaCallback, ProgbarLogger
from fastrnn.core.progress import Progress

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((10, 5, 3)).astype("float32"), RNG.standard_normal((10, 1))


def make_model():
    model = Sequential([Input((5, 3)), layers.GRU(4), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def __getattribute__(self, name):
        if name.startswith("on_"):
            return lambda *args: self.calls.append((name, *args))
        return super().__getattribute__(name)


def test_hooks_of_fit_in_order():
    recorder = Recorder()
    model = make_model()
    model.fit(X, Y, batch_size=5, epochs=1, verbose=0, callbacks=[recorder], validation_split=0.5)
    assert [call[0] for call in recorder.calls] == [
        "on_train_begin",
        "on_epoch_begin",
        "on_train_batch_begin",
        "on_train_batch_end",
        "on_test_begin",
        "on_test_batch_begin",
        "on_test_batch_end",
        "on_test_end",
        "on_epoch_end",
        "on_train_end",
    ]
    epoch_end = recorder.calls[-2]
    assert epoch_end[1] == 0
    assert list(epoch_end[2]) == ["loss", "mae", "val_loss", "val_mae"]
    assert recorder.model is model
    assert recorder.params == {"verbose": 0, "epochs": 1, "steps": 1}


def test_hooks_of_evaluate_and_predict():
    recorder = Recorder()
    model = make_model()
    model.evaluate(X, Y, batch_size=5, verbose=0, callbacks=[recorder])
    model.predict(X, batch_size=5, verbose=0, callbacks=recorder)
    names = [call[0] for call in recorder.calls]
    expected = []
    for phase in ("test", "predict"):
        batch = [f"on_{phase}_batch_begin", f"on_{phase}_batch_end"]
        expected += [f"on_{phase}_begin", *batch, *batch, f"on_{phase}_end"]
    assert names == expected
    outputs = [call[2]["outputs"] for call in recorder.calls if call[0] == "on_predict_batch_end"]
    np.testing.assert_array_equal(
        np.concatenate(outputs), model.predict(X, batch_size=5, verbose=0)
    )
    assert recorder.params == {"verbose": 0, "epochs": 1, "steps": 2}


def test_logs_are_always_a_dict_in_the_order_of_the_names():
    recorder = Recorder()
    model = make_model()
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mae"])
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[recorder], validation_split=0.5)
    for name, *_, logs in recorder.calls:
        assert isinstance(logs, dict), name
        assert list(logs) == sorted(logs), name
    names = ["loss", "mae", "val_loss", "val_mae", "val_weighted_mae", "weighted_mae"]
    assert list(model.history.history) == names


def test_given_history_and_progress_take_the_place_of_the_default_ones(capsys):
    model, history = make_model(), History()
    for epochs in (2, 1):
        result = model.fit(X, Y, epochs=epochs, verbose=0, callbacks=[history])
        assert result is history is model.history
    assert len(history.history["loss"]) == 3
    assert model.fit(X, Y, callbacks=[ProgbarLogger()]) is model.history is not history
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_evaluation_prints_a_line_but_validation_none(capsys):
    model, bar = make_model(), ProgbarLogger()
    model.fit(X, Y, validation_data=(X, Y), callbacks=[bar])
    assert len(capsys.readouterr().out.splitlines()) == 1
    model.evaluate(X, Y, callbacks=[bar])
    assert re.fullmatch(r"1/1 - 0s .*loss: .*\n", capsys.readouterr().out)
    model.predict(X)
    assert re.fullmatch(r"1/1 - 0s \d+[mu]s/step\n", capsys.readouterr().out)


def test_lambda_callback_and_its_older_batch_hooks():
    seen = []
    callback = LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["loss"])),
        on_train_batch_end=lambda batch, logs: seen.append(batch),
    )
    history = make_model().fit(X, Y, batch_size=5, epochs=2, verbose=0, callbacks=[callback])
    losses = history.history["loss"]
    assert seen == [0, 1, (0, losses[0]), 0, 1, (1, losses[1])]
    with pytest.raises(ValueError, match="on_epoch_ende"):
        LambdaCallback(on_epoch_ende=print)
    with pytest.raises(TypeError, match="on_epoch_end"):
        LambdaCallback(on_epoch_end=3)
    begun = []
    make_model().fit(X, Y, verbose=0, callbacks=LambdaCallback(lambda k, logs: begun.append(k)))
    assert begun == [0]
    older = LambdaCallback(on_batch_begin=lambda k, logs: begun.append(-k))
    make_model().fit(X, Y, batch_size=5, verbose=0, callbacks=[older])
    assert begun == [0, 0, -1]


def test_stop_training_ends_the_epoch_and_the_training():
    def stop(batch, logs):
        model.stop_training = batch == 1

    model = make_model()
    stopper = LambdaCallback(on_train_batch_end=stop)
    history = model.fit(X, Y, batch_size=2, epochs=9, verbose=0, callbacks=[stopper])
    assert history.epoch == [0]
    assert int(model.optimizer.iterations.numpy()) == 2
    assert len(model.fit(X, Y, epochs=3, verbose=0).epoch) == 3


def test_plain_lines_where_the_output_is_no_terminal(capsys):
    model = make_model()
    for verbose in (1, 2, "auto"):
        model.fit(X, Y, batch_size=5, epochs=2, verbose=verbose)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 2
        for k, line in enumerate(lines):
            pattern = rf"Epoch {k + 1}/2 - 2/2 - 0s \d+[mu]s/step - loss: [\d.]+ - mae: [\d.]+"
            assert re.fullmatch(pattern, line), line
    model.fit(X, Y, verbose=0)
    assert capsys.readouterr().out == ""


def test_bar_in_a_terminal():
    stream = io.StringIO()
    bar = Progress(4, "Epoch 1/1", live=True, stream=stream)
    bar.update(1, {"loss": 0.5})
    bar.update(2, {"loss": 0.25})  # too soon after the last one
    bar.finish(4, {"loss": 0.125})
    title, *drawn = re.split("[\n\r]+", stream.getvalue().rstrip())
    assert title == "Epoch 1/1"
    assert len(drawn) == 2
    assert re.match(r"1/4 ━{5}╌{15} .*loss: 0\.5000", drawn[0])
    assert re.match(r"4/4 ━{20} .*loss: 0\.1250", drawn[1])
