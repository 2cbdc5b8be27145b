"""Layers of the variants of the LSTM and the GRU, and zoneout: all that a recurrent layer has."""

import dataclasses

import numpy as np
import pytest

import fastrnn
from fastrnn import Input, Sequential, config, layers
from fastrnn.engines import cells, dispatch, reference
from fastrnn.engines.cells import ArraySpec, CellSpec
from fastrnn.engines.reference.cells import STEPS, register_cell
from fastrnn.engines.reference.cells.step import StepGradients
from fastrnn.engines.reference.gradcheck import numerical_gradient
from fastrnn.models import load_model

VARIANTS = {
    "PeepholeLSTM": (layers.PeepholeLSTM, (6,)),
    "ProjectedLSTM": (layers.ProjectedLSTM, (6, 4)),
    "LayerNormLSTM": (layers.LayerNormLSTM, (6,)),
    "LayerNormGRU": (layers.LayerNormGRU, (6,)),
}
ZONED = {
    "SimpleRNN": (layers.SimpleRNN, (6,)),
    "LSTM": (layers.LSTM, (6,)),
    "GRU": (layers.GRU, (6,)),
    **VARIANTS,
}
each_variant = pytest.mark.parametrize("name", VARIANTS)
each_layer = pytest.mark.parametrize("name", ZONED)


def make(name, **options):
    kind, arguments = ZONED[name]
    return kind(*arguments, **options)


def zoneout_of(name):
    carries = "LSTM" in name
    return {"zoneout": 0.3, "cell_zoneout": 0.6} if carries else {"zoneout": 0.3}


def draw(*shape, dtype="float32"):
    return np.random.default_rng(1).standard_normal(shape).astype(dtype)


def set_random_weights(layer, seed=0):
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(0, 0.4, w.shape).astype(w.dtype) for w in layer.weights])
    return layer


def built(name, shape=(3, 5, 4), **options):
    layer = make(name, **options)
    layer.build(shape)
    return set_random_weights(layer)


# ---- what recurrent layers have ----


@each_variant
def test_it_goes_backwards_as_forwards_on_the_flipped_sequence(name):
    layer, back = built(name, return_sequences=True), built(name, return_sequences=True)
    back.go_backwards = True
    x = draw(3, 5, 4)
    np.testing.assert_array_equal(back(x), layer(x[:, ::-1].copy()))


@each_variant
def test_masked_steps_keep_the_states_and_right_padding_is_no_step(name):
    layer = built(name, return_state=True)
    x, mask = draw(3, 5, 4), np.arange(5) < np.array([[2], [5], [3]])
    results = layer(x, mask=mask)
    for row, steps in enumerate((2, 5, 3)):
        for part, wanted in zip(results, layer(x[row : row + 1, :steps]), strict=True):
            np.testing.assert_allclose(part[row], wanted[0], rtol=1e-6, atol=1e-6)


@each_variant
def test_states_go_on_where_they_were_given_or_kept(name):
    layer = built(name, return_sequences=True, return_state=True)
    x = draw(3, 6, 4)
    y, *_ = layer(x)
    first, *states = layer(x[:, :2])
    second, *_ = layer(x[:, 2:], initial_state=states)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), y, rtol=1e-6, atol=1e-6)
    stateful = built(name, return_sequences=True, stateful=True)
    parts = [stateful(x[:, :2]), stateful(x[:, 2:])]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), y, rtol=1e-6, atol=1e-6)
    stateful.reset_state()
    np.testing.assert_array_equal(stateful(x), y)


@each_variant
def test_the_cell_alone_and_in_rnn_compute_what_the_layer_does(name):
    layer = built(name, return_sequences=True, return_state=True)
    x = draw(3, 5, 4)
    y, *finals = layer(x)
    cell, states = layer.cell, layer.get_initial_state(3)
    for t in range(5):
        output, states = cell(x[:, t], states)
        np.testing.assert_allclose(output, y[:, t], rtol=1e-6, atol=1e-6)
    assert [s.shape for s in states] == [f.shape for f in finals]
    np.testing.assert_array_equal(layers.RNN(cell, return_sequences=True)(x), y)


@each_variant
def test_bidirectional_runs_both_directions(name):
    layer = layers.Bidirectional(make(name, return_sequences=True))
    x = draw(3, 5, 4)
    layer.build(x.shape)
    set_random_weights(layer)
    forward, backward = layer.forward_layer(x), layer.backward_layer(x)
    np.testing.assert_array_equal(layer(x), np.concatenate([forward, backward[:, ::-1]], axis=-1))


@each_variant
@pytest.mark.parametrize("bias", [True, False])
def test_vjp_is_the_gradient_by_differences(name, bias):
    layer = built(name, use_bias=bias, dtype="float64", return_sequences=True, return_state=True)
    x = draw(3, 5, 4, dtype="float64")
    mask = np.random.default_rng(2).random((3, 5)) < 0.7
    results, pullback = layer.vjp(x, mask=mask)
    d_results = [np.random.default_rng(k).standard_normal(r.shape) for k, r in enumerate(results)]
    dx, d_weights = pullback(tuple(d_results))

    def total():
        return sum(
            float((r * d).sum()) for r, d in zip(layer(x, mask=mask), d_results, strict=True)
        )

    np.testing.assert_allclose(dx, numerical_gradient(total, x), rtol=1e-6, atol=1e-8)
    assert len(d_weights) == len(layer.trainable_weights)
    for weight, gradient in zip(layer.trainable_weights, d_weights, strict=True):
        wanted = numerical_gradient(total, weight.value)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-8, err_msg=weight.name)


@each_variant
def test_it_learns(name):
    fastrnn.utils.set_random_seed(1)
    model = Sequential([Input((6, 2)), make(name, dropout=0.1, recurrent_dropout=0.1)])
    model.add(layers.Dense(1))
    model.compile(optimizer=fastrnn.optimizers.Adam(0.02), loss="mse")
    x = draw(64, 6, 2)
    losses = model.fit(x, x.sum(axis=(1, 2))[:, None] / 4, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.4 * losses[0]


# ---- files, copies, streams ----


def model_of(name, **options):
    model = Sequential([Input((5, 4)), make(name, return_sequences=True, **options)])
    model.add(layers.Bidirectional(make(name)))
    return set_random_weights(model)


@each_layer
@pytest.mark.parametrize("ending", [".keras", ".fastrnn"])
def test_files_carry_it_through(name, ending, tmp_path):
    model, x = model_of(name, **zoneout_of(name)), draw(2, 5, 4)
    model.save(tmp_path / f"a{ending}")
    loaded = load_model(tmp_path / f"a{ending}")
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(loaded(x), model(x))


@each_layer
@pytest.mark.parametrize("ending", [".weights.h5", ".weights.npz"])
def test_weights_and_clones(name, ending, tmp_path):
    model, x = model_of(name, **zoneout_of(name)), draw(2, 5, 4)
    model.save_weights(tmp_path / f"a{ending}")
    clone = fastrnn.models.clone_model(model)
    clone.load_weights(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(clone(x), model(x))


@each_layer
@pytest.mark.parametrize("zoneout", [False, True])
def test_streams_give_what_the_model_does(name, zoneout):
    options = zoneout_of(name) if zoneout else {}
    model = Sequential([Input((None, 4)), make(name, return_sequences=True, **options)])
    model.add(layers.Dense(3))
    set_random_weights(model)
    x, stream = draw(2, 5, 4), model.stream(2)
    steps = np.stack([stream(np.ascontiguousarray(x[:, t])) for t in range(5)], axis=1)
    np.testing.assert_allclose(steps, model(x), rtol=1e-5, atol=1e-6)


@each_variant
def test_a_summary_counts_its_weights(name):
    layer = built(name)
    assert layer.count_params() == sum(w.value.size for w in layer.weights)
    lines = []
    model_of(name).summary(print_fn=lines.append)
    assert name in "\n".join(lines)


@each_variant
def test_it_is_not_quantized_and_not_written_for_others_but_what_they_have(name, tmp_path):
    model = model_of(name)
    with pytest.raises(ValueError, match=layers_cell(name)):
        model.quantize("int8")
    if name != "PeepholeLSTM":
        with pytest.raises(ValueError, match="for ONNX"):
            model.export(tmp_path / "a.onnx", format="onnx")


def layers_cell(name):
    return make(name).cell.spec.name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"projection_size": 0}, "`projection_size`"),
        ({"projection_size": 2.5}, "`projection_size`"),
    ],
)
def test_a_projection_that_there_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        layers.ProjectedLSTM(6, **options)


def test_options_of_the_weights_that_a_cell_adds():
    layer = layers.PeepholeLSTM(3, peephole_initializer="ones", peephole_regularizer="l2")
    layer.build((None, 4, 2))
    np.testing.assert_array_equal(layer.get_weights()[3], np.ones((3, 3)))
    assert layer.get_config()["peephole_initializer"]["class_name"] == "Ones"
    assert layer.cell.peephole.regularizer is not None
    norm = layers.LayerNormLSTM(3, use_bias=False, gain_initializer="zeros")
    norm.build((None, 4, 2))
    names = [w.name for w in norm.weights]
    assert names == ["kernel", "recurrent_kernel", "kernel_gain", "recurrent_gain", "state_gain"]
    assert not norm.get_weights()[2].any()
    projected = layers.ProjectedLSTM(3, 2, projection_constraint="non_neg")
    projected.build((None, 4, 2))
    assert projected.cell.projection_kernel.constraint is not None


def test_epsilon_is_the_one_of_the_layer():
    small, large = (built("LayerNormGRU", epsilon=epsilon) for epsilon in (1e-6, 10.0))
    x = draw(3, 5, 4)
    assert np.abs(small(x) - large(x)).max() > 1e-3


# ---- zoneout ----


@each_layer
def test_inference_takes_the_expectation(name):
    layer, x = built(name, return_sequences=True, **zoneout_of(name)), draw(3, 5, 4)
    plain = built(name, return_sequences=True)
    call = plain.make_call(x, fastrnn.layers.base.layer.INFERENCE)
    shares = (0.7, 0.4)[: len(call.initial_state)]
    expected = reference.forward(dataclasses.replace(call, zoneout=shares))[0]
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)
    assert np.abs(layer(x) - plain(x)).max() > 1e-3


def test_training_keeps_as_many_numbers_as_zoneout_says():
    layer = built("GRU", shape=(50, 40, 4), return_sequences=True, zoneout=0.3, seed=3)
    y = layer(draw(50, 40, 4), training=True)
    kept = y[:, 1:] == y[:, :-1]
    assert abs(kept.mean() - 0.3) < 0.02
    assert kept.mean(axis=(0, 2)).min() > 0.1 and kept.mean(axis=(0, 2)).max() < 0.5
    again = built("GRU", shape=(50, 40, 4), return_sequences=True, zoneout=0.3, seed=3)
    np.testing.assert_array_equal(again(draw(50, 40, 4), training=True), y)


@each_layer
def test_gradients_of_training_are_those_by_differences(name):
    options = {"dtype": "float64", "dropout": 0.3, "recurrent_dropout": 0.2, **zoneout_of(name)}
    layer = built(name, return_sequences=True, **options)
    x, state = draw(3, 5, 4, dtype="float64"), layer.cell.generator.bit_generator.state

    def run(function):
        layer.cell.generator.bit_generator.state = state
        return function()

    y, pullback = run(lambda: layer.vjp(x, training=True))
    d = draw(*y.shape, dtype="float64")
    dx, d_weights = pullback(d)

    def total():
        return float((run(lambda: layer(x, training=True)) * d).sum())

    np.testing.assert_allclose(dx, numerical_gradient(total, x), rtol=1e-6, atol=1e-8)
    for weight, gradient in zip(layer.trainable_weights, d_weights, strict=True):
        wanted = numerical_gradient(total, weight.value)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-8, err_msg=weight.name)


@each_layer
def test_a_config_says_zoneout_where_there_is_some(name):
    assert not [key for key in make(name).get_config() if "zoneout" in key]
    options = zoneout_of(name)
    layer = make(name, **options)
    assert options.items() <= layer.get_config().items()
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
    assert options.items() <= layer.cell.get_config().items()


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_keras_reads_a_config_without_zoneout(name):
    keras = pytest.importorskip("keras")
    theirs = getattr(keras.layers, name).from_config(make(name).get_config())
    assert theirs.units == 6


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LayerNormGRU"])
def test_layers_without_a_cell_state_have_no_zoneout_of_it(name):
    with pytest.raises((TypeError, ValueError), match="cell_zoneout"):
        make(name, cell_zoneout=0.5)


# ---- a cell that the reference engine alone has ----


def decay_step(w, x, h, states):
    """h = act(x·W + u·h')."""
    a = x[0] @ w.W[0] + w["u"] * h[0]
    h_new = w.activation(a)
    return (h_new,), (a, h_new)


def decay_step_backward(w, x, h, states, tape, d_states):
    a, h_new = tape
    da = w.activation.vjp(a, h_new, d_states[0])
    weights = {"kernel": [x[0].T @ da], "u": (da * h[0]).sum(axis=0)}
    return StepGradients([da @ w.W[0].T], [da * w["u"]], (np.zeros_like(da),), weights)


@pytest.fixture
def decay():
    """A cell without recurrent products, and a layer's cell of it."""
    spec = CellSpec(
        "decay",
        gates=("h",),
        states=(ArraySpec("h", ("H",)),),
        weights=(cells.KERNEL, ArraySpec("u", ("H",))),
        has_recurrent_activation=False,
    )
    register_cell(spec, decay_step, decay_step_backward)

    class DecayCell(layers.SimpleRNNCell):
        weight_options = {"u": "recurrent"}  # noqa: RUF012 - of this class alone

    DecayCell.spec = spec
    yield DecayCell
    del cells.CELLS["decay"], STEPS["decay"]


def test_a_cell_that_the_reference_engine_alone_has_runs_and_trains(decay):
    layer = layers.RNN(
        decay(6, recurrent_initializer="ones", dtype="float64", zoneout=0.2), return_sequences=True
    )
    x = draw(3, 5, 4, dtype="float64")
    y, pullback = layer.vjp(x)
    d = draw(*y.shape, dtype="float64")
    dx, d_weights = pullback(d)

    def total():
        return float((layer(x) * d).sum())

    np.testing.assert_allclose(dx, numerical_gradient(total, x), rtol=1e-6, atol=1e-8)
    for weight, gradient in zip(layer.trainable_weights, d_weights, strict=True):
        wanted = numerical_gradient(total, weight.value)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-8)
    model = Sequential(
        [Input((5, 4)), layers.RNN(decay(6, recurrent_initializer="ones")), layers.Dense(1)]
    )
    model.compile(optimizer="adam", loss="mse")
    losses = model.fit(draw(32, 5, 4), draw(32, 1), epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("engine", ["fused", "blas"])
def test_a_forced_engine_says_why_it_cannot(decay, engine):
    layer = layers.RNN(decay(6, recurrent_initializer="ones"))
    before = config.engine()
    config.set_engine(engine)
    try:
        with pytest.raises(ValueError, match=f"{engine}.*no cell 'decay'.*set_engine"):
            layer(draw(3, 5, 4))
    finally:
        config.set_engine(before)


def test_a_name_that_a_cell_has_is_not_taken_again():
    with pytest.raises(ValueError, match="`spec`"):
        register_cell(cells.LSTM, *STEPS["lstm"])
    assert dispatch.ENGINES["reference"].supports is reference.supports
