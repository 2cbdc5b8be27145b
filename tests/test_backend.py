"""``fastrnn.backend``: the names of Keras 1 and 2, on arrays and in a model."""

import sys

import numpy as np
import pytest

import fastrnn
from fastrnn import backend as K

X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
CASES = {
    "sum": (lambda x: K.sum(x, axis=-1, keepdims=True), lambda x: x.sum(-1, keepdims=True)),
    "pow": (lambda x: K.pow(x, 2), lambda x: x**2),
    "permute_dimensions": (
        lambda x: K.permute_dimensions(x, (0, 2, 1)),
        lambda x: x.transpose(0, 2, 1),
    ),
    "repeat": (lambda x: K.repeat(x[:, 0], 5), lambda x: np.repeat(x[:, :1], 5, 1)),
    "repeat_elements": (lambda x: K.repeat_elements(x, 2, axis=1), lambda x: x.repeat(2, 1)),
    "reverse": (lambda x: K.reverse(x, 1), lambda x: x[:, ::-1]),
    "batch_dot": (
        lambda x: K.batch_dot(x, x, axes=[2, 2]),
        lambda x: np.einsum("bij,bkj->bik", x, x),
    ),
    "batch_dot_axes": (
        lambda x: K.batch_dot(x, K.permute_dimensions(x, (0, 2, 1))),
        lambda x: np.einsum("bij,bkj->bik", x, x),
    ),
    "batch_dot_rows": (
        lambda x: K.batch_dot(x[:, 0], x[:, 1], axes=1),
        lambda x: (x[:, 0] * x[:, 1]).sum(-1, keepdims=True),
    ),
    "batch_dot_weights": (
        lambda x: K.batch_dot(K.softmax(x[:, :, 0]), x, axes=1),
        lambda x: np.einsum(
            "bt,btf->bf", np.exp(x[:, :, 0]) / np.exp(x[:, :, 0]).sum(-1, keepdims=True), x
        ),
    ),
    "dot": (
        lambda x: K.dot(x, np.ones((4, 2), "float32")),
        lambda x: x @ np.ones((4, 2), "float32"),
    ),
    "batch_flatten": (lambda x: K.batch_flatten(x), lambda x: x.reshape(2, 12)),
    "temporal_padding": (
        lambda x: K.temporal_padding(x, (1, 2)),
        lambda x: np.pad(x, ((0, 0), (1, 2), (0, 0))),
    ),
    "l2_normalize": (
        lambda x: K.l2_normalize(x, axis=-1),
        lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True),
    ),
    "switch": (
        lambda x: K.switch(K.greater(x, 0), x, lambda: x * 2),
        lambda x: np.where(x > 0, x, 2 * x),
    ),
    "slice": (lambda x: K.slice(x, (0, 1, 0), (2, 2, 4)), lambda x: x[:, 1:]),
    "cast": (lambda x: K.cast(x > 0, K.floatx()), lambda x: (x > 0).astype("float32")),
    "gather": (lambda x: K.gather(x, [1, 0]), lambda x: x[[1, 0]]),
    "foldl": (lambda x: K.foldl(lambda a, b: a + b, x), lambda x: x.sum(0)),
    "map_fn": (lambda x: K.map_fn(lambda row: row * 2, x), lambda x: 2 * x),
    "binary_crossentropy": (
        lambda x: K.binary_crossentropy(K.ones_like(x), K.sigmoid(x)),
        lambda x: np.log1p(np.exp(-x)),
    ),
    "sparse_categorical_crossentropy": (
        lambda x: K.sparse_categorical_crossentropy(np.zeros((2, 3), int), x, from_logits=True),
        lambda x: np.log(np.exp(x).sum(-1)) - x[..., 0],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_on_arrays_and_in_a_model(name):
    ours, formula = CASES[name]
    expected = formula(X)
    np.testing.assert_allclose(ours(X), expected, rtol=2e-5, atol=1e-6)
    inputs = fastrnn.Input(batch_shape=X.shape)
    outputs = ours(inputs)
    assert outputs.shape == expected.shape
    if expected.shape[:1] == X.shape[:1]:
        found = fastrnn.Model(inputs, outputs).predict(X, verbose=0)
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)


def test_every_name_is_there_and_explained():
    for name in K.__all__:
        assert getattr(K, name).__doc__, name
    assert {"mean", "batch_dot", "clear_session", "floatx", "set_session"} <= set(dir(K))


def test_settings():
    assert K.backend() == "numpy" and K.floatx() == "float32" and K.epsilon() == 1e-7
    assert K.image_data_format() == "channels_last" and K.learning_phase() == 0
    K.clear_session()
    assert fastrnn.layers.Dense(1).name == "dense"
    assert K.get_uid("thing") == 1 and K.get_uid("thing") == 2
    K.set_session(None)


def test_the_module_of_keras_2(monkeypatch):
    # Another test may have imported it, and an import warns once.
    monkeypatch.delitem(sys.modules, "fastrnn.backend.tensorflow_backend", raising=False)
    with pytest.warns(DeprecationWarning, match="from fastrnn.backend import set_session"):
        from fastrnn.backend.tensorflow_backend import set_session

    assert set_session is K.set_session and K.tensorflow_backend._get_available_gpus() == []


def test_values():
    variable = K.variable([1, 2])
    assert K.get_value(variable).tolist() == [1, 2] and variable.dtype == "float32"
    K.set_value(variable, [3, 4])
    K.update_add(variable, [1, 1])
    assert K.eval(variable).tolist() == [4, 5] and K.count_params(variable) == 2
    assert K.constant(3, shape=(2, 2)).tolist() == [[3, 3], [3, 3]]
    x = fastrnn.Input((None, 3))
    assert K.int_shape(x) == (None, None, 3) and K.ndim(x) == 3 and K.is_keras_tensor(x)
    assert K.dtype(x) == "float32" and not K.is_keras_tensor(X)
    assert K.in_train_phase(1, lambda: 2, training=True) == 1
    assert K.in_train_phase(1, lambda: 2) == 2


@pytest.mark.parametrize("name", ["function", "gradients", "placeholder", "rnn", "nothing"])
def test_what_is_not_there_is_named(name):
    with pytest.raises(AttributeError, match=f"no `{name}`"):
        getattr(K, name)


def test_defaults_are_those_of_the_backend():
    assert K.concatenate([X, X]).shape == (2, 3, 8)
    assert K.argmax(X).shape == (2, 3) and K.expand_dims(X).shape == (2, 3, 4, 1)
    np.testing.assert_allclose(K.cumsum(X), X.cumsum(0), rtol=1e-6)
    np.testing.assert_allclose(K.cumprod(X), X.cumprod(0), rtol=1e-6)
    found = K.relu(X, alpha=0.1, max_value=1.0)
    np.testing.assert_allclose(found, np.minimum(np.where(X > 0, X, 0.1 * X), 1), rtol=1e-6)


def test_a_call_of_one_s_own_knows_its_phase():
    class Doubling(fastrnn.layers.Layer):
        def call(self, inputs):
            return K.in_train_phase(2 * inputs, inputs) + 10 * K.learning_phase()

    layer, x = Doubling(), np.ones((2, 3), "float32")
    found = [layer(x, training=training)[0, 0] for training in (False, True, None)]
    assert found == [1.0, 12.0, 1.0]
    model = fastrnn.Sequential([fastrnn.Input((3,)), layer])
    model.compile("sgd", "mse")
    assert model.evaluate(x, 0 * x, verbose=0) == 1.0
    assert model.train_on_batch(x, 0 * x) == 144.0
