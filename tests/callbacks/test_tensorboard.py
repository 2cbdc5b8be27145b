"""TensorBoard's files: what is in them, with the package and without."""

import json

import numpy as np
import pytest

import fastrnn
from fastrnn import callbacks, layers
from fastrnn.callbacks import summary_writers

X, Y = np.ones((8, 3, 1)), np.ones((8, 1))


def fit(folder, epochs=2, **options):
    model = fastrnn.Sequential([fastrnn.Input((3, 1)), layers.GRU(2), layers.Dense(1)])
    model.compile(fastrnn.optimizers.SGD(0.25), "mse", metrics=["mae"])
    board = callbacks.TensorBoard(folder, **options)
    data = {"validation_split": 0.25, "batch_size": 2, "epochs": epochs, "verbose": 0}
    return model, model.fit(X, Y, callbacks=[board], **data).history


def events(folder):
    """The values of a folder's event file by tag, each with its step."""
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from tensorboard.util import tensor_util

    accumulator = accumulators.EventAccumulator(str(folder))
    accumulator.Reload()
    return {
        tag: [(e.step, tensor_util.make_ndarray(e.tensor_proto)) for e in accumulator.Tensors(tag)]
        for tag in accumulator.Tags()["tensors"]
    }


def test_event_files(tmp_path):
    model, history = fit(tmp_path, histogram_freq=1, write_steps_per_second=True)
    train, validation = (events(tmp_path / part) for part in ("train", "validation"))
    for name in ("loss", "mae"):
        for found, curve in ((train, name), (validation, f"val_{name}")):
            steps, values = zip(*found[f"epoch_{name}"], strict=True)
            assert steps == (0, 1)
            np.testing.assert_allclose(values, history[curve], rtol=1e-6)
    assert [float(rate) for _, rate in train["epoch_learning_rate"]] == [0.25, 0.25]
    assert all(rate > 0 for _, rate in train["epoch_steps_per_second"])
    assert [step for step, _ in validation["evaluation_loss_vs_iterations"]] == [3, 6]
    assert json.loads(train["keras"][0][1][0])["class_name"] == "Sequential"
    for weight in model.weights:
        step, bins = train[f"{weight.path}/histogram"][-1]
        assert step == 1 and bins[:, 2].sum() == weight.value.size
        if weight.value.min() < weight.value.max():
            assert bins[0, 0] == pytest.approx(weight.value.min())
            assert bins[-1, 1] == pytest.approx(weight.value.max())
    assert not any(tag.startswith("batch_") for tag in train)


def test_numbers_of_batches_and_of_evaluations(tmp_path):
    fit(tmp_path / "a", update_freq=2)
    assert [step for step, _ in events(tmp_path / "a" / "train")["batch_loss"]] == [2, 4, 6]
    model, _ = fit(tmp_path / "b", epochs=1, update_freq="batch", write_graph=False)
    found = events(tmp_path / "b" / "train")
    assert len(found["batch_mae"]) == 3 and "keras" not in found
    board = callbacks.TensorBoard(tmp_path / "c")
    loss = model.evaluate(X, Y, verbose=0, callbacks=[board])[0]
    step, value = events(tmp_path / "c" / "validation")["evaluation_loss_vs_iterations"][0]
    assert step == 3 and value == pytest.approx(loss)


def test_lines_of_json_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(summary_writers, "new_writer", summary_writers.JsonLines)
    monkeypatch.setattr("fastrnn.callbacks.tensorboard.new_writer", summary_writers.JsonLines)
    _, history = fit(tmp_path)
    lines = (tmp_path / "train" / "scalars.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    losses = [line["value"] for line in found if line["tag"] == "epoch_loss"]
    assert losses == history["loss"]
    assert {line["step"] for line in found} == {0, 1}
    with pytest.warns(UserWarning, match=r"fastrnn\[tensorboard\]"):
        fit(tmp_path, histogram_freq=1)


def test_the_package_decides(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
    writer = summary_writers.new_writer(tmp_path)
    assert isinstance(writer, summary_writers.JsonLines)
    writer.close()


def test_arguments():
    with pytest.warns(UserWarning, match="profile_batch"):
        callbacks.TensorBoard(profile_batch="2,5")
    with pytest.warns(DeprecationWarning, match="write_grads"):
        assert callbacks.TensorBoard(write_grads=True, write_images=True)
    for bad in ({"update_freq": 0}, {"embeddings_freq": 1}, {"histogram_freq": "a"}, {"what": 1}):
        with pytest.raises((ValueError, TypeError), match=next(iter(bad))):
            callbacks.TensorBoard(**bad)
