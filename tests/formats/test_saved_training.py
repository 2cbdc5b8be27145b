"""Training goes on from a file with the same bits; files are written whole; weights alone."""

import io
import random
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from layer_table import GRAPHS, batch_for
from live_keras import keras

import fastrnn
from fastrnn import Input, Sequential, layers, losses, metrics, optimizers, saving
from fastrnn.callbacks import ModelCheckpoint
from fastrnn.optimizers import schedules

ENDINGS = (".keras", ".fastrnn")
X = np.random.default_rng(0).standard_normal((12, 4, 3)).astype("float32")
Y = X[:, 0, :1]

OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: optimizers.Adam(0.01, amsgrad=True, clipnorm=1.0),
    "adamw": lambda: optimizers.AdamW(schedules.CosineDecay(0.05, 20)),
    "nadam": lambda: optimizers.Nadam(0.01),
    "adamax": lambda: optimizers.Adamax(0.01),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adagrad": lambda: optimizers.Adagrad(0.05),
    "adadelta": lambda: optimizers.Adadelta(0.5),
    "lion": lambda: optimizers.Lion(0.01),
    "ftrl": lambda: optimizers.Ftrl(0.05),
    "averaged": lambda: optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=3),
    "accumulated": lambda: optimizers.SGD(0.1, gradient_accumulation_steps=2),
}


def make_model(optimizer="adam"):
    model = Sequential(
        [
            Input((4, 3)),
            layers.GaussianNoise(0.1),
            layers.LSTM(4, dropout=0.2, recurrent_dropout=0.2, return_sequences=True),
            layers.BatchNormalization(),
            layers.Bidirectional(layers.GRU(3, kernel_regularizer="l2")),
            layers.Dropout(0.3),
            layers.Dense(1, kernel_constraint="max_norm"),
        ]
    )
    loss, metric = losses.Huber(0.7), metrics.MeanAbsoluteError(name="m")
    model.compile(OPTIMIZERS[optimizer](), loss, metrics=["mse", metric])
    return model


def train(model, seed):
    fastrnn.utils.set_random_seed(seed)
    return model.fit(X, Y, 5, epochs=3, verbose=0).history


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_goes_on_with_the_same_bits(optimizer, ending, tmp_path):
    model = make_model(optimizer)
    train(model, 1)
    model.save(tmp_path / f"a{ending}")
    state = random.getstate()
    other = saving.load_model(tmp_path / f"a{ending}")
    assert random.getstate() == state
    assert train(model, 2) == train(other, 2)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.value, b.value)


@pytest.mark.parametrize("ending", ENDINGS)
def test_models_that_are_not_trained_or_not_compiled(ending, tmp_path):
    path = tmp_path / f"a{ending}"
    model = make_model()
    model.save(path)
    other = saving.load_model(path)
    assert train(model, 1) == train(other, 1)
    assert not saving.load_model(path, compile=False).compiled
    Sequential([layers.Dense(1)]).save(path)  # without any weights
    assert not saving.load_model(path).built
    with pytest.raises(ValueError, match="`filepath`"):
        model.save(path, overwrite=False)


@pytest.mark.parametrize("ending", ENDINGS)
def test_layers_that_are_not_trained_stay_so(ending, tmp_path):
    frozen = {}
    for k in (fastrnn, keras):
        x = k.Input((3,))
        dense = k.layers.Dense(2)
        inner = k.Sequential([k.Input((2,)), k.layers.Dense(2), k.layers.Dense(2)])
        dense.trainable = inner.layers[1].trainable = False
        model = k.Model(x, inner(dense(x)))
        clone = k.models.clone_model(model)
        path = tmp_path / (f"a{ending}" if k is fastrnn else "a.keras")
        model.save(path)
        models = (model, clone, k.models.load_model(path), fastrnn.models.load_model(path))
        frozen[k] = [
            [layer.trainable for layer in (*m.layers, *m.layers[-1].layers)] for m in models
        ]
    assert frozen[fastrnn] == frozen[keras]


def test_the_same_model_gives_the_same_bytes(tmp_path):
    model = make_model()
    for name in "ab":
        model.save(tmp_path / f"{name}.fastrnn")
    assert (tmp_path / "a.fastrnn").read_bytes() == (tmp_path / "b.fastrnn").read_bytes()


def test_fastrnn_s_own_format_needs_no_h5py(tmp_path):
    make_model().save(tmp_path / "a.keras")
    code = f"""if True:
        import sys
        sys.modules["h5py"] = None
        import fastrnn
        model = fastrnn.Sequential([fastrnn.Input((3,)), fastrnn.layers.Dense(1)])
        model.save({str(tmp_path / "b.fastrnn")!r})
        fastrnn.models.load_model({str(tmp_path / "b.fastrnn")!r})
        for act in (model.save, fastrnn.models.load_model, model.save_weights):
            name = "c.weights.h5" if act == model.save_weights else "a.keras"
            try:
                act({str(tmp_path)!r} + "/" + name)
            except ImportError as error:
                assert "fastrnn[h5]" in str(error), error
            else:
                raise AssertionError(act)
    """
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.keras", "b.fastrnn"]


@pytest.mark.parametrize("ending", [*ENDINGS, ".weights.h5"])
def test_a_crash_leaves_the_old_file(ending, tmp_path, monkeypatch):
    path = tmp_path / f"a{ending}"
    model = make_model()
    save = model.save_weights if ending.startswith(".weights") else model.save
    save(path)
    before = path.read_bytes()

    def crash(*args):
        raise OSError("full")

    monkeypatch.setattr("os.fsync", crash)
    with pytest.raises(OSError, match="full"):
        save(path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["nested", "shared", "handover", "sequential"])
def test_weights_in_hdf5(name, tmp_path):
    path = tmp_path / "a.weights.h5"
    ours, theirs = GRAPHS[name](fastrnn), GRAPHS[name](keras)
    ours.save_weights(path)
    theirs.load_weights(path)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    other = GRAPHS[name](fastrnn)
    theirs.set_weights([w + 1 for w in theirs.get_weights()])
    theirs.save_weights(path)
    other.load_weights(path)
    for a, b in zip(other.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("ending", [*ENDINGS, ".weights.h5"])
def test_weights_of_another_model_change_nothing(ending, tmp_path):
    path = tmp_path / f"a{ending}"
    source = Sequential([Input((4, 3)), layers.GRU(5), layers.Dense(1)])
    source.save_weights(path) if ending == ".weights.h5" else source.save(path)
    others = [
        ("unexpected_shape", [layers.GRU(4), layers.Dense(1)]),
        ("unexpected_weights", [layers.GRU(5), layers.Dense(1), layers.Dense(1)]),
        ("unexpected_weights", [layers.GRU(5)]),
    ]
    for reason, chain in others:
        model = Sequential([Input((4, 3)), *chain])
        before = model.get_weights()
        with pytest.raises(saving.ModelFileError) as caught:
            model.load_weights(path)
        assert caught.value.reason == reason
        for a, b in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    model = Sequential([Input((4, 3)), layers.GRU(5), layers.Dense(1)])
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_weights()[0], source.get_weights()[0])


@pytest.mark.parametrize("ending", ENDINGS)
def test_checkpoints_of_whole_models(ending, tmp_path):
    model = make_model()
    callback = ModelCheckpoint(str(tmp_path / f"m{{epoch}}{ending}"))
    model.fit(X, Y, verbose=0, epochs=2, callbacks=[callback])
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"m1{ending}", f"m2{ending}"]
    other = saving.load_model(tmp_path / f"m2{ending}")
    np.testing.assert_array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))
    assert int(other.optimizer.iterations) == 2


def test_weights_that_are_not_finite_are_reported(tmp_path):
    model = Sequential([Input((3,)), layers.Dense(1)])
    model.set_weights([np.full((3, 1), np.nan), np.zeros(1)])
    model.save(tmp_path / "a.fastrnn")
    with pytest.warns(UserWarning, match="NaN"):
        saving.load_model(tmp_path / "a.fastrnn")


def test_losses_that_have_no_name_are_left_out(tmp_path):
    model = Sequential([Input((3,)), layers.Dense(1)])
    model.compile("sgd", lambda y, p: abs(y - p))
    with pytest.warns(UserWarning, match="leaves out"):
        model.save(tmp_path / "a.fastrnn")
    assert not saving.load_model(tmp_path / "a.fastrnn").compiled


def test_several_outputs_and_the_weights_of_their_losses(tmp_path):
    model = GRAPHS["shared"](fastrnn)
    model.compile(
        "adam", {"a": "mse", "b": losses.mean_absolute_error}, {"a": 1.0, "b": 0.5},
        metrics={"a": ["mae", metrics.RootMeanSquaredError()]},
    )  # fmt: skip
    x = batch_for(model)
    y = {"a": np.ones((4, 2)), "b": np.zeros((4, 2))}
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "a.keras")
    other = saving.load_model(tmp_path / "a.keras")
    theirs = keras.models.load_model(tmp_path / "a.keras")
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    assert other.evaluate(x, y, verbose=0, return_dict=True) == expected
    found = theirs.evaluate(x, y, verbose=0, return_dict=True)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-5)


def test_members_of_a_file(tmp_path):
    make_model().save(tmp_path / "a.fastrnn")
    with zipfile.ZipFile(tmp_path / "a.fastrnn") as archive:
        names = archive.namelist()
        array = np.load(io.BytesIO(archive.read("layers/dense/vars/0.npy")))
    assert names[:2] == ["metadata.json", "config.json"]
    assert "layers/bidirectional/forward_layer/cell/vars/0.npy" in names
    assert array.shape == (6, 1)
