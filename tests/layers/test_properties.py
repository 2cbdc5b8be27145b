"""What must hold for every recurrent layer, whatever its sizes, options and inputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_keras import as_list
from tolerance import assert_close

from fastrnn import Input, Sequential, layers

CELLS = {
    "simple_rnn": ("SimpleRNN", {}),
    "lstm": ("LSTM", {}),
    "gru": ("GRU", {"reset_after": False}),
    "gru_reset_after": ("GRU", {"reset_after": True}),
}
KINDS = (*CELLS, *(f"bidirectional_{name}" for name in CELLS))

few_examples = settings(max_examples=12, deadline=None, derandomize=True, database=None)
each_cell = pytest.mark.parametrize("kind", CELLS)
each_kind = pytest.mark.parametrize("kind", KINDS)

sizes = st.fixed_dictionaries(
    {
        "batch": st.integers(1, 5),
        "timesteps": st.integers(1, 9),
        "features": st.integers(1, 9),
        "units": st.integers(1, 17),
        "dtype": st.sampled_from(("float32", "float64")),
        "seed": st.integers(0, 2**16),
    }
)


def make_layer(kind, size, **options):
    """A layer of this kind that is built, with random weights."""
    name, fixed = CELLS[kind.removeprefix("bidirectional_")]
    layer = getattr(layers, name)(size["units"], dtype=size["dtype"], **fixed, **options)
    if kind.startswith("bidirectional_"):
        layer = layers.Bidirectional(layer, dtype=size["dtype"])
    layer.build((size["batch"], size["timesteps"], size["features"]))
    layer.set_weights(random_arrays(size, [w.shape for w in layer.get_weights()], 0.5))
    return layer


def random_arrays(size, shapes, scale=1.0):
    rng = np.random.default_rng(size["seed"])
    return [(scale * rng.standard_normal(shape)).astype(size["dtype"]) for shape in shapes]


def make_inputs(size):
    return random_arrays(size, [(size["batch"], size["timesteps"], size["features"])])[0]


def assert_near(size, actual, expected):
    n = 4 * (size["features"] + size["units"])
    for k, (one, other) in enumerate(zip(as_list(actual), as_list(expected), strict=True)):
        assert_close(one, other, n, size["timesteps"], name=f"outputs[{k}]")


@each_kind
@few_examples
@given(size=sizes, padding=st.integers(1, 4), sequences=st.booleans())
def test_a_masked_end_is_as_if_it_were_cut_off(kind, size, padding, sequences):
    layer = make_layer(kind, size, return_sequences=sequences, return_state=True)
    x = make_inputs(size)
    rest = np.full((size["batch"], padding, size["features"]), 7, x.dtype)
    mask = np.arange(size["timesteps"] + padding) < size["timesteps"]
    mask = np.repeat(mask[None], size["batch"], axis=0)
    padded = list(layer(np.concatenate([x, rest], axis=1), mask=mask))
    if sequences:
        padded[0] = padded[0][:, : size["timesteps"]]
    assert_near(size, padded, layer(x))


@each_cell
@few_examples
@given(size=sizes, masked=st.booleans())
def test_one_call_is_many_steps_that_carry_the_state(kind, size, masked):
    layer = make_layer(kind, size, return_sequences=True, return_state=True)
    x = make_inputs(size)
    mask = None
    if masked:
        mask = np.random.default_rng(size["seed"]).random(x.shape[:2]) < 0.6
        mask[:, 0] = True
    sequences, state = [], None
    for t in range(size["timesteps"]):
        options = {} if state is None else {"initial_state": state}
        if masked:
            options["mask"] = mask[:, t : t + 1]
        y, *state = layer(x[:, t : t + 1], **options)
        # A masked step repeats the last output, which a call of one step cannot know.
        sequences.append(
            np.where(options["mask"][..., None], y, sequences[-1]) if masked and t else y
        )
    whole = layer(x) if mask is None else layer(x, mask=mask)
    assert_near(size, [np.concatenate(sequences, axis=1), *state], whole)


@each_kind
@few_examples
@given(size=sizes, sequences=st.booleans(), masked=st.booleans())
def test_a_batch_is_its_rows(kind, size, sequences, masked):
    layer = make_layer(kind, size, return_sequences=sequences, return_state=True)
    x = make_inputs(size)
    mask = np.random.default_rng(size["seed"]).random(x.shape[:2]) < (0.5 if masked else 2)
    rows = [layer(x[k : k + 1], mask=mask[k : k + 1]) for k in range(size["batch"])]
    together = [np.concatenate(parts) for parts in zip(*rows, strict=True)]
    assert_near(size, layer(x, mask=mask), together)


@each_cell
@few_examples
@given(size=sizes, sequences=st.booleans())
def test_going_backwards_is_going_through_the_reversed_sequence(kind, size, sequences):
    options = {"return_sequences": sequences, "return_state": True}
    forward = make_layer(kind, size, **options)
    backward = make_layer(kind, size, go_backwards=True, **options)
    x = make_inputs(size)
    assert_near(size, backward(x[:, ::-1]), forward(x))


@pytest.mark.parametrize("kind", KINDS[len(CELLS) :])
@few_examples
@given(size=sizes)
def test_bidirectional_with_exchanged_weights_reads_the_reversed_sequence(kind, size):
    layer, units = make_layer(kind, size, return_sequences=True), size["units"]
    x, weights = make_inputs(size), layer.get_weights()
    y = layer(x)
    half = len(weights) // 2
    layer.set_weights(weights[half:] + weights[:half])
    reversed_y = layer(x[:, ::-1])[:, ::-1]
    exchanged = np.concatenate([reversed_y[..., units:], reversed_y[..., :units]], axis=-1)
    assert_near(size, exchanged, y)


def make_model(kind, size):
    model = Sequential([Input((size["timesteps"], size["features"])), make_layer(kind, size)])
    model.set_weights(random_arrays(size, [w.shape for w in model.get_weights()]))
    return model


@each_kind
@few_examples
@given(size=sizes)
def test_exchanged_weights_predict_the_same_bits(kind, size):
    model, other = make_model(kind, size), make_model(kind, {**size, "seed": size["seed"] + 1})
    x = make_inputs(size)
    other.set_weights(model.get_weights())
    expected = model.predict(x, verbose=0)
    np.testing.assert_array_equal(other.predict(x, verbose=0), expected, strict=True)


@each_kind
@few_examples
@given(size=sizes)
def test_a_file_of_weights_predicts_the_same_bits(kind, size, tmp_path_factory):
    model, other = make_model(kind, size), make_model(kind, {**size, "seed": size["seed"] + 1})
    x = make_inputs(size)
    path = tmp_path_factory.mktemp("weights") / "model.weights.npz"
    model.save_weights(path)
    other.load_weights(path)
    expected = model.predict(x, verbose=0)
    np.testing.assert_array_equal(other.predict(x, verbose=0), expected, strict=True)
