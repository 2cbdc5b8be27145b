"""Arguments of Keras 1 and 2: each is taken, warns once, and means today's."""

import re
import warnings

import numpy as np
import pytest

import fastrnn
from fastrnn import layers, optimizers
from fastrnn.core.old_arguments import RENAMED

# For each old name a class, a value, and what else its constructor needs.
WITH = {
    "init": (layers.Dense, "he_normal", (3,)),
    "inner_init": (layers.LSTM, "glorot_uniform", (3,)),
    "inner_activation": (layers.GRU, "hard_sigmoid", (3,)),
    "bias": (layers.Dense, False, (3,)),
    "W_regularizer": (layers.Dense, "l2", (3,)),
    "U_regularizer": (layers.LSTM, "l1", (3,)),
    "b_regularizer": (layers.SimpleRNN, "l2", (3,)),
    "W_constraint": (layers.Dense, "non_neg", (3,)),
    "U_constraint": (layers.LSTM, "max_norm", (3,)),
    "b_constraint": (layers.Dense, "non_neg", (3,)),
    "beta_init": (layers.BatchNormalization, "ones", ()),
    "gamma_init": (layers.BatchNormalization, "zeros", ()),
    "p": (layers.Dropout, 0.25, ()),
    "border_mode": (layers.MaxPooling1D, "same", ()),
    "nb_filter": (layers.Conv1D, 4, ()),
    "filter_length": (layers.Conv1D, 3, (4,)),
    "subsample_length": (layers.Conv1D, 2, (4, 3)),
    "atrous_rate": (layers.Conv1D, 2, (4, 3)),
    "pool_length": (layers.MaxPooling1D, 3, ()),
    "stride": (layers.AveragePooling1D, 2, (3,)),
    "output_dim": (layers.LSTM, 5, ()),
    "nb_units": (layers.Dense, 5, ()),
    "lr": (optimizers.Adam, 0.25, ()),
    "dropout_W": (layers.LSTM, 0.5, (3,)),
    "dropout_U": (layers.GRU, 0.5, (3,)),
    ("Embedding", "init"): (layers.Embedding, "ones", (3, 2)),
    ("Embedding", "W_regularizer"): (layers.Embedding, "l2", (3, 2)),
    ("Embedding", "W_constraint"): (layers.Embedding, "non_neg", (3, 2)),
    ("PReLU", "init"): (layers.PReLU, "ones", ()),
    ("GaussianNoise", "sigma"): (layers.GaussianNoise, 0.5, ()),
    ("UpSampling1D", "length"): (layers.UpSampling1D, 3, ()),
    ("Reshape", "dims"): (layers.Reshape, (2, 3), ()),
}
NEEDS = {"nb_filter": {"kernel_size": 3}}


def config_of(made):
    return {k: v for k, v in made.get_config().items() if k not in ("name", "seed")}


def test_every_old_name_has_a_row():
    named = {
        old if cls is None else (cls, old)
        for cls, names in RENAMED.items()
        for old, new in names.items()
        if old != new
    }
    assert named == set(WITH)


@pytest.mark.parametrize("row", WITH, ids=str)
def test_an_old_name_is_taken_for_todays(row):
    cls, value, needed = WITH[row]
    old = row if isinstance(row, str) else row[1]
    new = RENAMED[None if isinstance(row, str) else row[0]][old]
    options = NEEDS.get(old, {})
    message = re.escape(f"`{cls.__name__}({old}=…)` is a form of an earlier Keras. Today's is ")
    with pytest.warns(DeprecationWarning, match=message + re.escape(f"`{cls.__name__}({new}")) as w:
        made = cls(*needed, **options, **{old: value})
    assert [warning.filename for warning in w] == [__file__]
    assert config_of(made) == config_of(cls(*needed, **options, **{new: value}))
    with pytest.raises(TypeError, match=f"'{old}'.*'{new}'"):
        cls(*needed, **options, **{old: value, new: value})


def test_a_name_that_the_class_never_had_is_refused():
    with pytest.raises((TypeError, ValueError), match="inner_init"):
        layers.Dense(3, inner_init="zeros")
    with pytest.raises((TypeError, ValueError), match="lr"):
        layers.Dense(3, lr=0.1)


def test_classes_of_ones_own_inherit_old_names():
    class Mine(layers.Dense):
        def __init__(self, size, **kwargs):
            super().__init__(output_dim=size, **kwargs)

    with pytest.warns(DeprecationWarning, match=re.escape("Mine(units=…)")):
        assert Mine(4).units == 4


@pytest.mark.parametrize(
    ("cls", "needed", "options"),
    [
        (layers.LSTM, (3,), {"consume_less": "gpu"}),
        (layers.GRU, (3,), {"time_major": False}),
        (layers.BatchNormalization, (), {"mode": 0}),
        (layers.BatchNormalization, (), {"fused": True}),
        (layers.Embedding, (9, 3), {"dropout": 0.2}),
        (optimizers.Nadam, (), {"schedule_decay": 0.004}),
        (optimizers.Adam, (), {"epsilon": None}),
        (optimizers.RMSprop, (), {"decay": 0.0}),
    ],
)
def test_what_has_no_effect_any_more_warns(cls, needed, options):
    with pytest.warns(DeprecationWarning) as told:
        made = cls(*needed, **options)
    assert len(told) == 1
    assert config_of(made) == config_of(cls(*needed))


def test_what_had_an_effect_is_refused():
    with pytest.raises(ValueError, match="time_major"):
        layers.LSTM(3, time_major=True)
    with pytest.raises(ValueError, match="mode"):
        layers.BatchNormalization(mode=1)


@pytest.mark.parametrize(("value", "flag"), [("one", True), ("zero", False)])
def test_the_bias_of_the_forget_gate(value, flag):
    with pytest.warns(DeprecationWarning, match="unit_forget_bias"):
        assert layers.LSTM(3, forget_bias_init=value).unit_forget_bias is flag
    with pytest.raises(ValueError, match="forget_bias_init"):
        layers.LSTM(3, forget_bias_init="uniform")


def test_an_argument_that_had_a_value():
    with pytest.warns(DeprecationWarning, match=re.escape("(pool_size=2)")):
        made = layers.AveragePooling1D()
    assert config_of(made) == config_of(layers.AveragePooling1D(2))
    with pytest.raises(TypeError, match="units"):
        layers.Dense()


# ---- shapes of inputs, weights ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: layers.LSTM(3, batch_input_shape=(4, 5, 2)), (4, 5, 2)),
        (lambda: layers.LSTM(3, input_shape=(5, 2), batch_size=4), (4, 5, 2)),
        (lambda: layers.LSTM(3, input_dim=2, input_length=5), (None, 5, 2)),
        (lambda: layers.GRU(3, input_dim=2), (None, None, 2)),
        (lambda: layers.Conv1D(3, 2, input_dim=2, input_length=5), (None, 5, 2)),
        (lambda: layers.Dense(3, input_dim=2), (None, 2)),
        (lambda: layers.Dense(3, input_shape=(2,), batch_size=7), (7, 2)),
        (lambda: layers.Embedding(9, 3, input_length=5), (None, 5)),
        (lambda: layers.Embedding(9, 3, batch_input_shape=(4, 5)), (4, 5)),
        (lambda: layers.TimeDistributed(layers.Dense(3), input_shape=(5, 2)), (None, 5, 2)),
    ],
)
def test_the_first_layer_may_say_the_shape_of_the_inputs(layer, shape):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = fastrnn.Sequential([layer()])
    assert told
    assert {warning.filename for warning in told} == {__file__}
    assert model.built
    assert model.input_shape == shape


def test_a_length_that_keras_3_ignores_may_be_another():
    with pytest.warns(DeprecationWarning, match="input_length"):
        model = fastrnn.Sequential([layers.Embedding(9, 3, input_length=5), layers.LSTM(2)])
    assert model.layers[0].get_weights()[0].shape == (9, 3)
    assert model.predict(np.zeros((2, 7)), verbose=0).shape == (2, 2)


def test_the_size_of_a_batch_further_on_says_nothing():
    with pytest.warns(DeprecationWarning, match="batch_size"):
        model = fastrnn.Sequential([fastrnn.Input((3,)), layers.Dense(2, batch_size=4)])
    assert model.predict(np.zeros((5, 3)), verbose=0).shape == (5, 2)


def test_weights_of_a_layer_are_set_when_there_are_weights():
    values = [np.ones((3, 2), "float32"), np.full(2, 7, "float32")]
    with pytest.warns(DeprecationWarning, match="set_weights"):
        layer = layers.Dense(2, weights=values)
    layer.build((None, 3))
    for mine, given in zip(layer.get_weights(), values, strict=True):
        np.testing.assert_array_equal(mine, given)
    with pytest.warns(DeprecationWarning):
        layer = layers.Dense(2, weights=values[:1])
    with pytest.raises(ValueError, match="weights"):
        layer.build((None, 3))


# ---- decay of the learning rate ---------------------------------------------------------------


def trained(optimizer):
    variable = fastrnn.layers.Dense(1)
    variable.build((None, 3))
    variable.set_weights([np.ones((3, 1)), np.zeros(1)])
    for _ in range(4):
        optimizer.apply([np.ones((3, 1)), np.ones(1)], variable.trainable_variables)
    return variable.get_weights()[0]


def test_decay_is_that_of_keras_2():
    """The rate of update t is lr / (1 + decay·t)."""
    with pytest.warns(DeprecationWarning, match="InverseTimeDecay") as told:
        old = optimizers.SGD(0.5, decay=0.25)
    assert len(told) == 1
    by_hand = 1 - 0.5 * sum(1 / (1 + 0.25 * t) for t in range(4))
    np.testing.assert_allclose(trained(old), by_hand, rtol=1e-6)
    today = optimizers.SGD(optimizers.schedules.InverseTimeDecay(0.5, 1, 0.25))
    np.testing.assert_allclose(trained(today), by_hand, rtol=1e-6)
    assert old.get_config() == {**today.get_config(), "name": old.name}
    assert len(old.variables) == len(today.variables)


def test_a_rate_that_decays_can_be_set():
    """Callbacks change the rate that is divided, as in Keras 2; a schedule would refuse."""
    with pytest.warns(DeprecationWarning):
        optimizer = optimizers.SGD(lr=0.5, decay=1.0)
    trained(optimizer)
    assert float(optimizer.learning_rate) == 0.5
    optimizer.learning_rate = 5.0
    np.testing.assert_allclose(trained_further(optimizer), 1 - 5 / (1 + 4.0), rtol=1e-6)
    with pytest.raises(ValueError, match="decay"), pytest.warns(DeprecationWarning):
        optimizers.SGD(lambda step: 0.1, decay=0.5)


def trained_further(optimizer):
    variable = optimizer._known[0]
    variable.assign(np.ones((3, 1)))
    optimizer.apply([np.ones((3, 1)), np.ones(1)])
    return variable.value
