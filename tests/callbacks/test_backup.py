"""BackupAndRestore: a training that was interrupted ends with the bits of one that was not."""

import contextlib
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn import Input, Sequential, layers
from fastrnn.callbacks import BackupAndRestore, LambdaCallback

RNG = np.random.default_rng(0)
X = RNG.standard_normal((22, 6, 3)).astype("float32")
Y = RNG.standard_normal((22, 6, 1)).astype("float32")


class InterruptError(Exception):
    pass


def interrupt(epoch, batch):
    """Raise after so many batches of an epoch, counted from 0; `batch=None` is after the epoch."""
    seen = {"epoch": 0}

    def begin(number, logs):
        seen["epoch"] = number

    def batch_end(number, logs):
        if (seen["epoch"], number) == (epoch, batch):
            raise InterruptError

    def epoch_end(number, logs):
        if (number, None) == (epoch, batch):
            raise InterruptError

    return LambdaCallback(
        on_epoch_begin=begin, on_train_batch_end=batch_end, on_epoch_end=epoch_end
    )


def make(seed, stateful=False, optimizer=None):
    fastrnn.utils.set_random_seed(seed)
    batch = 2 if stateful else None
    cells = [layers.LSTMCell(3), layers.GRUCell(3)]
    model = Sequential([
        Input((None, 3), batch_size=batch),
        layers.LSTM(4, return_sequences=True, dropout=0.2, recurrent_dropout=0.1,
                    stateful=stateful),
        layers.Dropout(0.3),
        layers.RNN(cells, return_sequences=True, stateful=stateful),
        layers.BatchNormalization(),
        layers.Dense(1),
    ])  # fmt: skip
    model.compile(optimizer or fastrnn.optimizers.Nadam(0.01, use_ema=True), "mse", metrics=["mae"])
    return model


def batches():
    return [(X[k : k + 4], Y[k : k + 4]) for k in range(0, len(X), 4)]


class Source:
    """Gives its batches anew each time, in a new order."""

    def __init__(self):
        self.generator = fastrnn.core.random.generator()

    def __iter__(self):
        parts = batches()
        return iter([parts[k] for k in self.generator.permutation(len(parts))])


class Dataset(fastrnn.utils.PyDataset):
    """Gives its batches in an order that `fit` draws."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return batches()[index]


FITS = {
    "arrays": lambda: {"x": X, "y": Y, "batch_size": 4},
    "validation": lambda: {"x": X, "y": Y, "batch_size": 4, "validation_split": 0.2},
    "steps": lambda: {"x": X, "y": Y, "batch_size": 4, "steps_per_epoch": 3},
    "source": lambda: {"x": Source()},
    "dataset": lambda: {"x": Dataset(workers=2)},
    "iterator": lambda: {"x": (b for _ in range(9) for b in batches()), "steps_per_epoch": 5},
    "stateful": lambda: {"x": X[:8], "y": Y[:8], "batch_size": 2},
    "windows": lambda: {"x": X, "y": Y, "batch_size": 4, "truncated_bptt": 4},
}


def fit(model, make_data, callbacks, epochs=4):
    return model.fit(**make_data(), epochs=epochs, verbose=0, callbacks=callbacks).history


def assert_same(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(one.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.value, b.value)


@pytest.mark.parametrize("place", [(1, None), (2, 1)])
@pytest.mark.parametrize("save_freq", ["epoch", 1, 4])
@pytest.mark.parametrize("name", FITS)
def test_goes_on_with_the_same_bits(name, save_freq, place, tmp_path):
    stateful, data = name == "stateful", FITS[name]
    whole = make(1, stateful)
    history = fit(whole, data, [])
    backup = BackupAndRestore(tmp_path / "b", save_freq)
    with pytest.raises(InterruptError):
        fit(make(1, stateful), data, [backup, interrupt(*place)])
    second = make(2, stateful)  # other weights, masks and orders
    rest = fit(second, data, [backup])
    assert_same(second, whole)
    for key, values in history.items():
        assert values[len(values) - len(rest[key]) :] == rest[key], key
    if save_freq == 1:
        assert len(rest["loss"]) == 4 - place[0]
    assert not (tmp_path / "b").exists()


def keras_run(package, tmp_path, place, **options):
    """Return which epochs a second fit runs, and the files that are left."""
    model = package.Sequential([package.Input((3,)), package.layers.Dense(1)])
    model.compile("sgd", "mse")
    folder = tmp_path / package.__name__
    stop = keras_interrupt(package, place)
    run = {"batch_size": 4, "epochs": 4, "verbose": 0, "shuffle": False}
    backup = package.callbacks.BackupAndRestore(str(folder), **options)
    with pytest.raises(InterruptError):
        model.fit(X[:, 0], Y[:, 0], callbacks=[backup, stop], **run)
    interrupted = len(list(folder.iterdir())) > 0 if folder.exists() else False
    history = model.fit(X[:, 0], Y[:, 0], callbacks=[backup], **run)
    return interrupted, history.epoch, folder.exists()


def keras_interrupt(package, place):
    class Stop(package.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == place:
                raise InterruptError

    return Stop()


@pytest.mark.parametrize(
    "options", [{}, {"delete_checkpoint": False}, {"double_checkpoint": True}, {"save_freq": 2}]
)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_runs_the_epochs_that_keras_runs(place, options, tmp_path):
    ours, theirs = (keras_run(k, tmp_path, place, **options) for k in (fastrnn, keras))
    assert ours == theirs


def test_a_training_that_is_finished_does_nothing_more(tmp_path):
    model = make(1)
    backup = BackupAndRestore(tmp_path / "b", delete_checkpoint=False)
    fit(model, FITS["arrays"], [backup])
    before = model.get_weights()
    assert fit(model, FITS["arrays"], [backup]) == {}
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_state_before_the_last_one_is_used_if_the_last_cannot_be_read(tmp_path):
    whole = make(1)
    fit(whole, FITS["arrays"], [])
    backup = BackupAndRestore(tmp_path, double_checkpoint=True)
    with pytest.raises(InterruptError):
        fit(make(1), FITS["arrays"], [backup, interrupt(2, None)])
    path = tmp_path / "latest.npz"
    path.write_bytes(path.read_bytes()[:-40])
    second = make(2)
    assert len(fit(second, FITS["arrays"], [backup])["loss"]) == 2
    assert_same(second, whole)


def test_files_that_cannot_be_used_change_nothing(tmp_path):
    path = tmp_path / "latest.npz"
    backup = BackupAndRestore(tmp_path)
    with pytest.raises(InterruptError):
        fit(make(1), FITS["arrays"], [backup, interrupt(0, None)])
    good = path.read_bytes()
    others = [
        make(2, optimizer="sgd"),
        Sequential([Input((None, 3)), layers.Dense(1)]),
    ]
    others[1].compile("adam", "mse")
    for other in others:
        before = other.get_weights()
        with pytest.raises(ValueError, match="same model, optimizer and data"):
            fit(other, FITS["arrays"], [backup])
        for a, b in zip(before, other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    for bad in (b"", good[:-40], good[:200], b"PK\x03\x04"):
        path.write_bytes(bad)
        with pytest.raises(ValueError, match="`backup_dir`"):
            fit(make(1), FITS["arrays"], [backup])
    path.unlink()
    np.savez(path, weights=np.array([object()], dtype=object))  # needs pickle, which is never used
    with pytest.raises(ValueError, match="`backup_dir`"):
        fit(make(1), FITS["arrays"], [backup])


def test_files_that_belong_to_others_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    backup = BackupAndRestore(tmp_path)
    fit(make(1), FITS["arrays"], [backup], epochs=1)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_never_saving_and_bad_arguments(tmp_path):
    fit(make(1), FITS["arrays"], [BackupAndRestore(tmp_path / "b", save_freq=False)], epochs=1)
    assert not (tmp_path / "b").exists()
    for freq in ("batch", 0, -1, 1.5, None, True):
        with pytest.raises(ValueError, match="`save_freq`"):
            BackupAndRestore(tmp_path, save_freq=freq)
    for folder in ("", None, 3):
        with pytest.raises(ValueError, match="`backup_dir`"):
            BackupAndRestore(folder)


SCRIPT = """
import sys
import numpy as np
import fastrnn
from fastrnn import Input, Sequential, layers
fastrnn.utils.set_random_seed(int(sys.argv[2]))
rng = np.random.default_rng(0)
x = rng.standard_normal((64, 5, 8)).astype("float32")
y = rng.standard_normal((64, 1)).astype("float32")
model = Sequential([Input((5, 8)), layers.LSTM(96, dropout=0.2), layers.Dense(1)])
model.compile("adam", "mse")
backup = fastrnn.callbacks.BackupAndRestore(sys.argv[1], 1, delete_checkpoint=False)
print("begins", flush=True)
model.fit(x, y, batch_size=4, epochs=6, verbose=0, callbacks=[backup] if sys.argv[1] else [])
model.save_weights(sys.argv[3])
"""


def start(folder, seed, result):
    command = [sys.executable, "-P", "-c", SCRIPT, str(folder), str(seed), str(result)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX")
def test_a_process_that_is_killed_leaves_a_state_to_go_on_from(tmp_path):
    whole, result = tmp_path / "whole.weights.npz", tmp_path / "result.weights.npz"
    folder = tmp_path / "backup"
    process = start(tmp_path / "other", 0, whole)
    process.communicate()
    codes = []
    for kill in range(7):
        # A process that finds no state begins with seed 0, as the first one did.
        found = (folder / "latest.npz").exists()
        process = start(folder, kill if found else 0, result)
        assert process.stdout.readline() == "begins\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05 + 0.017 * kill)
        process.kill()
        process.communicate()
        codes.append(process.returncode)
    assert found and -signal.SIGKILL in codes
    process = start(folder, 99, result)
    process.communicate()
    assert process.returncode == 0
    with np.load(whole) as expected, np.load(result) as actual:
        for name in expected.files:
            np.testing.assert_array_equal(actual[name], expected[name])
