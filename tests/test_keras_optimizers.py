"""Every optimizer and option against live Keras: variables and slots over twenty steps."""

import inspect

import numpy as np
import pytest
from live_keras import keras, torch
from tolerance import tolerance

import fastrnn
from fastrnn.layers.variable import Variable

STEPS = 20
SHAPES = [(4, 3), (5,), (), (2, 1, 3)]

CLIPS = [
    {},
    {"clipnorm": 0.5},
    {"clipnorm": 50.0},  # never reached
    {"clipvalue": 0.3},
    {"global_clipnorm": 0.7},
    {"global_clipnorm": 500.0},
]
OPTIONS = {
    "SGD": [
        {},
        {"learning_rate": 0.3},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True},
        {"nesterov": True},
        {"momentum": 1.0},
        {"weight_decay": 0.1},
    ],
    "Adam": [
        {},
        {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.6},
        {"epsilon": 0.1},
        {"amsgrad": True, "beta_2": 0.5},
        {"weight_decay": 0.1, "learning_rate": 0.1},
        {"beta_1": 0.0},
    ],
    "RMSprop": [
        {},
        {"learning_rate": 0.1, "rho": 0.5},
        {"momentum": 0.9},
        {"centered": True},
        {"centered": True, "momentum": 0.5, "epsilon": 0.01},
        {"weight_decay": 0.1, "learning_rate": 0.1},
    ],
}
CASES = [(name, options) for name, cases in OPTIONS.items() for options in cases]
CASES += [(name, {"learning_rate": 0.1, **clip}) for name in OPTIONS for clip in CLIPS[1:]]
CASES += [("SGD", {"momentum": 0.9, "nesterov": True, "clipvalue": 0.2})]


def gradients_of_a_step(step):
    """Small ones and large ones; one step without any."""
    rng = np.random.default_rng(step)
    scale = 0 if step == 7 else 10.0 ** rng.integers(-2, 2)
    return [(scale * rng.standard_normal(shape)).astype("float32") for shape in SHAPES]


def assert_near(actual, expected, name):
    """Each step adds its own rounding."""
    actual, expected = np.asarray(actual), keras.ops.convert_to_numpy(expected)
    assert actual.shape == expected.shape, name
    allowed = STEPS * tolerance("float32", 2) * max(1.0, np.abs(expected).max())
    assert np.abs(actual - expected).max() <= allowed, name


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_steps_are_those_of_keras(name, options):
    start = [np.random.default_rng(9).standard_normal(shape).astype("float32") for shape in SHAPES]
    ours = getattr(fastrnn.optimizers, name)(**options)
    theirs = getattr(keras.optimizers, name)(**options)
    variables = [Variable(value, f"v{k}") for k, value in enumerate(start)]
    tensors = [keras.Variable(value, name=f"v{k}") for k, value in enumerate(start)]
    for step in range(STEPS):
        gradients = gradients_of_a_step(step)
        given = [gradient.copy() for gradient in gradients]
        ours.apply(gradients, variables)
        theirs.apply([torch.tensor(gradient) for gradient in given], tensors)
        for variable, tensor in zip(variables, tensors, strict=True):
            assert_near(variable.value, tensor.value, f"{variable.name} after step {step}")
        for gradient, copy in zip(gradients, given, strict=True):
            np.testing.assert_array_equal(gradient, copy)  # the caller's arrays are not touched
    slots = {slot.name: slot.value for slot in ours.variables}
    wanted = {slot.name: slot.value for slot in theirs.variables}
    assert slots.keys() == wanted.keys()
    for key, value in slots.items():
        assert_near(value, wanted[key], key)
    assert int(ours.iterations.value) == STEPS
    moved = [np.abs(v.value - value).max() for v, value in zip(variables, start, strict=True)]
    assert min(moved) > 1e-3


@pytest.mark.parametrize("name", OPTIONS)
def test_defaults_are_those_of_keras(name):
    ours, theirs = (getattr(package.optimizers, name) for package in (fastrnn, keras))
    config, expected = ours().get_config(), theirs().get_config()
    for key in config.keys() - {"name"}:
        assert config[key] == pytest.approx(expected[key]), key
    own = [p for p in inspect.signature(ours).parameters.values() if p.kind is not p.VAR_KEYWORD]
    wanted = list(inspect.signature(theirs).parameters.values())[: len(own)]
    assert [(p.name, p.default) for p in own] == [(p.name, p.default) for p in wanted]


@pytest.mark.parametrize("name", OPTIONS)
def test_a_config_makes_the_same_optimizer(name):
    for options in (options for case, options in CASES if case == name):
        optimizer = getattr(fastrnn.optimizers, name)(**options)
        again = type(optimizer).from_config(optimizer.get_config())
        assert again.get_config() == optimizer.get_config()
        for key, value in options.items():
            assert again.get_config()[key] == pytest.approx(value)


@pytest.mark.parametrize("name", OPTIONS)
def test_double_precision_stays(name):
    variable = Variable(np.ones(3), "v")
    optimizer = getattr(fastrnn.optimizers, name)(0.1)
    optimizer.apply([np.array([1.0, -2.0, 3.0])], [variable])
    assert variable.value.dtype == np.float64
    assert (np.sign(variable.value - 1) == [-1, 1, -1]).all()


def test_a_learning_rate_that_is_a_function_of_the_updates():
    optimizer = fastrnn.optimizers.SGD(lambda updates: 1.0 / (1 + updates))
    variable = Variable(np.zeros(1), "v")
    for expected in (-1.0, -1.5, -1.5 - 1 / 3):
        optimizer.apply([np.ones(1)], [variable])
        assert variable.value[0] == pytest.approx(expected)
    optimizer.learning_rate = 0.5
    assert float(optimizer.learning_rate) == 0.5


def test_constraints_hold_after_each_step():
    limit = fastrnn.constraints.NonNeg()
    variable = Variable(np.array([0.1, 1.0]), "v", constraint=limit)
    fastrnn.optimizers.SGD(1.0).apply([np.array([0.5, 0.5])], [variable])
    np.testing.assert_allclose(variable.value, [0.0, 0.5])


ERRORS = {
    "learning_rate": [-0.1, "fast", float("nan"), None],
    "clipnorm": [0, -1.0],
    "clipvalue": [-0.5],
    "global_clipnorm": [0.0],
    "use_ema": [True],
    "no_such": [1],
}


@pytest.mark.parametrize("argument", ERRORS)
def test_bad_arguments(argument):
    for name in OPTIONS:
        for value in ERRORS[argument]:
            with pytest.raises(ValueError, match=argument):
                getattr(fastrnn.optimizers, name)(**{argument: value})


def test_one_clip_at_most_and_a_momentum_from_0_to_1():
    with pytest.raises(ValueError, match=r"`clipnorm`.*one of the three"):
        fastrnn.optimizers.Adam(clipnorm=1.0, clipvalue=1.0)
    for momentum in (-0.1, 1.1, "0.9"):
        with pytest.raises(ValueError, match="`momentum`"):
            fastrnn.optimizers.SGD(momentum=momentum)


def test_gradients_that_do_not_fit_change_nothing():
    variables = [Variable(np.ones(3), "a"), Variable(np.ones(2), "b")]
    optimizer = fastrnn.optimizers.Adam(0.1)
    good = [np.ones(3), np.ones(2)]
    with pytest.raises(ValueError, match=r"`gradients`.*1 arrays"):
        optimizer.apply(good[:1], variables)
    with pytest.raises(ValueError, match=r"`gradients`.*\(2,\).*'b'.*\(4,\)"):
        optimizer.apply([good[0], np.ones(4)], variables)
    assert all((v.value == 1).all() for v in variables)
    assert int(optimizer.iterations.value) == 0
    optimizer.apply(good, variables)
    with pytest.raises(ValueError, match=r"`variables`.*'c'"):
        optimizer.apply([np.ones(3)], [Variable(np.ones(3), "c")])
