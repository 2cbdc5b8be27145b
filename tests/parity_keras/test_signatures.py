"""Arguments, their order and defaults are those of Keras; nonsense is refused by name."""

import inspect
import operator

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn import layers, losses, metrics, optimizers

MODULES = [
    "layers", "models", "saving", "losses", "metrics", "optimizers", "initializers", "regularizers",
    "constraints", "callbacks", "utils",
]  # fmt: skip
# Arguments differ, for a reason each.
DIFFERENT = {
    "constructors of Keras that take anything": [
        "models.Sequential", "optimizers.Optimizer",
    ],
    "the first argument has one name in all modules": ["serialize", "losses.deserialize"],
    "nothing that runs code is read, so there is no safe mode": [
        "models.load_model", "saving.load_model", "deserialize_keras_object",
    ],
    "options that are none are refused": [
        "models.save_model", "saving.save_model", "metrics.MeanMetricWrapper", "utils.plot_model",
        "utils.model_to_dot",
    ],
    "fit alone makes it": ["callbacks.CallbackList"],
    "an argument of Keras 2 stands behind": ["utils.to_categorical"],
}  # fmt: skip


def names_of_both():
    """Return the public classes and functions of fastrnn's modules that Keras's have too."""
    return [
        f"{module}.{name}"
        for module in MODULES
        for name, value in vars(getattr(fastrnn, module)).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and hasattr(getattr(keras, module), name)
    ]


# Options that Keras 3 does not have, by keyword alone.
OWN_OPTIONS = ("zoneout", "cell_zoneout", "period")


def parameters(function):
    found = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, p.default) for p in found if p.name not in OWN_OPTIONS]


def signatures(name):
    return [parameters(operator.attrgetter(name)(k)) for k in (fastrnn, keras)]


def differs(name):
    named = [other for others in DIFFERENT.values() for other in others]
    return name in named or name.split(".")[1] in named


@pytest.mark.parametrize("name", [name for name in names_of_both() if not differs(name)])
def test_signature(name):
    ours, theirs = signatures(name)
    assert ours == theirs


@pytest.mark.parametrize("name", [name for name in names_of_both() if differs(name)])
def test_what_is_said_to_differ_does(name):
    ours, theirs = signatures(name)
    assert ours != theirs


# Arguments that Keras does not have, by keyword alone.
OWN_ARGUMENTS = {"fit": ["truncated_bptt"]}


@pytest.mark.parametrize(
    "method", ["add", "pop", "build", "summary", "get_layer", "compile", "fit", "predict",
               "train_on_batch", "test_on_batch", "predict_on_batch"]
)  # fmt: skip
def test_signature_of_sequential(method):
    ours, theirs = (parameters(getattr(k.Sequential, method)) for k in (fastrnn, keras))
    own = [entry for entry in ours if entry[0] in OWN_ARGUMENTS.get(method, ())]
    assert all(kind is inspect.Parameter.KEYWORD_ONLY for _, kind, _ in own)
    assert [entry for entry in ours if entry not in own] == theirs


NONSENSE = [
    -1.5, float("nan"), float("inf"), 10**400, "a", b"x", 1j, [], [None], (None, None), {"a": 1},
    object(), np.zeros((2, 3)), np.array(["a"]), np.datetime64("2020"),
]  # fmt: skip
NUMBERS = {
    "units": layers.Dense,
    "seed": lambda seed: layers.Dropout(0.5, seed=seed),
    "rate": layers.Dropout,
    "n": layers.RepeatVector,
    "size": layers.UpSampling1D,
    "padding": layers.ZeroPadding1D,
    "cropping": layers.Cropping1D,
    "negative_slope": layers.LeakyReLU,
    "threshold of a layer": lambda x: layers.ReLU(threshold=x),
    "axis": layers.BatchNormalization,
    "epsilon": lambda epsilon: layers.BatchNormalization(epsilon=epsilon),
    "merge_mode": lambda mode: layers.Bidirectional(layers.LSTM(2), merge_mode=mode),
    "data_format": layers.Flatten,
    "learning_rate": optimizers.SGD,
    "clipnorm": lambda clipnorm: optimizers.SGD(clipnorm=clipnorm),
    "weight_decay": lambda decay: optimizers.Adam(weight_decay=decay),
    "beta_1": lambda beta_1: optimizers.Adam(beta_1=beta_1),
    "rho": lambda rho: optimizers.RMSprop(rho=rho),
    "momentum": lambda momentum: optimizers.SGD(momentum=momentum),
    "delta": losses.Huber,
    "label_smoothing": lambda x: losses.BinaryCrossentropy(label_smoothing=x),
    "reduction": losses.MeanSquaredError,
    "threshold": lambda x: metrics.BinaryAccuracy(threshold=x),
    "max_value": fastrnn.constraints.MaxNorm,
    "stddev": lambda stddev: fastrnn.initializers.RandomNormal(0.0, stddev),
    "scale": fastrnn.initializers.VarianceScaling,
    "l2": fastrnn.regularizers.L2,
}


@pytest.mark.parametrize("value", NONSENSE, ids=range(len(NONSENSE)))
@pytest.mark.parametrize("argument", NUMBERS)
def test_nonsense_is_refused_by_name(argument, value):
    with pytest.raises((ValueError, TypeError), match=f"`{argument.split()[0]}`"):
        NUMBERS[argument](value)


@pytest.mark.parametrize("axis", [2, -3, 10**30])
def test_axis_that_the_predictions_do_not_have(axis):
    y = np.full((4, 3), 0.5, "float32")
    for cls in (losses.BinaryCrossentropy, losses.CategoricalCrossentropy):
        with pytest.raises(ValueError, match="`axis`"):
            cls(axis=axis)(y, y)
    with pytest.raises(ValueError, match="`axis`"):
        losses.SparseCategoricalCrossentropy(axis=axis)(np.zeros(4), y)
    with pytest.raises(ValueError, match="`axis`"):
        fastrnn.constraints.UnitNorm(axis=axis)(y)


def test_adam_refuses_averages_that_never_move():
    with pytest.raises(ValueError, match="`beta_2`"):
        optimizers.Adam(beta_2=1)


def test_positional_arguments_mean_what_they_mean_in_keras():
    optimizer = optimizers.SGD(0.1, 0.9, True, None, 2.0)
    assert (optimizer.momentum, optimizer.nesterov, optimizer.clipnorm) == (0.9, True, 2.0)
    logits = np.array([[-3.0, 2.0]])
    expected = keras.losses.binary_crossentropy(np.array([[0.0, 1.0]]), logits, True)
    actual = losses.binary_crossentropy(np.array([[0.0, 1.0]]), logits, True)
    np.testing.assert_allclose(actual, expected.numpy(), rtol=1e-6)


OPTIMIZERS = {
    "adam": lambda k: k.optimizers.Adam(amsgrad=True),
    "rmsprop": lambda k: k.optimizers.RMSprop(momentum=0.5, centered=True),
    "sgd": lambda k: k.optimizers.SGD(momentum=0.5),
    "averaged": lambda k: k.optimizers.Adagrad(use_ema=True, gradient_accumulation_steps=2),
    "ftrl": lambda k: k.optimizers.Ftrl(),
    "adadelta": lambda k: k.optimizers.Adadelta(use_ema=True),
    "adafactor": lambda k: k.optimizers.Adafactor(gradient_accumulation_steps=2),
    "lamb": lambda k: k.optimizers.Lamb(),
    "muon": lambda k: k.optimizers.Muon(),
    "scaled": lambda k: k.optimizers.LossScaleOptimizer(k.optimizers.Adam()),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_names_and_order_of_the_optimizers_variables(name):
    paths = []
    for k in (fastrnn, keras):
        k.utils.clear_session()
        model = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
        model.compile(OPTIMIZERS[name](k), "mse")
        model.train_on_batch(np.ones((2, 3), "float32"), np.ones((2, 2), "float32"))
        paths.append([v.path for v in model.optimizer.variables])
    assert paths[0] == paths[1]


def test_initializers_that_are_functions():
    def ones(shape, dtype=None):
        return np.ones(shape, dtype)

    wrapped = layers.Bidirectional(layers.LSTM(2, kernel_initializer=ones))
    wrapped.build((None, 5, 3))
    assert (wrapped.forward_layer.cell.kernel.value == 1).all()
    layer = layers.Dense(2, kernel_initializer=lambda shape, dtype=None: np.zeros(3))
    with pytest.raises(ValueError, match="`initializer`"):
        layer(np.zeros((1, 3)))


AXES = [(None, None), ([0], [1, 2]), ([0, 1], [-1]), ([0], None), ([], [2])]


@pytest.mark.parametrize("axes", AXES, ids=str)
@pytest.mark.parametrize("name", ["VarianceScaling", "GlorotUniform", "HeNormal", "LecunUniform"])
def test_inputs_and_outputs_of_an_initializer_by_axes(name, axes):
    """Drawn numbers differ from those of Keras; their spread does not."""
    options = dict(zip(("input_axes", "output_axes"), axes, strict=True))
    ours, theirs = (getattr(k.initializers, name)(seed=0, **options) for k in (fastrnn, keras))
    shape = (40, 6, 500)
    np.testing.assert_allclose(np.std(ours(shape)), np.std(theirs(shape).numpy()), rtol=0.02)
    config = ours.get_config()
    assert set(config) == set(theirs.get_config())
    np.testing.assert_array_equal(type(ours).from_config(config)(shape), ours(shape))


def test_axes_that_a_weight_does_not_have():
    for axes in ([2], [-3]):
        for options in (
            {"input_axes": axes, "output_axes": [0]},
            {"input_axes": [0], "output_axes": axes},
        ):
            with pytest.raises(ValueError, match="put_axes`"):
                fastrnn.initializers.HeNormal(**options)((3, 4))
    with pytest.raises(ValueError, match="`input_axes`"):
        fastrnn.initializers.HeNormal(input_axes=["a"])


@pytest.mark.parametrize("module", ["activations", "initializers", "regularizers", "constraints"])
def test_every_name_of_keras_is_known(module):
    ours, theirs = getattr(fastrnn, module), getattr(keras, module)
    bases = {"Initializer", "Regularizer", "Constraint"}
    for name in set(dir(theirs)) - bases:
        if not name.startswith("_"):
            assert hasattr(ours, name), name
    for name in getattr(keras.src, module).ALL_OBJECTS_DICT:
        if name.title() not in bases:
            ours.get(name)


# What Keras exports and fastrnn leaves out, and why.
LEFT_OUT = {
    "optimizers": {
        "MultiOptimizer": "an optimizer for each group of variables: train them in turn instead",
        "OptimizerMap": "belongs to MultiOptimizer",
    },
    "optimizers.schedules": {},
    "callbacks": {
        "OrbaxCheckpoint": "writes files of another package",
        "RemoteMonitor": "sends the logs to a web server; a LambdaCallback does that",
    },
}


@pytest.mark.parametrize("module", LEFT_OUT)
def test_every_export_of_keras_is_there_or_left_out_by_name(module):
    ours, theirs = (operator.attrgetter(module)(k) for k in (fastrnn, keras))
    exported = {name for name in vars(theirs) if not name.startswith("_")}
    assert {name for name in exported if not hasattr(ours, name)} == set(LEFT_OUT[module])


def test_bias_initializer_may_be_none():
    for layer in (
        layers.SimpleRNN(3, bias_initializer=None),
        layers.LSTM(3, bias_initializer=None),
    ):
        layer.build((None, 5, 3))
        assert np.abs(layer.cell.bias.value).max() > 0


def test_optimizer_of_the_users_own():
    class Descent(optimizers.Optimizer):
        def update(self, gradient, variable, rate):
            variable.value -= rate * gradient

    model = fastrnn.Sequential([fastrnn.Input((3,)), layers.Dense(1)])
    model.compile(Descent(0.1), "mse")
    before = model.get_weights()[1]
    model.train_on_batch(np.zeros((2, 3)), np.ones((2, 1)))
    np.testing.assert_allclose(model.get_weights()[1], before + 0.2, rtol=1e-6)


@pytest.mark.parametrize("weights", [None, np.array([1.0, 2.0, 3.0])])
def test_metric_that_ignores_a_class(weights):
    labels, scores = np.array([0, 1, 2]), np.array([[0.2, 0.3, 0.5]] * 3)
    ours, theirs = (
        k.metrics.SparseCategoricalCrossentropy(ignore_class=1)(labels, scores, weights)
        for k in (fastrnn, keras)
    )
    np.testing.assert_allclose(ours, float(theirs), rtol=1e-6)
