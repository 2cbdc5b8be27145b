"""What all layers promise: they build once and whole, and results belong to the caller."""

import numpy as np
import pytest

import fastrnn
from fastrnn import Sequential, layers

RNG = np.random.default_rng(0)
SEQUENCES = RNG.standard_normal((4, 5, 3)).astype("float32")


def test_build_names_weights_after_the_layer_and_makes_them_once():
    fastrnn.utils.clear_session()
    layer = layers.Bidirectional(layers.GRU(2))
    layer.build((None, 5, 3))
    assert layer.weights[0].path == "bidirectional/forward_gru/gru_cell/kernel"
    weights = layer.get_weights()
    layer.build((None, 5, 3))
    layer(SEQUENCES)
    assert len(layer.weights) == 6
    for one, other in zip(weights, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_build_that_fails_leaves_nothing_behind():
    layer = layers.Dense(2, bias_initializer="orthogonal")  # a bias has too few axes for it
    for _ in range(2):
        with pytest.raises(ValueError, match="`shape`"):
            layer.build((None, 3))
        assert layer.weights == []
        assert not layer.built
    with pytest.raises(ValueError, match="`input_shape`"):
        layers.Dense(2).build(3)


def make_bidirectional(mode):
    inner = layers.LSTM(3, return_sequences=True, return_state=True, stateful=True)
    return layers.Bidirectional(inner, merge_mode=mode)


LAYERS = {
    "dropout": lambda: layers.Dropout(0.5),
    "linear": lambda: layers.Activation("linear"),
    "dense": lambda: layers.Dense(3),
    "flatten": lambda: layers.Flatten(),
    "masking": lambda: layers.Masking(),
    "batch_norm": lambda: layers.BatchNormalization(),
    "time_distributed": lambda: layers.TimeDistributed(layers.Dropout(0.5)),
    "lstm": lambda: layers.LSTM(3, stateful=True, return_state=True),
    "gru": lambda: layers.GRU(3, stateful=True, return_state=True),
    "simple_rnn": lambda: layers.SimpleRNN(3, stateful=True, return_state=True),
    "bidirectional": lambda: make_bidirectional("concat"),
    "bidirectional_none": lambda: make_bidirectional(None),
    "model": lambda: Sequential([layers.Dropout(0.5)]),
}


def as_list(value):
    return list(value) if isinstance(value, (tuple, list)) else [value]


@pytest.mark.parametrize("name", LAYERS)
def test_results_share_no_memory_with_inputs_weights_and_states(name):
    layer = LAYERS[name]()
    inputs = SEQUENCES.copy()
    called = as_list(layer(inputs))
    outputs, pullback = layer.vjp(inputs)
    outputs = as_list(outputs)
    d_outputs = [np.ones_like(y) for y in outputs]
    d_inputs, d_weights = pullback(tuple(d_outputs) if len(d_outputs) > 1 else d_outputs[0])
    kept = [inputs, *(w.value for w in layer.weights), *(getattr(layer, "states", None) or [])]
    for result in (*called, *outputs, d_inputs, *d_weights):
        assert not any(np.shares_memory(result, array) for array in (*kept, *d_outputs))
    results = [*called, *outputs]
    for k, result in enumerate(results):
        assert not any(np.shares_memory(result, other) for other in results[:k])
    np.testing.assert_array_equal(inputs, SEQUENCES)
    for d in d_outputs:
        np.testing.assert_array_equal(d, 1)


def test_predictions_share_no_memory_with_the_data():
    model, x = Sequential([layers.Dropout(0.5)]), SEQUENCES.copy()
    model.predict(x, batch_size=9, verbose=0)[:] = 7
    model.predict_on_batch(x)[:] = 7
    np.testing.assert_array_equal(x, SEQUENCES)


def test_changing_returned_states_does_not_change_a_stateful_layer():
    layer = layers.LSTM(3, stateful=True, return_state=True)
    _, h, _ = layer(SEQUENCES)
    before = [state.copy() for state in layer.states]
    h[:] = 9
    for one, other in zip(before, layer.states, strict=True):
        np.testing.assert_array_equal(one, other)


def test_bidirectional_copies_the_backward_layer_with_its_weights():
    x = np.random.default_rng(0).standard_normal((2, 5, 3), dtype=np.float32)
    backward = layers.GRU(4, go_backwards=True, return_sequences=True)
    expected = backward(x)
    both = layers.Bidirectional(
        layers.LSTM(4, return_sequences=True), merge_mode=None, backward_layer=backward
    )
    np.testing.assert_array_equal(both(x)[1], expected[:, ::-1])
    assert both.backward_layer.zero_output_for_mask
    assert both.backward_layer is not backward and not backward.zero_output_for_mask
