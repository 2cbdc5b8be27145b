"""Members of layers, models and optimizers that scripts of Keras 2 read."""

import numpy as np
import pytest

import fastrnn
from fastrnn import Input, Model, Sequential, layers, optimizers, utils

warns = pytest.warns(DeprecationWarning, match="earlier Keras")


def make():
    return Sequential([Input((5, 1)), layers.LSTM(2, name="rnn"), layers.Dense(1)])


def test_shapes_and_tensors_of_calls():
    model = make()
    rnn = model.get_layer("rnn")
    with warns:
        assert rnn.output_shape == (None, 2)
    with warns:
        assert rnn.input_shape == (None, 5, 1)
    with warns:
        assert rnn.get_input_at(0) is rnn.input
    with warns:
        assert rnn.get_output_at(-1) is rnn.output
    with warns, pytest.raises(ValueError, match="`node_index`"):
        rnn.get_output_at(1)
    assert model.output_shape == (None, 1)  # a model's is today's


def test_a_layer_may_have_attributes_of_these_names():
    class Own(layers.Layer):
        def __init__(self):
            super().__init__()
            self.output_shape = 3

        def call(self, x):
            return x

    assert Own().output_shape == 3


def test_models_of_the_features_of_another_one():
    model, x = make(), np.ones((2, 5, 1), "float32")
    expected = model.get_layer("rnn")(x)
    for outputs in (model.layers[-2].output, model.get_layer("rnn").output):
        np.testing.assert_allclose(Model(model.input, outputs)(x), expected, atol=1e-6)
    np.testing.assert_allclose(Model(model.inputs, model.layers[0].output)(x), expected, atol=1e-6)
    assert model.input_names == [model.input.name]
    assert model.output_names == [model.output.name]


def test_models():
    model = make()
    with warns:
        assert model.state_updates == []
    with pytest.raises(RuntimeError, match="to_json"):
        model.to_yaml()
    model.reset_states()


def test_the_learning_rate_by_its_old_name():
    optimizer = optimizers.SGD(0.5)
    with warns:
        assert float(optimizer.lr) == 0.5
    with warns:
        optimizer.lr = 0.25
    assert float(optimizer.learning_rate) == 0.25
    optimizer.learning_rate.assign(0.125)
    assert float(optimizer.learning_rate) == 0.125
    with warns:
        optimizer.lr.assign(1.0)
    assert optimizer.get_config()["learning_rate"] == 1.0


def test_the_state_of_an_optimizer():
    x, y = np.ones((4, 5, 1)), np.ones((4, 1))
    model, other = make(), make()
    for m in (model, other):
        m.compile(optimizers.Adam(0.01), "mse")
    model.fit(x, y, epochs=2, verbose=0)
    other.set_weights(model.get_weights())
    other.optimizer.build(other.trainable_weights)
    with warns:
        arrays = model.optimizer.get_weights()
    with warns:
        assert model.optimizer.weights == model.optimizer.variables
    other.optimizer.set_weights(arrays)
    assert model.train_on_batch(x, y) == other.train_on_batch(x, y)
    store = {}
    model.optimizer.save_own_variables(store)
    other.optimizer.load_own_variables(store)
    assert sorted(store, key=int) == [str(k) for k in range(len(arrays))]
    assert model.train_on_batch(x, y) == other.train_on_batch(x, y)
    before = [v.numpy() for v in other.optimizer.variables]
    for bad in (arrays[:-1], [*arrays[:-1], np.ones(7)]):
        with pytest.raises(ValueError, match="`weights`"):
            other.optimizer.set_weights(bad)
    for a, b in zip(before, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b.value)


def test_questions_about_tensors(capsys):
    x, y = Input((3,)), Input((3,))
    joined = layers.Concatenate()([layers.Dense(2)(x), y])
    found = utils.get_source_inputs(layers.Dense(1)(joined))
    assert [id(tensor) for tensor in found] == [id(x), id(y)]
    assert utils.is_keras_tensor(joined) and not utils.is_keras_tensor(np.ones(3))
    assert utils.standardize_dtype(None) == "float32" and utils.standardize_dtype("int") == "int64"
    with pytest.raises(ValueError, match="`dtype`"):
        utils.standardize_dtype("what")
    with pytest.raises(ValueError, match="`tensor`"):
        utils.get_source_inputs(np.ones(3))
    utils.io_utils.print_msg("shown")
    try:
        utils.disable_interactive_logging()
        utils.io_utils.print_msg("logged")
        assert not fastrnn.config.is_interactive_logging_enabled()
    finally:
        utils.enable_interactive_logging()
    assert capsys.readouterr().out == "shown\n" and utils.is_interactive_logging_enabled()
    assert fastrnn.InputSpec is layers.InputSpec
    assert fastrnn.DTypePolicy is fastrnn.dtype_policies.DTypePolicy
