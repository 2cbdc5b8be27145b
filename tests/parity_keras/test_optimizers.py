"""Every optimizer and option against live Keras: variables and slots over twenty steps."""

import inspect

import numpy as np
import pytest
from live_keras import keras, torch
from tolerance import tolerance

import fastrnn
from fastrnn.core.variable import Variable

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
    "AdamW": [{}, {"learning_rate": 0.1, "weight_decay": 0.1, "amsgrad": True}],
    "Nadam": [
        {},
        {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.6},
        {"epsilon": 0.1},
        {"weight_decay": 0.1, "learning_rate": 0.1},
    ],
    "Adagrad": [
        {},
        {"learning_rate": 0.3, "initial_accumulator_value": 0.0, "epsilon": 0.01},
        {"weight_decay": 0.1, "learning_rate": 0.1},
    ],
    "Adadelta": [
        {"learning_rate": 1.0},
        {"learning_rate": 0.5, "rho": 0.5, "epsilon": 0.01},
        {"weight_decay": 0.1, "learning_rate": 1.0},
    ],
    "Adamax": [
        {},
        {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.6, "epsilon": 0.1},
        {"weight_decay": 0.1, "learning_rate": 0.1},
    ],
    "Lion": [
        {},
        {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.6},
        {"weight_decay": 0.1, "learning_rate": 0.1},
    ],
    "Ftrl": [
        {},
        {"learning_rate": 0.1, "l1_regularization_strength": 0.3},
        {"learning_rate": 0.1, "l2_regularization_strength": 0.2, "beta": 0.3},
        {"learning_rate": 0.1, "l2_shrinkage_regularization_strength": 0.1},
        {"learning_rate": 0.1, "learning_rate_power": -0.3, "initial_accumulator_value": 0.4},
        {"weight_decay": 0.1, "learning_rate": 0.1},
    ],
}
OPTIONS |= {
    "Adafactor": [
        {"learning_rate": 0.3},
        {"learning_rate": 0.3, "relative_step": False, "clip_threshold": 0.4},
        {"learning_rate": 0.5, "beta_2_decay": -0.4, "epsilon_1": 0.01, "epsilon_2": 2.0},
        {"learning_rate": 0.3, "weight_decay": 0.1},
    ],
    "Lamb": [
        {},
        {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.6, "epsilon": 0.1},
        {"weight_decay": 0.1, "learning_rate": 0.1},
    ],
    "Muon": [
        {},
        {"learning_rate": 0.1, "momentum": 0.5, "nesterov": False, "ns_steps": 3},
        {"adam_beta_1": 0.5, "adam_beta_2": 0.6, "adam_weight_decay": None, "epsilon": 0.1},
        {"rms_rate": None, "weight_decay": None, "adam_lr_ratio": 0.5},
        {"exclude_layers": ["v."]},
        {"muon_a": 2.0, "muon_b": -1.5, "muon_c": 0.5, "learning_rate": 0.1},
    ],
}
CASES = [(name, options) for name, cases in OPTIONS.items() for options in cases]
# Adadelta scales its steps itself, and starts with tiny ones.
RATES = {name: 2.0 if name == "Adadelta" else 0.1 for name in OPTIONS}
CASES += [(name, {"learning_rate": RATES[name], **clip}) for name in OPTIONS for clip in CLIPS[1:]]
CASES += [("SGD", {"momentum": 0.9, "nesterov": True, "clipvalue": 0.2})]


SHARED = [
    {"use_ema": True, "ema_momentum": 0.7},
    {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 4},
    {"loss_scale_factor": 3.0, "clipnorm": 0.5},
    {"gradient_accumulation_steps": 3, "clipnorm": 0.5, "weight_decay": 0.1},
    {"gradient_accumulation_steps": 3, "use_ema": True, "ema_overwrite_frequency": 2},
]
CASES += [(name, {"learning_rate": RATES[name], **shared}) for name in OPTIONS for shared in SHARED]


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
    variables = [Variable(value, name=f"v{k}") for k, value in enumerate(start)]
    tensors = [keras.Variable(value, name=f"v{k}") for k, value in enumerate(start)]
    moved = np.zeros(len(SHAPES))
    for step in range(STEPS):
        gradients = gradients_of_a_step(step)
        given = [gradient.copy() for gradient in gradients]
        ours.apply(gradients, variables)
        theirs.apply([torch.tensor(gradient) for gradient in given], tensors)
        for variable, tensor in zip(variables, tensors, strict=True):
            assert_near(variable.value, tensor.value, f"{variable.name} after step {step}")
        distances = [
            np.abs(v.value - value).max() for v, value in zip(variables, start, strict=True)
        ]
        moved = np.maximum(moved, distances)
        for gradient, copy in zip(gradients, given, strict=True):
            np.testing.assert_array_equal(gradient, copy)  # the caller's arrays are not touched
    assert len(ours.variables) == len(theirs.variables)
    for slot, wanted in zip(ours.variables, theirs.variables, strict=True):
        # Keras leaves this one without a name of its own.
        assert slot.name == wanted.name or slot.name == "u_product"
        assert_near(slot.value, wanted.value, slot.name)
    assert int(ours.iterations) == int(theirs.iterations)
    ours.finalize_variable_values(variables)
    theirs.finalize_variable_values(tensors)
    for variable, tensor in zip(variables, tensors, strict=True):
        assert_near(variable.value, tensor.value, f"{variable.name} at the end")
    assert moved.min() > 1e-3


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
    variable = Variable(np.zeros(3), name="v")
    optimizer = getattr(fastrnn.optimizers, name)(0.1)
    optimizer.apply([np.array([1.0, -2.0, 3.0])], [variable])
    assert variable.value.dtype == np.float64
    assert (np.sign(variable.value) == [-1, 1, -1]).all()


def test_a_learning_rate_that_is_a_function_of_the_updates():
    optimizer = fastrnn.optimizers.SGD(lambda updates: 1.0 / (1 + updates))
    variable = Variable(np.zeros(1), name="v")
    for expected in (-1.0, -1.5, -1.5 - 1 / 3):
        optimizer.apply([np.ones(1)], [variable])
        assert variable.value[0] == pytest.approx(expected)
    optimizer.learning_rate = 0.5
    assert float(optimizer.learning_rate) == 0.5


def test_constraints_hold_after_each_step():
    limit = fastrnn.constraints.NonNeg()
    variable = Variable(np.array([0.1, 1.0]), name="v", constraint=limit)
    fastrnn.optimizers.SGD(1.0).apply([np.array([0.5, 0.5])], [variable])
    np.testing.assert_allclose(variable.value, [0.0, 0.5])


ERRORS = {
    "learning_rate": [-0.1, "fast", float("nan"), None],
    "clipnorm": [0, -1.0],
    "clipvalue": [-0.5],
    "global_clipnorm": [0.0],
    "ema_momentum": [-0.1, 1.1],
    "ema_overwrite_frequency": [0, 1.5],
    "gradient_accumulation_steps": [1, 2.5, -3],
    "loss_scale_factor": [0.0, -1.0, "dynamic"],
    "no_such": [1],
}


@pytest.mark.parametrize("argument", ERRORS)
def test_bad_arguments(argument):
    for name in OPTIONS:
        for value in ERRORS[argument]:
            with pytest.raises(ValueError, match=argument):
                getattr(fastrnn.optimizers, name)(**{argument: value})


def test_one_clip_at_most_and_a_momentum_from_0_to_1():
    with pytest.raises(ValueError, match="Only one of `clipnorm`"):
        fastrnn.optimizers.Adam(clipnorm=1.0, clipvalue=1.0)
    for momentum in (-0.1, 1.1, "0.9"):
        with pytest.raises(ValueError, match="`momentum`"):
            fastrnn.optimizers.SGD(momentum=momentum)


def test_gradients_that_do_not_fit_change_nothing():
    variables = [Variable(np.ones(3), name="a"), Variable(np.ones(2), name="b")]
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
        optimizer.apply([np.ones(3)], [Variable(np.ones(3), name="c")])


SCHEDULES = {
    "ExponentialDecay": [(0.1, 7, 0.5), (0.1, 7, 0.5, True)],
    "InverseTimeDecay": [(0.1, 7, 0.5), (0.1, 7, 0.5, True)],
    "PiecewiseConstantDecay": [([5, 11], [0.3, 0.2, 0.1]), ([5], [0.3, 0.1])],
    "PolynomialDecay": [(0.1, 7), (0.1, 7, 0.01, 2.0), (0.1, 7, 0.01, 0.5, True)],
    "CosineDecay": [(0.1, 7), (0.1, 7, 0.2), (0.0, 7, 0.1, "warm", 0.3, 5), (0.1, 7, 0, "w", 0.2)],
    "CosineDecayRestarts": [
        (0.1, 5),
        (0.1, 5, 1.0),
        (0.1, 5, 1.0, 0.5, 0.1),
        (0.1, 7, 1.5, 0.7, 0.2),
    ],
}
SCHEDULE_CASES = [(name, args) for name, cases in SCHEDULES.items() for args in cases]


def make_schedule(package, name, args):
    return getattr(package.optimizers.schedules, name)(*args)


@pytest.mark.parametrize(("name", "args"), SCHEDULE_CASES, ids=str)
def test_schedules_are_those_of_keras(name, args):
    ours, theirs = (make_schedule(package, name, args) for package in (fastrnn, keras))
    for step in range(60):
        expected = float(theirs(torch.tensor(step)))
        assert ours(step) == pytest.approx(expected, rel=2e-5, abs=1e-7), step
    assert ours.get_config() == theirs.get_config()
    serialize = fastrnn.optimizers.schedules.serialize
    assert serialize(ours) == keras.optimizers.schedules.serialize(theirs)
    again = fastrnn.optimizers.schedules.deserialize(serialize(ours))
    assert [again(step) for step in range(30)] == [ours(step) for step in range(30)]
    signatures = [
        inspect.signature(type(schedule)).parameters.values() for schedule in (ours, theirs)
    ]
    assert [(p.name, p.default) for p in signatures[0]] == [
        (p.name, p.default) for p in signatures[1]
    ]


@pytest.mark.parametrize("steps", [None, 3])
@pytest.mark.parametrize("name", OPTIONS)
def test_optimizers_with_a_schedule(name, steps):
    """The schedule counts batches, also where several of them make one update."""
    optimizers, values = [], []
    for package in (fastrnn, keras):
        schedule = make_schedule(package, "ExponentialDecay", (0.1, 4, 0.5))
        make = getattr(package.optimizers, name)
        optimizers.append(make(schedule, gradient_accumulation_steps=steps, weight_decay=0.1))
        made = {fastrnn: Variable, keras: keras.Variable}[package]
        values.append(made(np.ones(3, "float32"), name="v"))
    for step in range(STEPS):
        gradient = np.random.default_rng(step).standard_normal(3).astype("float32")
        optimizers[0].apply([gradient], [values[0]])
        optimizers[1].apply([torch.tensor(gradient)], [values[1]])
        assert_near(values[0].value, values[1].value, step)
    assert len(optimizers[0].variables) == len(optimizers[1].variables)
    assert float(optimizers[0].learning_rate) == pytest.approx(float(optimizers[1].learning_rate))
    again = fastrnn.optimizers.deserialize(fastrnn.optimizers.serialize(optimizers[0]))
    assert again.get_config() == optimizers[0].get_config()
    theirs = {**optimizers[1].get_config(), "name": optimizers[0].name}
    from_theirs = type(optimizers[0]).from_config(theirs)
    assert from_theirs.get_config() == optimizers[0].get_config()
    with pytest.raises(TypeError, match="`learning_rate`"):
        optimizers[0].learning_rate = 0.1


@pytest.mark.parametrize("how", ["var_list", "var_names"])
def test_variables_without_weight_decay(how):
    results = []
    for package, make in ((fastrnn, Variable), (keras, keras.Variable)):
        variables = [make(np.ones(2, "float32"), name=name) for name in ("kernel", "bias")]
        optimizer = package.optimizers.AdamW(0.1, weight_decay=0.5)
        excluded = {"var_list": variables[1:], "var_names": ["bi.s"]}[how]
        optimizer.exclude_from_weight_decay(**{how: excluded})
        zeros = np.zeros(2, "float32")
        gradients = [zeros if package is fastrnn else torch.tensor(zeros)] * 2
        optimizer.apply(gradients, variables)
        results.append([np.asarray(keras.ops.convert_to_numpy(v.value)) for v in variables])
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)
    assert results[0][0][0] < 0.96
    assert results[0][1][0] == 1.0
    ours = fastrnn.optimizers.AdamW()
    ours.build([Variable(np.ones(2), name="kernel")])
    with pytest.raises(ValueError, match="exclude_from_weight_decay"):
        ours.exclude_from_weight_decay(var_names=["bias"])


BAD_SCHEDULES = {
    "decay_steps": ("ExponentialDecay", (0.1, 0, 0.5)),
    "decay_rate": ("InverseTimeDecay", (0.1, 5, -1.0)),
    "values": ("PiecewiseConstantDecay", ([1, 2], [0.1, 0.2])),
    "boundaries": ("PiecewiseConstantDecay", ([2, 1], [0.1, 0.2, 0.3])),
    "end_learning_rate": ("PolynomialDecay", (0.1, 5, "low")),
    "warmup_steps": ("CosineDecay", (0.1, 5, 0.0, "n", 0.2, -1)),
    "first_decay_steps": ("CosineDecayRestarts", (0.1, 0)),
    "t_mul": ("CosineDecayRestarts", (0.1, 5, 0.5)),
}


@pytest.mark.parametrize("argument", BAD_SCHEDULES)
def test_bad_schedules(argument):
    with pytest.raises(ValueError, match=f"`{argument}`"):
        make_schedule(fastrnn, *BAD_SCHEDULES[argument])


def test_adamw_needs_a_weight_decay_and_lion_an_average():
    with pytest.raises(ValueError, match="`weight_decay`"):
        fastrnn.optimizers.AdamW(weight_decay=None)
    with pytest.raises(ValueError, match="`beta_1`"):
        fastrnn.optimizers.Lion(beta_1=0)


@pytest.mark.parametrize("frequency", [None, 2])
def test_fit_ends_with_the_averages(frequency):
    x = np.random.default_rng(0).standard_normal((12, 3)).astype("float32")
    results, start = [], None
    for package in (keras, fastrnn):
        model = package.Sequential([package.Input((3,)), package.layers.Dense(2)])
        start = model.get_weights() if start is None else start
        model.set_weights(start)
        optimizer = package.optimizers.SGD(
            0.1, use_ema=True, ema_momentum=0.6, ema_overwrite_frequency=frequency
        )
        model.compile(optimizer, "mse")
        model.fit(x, x[:, :2], batch_size=4, epochs=2, shuffle=False, verbose=0)
        results.append(model.get_weights())
    for actual, expected in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.6, "epsilon": 0.1},
        {"learning_rate": 0.1, "warmup_steps": 7},
    ],
)
def test_schedule_free_steps(options):
    """Keras on torch recovers x with the new z in the place of the old one, by sharing memory."""
    ours = fastrnn.optimizers.ScheduleFreeAdamW(**options)
    theirs = keras.optimizers.ScheduleFreeAdamW(**options)
    config = ours.get_config()
    assert {**theirs.get_config(), "name": ours.name} == pytest.approx(config)
    assert type(ours).from_config(config).get_config() == config
    rate, beta_1, beta_2 = config["learning_rate"], config["beta_1"], config["beta_2"]
    start = np.random.default_rng(9).standard_normal(5)
    variable = Variable(start.astype("float32"), name="v")
    tensor = keras.Variable(start.astype("float32"), name="v")
    right, shared = start.copy(), start.copy()
    z, v, x = start.copy(), np.zeros(5), start.copy()
    for t in range(1, STEPS + 1):
        gradient = np.random.default_rng(t).standard_normal(5).astype("float32")
        ours.apply([gradient], [variable])
        theirs.apply([torch.tensor(gradient)], [tensor])
        v = beta_2 * v + (1 - beta_2) * gradient**2
        warm = min(1, t / config["warmup_steps"]) if config["warmup_steps"] else 1
        z = z - warm * rate * gradient / (np.sqrt(v / (1 - beta_2**t)) + config["epsilon"])
        x = x + (z - x) / t
        right = (1 - beta_1) * z + beta_1 * x
        wrong_x = (shared - (1 - beta_1) * z) / beta_1
        shared = (1 - beta_1) * z + beta_1 * (wrong_x + (z - wrong_x) / t)
        assert_near(variable.value, right, t)
        assert_near(shared, tensor.value, t)
    for slot, wanted in zip(ours.variables, theirs.variables, strict=True):
        assert slot.name == wanted.name
        assert_near(slot.value, wanted.value, slot.name)


def test_loss_scales_that_grow_and_shrink():
    results = []
    for k, made, array in (
        (fastrnn, Variable, np.asarray),
        (keras, keras.Variable, torch.tensor),
    ):
        inner = k.optimizers.Adam(0.1, loss_scale_factor=3.0)
        optimizer = k.optimizers.LossScaleOptimizer(inner, 8.0, dynamic_growth_steps=3)
        assert inner.loss_scale_factor is None
        variable = made(np.ones(3, "float32"), name="v")
        path = [float(optimizer.scale_loss(1.0))]
        for step in range(12):
            gradient = np.random.default_rng(step).standard_normal(3).astype("float32")
            if step in (1, 7, 8):
                gradient[step % 3] = np.nan if step == 7 else np.inf
            optimizer.apply([array(gradient)], [variable])
            path += [float(optimizer.scale_loss(1.0)), int(optimizer.iterations)]
        optimizer.learning_rate = 0.25
        path.append(float(inner.learning_rate))
        names = [v.name for v in optimizer.variables]
        values = [np.asarray(keras.ops.convert_to_numpy(v.value)) for v in optimizer.variables]
        results.append(
            (path, names, values, np.asarray(keras.ops.convert_to_numpy(variable.value)))
        )
    assert results[0][:2] == results[1][:2]
    for actual, expected in zip(results[0][2], results[1][2], strict=True):
        assert_near(actual, expected, "variables")
    assert_near(results[0][3], results[1][3], "variable")


def test_a_loss_scale_optimizer_trains_and_is_described():
    x = np.random.default_rng(0).standard_normal((12, 3)).astype("float32")
    weights = []
    for wrap in (False, True):
        fastrnn.utils.set_random_seed(0)
        model = fastrnn.Sequential([fastrnn.Input((3,)), fastrnn.layers.Dense(2)])
        optimizer = fastrnn.optimizers.Adam(0.1, use_ema=True)
        if wrap:
            optimizer = fastrnn.optimizers.LossScaleOptimizer(optimizer)
            config = fastrnn.optimizers.serialize(optimizer)
            assert fastrnn.optimizers.serialize(fastrnn.optimizers.deserialize(config)) == config
        model.compile(optimizer, "mse")
        model.fit(x, x[:, :2], batch_size=4, verbose=0)
        weights.append(model.get_weights())
    for plain, scaled in zip(*weights, strict=True):
        np.testing.assert_array_equal(plain, scaled)  # the scale is a power of 2
    sgd = fastrnn.optimizers.SGD()
    for arguments in ({"clipnorm": 1.0}, {"dynamic": False}, {"no_such": 1}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            fastrnn.optimizers.LossScaleOptimizer(sgd, **arguments)
    with pytest.raises(ValueError, match="`inner_optimizer`"):
        fastrnn.optimizers.LossScaleOptimizer("sgd")


@pytest.mark.parametrize("factor", [4.0, 3.0])
def test_a_loss_scale_factor_changes_no_training(factor):
    x = np.random.default_rng(0).standard_normal((12, 3)).astype("float32")
    results, start = [], None
    for package in (keras, fastrnn):
        model = package.Sequential(
            [package.Input((3,)), package.layers.Dense(2, kernel_regularizer="l2")]
        )
        start = model.get_weights() if start is None else start
        model.set_weights(start)
        model.compile(package.optimizers.SGD(0.1, loss_scale_factor=factor), "mse")
        model.fit(x, x[:, :2], batch_size=4, epochs=2, shuffle=False, verbose=0)
        results.append(model.get_weights())
    for actual, expected in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
    optimizer = fastrnn.optimizers.SGD(loss_scale_factor=factor)
    assert optimizer.scale_loss(2.0) == 2 * factor
    assert type(optimizer).from_config(optimizer.get_config()).loss_scale_factor == factor
