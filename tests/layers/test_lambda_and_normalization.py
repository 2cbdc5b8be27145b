"""Lambda and Normalization against live Keras: shapes, training, configurations that are none."""

import json

import numpy as np
import pytest
from live_keras import keras, torch
from tolerance import assert_close

import fastrnn
from fastrnn import layers

X = np.random.default_rng(0).standard_normal((4, 6, 3)).astype("float32")


def square(x):
    return x * x


def square_vjp(x):
    return x * x, lambda d: 2 * x * d


FUNCTIONS = {
    "square": (square, {}),
    "last step": (lambda x: x[:, -1], {}),
    "new axis": (lambda x: x[..., None], {}),
    "arguments": (lambda x, factor: x * factor, {"arguments": {"factor": 3.0}}),
    "two": (lambda x: [x + 1, x[:, :, 0]], {}),
    "given shape": (lambda x: x[:, 1:], {"output_shape": (5, 3)}),
    "shape function": (lambda x: x[:, 1:], {"output_shape": lambda shape: (shape[0], 5, shape[2])}),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_shapes(name):
    function, options = FUNCTIONS[name]
    ours, theirs = (k.layers.Lambda(function, **options) for k in (fastrnn, keras))
    found, expected = ours(X), theirs(torch.tensor(X))
    for a, b in zip(*[y if isinstance(y, list) else [y] for y in (found, expected)], strict=True):
        assert a.dtype == np.float32
        np.testing.assert_array_equal(a, b.numpy())
    shapes = []
    for k, layer in ((fastrnn, ours), (keras, theirs)):
        outputs = layer(k.Input((6, 3)))
        outputs = outputs if isinstance(outputs, list) else [outputs]
        shapes.append([tuple(y.shape) for y in outputs])
    assert shapes[0] == shapes[1]


def test_mask_and_training_reach_the_function():
    def scaled(x, mask=None, training=None):
        return x * (2 if training else 1) * (1 if mask is None else mask[..., None])

    layer = layers.Lambda(scaled, mask=lambda inputs, mask: mask)
    mask = np.arange(6) < np.array([[2], [3], [6], [1]])
    np.testing.assert_array_equal(layer(X, mask=mask, training=True), 2 * X * mask[..., None])
    np.testing.assert_array_equal(layer.compute_mask(X, mask), mask)
    assert layers.Lambda(square).compute_mask(X, mask) is None
    integers = np.arange(4)
    assert layers.Lambda(lambda x: x // 2)(integers).dtype == integers.dtype


def make(k, hidden, **options):
    inputs = k.Input((6, 3))
    first = k.layers.Lambda(lambda x: 0.5 * x)(inputs)  # no weights before it: no `vjp` needed
    states = k.layers.GRU(5, return_sequences=True)(first)
    product = k.layers.Lambda(hidden, **options)([states, k.layers.Dense(5)(inputs)])
    return k.Model(inputs, k.layers.Dense(2)(product))


def test_training_with_a_vjp_is_that_of_keras():
    def product(x):
        return x[0] * x[1]

    def product_vjp(x):
        return product(x), lambda d: [d * x[1], d * x[0]]

    ours, theirs = make(fastrnn, product, vjp=product_vjp), make(keras, product)
    ours.set_weights(theirs.get_weights())
    y = np.random.default_rng(1).standard_normal((4, 6, 2)).astype("float32")
    for model in (ours, theirs):
        model.compile("sgd", "mse")
    for _ in range(4):
        losses = [float(model.train_on_batch(X, y)) for model in (ours, theirs)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(mine, other, 256, 6, backward=True)
    without = make(fastrnn, lambda x: np.fft.ifft(np.fft.fft(x[0] * x[1])).real)
    without.compile("sgd", "mse")
    without.predict(X, verbose=0)
    before = without.get_weights()
    with pytest.raises(NotImplementedError, match="vjp"):
        without.train_on_batch(X, y)
    for mine, other in zip(without.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, other)


OPERATORS = {
    "scale": lambda x: x[0] * 100.0,
    "arithmetic": lambda x: 1 - x[0] / (x[1] * x[1] + 2) + x[1],
    "part": lambda x: x[0][:, 1:] - x[0][:, :-1],
    "reused": lambda x: (x[0] + x[1]) * (x[0] + x[1]) - x[0],
    "one alone": lambda x: x[1] * -2,
    "handed through": lambda x: x[0],
}


@pytest.mark.parametrize("name", OPERATORS)
def test_gradients_of_functions_made_of_operators(name):
    function = OPERATORS[name]
    arrays = list(np.random.default_rng(2).standard_normal((2, 4, 6, 3), dtype=np.float32))
    outputs, pullback = layers.Lambda(function).vjp(arrays)
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    expected = function(tensors)
    d = np.random.default_rng(3).standard_normal(outputs.shape, dtype=np.float32)
    (expected * torch.tensor(d)).sum().backward()
    assert_close(outputs, expected.detach().numpy(), 4)
    for mine, other in zip(pullback(d)[0], tensors, strict=True):
        gradient = np.zeros_like(mine) if other.grad is None else other.grad.numpy()
        assert_close(mine, gradient, 16, backward=True)


def test_a_forecaster_that_scales_its_outputs_trains_as_in_keras():
    """Its Lambdas are those of courses: a new axis in front, a factor at the end."""
    models = []
    for k in (fastrnn, keras):
        k.utils.clear_session()
        model = k.Sequential([k.Input((6,)), k.layers.Lambda(lambda x: x[..., None])])
        model.add(k.layers.LSTM(4))
        model.add(k.layers.Dense(1))
        model.add(k.layers.Lambda(lambda x: x * 100.0))
        model.compile(k.optimizers.SGD(1e-6, momentum=0.9), k.losses.Huber())
        models.append(model)
    ours, theirs = models
    ours.set_weights(theirs.get_weights())
    x, y = X[:, :, 0], 100 * X[:, :1, 1]
    for _ in range(4):
        losses = [float(model.train_on_batch(x, y)) for model in models]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    before = layers.Multiply().name
    ours.fit(x, y, batch_size=3, epochs=2, verbose=0)
    assert layers.Multiply().name == before + "_1"  # training takes no names


def test_functions_whose_gradient_is_not_found():
    layer = layers.Lambda(lambda x: x * 2 if x.sum() > 0 else x)
    layer(X)
    with pytest.raises(NotImplementedError, match="vjp"):
        layer.vjp(X)
    random = layers.Lambda(lambda x: x * np.random.default_rng().standard_normal())
    with pytest.raises(NotImplementedError, match="vjp"):  # a trace would keep one number
        random.vjp(X)


def test_weights_in_a_function_are_not_those_of_the_layer():
    dense = layers.Dense(3)
    layer = layers.Lambda(lambda x: dense(x) * 2)
    outputs, pullback = layer.vjp(X)
    np.testing.assert_allclose(outputs, 2 * dense(X), rtol=1e-6)
    np.testing.assert_allclose(
        pullback(outputs)[0], 2 * outputs @ dense.kernel.value.T, rtol=1e-5, atol=1e-6
    )
    assert dense.nodes == layer.weights == []


def test_gradients_of_several_outputs_and_of_wrong_shapes():
    layer = layers.Lambda(
        lambda x: [x, 2 * x], vjp=lambda x: ([x, 2 * x], lambda d: d[0] + 2 * d[1])
    )
    outputs, pullback = layer.vjp(X)
    np.testing.assert_array_equal(pullback([None, outputs[0]])[0], 2 * X)
    wrong = layers.Lambda(square, vjp=lambda x: (x, lambda d: d[:, 0]))
    with pytest.raises(ValueError, match="`vjp`"):
        wrong.vjp(X)[1](X)


def test_the_function_cannot_spoil_its_inputs():
    def spoil(x):
        x += 1
        return x

    before = X.copy()
    with pytest.raises(ValueError, match="read-only"):
        layers.Lambda(spoil)(X)
    np.testing.assert_array_equal(X, before)
    outputs = layers.Lambda(lambda x: x)(X)
    outputs += 1
    np.testing.assert_array_equal(X, before)


def test_wrapped_and_in_a_sequential_model():
    inner = layers.Lambda(square, vjp=square_vjp)
    model = fastrnn.Sequential([fastrnn.Input((6, 3)), layers.TimeDistributed(inner)])
    outputs, pullback = model.vjp(X)
    np.testing.assert_array_equal(outputs, X * X)
    np.testing.assert_array_equal(pullback(np.ones_like(X))[0], 2 * X)


def test_no_configuration_no_file():
    layer = layers.Lambda(square, vjp=square_vjp)
    model = fastrnn.Sequential([fastrnn.Input((6, 3)), layer])
    for write in (layer.get_config, model.get_config, model.to_json):
        with pytest.raises(ValueError, match="Lambda"):
            write()
    theirs = keras.Sequential([keras.Input((6, 3)), keras.layers.Lambda(lambda x: x + 1)])
    with pytest.raises(ValueError, match="Lambda"):
        fastrnn.models.model_from_json(theirs.to_json())
    for config in ({"function": "square"}, {}, {"function": square}):
        with pytest.raises(ValueError, match="Lambda"):
            layers.Lambda.from_config(config)
    again = fastrnn.Sequential([fastrnn.Input((6, 3)), layers.Dense(2)])
    data = json.loads(again.to_json())
    data["config"]["layers"][1]["class_name"] = "Lambda"
    with pytest.raises(ValueError, match="Lambda"):
        fastrnn.models.model_from_json(json.dumps(data))


def test_lambda_errors():
    for name, options in {
        "function": {"function": 3},
        "vjp": {"function": square, "vjp": 3},
    }.items():
        with pytest.raises(TypeError, match=f"`{name}`"):
            layers.Lambda(**options)
    with pytest.raises(NotImplementedError, match="output_shape"):
        layers.Lambda(lambda x: x.reshape(4, 3))(fastrnn.Input((6, 3)))
    with pytest.raises(ValueError, match="result"):
        layers.Lambda(lambda x: "words")(X)


@pytest.mark.parametrize("axis", [-1, 1, (1, 2), (2, 1), None, 2])
@pytest.mark.parametrize("batches", ["array", "list", "pairs"])
def test_adapt(axis, batches):
    x = (3 * X + 2).astype("float32")
    data = {"array": x, "list": [x[:3], x[3:]], "pairs": [(x[:1], 0), (x[1:], 1)]}[batches]
    pair = [k.layers.Normalization(axis=axis) for k in (fastrnn, keras)]
    ours, theirs = pair
    ours.adapt(data)
    theirs.adapt(x)  # it measures batches where tensorflow is installed alone
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert mine.dtype == other.dtype
        assert_close(mine, other, 256) if mine.dtype.kind == "f" else None
    ours.set_weights(theirs.get_weights())
    assert [w.path for w in ours.weights] == [
        w.path.replace(theirs.name, ours.name) for w in theirs.weights
    ]
    assert_close(ours(x), theirs(x).numpy(), 4)
    assert ours.count_params() == theirs.count_params()
    assert ours.trainable_weights == []
    config = ours.get_config()
    assert {k: config[k] for k in ("axis", "invert", "mean", "variance")} == {
        k: theirs.get_config()[k] for k in ("axis", "invert", "mean", "variance")
    }


def test_adapt_again_forgets_and_checks():
    layer = layers.Normalization()
    layer.adapt(X[0])
    np.testing.assert_allclose(layer.mean, X[0].mean(0, keepdims=True), rtol=1e-5)
    layer.adapt(5 * X[0])
    np.testing.assert_allclose(layer(5 * X[0]).std(0), 1, rtol=1e-5)
    with pytest.raises(ValueError, match="`data`"):
        layer.adapt(X[0, :, :2])
    for nothing in (3, [3.0, 4.0]):
        with pytest.raises(TypeError, match="`data`"):
            layer.adapt(nothing)
    with pytest.raises(ValueError, match="`data`"):
        layers.Normalization(mean=1.0, variance=1.0).adapt(X)
    given = layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0])
    assert given(X).shape == X.shape
    assert given.weights == []
    back = layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0], invert=True)
    np.testing.assert_allclose(back(given(X)), X, rtol=1e-4, atol=1e-6)


def test_normalization_in_a_model_that_trains():
    layer = layers.Normalization()
    layer.adapt(X)
    model = fastrnn.Sequential([fastrnn.Input((None, 3)), layer, layers.GRU(4), layers.Dense(1)])
    model.compile("adam", "mse")
    before = [w.copy() for w in layer.get_weights()]
    model.fit(X, np.ones((4, 1)), epochs=2, verbose=0)
    for mine, other in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, other)
