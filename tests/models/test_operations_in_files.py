"""Models with operations in Keras's files and fastrnn's, as JSON, cloned and copied."""

import copy
import pickle

import numpy as np
import pytest
from live_keras import keras, to_numpy

import fastrnn
from fastrnn.models import clone_model, load_model, model_from_json

X = np.random.default_rng(0).standard_normal((4, 5, 3)).astype("float32")


def attention(k):
    x = k.Input((5, 3))
    h = k.layers.Dense(3)(x)
    scores = k.ops.softmax(k.ops.einsum("bti,bsi->bts", h, x), axis=-1)
    return k.Model(x, k.ops.mean(k.ops.matmul(scores, h), axis=1))


def parts(k):
    x = k.Input((5, 3))
    first, last = k.ops.split(x, [2], axis=1)
    joined = k.ops.concatenate([k.ops.max(first, axis=1), last[:, -1]], axis=-1)
    return k.Model(x, k.ops.reshape(k.ops.clip(joined, -1.0, 1.0), (-1, 2, 3)))


def numbers(k):
    x = k.Input((5, 3))
    weights = np.arange(3, dtype="float32")
    y = k.ops.where(x > 0, x * weights, k.ops.exp(-(x**2)) / 2)
    return k.Model(x, k.ops.sum(k.ops.take(y, np.array([0, 2]), axis=1), axis=-1, keepdims=True))


MODELS = {"attention": attention, "parts": parts, "numbers": numbers}


@pytest.mark.parametrize("name", MODELS)
def test_ways_to_the_same_model(name, tmp_path):
    model = MODELS[name](fastrnn)
    expected = model(X)
    model.save(tmp_path / "model.keras")
    model.save(tmp_path / "model.fastrnn")
    again = [load_model(tmp_path / "model.keras"), load_model(tmp_path / "model.fastrnn")]
    again += [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    for other in (clone_model(model), model_from_json(model.to_json())):
        other.set_weights(model.get_weights())
        again.append(other)
    for other in again:
        np.testing.assert_array_equal(other(X), expected)


@pytest.mark.parametrize("name", MODELS)
def test_keras_reads_them_and_is_read(name, tmp_path):
    ours, theirs = MODELS[name](fastrnn), MODELS[name](keras)
    np.testing.assert_allclose(
        to_numpy(keras.models.load_model(_saved(ours, tmp_path))(X)), ours(X), rtol=1e-5, atol=1e-6
    )
    mine = load_model(_saved(theirs, tmp_path))
    np.testing.assert_allclose(mine(X), to_numpy(theirs(X)), rtol=1e-5, atol=1e-6)


def _saved(model, folder):
    path = folder / "model.keras"
    model.save(path)
    return path
