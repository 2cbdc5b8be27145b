"""Small behaviour that scripts rely on, the same code on both packages."""

import pickle

import numpy as np
import pytest
from live_keras import keras

import fastrnn

BOTH = pytest.mark.parametrize("package", [fastrnn, keras], ids=["fastrnn", "keras"])


@BOTH
def test_a_learning_rate_may_be_a_function_of_nothing(package):
    model = package.Sequential([package.Input((2,)), package.layers.Dense(1, "linear", False)])
    model.set_weights([np.ones((2, 1), np.float32)])
    model.compile(package.optimizers.SGD(learning_rate=lambda: 0.25), "mse")
    model.fit(np.array([[1.0, 0.0]]), np.zeros((1, 1)), verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], [[0.5], [1.0]])


@BOTH
def test_schedules_begin_at_the_rate_of_an_optimizer(package):
    optimizer = package.optimizers.Adam(0.5)
    schedule = package.optimizers.schedules.PolynomialDecay(optimizer.learning_rate, 4)
    optimizer.learning_rate = schedule
    assert float(np.asarray(optimizer.learning_rate)) == 0.5


def weights(package):
    layer = package.layers.Dense(2)
    layer.build((None, 2))
    layer.set_weights([np.ones((2, 2), np.float32), np.ones(2, np.float32)])
    return layer.trainable_weights


def test_variables_without_gradient_are_left_as_they_are():
    kernel, bias = weights(fastrnn)
    optimizer = fastrnn.optimizers.SGD(1.0, weight_decay=0.5)
    with pytest.warns(UserWarning, match="Gradients do not exist for variables .*bias"):
        optimizer.apply([np.ones((2, 2)), None], [kernel, bias])
    np.testing.assert_allclose(kernel.value, np.full((2, 2), -0.5))
    np.testing.assert_allclose(bias.value, 1)
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.apply([None, None], [kernel, bias])


@pytest.mark.parametrize("name", ["Add", "Maximum", "Concatenate"])
def test_masks_of_merging_layers_are_a_list(name):
    for package in (fastrnn, keras):
        layer = getattr(package.layers, name)()
        inputs = [np.ones((2, 3, 4))] * 2
        for given, mask, message in [
            (inputs, np.ones((2, 3)), "`mask` should be a list"),
            (inputs[0], [None, None], "`inputs` should be a list"),
            (inputs, [None], "should have the same length"),
        ]:
            with pytest.raises(ValueError, match=message):
                layer.compute_mask(given, mask)


@pytest.mark.parametrize("name", ["EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau"])
def test_an_unknown_mode_is_taken_for_auto(name):
    cls = getattr(fastrnn.callbacks, name)
    first = {"filepath": "m.keras"} if name == "ModelCheckpoint" else {}
    with pytest.warns(UserWarning, match="taken for 'auto'"):
        callback = cls(**first, monitor="loss", mode="unknown")
    assert callback.mode == "auto"


@BOTH
def test_lambda_callbacks_keep_other_functions(package):
    def function(logs):
        return logs

    assert package.callbacks.LambdaCallback(mine=function).mine is function


def test_lambda_callbacks_name_hooks_that_are_not_there():
    with pytest.raises(ValueError, match="on_epoch_ends"):
        fastrnn.callbacks.LambdaCallback(on_epoch_ends=print)


@BOTH
def test_an_array_is_an_initializer(package):
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    layer = package.layers.Dense(3, kernel_initializer=values)
    layer.build((None, 2))
    np.testing.assert_array_equal(layer.get_weights()[0], values)


@BOTH
def test_a_constant_array_survives_its_config(package):
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    config = package.initializers.Constant(values).get_config()
    again = package.initializers.Constant.from_config(config)
    np.testing.assert_array_equal(np.asarray(again((2, 3))), values)


def test_activations_take_their_options_by_place():
    x = np.array([-1.0, 0.5, 2.0], np.float32)
    for name in ("threshold", "relu", "elu", "leaky_relu"):
        options = (1.0, 3.0) if name == "threshold" else (0.5,)
        ours, theirs = (getattr(k.activations, name)(x, *options) for k in (fastrnn, keras))
        np.testing.assert_allclose(ours, np.asarray(theirs))


@pytest.mark.parametrize("name", fastrnn.activations.BY_NAME)
def test_activations_are_pickled_by_name(name):
    activation = fastrnn.activations.get(name)
    assert pickle.loads(pickle.dumps(activation)) is activation


@pytest.mark.filterwarnings("ignore:.*does not support masking")
@pytest.mark.parametrize("name", ["EinsumDense", "SpectralNormalization"])
def test_masks_behind_layers_that_take_none(name):
    def outputs(package):
        layers = package.layers
        made = {
            "EinsumDense": lambda: layers.EinsumDense("abc,cd->abd", (None, 2)),
            "SpectralNormalization": lambda: layers.SpectralNormalization(layers.Dense(2)),
        }
        layer = made[name]()
        package.utils.set_random_seed(1)
        stack = [package.Input((3, 2)), layers.Masking(), layer]
        model = package.Sequential([*stack, layers.GlobalAveragePooling1D()])
        model.set_weights([np.ones(w.shape, np.float32) for w in model.get_weights()])
        return layer.supports_masking, model.predict(x, verbose=0)

    x = np.array([[[1.0, 2.0], [0.0, 0.0], [3.0, 4.0]]], np.float32)
    (ours, y), (theirs, expected) = outputs(fastrnn), outputs(keras)
    assert ours == theirs
    np.testing.assert_allclose(y, expected, rtol=1e-6)


@pytest.mark.parametrize("weights", [[0.0, 1.0, 0.0, 1.0], None, [1.0, 2.0, 3.0, 4.0]])
@pytest.mark.parametrize("columns", [None, 1, 3])
def test_root_mean_squared_error_of_vectors_and_rows(weights, columns):
    shape = (4,) if columns is None else (4, columns)
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.standard_normal(shape), rng.standard_normal(shape)
    results = []
    for package in (fastrnn, keras):
        metric = package.metrics.RootMeanSquaredError()
        metric.update_state(y_true, y_pred, sample_weight=weights and np.array(weights))
        results.append(float(metric.result()))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5)


def nested(package):
    inner_input = package.Input((3,))
    inner = package.Model(inner_input, package.layers.Dense(2, name="inner")(inner_input))
    x, y = package.Input((3,), name="x"), package.Input((3,), name="y")
    z = package.layers.Dense(3, name="outer")(x) + y
    return package.Model({"x": x, "y": y}, {"z": z, "out": inner(z)})


def doubled(package):
    def call(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        if isinstance(layer, package.layers.Dense):
            outputs = package.layers.Rescaling(2.0)(outputs)
        return outputs

    return call


@BOTH
def test_clones_call_layers_in_another_way_and_models_inside_too(package):
    model = nested(package)
    x = {"x": np.ones((2, 3), np.float32), "y": np.ones((2, 3), np.float32)}
    clone = package.models.clone_model(
        model, clone_function=lambda layer: layer, call_function=doubled(package), recursive=True
    )
    model.set_weights([np.ones(w.shape, np.float32) for w in model.get_weights()])
    assert model.predict(x, verbose=0)["out"][0].tolist() == [16.0, 16.0]
    # z = 2·(3 + 1) + 1 = 9, out = 2·(3·9 + 1)
    assert clone.predict(x, verbose=0)["out"][0].tolist() == [56.0, 56.0]


@BOTH
def test_clones_begin_with_the_inputs_that_are_given(package):
    model = nested(package)
    inputs = {name: package.Input((3,), name=name) for name in "xy"}
    clone = package.models.clone_model(model, input_tensors=inputs)
    assert set(clone.input) == {"x", "y"}
    with pytest.raises(ValueError, match="must have the same structure"):
        package.models.clone_model(model, input_tensors=list(inputs.values()))


@BOTH
def test_a_clone_is_compiled_as_its_model(package):
    model = package.Sequential([package.Input((2,)), package.layers.Dense(1)])
    assert not package.models.clone_model(model).compiled
    model.compile(package.optimizers.Adam(0.25), "mse")
    clone = package.models.clone_model(model)
    assert clone.compiled and float(np.asarray(clone.optimizer.learning_rate)) == 0.25
    assert clone.optimizer is not model.optimizer


def whole_losses(package):
    class Sum(package.losses.Loss):
        def __call__(self, y_true, y_pred, sample_weight=None):
            return package.ops.sum(y_pred)

    class Doubled(package.losses.MeanSquaredError):
        def __call__(self, y_true, y_pred, sample_weight=None):
            return 2 * super().__call__(y_true, y_pred, sample_weight)

    return {"sum": Sum(), "doubled": Doubled()}


@pytest.mark.parametrize("name", ["sum", "doubled"])
@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5]], ids=["plain", "weighted"])
def test_losses_whose_call_is_the_users_as_a_whole(name, weights):
    x, y = np.arange(6, dtype=np.float32).reshape(3, 2), np.ones((3, 1), np.float32)
    trained = []
    for package in (fastrnn, keras):
        model = package.Sequential([package.Input((2,)), package.layers.Dense(1)])
        model.set_weights([np.ones((2, 1), np.float32), np.zeros(1, np.float32)])
        model.compile(package.optimizers.SGD(0.01), whole_losses(package)[name])
        weighted = None if weights is None else np.array(weights)
        history = model.fit(x, y, sample_weight=weighted, batch_size=3, epochs=2, verbose=0)
        trained.append((history.history["loss"], *model.get_weights()))
    for ours, theirs in zip(*trained, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_attention_and_embedding_are_built_as_keras_builds_them():
    for package in (fastrnn, keras):
        attention = package.layers.MultiHeadAttention(2, 3)
        attention.build((None, 4, 8), value_shape=(None, 5, 8))
        assert attention.compute_output_shape((None, 4, 8), (None, 5, 8)) == (None, 4, 8)
        with pytest.raises(ValueError, match="must be equal"):
            attention.compute_output_shape((2, 4, 8), (2, 5, 8), (2, 6, 8))
        embedding = package.layers.Embedding(3, 2)
        embedding.build()
        assert embedding.get_weights()[0].shape == (3, 2)
