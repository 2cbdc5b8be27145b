"""Files under every name that scripts give them, written and read."""

import shutil

import h5py
import numpy as np
import pytest
from layer_table import GRAPHS, LAYERS, batch_for
from live_keras import keras
from model_checks import assert_same

import fastrnn
from fastrnn import callbacks
from fastrnn.saving import ModelFileError, load_model

MODELS = {**LAYERS, **GRAPHS}
X, Y = np.ones((6, 4, 3), "float32"), np.ones((6, 1), "float32")


def make(package=fastrnn, **options):
    L = package.layers
    model = package.Sequential([package.Input((4, 3)), L.LSTM(2, name="rnn"), L.Dense(1, name="a")])
    model.compile(package.optimizers.Adam(0.01, **options), "mse", metrics=["mae", "accuracy"])
    return model


def trained(package=fastrnn):
    model = make(package)
    model.fit(X, Y, epochs=2, batch_size=4, verbose=0)
    return model


# ---- the layout of Keras 2, as Keras 3 writes it ------------------------------------------------


@pytest.mark.filterwarnings("ignore:Layer .* does not support masking")
@pytest.mark.filterwarnings("ignore:[\\s\\S]*using a softmax over axis")
@pytest.mark.parametrize("name", MODELS)
def test_keras_reads_the_older_layout(name, tmp_path):
    # Keras names the operations of masks anew when it reads: beyond the names of the layers.
    for package in (fastrnn, keras):
        package.utils.clear_session()
    model, _ = MODELS[name](fastrnn), MODELS[name](keras)
    model.save(tmp_path / "a.h5")
    x = batch_for(model)
    assert_same(load_model(tmp_path / "a.h5"), model, x, exact=True)
    if name == "operators":  # Keras does not read `...` in this layout, its own files' neither
        return
    assert_same(keras.models.load_model(tmp_path / "a.h5"), model, x, exact=False)


def test_it_is_laid_out_as_keras_does(tmp_path):
    def content(package):
        path = tmp_path / f"{package.__name__}.h5"
        model = make(package)
        model.train_on_batch(X, Y)
        model.save(path)
        with h5py.File(path) as file:
            weights = file["model_weights"]
            layers = [np.bytes_(name) for name in weights.attrs["layer_names"]]
            by_layer = [
                [(name.split(b"/")[1:], weights[layer][name].shape) for name in names]
                for layer in layers
                if (names := [np.bytes_(n) for n in weights[layer].attrs["weight_names"]])
            ]
            optimizer = len(file["optimizer_weights"].attrs["weight_names"])
            top = {name: sorted(weights[name].attrs) for name in weights}
            return sorted(file.attrs), sorted(file), layers, by_layer, top, optimizer

    assert content(fastrnn) == content(keras)


@pytest.mark.parametrize("ending", ["h5", "hdf5", "fastrnn", "keras"])
def test_training_goes_on(ending, tmp_path):
    model = trained()
    model.save(tmp_path / f"a.{ending}")
    other = load_model(tmp_path / f"a.{ending}")
    logs = [[m.train_on_batch(X, Y) for _ in range(3)] for m in (model, other)]
    assert logs[0] == logs[1]


def test_the_state_of_the_optimizer_in_keras(tmp_path):
    """Its `load_model` gives the optimizer no state in this layout, not that of its own files."""
    model = trained()
    model.save(tmp_path / "a.h5")
    other = keras.models.load_model(tmp_path / "a.h5")
    optimizer = other.optimizer.from_config(other.optimizer.get_config())
    optimizer.build(other.trainable_variables)
    with h5py.File(tmp_path / "a.h5") as file:
        group = file["optimizer_weights"]
        names = group.attrs["weight_names"]
        for variable, name in zip(optimizer.variables, names, strict=True):
            variable.assign(np.array(group[name]))
    other.compile(optimizer, "mse")
    losses = [
        [m.train_on_batch(X, Y, return_dict=True)["loss"] for _ in range(3)] for m in (model, other)
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


@pytest.mark.parametrize("save_weights", [False, True])
def test_names_that_do_not_fit_into_one_attribute(save_weights, tmp_path):
    names = [f"{'x' * 400}{k:03d}" for k in range(200)]

    def chain(package):
        dense = package.layers.Dense
        return package.Sequential([package.Input((1,)), *(dense(1, name=name) for name in names)])

    model, path = chain(fastrnn), tmp_path / "a.h5"
    model.set_weights([np.full(w.shape, k, "float32") for k, w in enumerate(model.weights)])
    (model.save_weights if save_weights else model.save)(path)
    with h5py.File(path) as file:
        group = file if save_weights else file["model_weights"]
        assert "layer_names" not in group.attrs and "layer_names1" in group.attrs
    other = chain(fastrnn)
    other.load_weights(path)
    theirs = chain(keras)
    theirs.load_weights(path)
    for got in (other.get_weights(), theirs.get_weights()):
        np.testing.assert_array_equal(np.ravel(got[1::2]), np.arange(1, 400, 2))


def test_weights_of_the_model_itself(tmp_path):
    class Scaled(fastrnn.Model):
        def __init__(self):
            super().__init__()
            self.dense = fastrnn.layers.Dense(2)
            self.scale = self.add_weight((2,), "zeros", name="scale")

        def call(self, inputs):
            return self.dense(inputs)

    model, other = Scaled(), Scaled()
    for k, m in enumerate((model, other)):
        m(np.ones((1, 3)))
        m.set_weights([np.full(w.shape, k) for w in m.weights])
    other.save_weights(tmp_path / "a.h5")
    model.load_weights(tmp_path / "a.h5")
    assert all((w == 1).all() for w in model.get_weights())


# ---- weights under any name ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["w.h5", "w.hdf5", "w.keras", "w.weights.h5", "w.npz", "w.weights.npz", "w.safetensors", "ckpt",
     "cp-0001.ckpt", "sub/weights.01-0.25", "model.weights", "w.bin"],
)  # fmt: skip
def test_weights_come_back_under_any_name(name, tmp_path):
    model, other = trained(), make()
    model.save_weights(tmp_path / name)
    other.load_weights(tmp_path / name)
    for got, expected in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)
    if name in ("w.h5", "w.hdf5"):
        theirs = make(keras)
        theirs.load_weights(tmp_path / name)
        np.testing.assert_array_equal(theirs.get_weights()[0], model.get_weights()[0])
    shutil.move(tmp_path / name, tmp_path / "renamed")
    make().load_weights(tmp_path / "renamed")


@pytest.mark.parametrize("name", ["w.h5", "w.hdf5"])
def test_layers_by_name(name, tmp_path):
    for package in (fastrnn, keras):
        source = trained(fastrnn)
        source.save_weights(tmp_path / name)
        L = package.layers
        target = package.Sequential(
            [package.Input((4, 3)), L.LSTM(2, name="rnn"), L.Dense(3), L.Dense(1, name="a")]
        )
        before = target.get_weights()
        if package is fastrnn:
            with pytest.raises(ModelFileError, match="unexpected_shape"):
                target.load_weights(tmp_path / name, by_name=True)
        with pytest.warns(UserWarning, match="these layers keep theirs|due to mismatch"):
            target.load_weights(tmp_path / name, by_name=True, skip_mismatch=True)
        after = target.get_weights()
        same = [np.array_equal(a, b) for a, b in zip(after, before, strict=True)]
        assert same[3:6] == [True] * 3
        np.testing.assert_array_equal(after[0], source.get_weights()[0])


def test_by_name_is_for_the_older_layout(tmp_path):
    for name in ("w.weights.h5", "w.npz", "w.safetensors", "w.fastrnn"):
        model = trained()
        (model.save if name.endswith("fastrnn") else model.save_weights)(tmp_path / name)
        with pytest.raises(ValueError, match="`by_name`"):
            model.load_weights(tmp_path / name, by_name=True)


# ---- whole models under any name -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["saved", "models/lstm.model", "run.v1", "saved.tf"])
def test_a_folder(name, tmp_path):
    model = trained()
    with pytest.warns(DeprecationWarning, match=r"\.keras"):
        model.save(tmp_path / name)
    model.save(tmp_path / name, zipped=False)  # today's form, over the first
    others = [k.models.load_model(tmp_path / name) for k in (fastrnn, keras)]
    losses = [m.train_on_batch(X, Y)[0] for m in (model, *others)]
    assert losses[0] == losses[1]
    np.testing.assert_allclose(losses[2], losses[0], rtol=1e-5)
    weights = make()
    weights.load_weights(tmp_path / name)


def test_save_format(tmp_path):
    model = trained()
    with pytest.warns(DeprecationWarning, match="save_format"):
        model.save(tmp_path / "a", save_format="h5")
    with pytest.warns(DeprecationWarning, match="save_format"):
        model.save_weights(tmp_path / "b", save_format="h5")
    assert h5py.is_hdf5(tmp_path / "a") and h5py.is_hdf5(tmp_path / "b")
    assert load_model(tmp_path / "a").compiled
    with pytest.raises(ValueError, match="`save_format`"):
        model.save(tmp_path / "c", save_format="pickle")


@pytest.mark.parametrize("name", ["a.h5", "a.keras", "a.fastrnn"])
def test_without_the_optimizer(name, tmp_path):
    trained().save(tmp_path / name, include_optimizer=False)
    assert not load_model(tmp_path / name).compiled
    assert (
        not getattr(keras.models.load_model(tmp_path / name), "compiled", False)
        or (name == "a.fastrnn")
        if name != "a.fastrnn"
        else True
    )


def test_content_decides_not_the_name(tmp_path):
    model = trained()
    for name in ("a.h5", "a.fastrnn", "a.keras"):
        model.save(tmp_path / name)
        shutil.copy(tmp_path / name, tmp_path / "other")
        np.testing.assert_array_equal(load_model(tmp_path / "other")(X), model(X))
    shutil.copy(tmp_path / "a.h5", tmp_path / "old.keras")  # as Keras 2 wrote it
    np.testing.assert_array_equal(load_model(tmp_path / "old.keras")(X), model(X))


@pytest.mark.parametrize(
    "name", ["a.onnx", "a.json", "a.yaml", "a.npz", "a.weights.h5", "a.safetensors", "a.pkl"]
)
def test_endings_of_something_else(name, tmp_path):
    with pytest.raises(ValueError, match="another ending"):
        make().save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_what_tensorflow_alone_reads(tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"\x08")
    (tmp_path / "cp.index").write_bytes(b"\x00")
    for call in (load_model, make().load_weights):
        with pytest.raises(ModelFileError, match="SavedModel") as caught:
            call(tmp_path / "saved")
        assert caught.value.reason == "foreign_file"
        with pytest.raises(ModelFileError, match="checkpoint of TensorFlow"):
            call(tmp_path / "cp")


def test_a_folder_of_links(tmp_path):
    trained().save(tmp_path / "a", zipped=False)
    shutil.move(tmp_path / "a" / "config.json", tmp_path / "config.json")
    with pytest.raises(ValueError, match=r"config\.json"):
        load_model(tmp_path / "a")
    (tmp_path / "a" / "config.json").symlink_to(tmp_path / "config.json")
    with pytest.raises(ModelFileError) as caught:
        load_model(tmp_path / "a")
    assert caught.value.reason == "member_kind"


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "a").write_text("mine")
    with pytest.raises(ValueError, match="name of a folder"):
        trained().save(tmp_path / "a", zipped=False)
    assert (tmp_path / "a").read_text() == "mine"


# ---- checkpoints ---------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:`val_.*is a form of an earlier Keras:DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "weights_only"),
    [
        ("m-{epoch:02d}-{val_acc:.2f}.h5", False),
        ("w.{epoch:02d}-{val_loss:.2f}.hdf5", True),
        ("cp-{epoch:04d}.ckpt", True),
        ("{epoch}-{val_mean_absolute_error:.3f}.keras", False),
        ("best", True),
    ],
)
def test_checkpoints(name, weights_only, tmp_path):
    model = make()
    checkpoint = callbacks.ModelCheckpoint(tmp_path / "sub" / name, save_weights_only=weights_only)
    model.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[checkpoint])
    files = sorted((tmp_path / "sub").iterdir())
    assert len(files) == (1 if name == "best" else 2)
    other = make()
    if weights_only:
        other.load_weights(files[-1])
    else:
        other = load_model(files[-1])
    np.testing.assert_array_equal(other(X), model(X))


def test_checkpoints_each_so_many_epochs(tmp_path):
    with pytest.warns(DeprecationWarning, match="period"):
        checkpoint = callbacks.ModelCheckpoint(tmp_path / "{epoch}.h5", period=2)
    make().fit(X, Y, epochs=5, verbose=0, callbacks=checkpoint)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.h5", "4.h5"]
