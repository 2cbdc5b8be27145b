"""Layers against live Keras: the same weights give the same outputs, gradients and names."""

import itertools

import numpy as np
import pytest
from cases import CELL_ACTIVATIONS, make_mask
from live_keras import as_list, differentiate, keras, torch
from tolerance import assert_close

import fastrnn
from fastrnn import layers

RECURRENT = {
    "simple_rnn": ("SimpleRNN", {}),
    "lstm": ("LSTM", {}),
    "gru": ("GRU", {"reset_after": False}),
    "gru_reset_after": ("GRU", {}),
}
BATCH, TIME, FEATURES, UNITS = 4, 6, 5, 3


def random_weights(layer, seed=0):
    """Distinct weights that are not the initial ones: zeros would hide exchanged biases."""
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal(w.shape) * 0.5).astype("float32") for w in layer.get_weights()]


def compare(ours, theirs, x, *, states=(), training=False, mask=None, seed=0, n=64):
    """Outputs, gradients, weight names and shapes of both layers, with the same weights."""
    theirs.build(x.shape)
    ours.build(x.shape)
    weights = random_weights(ours, seed)
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    assert [w.trainable for w in ours.weights] == [w.trainable for w in theirs.weights]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    options = {"initial_state": list(states)} if states else {}
    outputs, pullback = ours.vjp(x, training=training, mask=mask, **options)
    rng = np.random.default_rng(seed + 1)
    d_outputs = [rng.standard_normal(y.shape).astype(y.dtype) for y in as_list(outputs)]
    structured = tuple(d_outputs) if isinstance(outputs, tuple) else d_outputs[0]
    d_inputs, d_weights = pullback(structured)
    their_options = {} if mask is None else {"mask": torch.tensor(mask)}
    expected = differentiate(theirs, [x, *states], d_outputs, training, **their_options)
    for k, (actual, wanted) in enumerate(zip(as_list(outputs), expected[0], strict=True)):
        assert_close(actual, wanted, n, TIME, name=f"outputs[{k}]")
    for k, (actual, wanted) in enumerate(zip(as_list(d_inputs), expected[1], strict=True)):
        if wanted is not None:
            assert_close(actual, wanted, n, TIME, backward=True, name=f"d_inputs[{k}]")
    for k, (actual, wanted) in enumerate(zip(d_weights, expected[2], strict=True)):
        assert_close(actual, wanted, n, TIME, backward=True, name=f"d_weights[{k}]")
    for k, (actual, wanted) in enumerate(
        zip(ours.get_weights(), theirs.get_weights(), strict=True)
    ):
        assert_close(actual, wanted, n, name=f"weights after the call [{k}]")
    shape = ours.compute_output_shape(x.shape)
    shapes = [y.shape for y in as_list(outputs)]
    assert (list(shape) if isinstance(shape[0], tuple) else [shape]) == shapes


def sequences(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((BATCH, TIME, FEATURES)).astype("float32")


def make_states(count, seed=5):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((BATCH, UNITS)).astype("float32") for _ in range(count)]


def pair(cell, **options):
    name, fixed = RECURRENT[cell]
    options = {**fixed, **options}
    return getattr(layers, name)(UNITS, **options), getattr(keras.layers, name)(UNITS, **options)


FLAGS = list(itertools.product((False, True), repeat=3))


@pytest.mark.parametrize("cell", RECURRENT)
@pytest.mark.parametrize(("sequence", "state", "backwards"), FLAGS)
def test_recurrent_layer(cell, sequence, state, backwards):
    options = {
        "return_sequences": sequence,
        "return_state": state,
        "go_backwards": backwards,
    }
    compare(*pair(cell, **options), sequences())
    count = 2 if cell == "lstm" else 1
    compare(*pair(cell, **options), sequences(), states=make_states(count))


@pytest.mark.parametrize("kind", ["left", "right", "holes", "rows", "first", "all"])
@pytest.mark.parametrize("cell", RECURRENT)
@pytest.mark.parametrize(("sequence", "zero", "backwards"), FLAGS)
def test_recurrent_layer_with_mask(cell, kind, sequence, zero, backwards):
    mask = make_mask(kind, BATCH, TIME, np.random.default_rng(3))
    options = {
        "return_sequences": sequence,
        "zero_output_for_mask": zero,
        "go_backwards": backwards,
        "return_state": True,
    }
    count = 2 if cell == "lstm" else 1
    compare(*pair(cell, **options), sequences(), states=make_states(count), mask=mask)


@pytest.mark.parametrize("cell", RECURRENT)
@pytest.mark.parametrize(
    # Keras's sparsemax does not sum to 1: docs/keras_differences.md.
    "activation",
    [name for name in CELL_ACTIVATIONS if name != "sparsemax"],
)
def test_every_activation(cell, activation):
    options = {"return_sequences": activation != "exponential"}
    x = sequences() / 4
    compare(*pair(cell, activation=activation, **options), x[:, :2])
    if cell != "simple_rnn":
        compare(*pair(cell, recurrent_activation=activation, **options), x[:, :2])


@pytest.mark.parametrize("cell", RECURRENT)
def test_without_bias(cell):
    compare(*pair(cell, use_bias=False), sequences())


@pytest.mark.parametrize("cell", RECURRENT)
def test_stateful(cell):
    ours, theirs = pair(cell, stateful=True, return_sequences=True)
    theirs.build((BATCH, TIME, FEATURES))
    ours.build((BATCH, TIME, FEATURES))
    weights = random_weights(ours)
    ours.set_weights(weights)
    theirs.set_weights(weights)
    for seed in (1, 2):
        x = sequences(seed)
        assert_close(ours(x), theirs(torch.tensor(x)).detach().numpy(), 64, TIME)
    ours.reset_state()
    theirs.reset_state()
    x = sequences(3)
    assert_close(ours(x), theirs(torch.tensor(x)).detach().numpy(), 64, TIME)
    for kept, state in zip(ours.states, theirs.states, strict=True):
        assert_close(kept, state.numpy(), 64, TIME)


MERGES = ("concat", "sum", "mul", "ave", None)


@pytest.mark.parametrize("cell", RECURRENT)
@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize(("sequence", "state", "masked"), FLAGS)
def test_bidirectional(cell, merge, sequence, state, masked):
    inner = pair(cell, return_sequences=sequence, return_state=state)
    ours = layers.Bidirectional(inner[0], merge_mode=merge)
    theirs = keras.layers.Bidirectional(inner[1], merge_mode=merge)
    mask = make_mask("holes", BATCH, TIME, np.random.default_rng(4)) if masked else None
    compare(ours, theirs, sequences(), mask=mask)
    paths = [[w.path.replace("_1/", "/") for w in layer.weights] for layer in (ours, theirs)]
    tails = [[p.split("/", 1)[1].split("_", 1)[0] + p.split("/", 2)[2] for p in ps] for ps in paths]
    assert tails[0] == tails[1]


def test_bidirectional_with_states_and_another_backward_layer():
    states = make_states(4)
    options = {"return_state": True, "return_sequences": True}
    ours = layers.Bidirectional(
        layers.LSTM(UNITS, **options),
        backward_layer=layers.LSTM(UNITS, activation="relu", go_backwards=True, **options),
    )
    theirs = keras.layers.Bidirectional(
        keras.layers.LSTM(UNITS, **options),
        backward_layer=keras.layers.LSTM(UNITS, activation="relu", go_backwards=True, **options),
    )
    compare(ours, theirs, sequences(), states=states)


PLAIN = {
    "dense": lambda L: L.Dense(3, activation="gelu"),
    "dense_softmax": lambda L: L.Dense(3, activation="softmax", use_bias=False),
    "activation": lambda L: L.Activation("selu"),
    "masking": lambda L: L.Masking(0.0),
    "flatten": lambda L: L.Flatten(),
    "flatten_first": lambda L: L.Flatten(data_format="channels_first"),
    "dropout_inference": lambda L: L.Dropout(0.5),
    "batch_norm": lambda L: L.BatchNormalization(),
    "batch_norm_axis_1": lambda L: L.BatchNormalization(axis=1, momentum=0.7, epsilon=0.1),
    "batch_norm_plain": lambda L: L.BatchNormalization(center=False, scale=False),
    "td_dense": lambda L: L.TimeDistributed(L.Dense(3, activation="tanh")),
    "td_batch_norm": lambda L: L.TimeDistributed(L.BatchNormalization(momentum=0.5)),
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", PLAIN)
def test_plain_layer(name, training):
    if name == "dropout_inference" and training:
        training = False
    x = sequences()
    x[1, 2] = 0  # a step that Masking marks
    ours, theirs = PLAIN[name](layers), PLAIN[name](keras.layers)
    n = 64
    ours.build(x.shape)
    theirs.build(x.shape)
    weights = [np.abs(w) + 0.1 for w in random_weights(ours)]  # variances are positive
    ours.set_weights(weights)
    theirs.set_weights(weights)
    outputs, pullback = ours.vjp(x, training=training)
    d = np.random.default_rng(1).standard_normal(outputs.shape).astype("float32")
    d_inputs, d_weights = pullback(d)
    expected, (expected_dx,), expected_dw = differentiate(theirs, [x], [d], training)
    assert_close(outputs, expected[0], n)
    assert_close(d_inputs, expected_dx, n, backward=True)
    for actual, wanted in zip(d_weights, expected_dw, strict=True):
        assert_close(actual, wanted, n, backward=True)
    for actual, wanted in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(actual, wanted, n)


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("training", [False, True])
def test_batch_normalization_with_mask(training, axis):
    mask = make_mask("holes", BATCH, TIME, np.random.default_rng(4))
    ours, theirs = (k.BatchNormalization(axis=axis) for k in (layers, keras.layers))
    x = sequences()
    d = np.random.default_rng(1).standard_normal(x.shape).astype("float32")
    for _ in range(2):
        outputs, pullback = ours.vjp(x, mask=mask, training=training)
        dx, dw = pullback(d)
        expected, (expected_dx,), expected_dw = differentiate(
            theirs, [x], [d], training, mask=torch.tensor(mask)
        )
        assert_close(outputs, expected[0], 64)
        assert_close(dx, expected_dx, 64, backward=True)
        for actual, wanted in zip(dw, expected_dw, strict=True):
            assert_close(actual, wanted, 64, backward=True)
        for actual, wanted in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            assert_close(actual, wanted, 64)


def test_repeat_vector():
    compare(layers.RepeatVector(3), keras.layers.RepeatVector(3), sequences()[:, 0])


@pytest.mark.parametrize("mask_zero", [False, True])
def test_embedding(mask_zero):
    index = np.random.default_rng(0).integers(0, 7, (BATCH, TIME))
    ours = layers.Embedding(7, 3, mask_zero=mask_zero)
    theirs = keras.layers.Embedding(7, 3, mask_zero=mask_zero)
    compare(ours, theirs, index)
    mask = theirs.compute_mask(torch.tensor(index))
    if mask_zero:
        np.testing.assert_array_equal(ours.compute_mask(index), mask.numpy())
    else:
        assert ours.compute_mask(index) is mask is None


CONFIGURED = {
    **{
        cell: (lambda L, c=cell: getattr(L, RECURRENT[c][0])(3, **RECURRENT[c][1]))
        for cell in RECURRENT
    },
    "dense": lambda L: L.Dense(3, "relu", kernel_regularizer="l2", bias_constraint="non_neg"),
    "embedding": lambda L: L.Embedding(7, 3, mask_zero=True),
    "dropout": lambda L: L.Dropout(0.3, noise_shape=(None, 1, None), seed=1),
    "batch_norm": lambda L: L.BatchNormalization(momentum=0.5),
    "masking": lambda L: L.Masking(-1.0),
    "repeat": lambda L: L.RepeatVector(4),
    "activation": lambda L: L.Activation("tanh"),
    "flatten": lambda L: L.Flatten(),
}


def simplify(config):
    """Configurations without what names a Keras module, policy or automatic name."""
    if isinstance(config, dict):
        if "class_name" in config and "config" in config:
            return config["class_name"], simplify(config["config"])
        skip = ("dtype", "name", "input_axes", "output_axes")
        return {k: simplify(v) for k, v in config.items() if k not in skip}
    return list(config) if isinstance(config, tuple) else config


NOT_OURS = {"quantization_config", "lora_rank", "lora_alpha", "renorm", "renorm_clipping",
            "renorm_momentum", "input_dtype"}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGURED)
def test_configuration(name):
    ours, theirs = CONFIGURED[name](layers), CONFIGURED[name](keras.layers)
    mine, other = simplify(ours.get_config()), simplify(theirs.get_config())
    for key in NOT_OURS - mine.keys():
        other.pop(key, None)
    mine = {k: v for k, v in mine.items() if k in other or v is not None}
    assert mine == other
    again = type(ours).from_config(ours.get_config())
    assert again.get_config() == ours.get_config()


def test_initial_weights_follow_the_same_rules():
    layer = layers.LSTM(4, bias_initializer="ones")
    layer.build((None, 5, 3))
    np.testing.assert_array_equal(layer.cell.bias.value, np.ones(16))
    layer = layers.LSTM(4)
    layer.build((None, 5, 3))
    np.testing.assert_array_equal(layer.cell.bias.value, np.repeat([0, 1, 0, 0], 4))
    U = layer.cell.recurrent_kernel.value
    np.testing.assert_allclose(U @ U.T, np.eye(4), atol=1e-6)
    limit = np.sqrt(6 / (3 + 16))
    assert np.abs(layer.cell.kernel.value).max() <= limit
    fastrnn.utils.clear_session()
