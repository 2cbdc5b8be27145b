"""Layers of one's own, written Keras's way: the same code on fastrnn and on live Keras."""

import copy

import numpy as np
import pytest
from live_keras import keras
from own_layers import OWN_LAYERS, lists_and_dicts, moving_average, sublayers

import fastrnn
from fastrnn import layers
from fastrnn.layers.base.layer import iterate_layers

RNG = np.random.default_rng(0)


def pair(make):
    """Return the model of fastrnn and that of Keras, with the same weights."""
    models = []
    for package in (fastrnn, keras):
        package.utils.clear_session()
        package.utils.set_random_seed(1)
        _, model = make(package)
        entry = package.Input((5, 3))
        models.append(package.Model(entry, model(entry)))
    own, theirs = models
    theirs.set_weights(own.get_weights())
    return own, theirs


def data(model):
    x = RNG.standard_normal((6, 5, 3)).astype("float32")
    x[2, 3:] = 0  # steps that masks leave out
    y = RNG.standard_normal((6, *model.output_shape[1:])).astype("float32")
    return x, y


@pytest.mark.parametrize("make", OWN_LAYERS, ids=lambda make: make.__name__)
def test_outputs_shapes_and_weights_are_those_of_keras(make):
    own, theirs = pair(make)
    assert own.output_shape == theirs.output_shape
    assert [w.shape for w in own.trainable_weights] == [
        tuple(w.shape) for w in theirs.trainable_weights
    ]
    assert [w.name for w in own.weights] == [w.name for w in theirs.weights]
    assert own.count_params() == theirs.count_params()
    for size in (6, 4):
        x, _ = data(own)
        np.testing.assert_allclose(
            own.predict(x[:size], verbose=0), theirs.predict(x[:size], verbose=0), atol=2e-6
        )


def test_a_call_dunder_beside_the_call_reaches_it_through_super():
    def make(package):
        class Scaled(package.layers.Layer):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.inner = package.layers.Dense(2)

            def __call__(self, inputs, scale=1.0, training=None, **kwargs):
                return super().__call__(inputs, scale=scale, training=training, **kwargs)

            def call(self, inputs, scale=1.0, training=None):
                return self.inner(inputs) * (scale if training else 2 * scale)

        return None, Scaled()

    own, theirs = pair(make)
    x, _ = data(own)
    np.testing.assert_allclose(own.predict(x, verbose=0), theirs.predict(x, verbose=0), atol=2e-6)
    layer = own.layers[-1]
    np.testing.assert_allclose(layer(x, 3.0, training=True), 1.5 * layer(x), rtol=1e-6)
    np.testing.assert_array_equal(layer(inputs=x), layer(x))


def test_a_call_dunder_may_give_further_arguments_without_their_names():
    class Gain(layers.Layer):
        def __call__(self, inputs, training=None):
            return super().__call__(inputs, training)

        def call(self, inputs, training=None):
            return inputs * (3.0 if training else 1.0)

    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(Gain()(x), x)
    np.testing.assert_array_equal(Gain()(x, training=True), 3 * x)
    assert Gain()(fastrnn.Input((3,))).shape == (None, 3)


@pytest.mark.parametrize("make", OWN_LAYERS, ids=lambda make: make.__name__)
def test_training_is_that_of_keras(make):
    own, theirs = pair(make)
    x, y = data(own)
    results = []
    for package, model in ((fastrnn, own), (keras, theirs)):
        model.compile(package.optimizers.SGD(0.1, momentum=0.5), "mse")
        losses = [model.train_on_batch(x, y) for _ in range(3)]
        losses.append(model.evaluate(x, y, verbose=0))
        results.append((losses, [np.asarray(w) for w in model.get_weights()]))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=2e-5)
    for a, b in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(a, b, atol=5e-6)


# ---- files and copies ----------------------------------------------------------------------------


def classes_of(make, model):
    """Return the classes of one's own in a model, by their names."""
    found = [layer for outer in model.layers for layer in iterate_layers(outer)]
    return {type(layer).__name__: type(layer) for layer in found if layer.tracks_attributes}


@pytest.mark.parametrize("name", ["a.keras", "a.fastrnn", "a.h5"])
@pytest.mark.parametrize("make", OWN_LAYERS, ids=lambda make: make.__name__)
def test_files_hold_them(make, name, tmp_path):
    _, model_of = make(fastrnn)
    entry = fastrnn.Input((5, 3))
    model = fastrnn.Model(entry, model_of(entry))
    x, y = data(model)
    model.compile("sgd", "mse")
    model.train_on_batch(x, y)
    model.save(tmp_path / name)
    other = fastrnn.models.load_model(tmp_path / name, custom_objects=classes_of(make, model))
    np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))
    np.testing.assert_allclose(other.train_on_batch(x, y), model.train_on_batch(x, y), rtol=1e-6)


@pytest.mark.parametrize("make", [sublayers, lists_and_dicts, moving_average])
def test_keras_reads_their_weights(make, tmp_path):
    own, theirs = pair(make)
    x, y = data(own)
    own.compile("sgd", "mse")
    own.train_on_batch(x, y)
    own.save_weights(tmp_path / "a.weights.h5")
    theirs.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_allclose(own.predict(x, verbose=0), theirs.predict(x, verbose=0), atol=2e-6)


@pytest.mark.parametrize("make", OWN_LAYERS, ids=lambda make: make.__name__)
def test_copies_and_clones_have_weights_of_their_own(make):
    _, model_of = make(fastrnn)
    entry = fastrnn.Input((5, 3))
    model = fastrnn.Model(entry, model_of(entry))
    x, _ = data(model)
    clone = fastrnn.models.clone_model(model)
    clone.set_weights(model.get_weights())
    for other in (copy.deepcopy(model), clone):
        np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))
        assert not {id(w) for w in other.weights} & {id(w) for w in model.weights}


def test_a_class_without_get_config_has_the_config_of_its_arguments():
    for package in (fastrnn, keras):

        class Scaled(package.layers.Layer):
            def __init__(self, factor, shift=1, **kwargs):
                super().__init__(**kwargs)
                self.factor, self.shift = factor, shift

            def call(self, x):
                return self.factor * x + self.shift

        config = Scaled(2.0, name="a", trainable=False).get_config()
        config["dtype"] = "float32"  # a policy in Keras
        wanted = {"name": "a", "trainable": False, "dtype": "float32", "factor": 2.0, "shift": 1}
        assert config == wanted
        assert Scaled.from_config(config).factor == 2.0
        with pytest.raises(NotImplementedError, match="get_config"):
            Scaled(np.ones(2)).get_config()


# ---- forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "add",
    [
        lambda layer: layer.add_weight((3, 2), "ones", name="w"),
        lambda layer: layer.add_weight(name="w", shape=(3, 2), initializer="ones"),
        lambda layer: layer.add_weight(shape=[3, 2], initializer="ones", dtype="float32", name="w"),
        lambda layer: layer.add_weight((3, 2), "ones", "float32", name="w"),
    ],
)
def test_weights_in_the_orders_of_today(add):
    layer = layers.Layer()
    weight = add(layer)
    assert (weight.name, weight.shape, weight.dtype) == ("w", (3, 2), "float32")
    assert layer.weights == [weight] and (weight.numpy() == 1).all()


@pytest.mark.parametrize(
    "add",
    [
        lambda layer: layer.add_weight("w", (3, 2), "float32", "ones"),
        lambda layer: layer.add_weight("w", shape=(3, 2), initializer="ones", trainable=True),
        lambda layer: layer.add_weight((3, 2), "ones", "w"),
    ],
)
def test_weights_in_the_orders_of_earlier_versions(add):
    with pytest.warns(DeprecationWarning, match="add_weight"):
        weight = add(layers.Layer())
    assert (weight.name, weight.shape) == ("w", (3, 2)) and (weight.numpy() == 1).all()


def test_weights_of_other_types_and_without_names():
    layer = layers.Layer()
    steps = layer.add_weight(shape=(), dtype="int32", trainable=False)
    flags = layer.add_weight(shape=4, dtype="bool", trainable=False)
    assert (steps.dtype, steps.shape, flags.dtype, flags.shape) == ("int32", (), "bool", (4,))
    assert [steps.name, flags.name] == ["variable", "variable_1"]
    with pytest.raises(ValueError, match="`shape`"):
        layer.add_weight(shape=(None, 3))


def build_first(self, input_shape):
    super(type(self), self).build(input_shape)
    self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")


def build_last(self, input_shape):
    self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")
    super(type(self), self).build(input_shape)


def build_alone(self, input_shape):
    self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")


def build_and_say_so(self, input_shape):
    self.built = True
    self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")


@pytest.mark.parametrize("build", [build_first, build_last, build_alone, build_and_say_so])
def test_build_in_every_habit(build):
    def call(self, x):
        return x * self.w

    kind = type("Own", (layers.Layer,), {"build": build, "call": call})
    for use in (lambda layer: layer(np.ones((2, 3))), lambda layer: layer.build((None, 3))):
        layer = kind(name="own")
        use(layer)
        layer.build((None, 3))  # once is enough
        assert layer.built and [w.path for w in layer.weights] == ["own/variable"]


def test_a_build_that_fails_leaves_nothing():
    class Own(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1],))
            raise ValueError("no such shape")

        def call(self, x):
            return x

    layer = Own()
    with pytest.raises(ValueError, match="no such shape"):
        layer(np.ones((2, 3)))
    assert layer._variables == [] and not layer.built


@pytest.mark.parametrize("package", [fastrnn, keras])
def test_masks_travel_as_in_keras(package):
    class Kept(package.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.supports_masking = True

        def call(self, x):
            return 2 * x

    class Inside(package.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.rnn = package.layers.GRU(2, kernel_initializer="ones", use_bias=False)

        def call(self, x):
            return self.rnn(x)

        def compute_mask(self, x, mask=None):
            return None

    entry = package.Input((None,), dtype="int32")
    embedding = package.layers.Embedding(5, 3, mask_zero=True, embeddings_initializer="ones")
    model = package.Model(entry, Inside()(Kept()(embedding(entry))))
    ids = np.array([[1, 2, 0, 0], [1, 2, 3, 4]])
    first, second = model.predict(ids, verbose=0), model.predict(ids[:, :2], verbose=0)
    np.testing.assert_allclose(first[0], second[0], atol=1e-6)
    assert not np.allclose(first[1], second[1], atol=1e-6)


# ---- refusals ------------------------------------------------------------------------------------


class Choosing(layers.Layer):
    def call(self, x):
        if x[0, 0] > 0:
            return x
        return -x


class Making(layers.Layer):
    def call(self, x):
        return layers.Dense(2)(x)


class Plain(layers.Layer):
    pass


class WrongCall(layers.Layer):
    def call(self, x, y):
        return x + y


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        (Choosing, TypeError, r"ops\.where.*Choosing.*test_own_layers\.py, line \d+"),
        (Making, ValueError, "__init__.*self"),
        (Plain, NotImplementedError, "`call`"),
        (WrongCall, TypeError, r"WrongCall\.call\(\): missing.*'y'"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(kind, error, words):
    with pytest.raises(error, match=words):
        kind()(np.ones((2, 3), "float32"))


def test_unequal_batches_are_traced_once():
    seen = []

    class Counted(layers.Layer):
        def call(self, x, training=None):
            seen.append((x.shape, training))
            return x

    layer = Counted()
    for size in (2, 3, 2, 5):
        layer(np.ones((size, 3)))
        layer(np.ones((size, 3)), training=True)
    assert seen == [((None, 3), False), ((None, 3), True)]


class Scaling(layers.Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor, self.inner = factor, layers.Activation("linear")

    def scaled(self, x):
        return x * self.factor

    def call(self, inputs):
        return self.scaled(self.inner(inputs))


def test_an_attribute_that_call_reads_may_change():
    x = np.ones((2, 3), "float32")
    layer, inside = Scaling(), Scaling()
    entry = fastrnn.Input((3,))
    model = fastrnn.Model(entry, Scaling(1.0)(inside(entry)))
    found = [layer(x)[0, 0], model(x)[0, 0]]
    layer.factor, inside.factor = 5.0, 7.0
    found += [layer(x)[0, 0], model.predict(x, verbose=0)[0, 0]]
    layer.inner = layers.Activation("relu")
    found += [layer(-x)[0, 0], layer(x)[0, 0]]
    assert found == [2.0, 2.0, 5.0, 7.0, 0.0, 5.0]


def test_attributes_that_call_does_not_read_cost_no_trace():
    layer = Scaling()
    layer(np.ones((2, 3), "float32"))
    (traced,) = layer._traces.calls
    layer.seen = 1
    layer.seen = 2
    layer(np.ones((2, 3), "float32"))
    assert layer._traces.calls == [traced]


def test_outputs_that_are_weights_may_be_changed():
    class Returning(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(3,), initializer="ones")
            self.count = self.add_weight(shape=(1,), initializer="ones", trainable=False)

        def call(self, inputs):
            return inputs * self.w, self.w, self.w[None], self.count

    layer, entry = Returning(), fastrnn.Input((3,))
    model = fastrnn.Model(entry, layer(entry))
    for function in (layer, model, layer):
        for y in function(np.ones((2, 3), "float32")):
            y[...] = 9
    assert [v.numpy().tolist() for v in layer.weights] == [[1.0, 1.0, 1.0], [1.0]]
