"""Sequential: layers in a chain, their names, shapes, masks and configuration."""

import numpy as np
import pytest

import fastrnn
from fastrnn import Input, Sequential, layers

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 5, 3)).astype("float32")


def make_model(**options):
    chain = [Input((5, 3)), layers.LSTM(6, return_sequences=True), layers.GRU(4), layers.Dense(2)]
    return Sequential(chain, **options)


def test_outputs_are_those_of_the_layers_one_after_the_other():
    model = make_model()
    expected = X
    for layer in model.layers:
        expected = layer(expected)
    np.testing.assert_array_equal(model(X), expected)
    np.testing.assert_array_equal(model.predict(X, batch_size=4, verbose=0), expected)
    assert (model.input_shape, model.output_shape) == ((None, 5, 3), (None, 2))


def test_input_builds_at_once_and_data_builds_later():
    assert make_model().built
    late = Sequential([layers.GRU(4), layers.Dense(2)])
    assert not late.built
    with pytest.raises(ValueError, match="no shapes yet"):
        _ = late.output_shape
    assert late(X).shape == (4, 2)
    assert late.count_params() == 3 * (3 * 4 + 4 * 4 + 2 * 4) + 4 * 2 + 2
    explicit = Sequential([layers.GRU(4), layers.Dense(2)])
    explicit.build((None, 5, 3))
    assert [w.shape for w in explicit.weights] == [w.shape for w in late.weights]


def test_input_shape_of_the_first_layer_builds_the_model():
    with pytest.warns(UserWarning, match="input_shape"):
        model = Sequential([layers.LSTM(4, input_shape=(5, 3))])
    assert model.built
    assert model.input_shape == (None, 5, 3)


def test_data_of_another_shape_is_refused():
    model = make_model()
    for bad in (X[..., :2], X[0], X[None]):
        with pytest.raises(ValueError, match=r"`inputs`.*\(None, 5, 3\)"):
            model(bad)
    free = Sequential([Input((None, 3)), layers.GRU(4)])
    assert free(X[:, :2]).shape == (4, 4)


def test_weight_paths_name_model_and_layers():
    model = Sequential([Input((5, 3)), layers.LSTM(4, name="first")], name="chain")
    kernel = "chain/first/lstm_cell/kernel"
    assert model.weights[0].path == kernel


def test_add_and_pop():
    model = make_model()
    last = model.layers[-1]
    assert model.pop() is last
    assert model.output_shape == (None, 4)
    model.add(layers.Dense(7))
    assert model(X).shape == (4, 7)
    empty = Sequential()
    with pytest.raises(ValueError, match="`layers`"):
        empty.pop()


def test_pop_all_and_add_again():
    model = Sequential([layers.Dense(2)])
    model(X)
    model.pop()
    assert model.layers == []
    model.add(layers.Dense(5))
    assert model(X).shape == (4, 5, 5)


def test_get_layer():
    model = make_model()
    for k, layer in enumerate(model.layers):
        assert model.get_layer(index=k) is layer
        assert model.get_layer(layer.name) is layer
    for bad in ({}, {"name": "no"}, {"index": 3}, {"name": "a", "index": 0}):
        with pytest.raises(ValueError, match=r"`(name|index)`"):
            model.get_layer(**bad)


def test_weights_travel_to_a_model_from_the_config():
    model = make_model(name="original")
    other = Sequential.from_config(model.get_config())
    assert other.name == "original"
    assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
    assert np.abs(other(X) - model(X)).max() > 1e-3
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other(X), model(X))


def test_model_inside_a_model():
    inner = Sequential([layers.Dense(3, activation="tanh"), layers.Dense(2)], name="inner")
    model = Sequential([Input((5, 3)), layers.GRU(4, return_sequences=True), inner])
    expected = inner(model.layers[0](X))
    np.testing.assert_array_equal(model(X), expected)
    outputs, pullback = model.vjp(X)
    d_inputs, d_weights = pullback(np.ones_like(outputs))
    assert d_inputs.shape == X.shape
    assert [d.shape for d in d_weights] == [v.shape for v in model.trainable_weights]
    inner.trainable = False
    assert len(model.trainable_weights) == len(model.layers[0].weights)
    assert len(model.vjp(X)[1](np.ones_like(outputs))[1]) == len(model.trainable_weights)


def test_gradients_of_inputs_are_those_of_differences():
    double = {"dtype": "float64"}
    model = Sequential([layers.LSTM(6, return_sequences=True, **double), layers.GRU(4, **double)])
    x = X.astype("float64")
    outputs, pullback = model.vjp(x)
    d_outputs, direction = RNG.standard_normal(outputs.shape), RNG.standard_normal(x.shape)
    d_inputs, _ = pullback(d_outputs)
    step = 1e-5
    difference = (model(x + step * direction) - model(x - step * direction)) / (2 * step)
    # Central differences are exact to step² and eps / step.
    expected = (difference * d_outputs).sum()
    np.testing.assert_allclose((d_inputs * direction).sum(), expected, rtol=1e-8)


def test_mask_of_an_embedding_travels_to_the_recurrent_layers():
    embedding, lstm = layers.Embedding(9, 3, mask_zero=True), layers.LSTM(4)
    model = Sequential([Input((5,)), embedding, layers.Dropout(0.5), lstm])
    words = np.array([[3, 4, 0, 0, 0], [1, 0, 5, 6, 0]])
    expected = lstm(embedding(words), mask=words != 0)
    np.testing.assert_array_equal(model(words), expected)
    assert np.abs(expected - lstm(embedding(words))).max() > 1e-4


def test_states_are_kept_and_reset_by_the_model():
    model = Sequential([Input(batch_shape=(4, 5, 3)), layers.GRU(4, stateful=True)])
    first, second = model(X), model(X)
    assert np.abs(first - second).max() > 1e-4
    model.reset_states()
    np.testing.assert_array_equal(model(X), first)


def test_all_ways_to_a_prediction_give_the_same_bits():
    """Whatever asks for the outputs, and whether the engine takes its fast path."""
    fastrnn.utils.set_random_seed(5)
    tokens = np.array([[1, 2, 3, 0], [4, 0, 0, 0], [0, 0, 0, 0]])
    inner = fastrnn.Sequential([Input((4, 3)), layers.Dropout(0.5), layers.GRU(3)])
    model = fastrnn.Sequential([
        Input((4,), dtype="int32"), layers.Embedding(5, 3, mask_zero=True),
        layers.LSTM(3, return_sequences=True), layers.Dense(3), inner, layers.Dense(2),
    ])  # fmt: skip
    short = model.predict(tokens, verbose=0)
    watched = model.predict(tokens, verbose=0, callbacks=[fastrnn.callbacks.Callback()])
    context = fastrnn.layers.base.layer.CallContext(penalties=[])
    for other in (model(tokens), model.predict_on_batch(tokens), watched, model.vjp(tokens)[0]):
        np.testing.assert_array_equal(short, other)
    np.testing.assert_array_equal(short, model.run(model.accept(tokens), context)[0])
    assert np.abs(short - model.predict(np.maximum(tokens, 1), verbose=0)).max() > 1e-3
    for bad in (tokens[0], tokens[None], np.zeros((0, 4)), np.float32(1)):
        with pytest.raises(ValueError, match=r"`(inputs|x)`"):
            model.predict(bad, verbose=0)
    with pytest.raises(ValueError, match="`batch_size`"):
        model.predict(tokens, batch_size=0, verbose=0)
