"""Dtype policies, input specs and generators of seeds, as Keras has them."""

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn import config, dtype_policies, initializers, layers, mixed_precision, random, saving


@pytest.fixture
def policies():
    yield
    config.set_floatx("float32")


# ---- dtype policies ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_a_policy_says_what_keras_says(name):
    ours, theirs = fastrnn.dtype_policies, keras.dtype_policies
    policies = [k.DTypePolicy(name) for k in (ours, theirs)]
    for attribute in ("name", "compute_dtype", "variable_dtype", "quantization_mode"):
        assert len({getattr(policy, attribute) for policy in policies}) == 1
    assert policies[0].get_config() == policies[1].get_config()
    assert ours.serialize(policies[0]) == theirs.serialize(policies[1])
    assert ours.get(theirs.serialize(policies[1])) == policies[0] == ours.get(name)
    assert repr(policies[0]) == repr(policies[1])
    for k in (fastrnn, keras):
        layer = k.layers.Dense(2, dtype=k.dtype_policies.DTypePolicy(name))
        found = (layer.dtype, layer.compute_dtype, layer.variable_dtype, layer.dtype_policy.name)
        assert found == (name,) * 4
        assert layer.input_dtype == name


def test_the_policy_in_force(policies):
    assert config.dtype_policy() == dtype_policies.DTypePolicy("float32") == dtype_policies.get()
    config.set_dtype_policy("float64")
    assert layers.LSTM(2).dtype == "float64"
    assert layers.LSTM(2, dtype="float32").dtype == "float32"
    model = fastrnn.Sequential([fastrnn.Input((3, 1)), layers.GRU(2)])
    assert model.predict(np.ones((1, 3, 1)), verbose=0).dtype == np.float64
    config.set_dtype_policy(dtype_policies.DTypePolicy("float32"))
    assert layers.LSTM(2).dtype == "float32"


@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"])
def test_half_precision_is_computed_in_float32_with_one_warning(name, policies):
    with pytest.warns(UserWarning, match=f"{name}.*float32") as caught:
        mixed_precision.set_global_policy(mixed_precision.Policy(name))
    assert len(caught) == 1
    assert mixed_precision.global_policy().name == name
    assert mixed_precision.global_policy().compute_dtype == "float32"
    model = fastrnn.Sequential([fastrnn.Input((3, 1)), layers.GRU(2)])  # without another one
    model.compile(mixed_precision.LossScaleOptimizer(fastrnn.optimizers.SGD()), "mse")
    model.fit(np.ones((2, 3, 1)), np.ones((2, 2)), verbose=0)
    assert model.predict(np.ones((1, 3, 1)), verbose=0).dtype == np.float32
    with pytest.warns(UserWarning, match=name):
        assert layers.Dense(1, dtype=name).dtype == "float32"


@pytest.mark.parametrize("name", ["int8", "mixed", 3])
def test_other_policies_are_refused(name):
    for call in (dtype_policies.DTypePolicy, config.set_dtype_policy, dtype_policies.get):
        with pytest.raises((ValueError, TypeError), match="float32"):
            call(name)


def test_the_order_of_axes_and_the_progress(capsys):
    assert config.backend() == "numpy"
    try:
        config.set_image_data_format("channels_first")
        assert layers.Conv1D(1, 1).data_format == config.image_data_format() == "channels_first"
    finally:
        config.set_image_data_format("channels_last")
    assert layers.Conv1D(1, 1).data_format == "channels_last"
    with pytest.raises(ValueError, match="`data_format`"):
        config.set_image_data_format("first")
    model = fastrnn.Sequential([fastrnn.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    try:
        config.disable_interactive_logging()
        assert not config.is_interactive_logging_enabled()
        model.fit(np.ones((2, 1)), np.ones(2))
        quiet = capsys.readouterr().out
        model.fit(np.ones((2, 1)), np.ones(2), verbose=2)
        assert len(quiet.splitlines()) == len(capsys.readouterr().out.splitlines())
    finally:
        config.enable_interactive_logging()


# ---- input specs ---------------------------------------------------------------------------------

SPECS = [
    {"ndim": 3},
    {"min_ndim": 3},
    {"max_ndim": 1},
    {"axes": {-1: 4}},
    {"shape": (None, 4)},
    {"shape": (None, 3), "dtype": "int32"},
    {"shape": (None, 3, 1), "allow_last_axis_squeeze": True},
    {"shape": (2, None)},
    {},
]


@pytest.mark.parametrize("options", SPECS, ids=str)
def test_a_spec_says_of_inputs_what_keras_says(options):
    said = []
    for k in (fastrnn, keras):
        spec = k.layers.InputSpec(**options)
        layer = k.layers.Dense(2, name="dense")
        layer.build((None, 3))
        layer.input_spec = spec
        said.append([repr(spec), spec.get_config(), k.layers.InputSpec.from_config({}).ndim])
        try:
            layer(np.ones((2, 3), "float32"))
        except ValueError as error:
            said[-1].append(str(error).split(". ")[0].split(", but")[0])
    assert said[0] == said[1]


def test_the_spec_of_built_in_layers():
    for name, options in (("LSTM", {"units": 2}), ("Dense", {"units": 2})):
        specs = []
        for k in (fastrnn, keras):
            layer = getattr(k.layers, name)(**options)
            layer.build((None, 5, 3))
            specs.append(layer.input_spec)
        assert specs[0].ndim == specs[1].ndim and specs[0].min_ndim == specs[1].min_ndim


def test_specs_of_several_inputs():
    spec = layers.InputSpec(ndim=2, name="a")
    layer = layers.Concatenate(name="join")
    layer.input_spec = [spec, layers.InputSpec(ndim=2, name="b", optional=True)]
    assert layer([np.ones((1, 2)), np.ones((1, 3))]).shape == (1, 5)
    with pytest.raises(ValueError, match="expects 2 input"):
        layer([np.ones((1, 2))] * 3)
    for bad in ({"axes": {3: 1}, "ndim": 2}, {"axes": {2: 1}, "max_ndim": 2}):
        with pytest.raises(ValueError, match=r"[Aa]x[ie]s"):
            layers.InputSpec(**bad)
    with pytest.raises(TypeError, match="axes"):
        layers.InputSpec(axes={"a": 1})


# ---- wrappers ------------------------------------------------------------------------------------


def test_wrappers():
    assert isinstance(layers.TimeDistributed(layers.Dense(1)), layers.Wrapper)
    wrapper = layers.Wrapper(layers.Dense(2))
    assert sorted(wrapper.get_config()) == sorted(
        keras.layers.Wrapper(keras.layers.Dense(2)).get_config()
    )
    wrapper.build((None, 3))
    assert wrapper.layer.built and len(wrapper.trainable_weights) == 2
    for bad in (layers.Dense, "dense", None):
        with pytest.raises(ValueError, match="`layer`"):
            layers.Wrapper(bad)


@pytest.mark.parametrize("symbolic", [False, True])
def test_lists_for_time_distributed_are_refused(symbolic):
    x = fastrnn.Input((5, 2)) if symbolic else np.ones((1, 5, 2))
    for inputs in ([x, x], (x,)):
        with pytest.raises(ValueError, match="one sequence of inputs"):
            layers.TimeDistributed(layers.Concatenate())(inputs)


# ---- seeds ---------------------------------------------------------------------------------------


def test_seeds_follow_each_other_as_in_keras():
    generators = [k.random.SeedGenerator(3) for k in (fastrnn, keras)]
    for _ in range(3):
        assert len({tuple(np.asarray(seeds.next()).tolist()) for seeds in generators}) == 1
    assert generators[0].state.numpy().tolist() == [3, 3]
    assert generators[0].get_config()["seed"] == generators[1].get_config()["seed"] == 3
    again = random.SeedGenerator.from_config(generators[0].get_config())
    assert again.next().tolist() == [3, 0]
    fastrnn.utils.set_random_seed(1)
    first = random.SeedGenerator().next()
    fastrnn.utils.set_random_seed(1)
    np.testing.assert_array_equal(random.SeedGenerator().next(), first)
    with pytest.raises(ValueError, match="`seed`"):
        random.SeedGenerator(-1)


def test_an_initializer_of_a_generator_draws_anew():
    def drawn(k):
        initializer = k.initializers.RandomNormal(seed=k.random.SeedGenerator(1))
        first, second = (np.asarray(initializer((4,))) for _ in range(2))
        return initializer, not np.array_equal(first, second)

    (ours, anew), (theirs, theirs_anew) = drawn(fastrnn), drawn(keras)
    assert anew and theirs_anew
    described = saving.serialize_keras_object(ours)
    seed = keras.saving.serialize_keras_object(theirs)["config"]["seed"]
    assert described["config"]["seed"]["class_name"] == seed["class_name"] == "SeedGenerator"
    again = initializers.deserialize(described)
    np.testing.assert_array_equal(
        again((4,)), initializers.RandomNormal(seed=random.SeedGenerator(1))((4,))
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: layers.Dropout(0.5, seed=seed),
        lambda seed: layers.GaussianNoise(0.5, seed=seed),
        lambda seed: layers.LSTM(3, dropout=0.5, seed=seed),
    ],
)
def test_layers_take_their_seeds_from_a_generator(make):
    seeds = random.SeedGenerator(1)
    x = np.ones((2, 5, 8))
    first, second, again = make(seeds), make(seeds), make(random.SeedGenerator(1))
    assert first.get_config()["seed"] == again.get_config()["seed"] != second.get_config()["seed"]
    first(x)
    for other in (second, again):
        other.build(x.shape)
        other.set_weights(first.get_weights())
    outputs = [layer(x, training=True) for layer in (first, second, again)]
    np.testing.assert_array_equal(outputs[0], outputs[2])
    assert not np.array_equal(outputs[0], outputs[1])
