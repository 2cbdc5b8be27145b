"""Weights in files: written whole, read only where they fit; ModelCheckpoint beside live Keras."""

import io

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn.callbacks import ModelCheckpoint

X = np.random.default_rng(0).standard_normal((12, 4, 3)).astype("float32")
Y = X[:, 0, :1]


def make_model(package=fastrnn, units=4):
    model = package.Sequential(
        [package.Input((4, 3)), package.layers.GRU(units), package.layers.Dense(1)]
    )
    model.compile(package.optimizers.SGD(0.1), "mse")
    return model


def test_weights_come_back_bit_for_bit(tmp_path):
    path = tmp_path / "a.weights.npz"
    first, second = make_model(), make_model()
    first.save_weights(path)
    second.load_weights(str(path))  # other numbers in the names of the layers
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with np.load(path) as archive:
        assert archive.files == [v.path for v in first.weights]
    assert [p.name for p in tmp_path.iterdir()] == ["a.weights.npz"]
    with pytest.raises(ValueError, match="`filepath`"):
        first.save_weights(path, overwrite=False)


def test_a_crash_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.weights.npz"
    model = make_model()
    model.save_weights(path)
    before = path.read_bytes()

    def crash(file, **arrays):
        file.write(b"half")
        raise OSError("full")

    monkeypatch.setattr(np, "savez", crash)
    with pytest.raises(OSError, match="full"):
        model.save_weights(path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def write(path, change):
    """Save weights of a model to ``path`` after ``change`` of the dict of arrays."""
    arrays = {v.path: v.value for v in make_model().weights}
    np.savez(path, **change(arrays))


def rename(arrays):
    return {path.replace("gru", "lstm"): array for path, array in arrays.items()}


def as_type(dtype):
    return lambda arrays: {path: array.astype(dtype) for path, array in arrays.items()}


UNFIT = {
    "count": (lambda arrays: dict(list(arrays.items())[:-1]), "unexpected_weights"),
    "name": (rename, "unexpected_weights"),
    "shape": (lambda arrays: {k: np.zeros((2, 2), "float32") for k in arrays}, "unexpected_shape"),
    "dtype": (
        lambda arrays: {k: a.astype("float64") for k, a in arrays.items()},
        "unexpected_dtype",
    ),
    "pickle": (as_type(object), "npy_dtype"),
}


@pytest.mark.parametrize("how", UNFIT)
def test_a_file_that_does_not_fit_changes_nothing(how, tmp_path):
    path = tmp_path / "a.weights.npz"
    change, message = UNFIT[how]
    write(path, change)
    model = make_model()
    before = model.get_weights()
    with pytest.raises(fastrnn.saving.ModelFileError, match=message):
        model.load_weights(path)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def one_array():
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize(
    "content", [b"", b"no archive", b"PK\x03\x04 cut off", one_array()], ids=range(4)
)
def test_a_file_that_is_no_archive(content, tmp_path):
    path = tmp_path / "a.weights.npz"
    path.write_bytes(content)
    with pytest.raises(fastrnn.saving.ModelFileError) as caught:
        make_model().load_weights(path)
    assert caught.value.reason == "not_a_zip"


@pytest.mark.parametrize("names", [("a", "A"), ("con", "b"), ("a", "b:c")], ids=str)
def test_names_that_are_no_names_of_files_are_not_written(names, tmp_path):
    layers = [fastrnn.layers.Dense(1, name=name) for name in names]
    model = fastrnn.Sequential([fastrnn.Input((2,)), *layers])
    with pytest.raises(ValueError, match="member_"):
        model.save_weights(tmp_path / "a.weights.npz")
    assert not list(tmp_path.iterdir())


def test_other_endings_and_models_without_weights(tmp_path):
    for name in ("a.fastrnn", "a.onnx", "", 3):
        with pytest.raises(ValueError, match="`filepath`"):
            make_model().save_weights(name)
    with pytest.raises(FileNotFoundError):
        make_model().load_weights(tmp_path / "none.weights.npz")
    with pytest.raises(ValueError, match="no weights"):
        fastrnn.Sequential([fastrnn.layers.Dense(1)]).save_weights(tmp_path / "b.weights.npz")


CHECKPOINTS = [
    ("w{epoch:02d}", {}),
    ("sub/w{epoch}", {"save_best_only": True, "monitor": "loss"}),
    ("w{epoch}", {"save_best_only": True, "monitor": "loss", "mode": "max"}),
    ("w{epoch}", {"save_best_only": True, "monitor": "loss", "initial_value_threshold": 0.0}),
    ("w{epoch}-{batch}", {"save_freq": 2}),
]


@pytest.mark.parametrize(("name", "options"), CHECKPOINTS, ids=str)
def test_model_checkpoint(name, options, tmp_path):
    start, files = make_model(keras).get_weights(), []
    for package, ending in ((keras, "h5"), (fastrnn, "npz")):
        model = make_model(package)
        model.set_weights(start)
        folder = tmp_path / package.__name__
        path = str(folder / f"{name}.weights.{ending}")
        folder.mkdir()
        callback = package.callbacks.ModelCheckpoint(path, save_weights_only=True, **options)
        model.fit(X, Y, 4, epochs=3, verbose=0, shuffle=False, callbacks=[callback])
        found = [p.relative_to(folder).as_posix() for p in folder.rglob("*.weights.*")]
        files.append(sorted(p.removesuffix(f".{ending}") for p in found))
    assert files[0] == files[1]


def test_bad_arguments_of_model_checkpoint():
    with pytest.raises(ValueError, match="`filepath`"):
        ModelCheckpoint("a.weights.npz")
    with pytest.raises(ValueError, match="`filepath`"):
        ModelCheckpoint("a.fastrnn", save_weights_only=True)
    with pytest.raises(ValueError, match="`save_freq`"):
        ModelCheckpoint("a.weights.npz", save_weights_only=True, save_freq="batch")
    callback = ModelCheckpoint("{nothing}.weights.npz", save_weights_only=True)
    with pytest.raises(ValueError, match="`filepath`"):
        make_model().fit(X, Y, verbose=0, callbacks=[callback])
