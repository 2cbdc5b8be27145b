"""Classes and functions of the user's own: registered in code, named in files, never imported."""

import json
import warnings
import zipfile

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn import Input, Model, Sequential, layers, saving


@saving.register_keras_serializable("tests")
class Scaled(layers.Layer):
    """A layer with a weight, and with options that are no plain data."""

    def __init__(self, factors, slices=slice(None), **kwargs):
        super().__init__(**kwargs)
        self.factors, self.slices = np.asarray(factors), slices

    def make_weights(self, input_shape):
        self.bias = self.add_weight((input_shape[-1],), "zeros", name="bias")

    def forward(self, inputs, context, mask=None):
        return inputs * self.factors[self.slices].astype("float32") + self.bias.value, None

    def get_config(self):
        return {**super().get_config(), "factors": self.factors, "slices": self.slices}


@saving.register_keras_serializable("tests")
def doubled(x):
    return 2 * x


@saving.register_keras_serializable("tests")
def distance(y_true, y_pred):
    return np.abs(y_true - y_pred).mean(-1)


class Plain(layers.Dense):
    """Not registered: known by ``custom_objects`` alone."""


@saving.register_keras_serializable("tests")
class Tagger(Model):
    """A model with a `call` of its own."""

    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.last = layers.Dense(2)
        self.chain = [layers.Embedding(7, 3), layers.GRU(units, return_sequences=True)]
        self.by_name = {"dense": layers.Dense(3), "again": [layers.Dense(3)]}

    def call(self, inputs):
        for layer in self.chain:
            inputs = layer(inputs)
        return self.last(self.by_name["again"][0](self.by_name["dense"](inputs)))

    def get_config(self):
        return {"units": self.units, "name": self.name}


def round_trip(model, path, **options):
    model.save(path)
    return saving.load_model(path, **options)


@pytest.mark.parametrize("ending", [".keras", ".fastrnn"])
def test_registered_classes_and_functions(ending, tmp_path):
    model = Sequential(
        [
            Input((3,)),
            Scaled([1.0, 2.0, 3.0, 4.0], slice(0, 3)),
            layers.Dense(2, activation=doubled, kernel_initializer=ones),
        ]
    )
    model.compile("sgd", distance, metrics=[distance, "mse"])
    x, y = np.ones((4, 3)), np.zeros((4, 2))
    other = round_trip(model, tmp_path / f"a{ending}")
    np.testing.assert_array_equal(model(x), other(x))
    assert model.evaluate(x, y, verbose=0) == other.evaluate(x, y, verbose=0)
    assert isinstance(other.layers[0], Scaled)
    assert other.layers[0].slices == slice(0, 3)


@saving.register_keras_serializable("tests")
class Table(layers.Layer):
    """A layer that makes weights in its constructor, and a layer with weights there."""

    def __init__(self, rows, **kwargs):
        super().__init__(**kwargs)
        self.rows = rows
        self.shift = layers.Dense(1)
        self.shift.build((None, 3))
        self.table = self.add_weight((rows, 3), "ones", name="table")

    @property
    def sublayers(self):
        return [self.shift]

    def forward(self, inputs, context, mask=None):
        return inputs + self.table.value.sum(0) + self.shift(inputs), None

    def get_config(self):
        return {"rows": self.rows, "name": self.name}


def with_other_rows(source, target, rows):
    """Write a file as ``source`` whose description says another size of the table."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json":
                data = data.replace(b'"rows": 5', b'"rows": %d' % rows)
            new.writestr(name, data)


@pytest.mark.parametrize("ending", [".keras", ".fastrnn"])
def test_weights_of_a_constructor_are_within_the_budget_of_the_file(ending, tmp_path):
    model = Sequential([Input((3,)), Table(5), layers.Dense(2)])
    path, larger = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    other = round_trip(model, path)
    np.testing.assert_array_equal(model(np.ones((4, 3))), other(np.ones((4, 3))))
    with_other_rows(path, larger, 2**45)  # 400 TB
    with pytest.raises(saving.ModelFileError, match="'table'") as caught:
        saving.load_model(larger)
    assert caught.value.reason == "size_mismatch"
    assert Table(6).table.numpy().sum() == 18  # no budget holds any more


@saving.register_keras_serializable("tests")
def ones(shape, dtype=None):
    return np.ones(shape, dtype)


@pytest.mark.parametrize("ending", [".keras", ".fastrnn"])
def test_a_model_with_its_own_call(ending, tmp_path):
    model = Tagger(5)
    x = np.array([[1, 2, 3], [4, 5, 6]])
    y = np.ones((2, 3, 2))
    model(x)
    model.compile("adam", "mse")
    model.fit(x, y, verbose=0)
    other = round_trip(model, tmp_path / f"a{ending}")
    assert isinstance(other, Tagger)
    np.testing.assert_array_equal(model(x), other(x))
    histories = [m.fit(x, y, verbose=0, shuffle=False).history for m in (model, other)]
    assert histories[0] == histories[1]


def test_places_of_a_model_with_its_own_call_are_keras_s(tmp_path):
    class Theirs(keras.Model):
        __init__ = make_theirs
        call = Tagger.call

    ours, theirs = Tagger(), Theirs()
    x = np.array([[1, 2, 3], [4, 5, 6]])
    ours(x)
    theirs(x)
    ours.save_weights(tmp_path / "a.weights.h5")
    theirs.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_allclose(ours(x), theirs(x).detach().numpy(), atol=1e-6)


def make_theirs(self):
    keras.Model.__init__(self)
    L = keras.layers
    self.last = L.Dense(2)
    self.chain = [L.Embedding(7, 3), L.GRU(4, return_sequences=True)]
    self.by_name = {"dense": L.Dense(3), "again": [L.Dense(3)]}


def test_classes_that_are_not_registered(tmp_path):
    model = Sequential([Input((3,)), Plain(2)])
    with pytest.raises(saving.ModelFileError) as caught:
        round_trip(model, tmp_path / "a.fastrnn")
    assert caught.value.reason == "unknown_class"
    other = round_trip(model, tmp_path / "a.fastrnn", custom_objects={"Plain": Plain})
    assert isinstance(other.layers[0], Plain)
    with saving.CustomObjectScope({"Plain": Plain}):
        assert isinstance(saving.load_model(tmp_path / "a.fastrnn").layers[0], Plain)
    again = fastrnn.models.model_from_json(model.to_json(), {"Plain": Plain})
    assert isinstance(again.layers[0], Plain)
    with pytest.raises(ValueError, match="Plain"):
        fastrnn.models.model_from_json(model.to_json())


def test_a_built_in_name_keeps_its_meaning(tmp_path):
    class Other(layers.Dense):
        pass

    model = Sequential([Input((3,)), layers.Dense(2)])
    for scope in ({"Dense": Other}, {"Dense": layers.Dense}, {"mse": distance}):
        other = round_trip(model, tmp_path / "a.fastrnn", custom_objects=scope)
        assert type(other.layers[0]) is layers.Dense
    saving.get_custom_objects()["Dense"] = Other
    try:
        assert type(round_trip(model, tmp_path / "a.fastrnn").layers[0]) is layers.Dense
    finally:
        del saving.get_custom_objects()["Dense"]


def test_an_own_class_may_have_the_name_of_a_built_in_one(tmp_path):
    class Attention(layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    model = Sequential([Input((3,)), Attention(), layers.Dense(2)])
    for name in ("a.fastrnn", "a.keras"):
        other = round_trip(model, tmp_path / name, custom_objects={"Attention": Attention})
        assert [type(layer) for layer in other.layers] == [Attention, layers.Dense]
    assert type(fastrnn.models.clone_model(model).layers[0]) is Attention


def test_names_and_what_is_known_by_them():
    assert saving.get_registered_name(Scaled) == "tests>Scaled"
    assert saving.get_registered_name(Plain) == "Plain"
    assert saving.get_registered_object("tests>Scaled") is Scaled
    assert saving.get_registered_object("Plain") is None
    assert saving.get_registered_object("Plain", {"Plain": Plain}) is Plain
    assert saving.get_registered_object("Plain", None, {"Plain": Plain}) is Plain
    with pytest.raises(ValueError, match="get_config"):
        saving.register_keras_serializable()(object)
    with pytest.raises(TypeError, match="get_config"):
        saving.serialize_keras_object(object())
    with pytest.raises(ValueError, match="name"):
        saving.serialize_keras_object(lambda x: x)


VALUES = [
    None, 3, "a", [1, (2, 3)], {"k": {"l": 1.5}}, slice(1, None, 2), Ellipsis, b"bytes",
    np.arange(6).reshape(2, 3), np.float32(1.5), np.int64(4),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_plain_values_are_described_as_keras_does(value):
    described = saving.serialize_keras_object(value)
    assert described == keras.saving.serialize_keras_object(value)
    again = saving.deserialize_keras_object(described)
    expected = keras.saving.deserialize_keras_object(described)
    np.testing.assert_equal(again, expected)


UNKNOWN = {
    "optimizer": {"class_name": "Popen", "module": "subprocess", "config": {"args": ["ls"]}},
    "loss": {"class_name": "Lambda", "module": "keras.layers", "config": {"function": "4w"}},
    "metrics": [{"class_name": "function", "module": "os", "config": "system"}],
    "weighted_metrics": ["nonsense"],
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_parts_of_how_a_model_is_compiled_are_left_out(name):
    model = Sequential([Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mae"])
    config = saving.serialize_keras_object(model)
    config["compile_config"][name] = UNKNOWN[name]
    with pytest.warns(UserWarning, match=f"`{name}` of the model is left out"):
        other = saving.deserialize_keras_object(config)
    assert other.compiled == (name != "optimizer")
    config["compile_config"] = {"optimizer": "sgd", "loss": "mse", "metrics": [HUGE]}
    with pytest.warns(UserWarning, match="thresholds"):
        saving.deserialize_keras_object(config)


HUGE = {
    "class_name": "AUC", "module": "keras.metrics", "registered_name": None,
    "config": {"num_thresholds": 10**9},
}  # fmt: skip


def test_cloning_keeps_layers_of_the_users_own():
    inputs = Input((3,))
    model = Model(inputs, Plain(2)(inputs))
    assert isinstance(fastrnn.models.clone_model(model).layers[1], Plain)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clone = fastrnn.models.clone_model(Sequential([Input((3,)), Plain(2, doubled)]))
    assert clone.layers[0].activation.function is doubled


class Outer(layers.Layer):
    """Makes the model inside it by the public function, as Keras's own wrappers do."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    @property
    def sublayers(self):
        return [self.inner]

    def get_config(self):
        return {**super().get_config(), "inner": saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config):
        return cls(saving.deserialize_keras_object(config.pop("inner")), **config)


def test_models_inside_of_classes_of_ones_own_have_no_more_weights_than_the_file(tmp_path):
    inner = Sequential([Input((3,)), layers.Dense(4, name="inner")])
    model = Sequential([Input((3,)), layers.Dense(3)])
    path = tmp_path / "model.fastrnn"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    described = json.dumps(saving.serialize_keras_object(Outer(inner)))
    described = described.replace('"units": 4', '"units": 1000000000')
    config["config"]["layers"].append(json.loads(described))
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(saving.ModelFileError) as refused:
        saving.load_model(path, custom_objects={"Outer": Outer})
    assert refused.value.reason == "size_mismatch"
