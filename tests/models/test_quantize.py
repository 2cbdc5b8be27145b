"""quantize of layers and models: results, what stays, what is refused, and the report."""

import copy
import inspect

import numpy as np
import pytest
from live_keras import keras, torch

import fastrnn
from fastrnn import Input, Model, Sequential, config, layers, models
from fastrnn.engines.quantize import MODES, from_bfloat16, to_bfloat16
from fastrnn.layers import GRU, LSTM, RNN, Bidirectional, Dense, Embedding, SimpleRNN

RECURRENT = {
    "simple_rnn": SimpleRNN,
    "lstm": LSTM,
    "gru": lambda *args, **kwargs: GRU(*args, reset_after=False, **kwargs),
    "gru_reset_after": GRU,
}
# How far outputs within [-1, 1] may move, of layers with random weights. Nothing damps the errors
# of a SimpleRNN with an orthogonal kernel: those of 12 steps add up.
NEAR = {"int8": 0.03, "bf16": 0.015}
NEAR_WITHOUT_GATES = {"int8": 0.06, "bf16": 0.03}
RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 12, 10)).astype("float32")
MASK = np.arange(12) < RNG.integers(1, 13, (6, 1))


def built(layer, x=X):
    fastrnn.utils.set_random_seed(1)
    layer.build(x.shape)
    return layer


def flat(result):
    return list(result) if isinstance(result, tuple) else [result]


def check_near(actual, expected, mode, near=NEAR):
    for one, other in zip(flat(actual), flat(expected), strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
        assert 0 < np.abs(one - other).max() < near[mode]


OPTIONS = [
    {},
    {"return_sequences": True},
    {"return_sequences": True, "return_state": True},
    {"return_state": True, "go_backwards": True},
    {"return_sequences": True, "zero_output_for_mask": True},
    {"use_bias": False},
]


def test_bfloat16_is_rounded_as_torch_rounds():
    bits = np.random.default_rng(0).integers(0, 1 << 32, 20000, dtype=np.uint64).astype(np.uint32)
    ties = (np.arange(1 << 10, dtype=np.uint32) << np.uint32(15)) + np.uint32(0x3F800000)
    values = np.concatenate([bits, ties]).view(np.float32)
    values = values[np.abs(values) < 1e38]
    expected = torch.from_numpy(values).to(torch.bfloat16).to(torch.float32).numpy()
    np.testing.assert_array_equal(from_bfloat16(to_bfloat16(values)), expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", RECURRENT)
def test_results_stay_near(name, options, mode):
    layer = built(RECURRENT[name](48, **options))
    near = NEAR_WITHOUT_GATES if name == "simple_rnn" else NEAR
    states = [RNG.standard_normal((6, 48)) * 0.3 for _ in layer.cell.spec.states]
    calls = [{}, {"mask": MASK}, {"initial_state": states}, {"mask": MASK, "initial_state": states}]
    expected = [layer(X, **call) for call in calls]
    layer.quantize(mode)
    for call, wanted in zip(calls, expected, strict=True):
        check_near(layer(X, **call), wanted, mode, near)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("merge_mode", ["concat", None])
def test_bidirectional(merge_mode, mode):
    layer = built(Bidirectional(LSTM(40, return_sequences=True), merge_mode=merge_mode))
    expected = layer(X, mask=MASK)
    for inner in layer.sublayers:
        inner.quantize(mode)
    actual = layer(X, mask=MASK)
    check_near(actual, expected, mode)
    by_hand = layer.forward_layer(X, mask=MASK)
    np.testing.assert_array_equal(flat(actual)[0][..., :40], by_hand)


@pytest.mark.parametrize("mode", MODES)
def test_stack_of_cells(mode):
    layer = built(RNN([layers.LSTMCell(30), layers.GRUCell(20)], return_sequences=True))
    expected = layer(X)
    layer.quantize(mode)
    check_near(layer(X), expected, mode)
    assert [cell.quantization_mode for cell in layer.cell.cells] == [mode, mode]


@pytest.mark.parametrize("mode", MODES)
def test_cells_and_kept_states_go_on_from_step_to_step(mode):
    layer = built(LSTM(30, stateful=True, return_sequences=True))
    layer.quantize(mode)
    whole = layer(X)
    layer.reset_state()
    parts = [layer(X[:, :5]), layer(X[:, 5:])]
    states = layer.cell.get_initial_state(6)
    steps = []
    for t in range(12):
        output, states = layer.cell(X[:, t], states)
        steps.append(output)
    for other in (np.concatenate(parts, axis=1), np.stack(steps, axis=1)):
        np.testing.assert_allclose(other, whole, atol=0 if mode == "int8" else 1e-6)


def test_activations_that_only_the_reference_has():
    layer = built(LSTM(20, activation="elu"))
    expected = layer(X)
    layer.quantize("int8")
    assert 0 < np.abs(layer(X) - expected).max() < 0.1


def test_what_is_computed_does_not_depend_on_the_instruction_set_but_for_rounding():
    layer = built(GRU(40))
    layer.quantize("int8")
    expected = layer(X)
    for isa in fastrnn.engines.dispatch.usable_instruction_sets():
        config.set_isa(isa)
        try:
            np.testing.assert_allclose(layer(X), expected, atol=0.01)
        finally:
            config.set_isa("auto")


@pytest.mark.parametrize("mode", MODES)
def test_streams_of_quantized_layers(mode):
    model = Sequential([Input((12, 10)), LSTM(30, return_sequences=True), Dense(2)])
    before = model.stream(6)
    model.quantize(mode)
    expected = model(X)
    stream = model.stream(6)
    assert (before.engine, stream.engine) == ("fused", "layers")
    actual = np.stack([stream(X[:, t]) for t in range(12)], axis=1)
    np.testing.assert_allclose(actual, expected, atol=1e-6)
    with pytest.raises(ValueError, match="new stream"):
        before.refresh()


# ---- models ----


def make_model():
    fastrnn.utils.set_random_seed(2)
    return Sequential(
        [
            Input((12,), dtype="int32"),
            Embedding(50, 16),
            Bidirectional(LSTM(24, return_sequences=True, name="lower"), name="both"),
            GRU(32, name="upper"),
            Dense(3, activation="softmax"),
        ]
    )


TOKENS = RNG.integers(0, 50, (40, 12))
LABELS = RNG.integers(0, 3, 40)


@pytest.mark.parametrize("mode", MODES)
def test_a_model_and_its_report(mode, capsys):
    model = make_model()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = model.predict(TOKENS, verbose=0)
    losses = model.evaluate(TOKENS, LABELS, verbose=0, return_dict=True)
    report = model.quantize(mode, validation_data=(TOKENS, LABELS))
    after = model.predict(TOKENS, verbose=0)
    difference = np.abs(after - before)
    assert report.mode == mode
    assert report.layers == ("forward_lower", "backward_lower", "upper")
    assert (report.max_difference, report.mean_difference) == (difference.max(), difference.mean())
    assert 0 < report.max_difference < NEAR[mode]
    assert report.before == losses
    assert report.after == model.evaluate(TOKENS, LABELS, verbose=0, return_dict=True)
    assert set(losses) == {"accuracy", "loss"} and report.after["loss"] != losses["loss"]
    assert capsys.readouterr().out == f"{report}\n"
    assert f"{report.max_difference:.3g}" in str(report) and "loss: " in str(report)


@pytest.mark.parametrize("data", [TOKENS, (TOKENS,), (TOKENS, None)], ids=["array", "x", "none"])
def test_a_report_without_labels(data, capsys):
    report = make_model().quantize("int8", validation_data=data)
    assert report.before == report.after == {}
    assert capsys.readouterr().out.count("\n") == 2


def test_without_data_nothing_is_said(capsys):
    assert make_model().quantize("int8") is None
    assert capsys.readouterr().out == ""


def test_several_outputs_and_a_layer_that_is_used_twice():
    x = Input((12, 10))
    shared = LSTM(20, return_sequences=True)
    y = shared(x)
    model = Model(x, {"a": Dense(2)(GRU(5)(y)), "b": shared(layers.Dense(10)(y))})
    before = model.predict(X, verbose=0)
    report = model.quantize("int8", validation_data=X)
    after = model.predict(X, verbose=0)
    differences = [np.abs(after[key] - before[key]) for key in ("a", "b")]
    assert report.max_difference == max(d.max() for d in differences)
    assert min(d.max() for d in differences) > 0


def test_a_model_inside_a_model():
    inner = Sequential([Input((12, 10)), LSTM(8)])
    model = Sequential([Input((12, 10)), inner, Dense(1)])
    model.quantize("int8")
    assert inner.layers[0].quantization_mode == "int8"


FILTERS = {
    "upper": {"upper"},
    "_lower$": {"forward_lower", "backward_lower"},
    ("^forward", "upper"): {"forward_lower", "upper"},
    (lambda layer: layer.cell.units > 30): {"upper"},
}


@pytest.mark.parametrize("filters", FILTERS, ids=range(len(FILTERS)))
def test_filters(filters):
    model = make_model()
    model.quantize("int8", filters=list(filters) if isinstance(filters, tuple) else filters)
    both, upper = model.layers[1:3]
    quantized = {
        layer.name
        for layer in (both.forward_layer, both.backward_layer, upper)
        if layer.quantization_mode == "int8"
    }
    assert quantized == FILTERS[filters]


def test_states_of_stateful_layers_do_not_disturb_the_measurement():
    x = X[:4]
    model = Sequential([Input((12, 10), batch_size=4), LSTM(8, stateful=True), Dense(1)])
    model(x)
    report = model.quantize("bf16", validation_data=x)
    assert 0 < report.max_difference < 0.01


def test_the_first_arguments_are_those_of_keras():
    ours, theirs = (list(inspect.signature(k.Model.quantize).parameters.values())[:4]
                    for k in (fastrnn, keras))  # fmt: skip
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


def test_layers_of_keras_know_their_mode_by_the_same_name():
    ours, theirs = (k.Sequential([k.Input((4,)), k.layers.Dense(2)]) for k in (fastrnn, keras))
    theirs.layers[0].quantize("int8")
    assert theirs.layers[0].quantization_mode == "int8"
    layer = built(GRU(3))
    assert layer.quantization_mode is None
    layer.quantize("int8")
    assert layer.quantization_mode == "int8"
    with pytest.raises(ValueError, match="recurrent"):
        ours.quantize("int8")


# ---- what stays ----


def test_weights_configuration_and_files_stay_those_of_the_model(tmp_path):
    model = make_model()
    weights, text = model.get_weights(), model.to_json()
    full = model.predict(TOKENS, verbose=0)
    model.quantize("int8")
    for one, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.to_json() == text
    model.save_weights(tmp_path / "model.weights.npz")
    again = models.clone_model(model)
    again.load_weights(tmp_path / "model.weights.npz")
    np.testing.assert_array_equal(again.predict(TOKENS, verbose=0), full)
    again.quantize("int8")
    expected = model.predict(TOKENS, verbose=0)
    np.testing.assert_array_equal(again.predict(TOKENS, verbose=0), expected)


def test_copies_are_quantized_and_frozen():
    model = make_model()
    model.quantize("int8")
    other = copy.deepcopy(model)
    np.testing.assert_array_equal(
        other.predict(TOKENS, verbose=0), model.predict(TOKENS, verbose=0)
    )
    with pytest.raises(ValueError, match="quantized"):
        other.set_weights(other.get_weights())
    with pytest.raises(ValueError, match="read-only"):
        other.layers[2].cell.kernel.value[0, 0] = 1


# ---- what is refused ----


def quantized_model():
    model = make_model()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.quantize("int8", filters="upper")
    return model


def test_training_is_refused_before_anything_changes():
    model = quantized_model()
    before = model.get_weights()
    history = model.history
    for train in (model.fit, model.train_on_batch):
        with pytest.raises(ValueError, match=r"'upper' is quantized \(int8\).*inference"):
            train(TOKENS, LABELS)
    assert model.history is history
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    model.evaluate(TOKENS, LABELS, verbose=0)


def test_gradients_and_dropout_are_refused():
    layer = built(LSTM(8, dropout=0.5))
    layer.quantize("int8")
    with pytest.raises(ValueError, match="inference"):
        layer.vjp(X)
    with pytest.raises(ValueError, match="inference"):
        layer(X, training=True)
    layer(X, training=False)


def test_changes_of_weights_are_refused_before_any_is_made(tmp_path):
    model = quantized_model()
    file = tmp_path / "model.weights.npz"
    model.save_weights(file)
    before = model.get_weights()
    changed = [w + 1 for w in before]
    for change in (
        lambda: model.set_weights(changed),
        lambda: model.load_weights(file),
        lambda: model.layers[2].cell.kernel.assign(changed[-5]),
    ):
        with pytest.raises(ValueError, match="quantized"):
            change()
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_cannot_be_quantized():
    model = make_model()
    for mode in (None, "int4", "float8", 8, ["int8"]):
        with pytest.raises(ValueError, match="`mode`"):
            model.quantize(mode)
    for filters in (3, [3], {"upper"}):
        with pytest.raises(ValueError, match="`filters`"):
            model.quantize("int8", filters=filters)
    with pytest.raises(ValueError, match="`filters`"):
        model.quantize("int8", filters="dense")
    with pytest.raises(ValueError, match="`config`"):
        model.quantize("int8", config=object())
    with pytest.raises(ValueError, match="compile"):
        model.quantize("int8", validation_data=(TOKENS, LABELS))
    with pytest.raises(ValueError, match="no weights"):
        Sequential([LSTM(3)]).quantize("int8")
    with pytest.raises(ValueError, match="float32"):
        built(LSTM(3, dtype="float64")).quantize("int8")
    assert all(layer.quantization_mode is None for layer in model.layers[1].sublayers)


def test_all_layers_or_none():
    model = make_model()
    cell = model.layers[2].cell
    cell.kernel.value[0, 0] = np.nan
    with pytest.raises(ValueError, match="`kernel`"):
        model.quantize("int8")
    assert model.layers[1].forward_layer.quantization_mode is None
    cell.kernel.value[0, 0] = 0
    model.quantize("int8")
    with pytest.raises(ValueError, match=r"`mode`.*not quantized"):
        model.quantize("bf16")
