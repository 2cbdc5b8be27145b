"""Layers that stand beside recurrent ones, against live Keras: outputs, gradients, shapes."""

import numpy as np
import pytest
from live_keras import differentiate, keras, torch
from tolerance import assert_close

import fastrnn
from fastrnn import layers

BATCH, TIME, FEATURES = 4, 11, 6


def conv(**options):
    return lambda L: L.Conv1D(**{"filters": 4, "kernel_size": 3, **options})


MAKERS = {
    "conv": conv(),
    "conv same": conv(padding="same"),
    "conv same even": conv(padding="same", kernel_size=4, strides=3),
    "conv causal": conv(padding="causal", activation="tanh", use_bias=False),
    "conv causal dilated": conv(padding="causal", dilation_rate=2),
    "conv strides": conv(strides=2, activation="relu", name="c"),
    "conv same strides": conv(strides=2, padding="same"),
    "conv dilated": conv(dilation_rate=3, padding="same"),
    "conv groups": conv(groups=2),
    "conv one step": conv(kernel_size=[1]),
    "depthwise": lambda L: L.DepthwiseConv1D(3),
    "depthwise more": lambda L: L.DepthwiseConv1D(2, 2, "same", 3, activation="tanh"),
    "depthwise dilated": lambda L: L.DepthwiseConv1D([3], dilation_rate=2, use_bias=False),
    "separable": lambda L: L.SeparableConv1D(4, 3),
    "separable more": lambda L: L.SeparableConv1D(5, 2, 2, "same", depth_multiplier=3),
    "separable dilated": lambda L: L.SeparableConv1D(4, 3, dilation_rate=2, activation="tanh"),
    "transpose": lambda L: L.Conv1DTranspose(4, 3),
    "transpose strides": lambda L: L.Conv1DTranspose(4, 3, 2, activation="tanh"),
    "transpose same": lambda L: L.Conv1DTranspose(4, 3, 2, "same"),
    "transpose same even": lambda L: L.Conv1DTranspose(4, 4, 2, "same"),
    "transpose wide strides": lambda L: L.Conv1DTranspose(4, 2, 5),
    "transpose same, wide strides": lambda L: L.Conv1DTranspose(4, 2, 5, "same"),
    "transpose more": lambda L: L.Conv1DTranspose(4, 3, 3, output_padding=2),
    "transpose same, more": lambda L: L.Conv1DTranspose(4, 3, 2, "same", output_padding=[1]),
    "transpose same, less": lambda L: L.Conv1DTranspose(4, 5, 3, "same", output_padding=0),
    "transpose dilated": lambda L: L.Conv1DTranspose(4, 3, dilation_rate=2, use_bias=False),
    "transpose dilated same": lambda L: L.Conv1DTranspose(4, 3, 1, "same", dilation_rate=3),
    "max": lambda L: L.MaxPooling1D(),
    "max overlapping": lambda L: L.MaxPooling1D(3, strides=1),
    "max same": lambda L: L.MaxPooling1D(3, 2, padding="same"),
    "max gaps": lambda L: L.MaxPooling1D(2, 3),
    "average": lambda L: L.AveragePooling1D(2),
    "average overlapping": lambda L: L.AveragePooling1D(4, 1),
    "average same": lambda L: L.AveragePooling1D(3, 2, padding="same"),
    "global average": lambda L: L.GlobalAveragePooling1D(),
    "global average kept": lambda L: L.GlobalAveragePooling1D(keepdims=True),
    "global average first": lambda L: L.GlobalAveragePooling1D("channels_first"),
    "global max": lambda L: L.GlobalMaxPooling1D(),
    "global max kept": lambda L: L.GlobalMaxPooling1D("channels_first", keepdims=True),
    "layer norm": lambda L: L.LayerNormalization(),
    "layer norm axes": lambda L: L.LayerNormalization(axis=[1, 2], epsilon=0.1),
    "layer norm without gamma": lambda L: L.LayerNormalization(scale=False),
    "layer norm plain": lambda L: L.LayerNormalization(center=False, scale=False),
    "group norm": lambda L: L.GroupNormalization(2),
    "group norm each": lambda L: L.GroupNormalization(-1, epsilon=0.1),
    "group norm one": lambda L: L.GroupNormalization(1, scale=False),
    "group norm first": lambda L: L.GroupNormalization(11, axis=1, center=False),
    "rms norm": lambda L: L.RMSNormalization(),
    "rms norm axes": lambda L: L.RMSNormalization([1, 2], epsilon=0.1),
    "spectral norm": lambda L: L.SpectralNormalization(L.Dense(4)),
    "adaptive average": lambda L: L.AdaptiveAveragePooling1D(4),
    "adaptive average first": lambda L: L.AdaptiveAveragePooling1D(3, "channels_first"),
    "adaptive average longer": lambda L: L.AdaptiveAveragePooling1D([25]),
    "adaptive max": lambda L: L.AdaptiveMaxPooling1D(4),
    "adaptive max longer": lambda L: L.AdaptiveMaxPooling1D(13, data_format="channels_last"),
    "unit norm": lambda L: L.UnitNormalization(),
    "unit norm axes": lambda L: L.UnitNormalization(axis=[1, 2]),
    "reshape": lambda L: L.Reshape((3, 22)),
    "reshape rest": lambda L: L.Reshape((2, -1)),
    "permute": lambda L: L.Permute((2, 1)),
    "spatial dropout": lambda L: L.SpatialDropout1D(0.5),
    "noise": lambda L: L.GaussianNoise(0.5),
    "identity": lambda L: L.Identity(),
    "rescaling": lambda L: L.Rescaling(0.3, offset=-2.0),
    "activity": lambda L: L.ActivityRegularization(l1=0.1, l2=0.2),
    "relu": lambda L: L.ReLU(),
    "relu bounded": lambda L: L.ReLU(1.1),
    "relu leaky": lambda L: L.ReLU(negative_slope=0.2),
    "relu all": lambda L: L.ReLU(0.9, 0.3, 0.4),
    "leaky relu": lambda L: L.LeakyReLU(),
    "leaky relu steep": lambda L: L.LeakyReLU(1.5),
    "elu": lambda L: L.ELU(),
    "elu alpha": lambda L: L.ELU(0.4),
    "prelu": lambda L: L.PReLU(),
    "prelu shared": lambda L: L.PReLU(shared_axes=1),
    "prelu one": lambda L: L.PReLU("ones", shared_axes=[1, 2]),
    "softmax": lambda L: L.Softmax(),
    "softmax steps": lambda L: L.Softmax(1),
    "softmax axes": lambda L: L.Softmax(axis=(1, 2)),
    "alpha dropout": lambda L: L.AlphaDropout(0.3),
    "gaussian dropout": lambda L: L.GaussianDropout(0.3),
    "zero padding": lambda L: L.ZeroPadding1D(),
    "zero padding sides": lambda L: L.ZeroPadding1D((0, 3)),
    "zero padding first": lambda L: L.ZeroPadding1D([2, 1], "channels_first"),
    "cropping": lambda L: L.Cropping1D(),
    "cropping sides": lambda L: L.Cropping1D((3, 0)),
    "up sampling": lambda L: L.UpSampling1D(3),
    "normalization": lambda L: L.Normalization(mean=0.5, variance=4.0),
    "normalization features": lambda L: L.Normalization(mean=[1, 2, 3, 4, 5, 6], variance=[2] * 6),
    "normalization inverse": lambda L: L.Normalization(2, mean=[3], variance=[2], invert=True),
    "normalization axes": lambda L: L.Normalization((1, 2), [1] * 6, [0.0] + [2] * 5),
}


# Of equal largest entries, backends give the gradient to different ones.
CASES = [(name, ties) for name in MAKERS for ties in (False, True) if not (ties and "max" in name)]


@pytest.mark.parametrize(("name", "ties"), CASES)
def test_layer(name, ties):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((BATCH, TIME, FEATURES), dtype=np.float32)
    if ties:
        x = np.round(x)
    ours, theirs = MAKERS[name](layers), MAKERS[name](keras.layers)
    ours.build(x.shape)
    theirs.build(x.shape)
    weights = [rng.standard_normal(w.shape).astype("float32") for w in ours.weights]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    outputs, pullback = ours.vjp(x)
    shapes = [tuple(k.compute_output_shape((None, TIME, FEATURES))) for k in (ours, theirs)]
    assert shapes[0] == shapes[1]
    d = rng.standard_normal(outputs.shape, dtype=np.float32)
    expected, (expected_dx,), expected_dw = differentiate(theirs, [x], [d])
    d_inputs, d_weights = pullback(d)
    assert_close(outputs, expected[0], 64)
    assert_close(d_inputs, expected_dx, 64, backward=True)
    for mine, other in zip(d_weights, expected_dw, strict=True):
        assert_close(mine, other, 64, TIME, backward=True)
    again = type(ours).from_config(ours.get_config())
    again.build(x.shape)
    again.set_weights(weights)
    np.testing.assert_array_equal(again(x), outputs)
    inputs = fastrnn.Input((TIME, FEATURES))
    model = fastrnn.Model(inputs, again(inputs))
    assert model.output_shape == shapes[0]
    np.testing.assert_array_equal(model(x), outputs)


@pytest.mark.parametrize(
    "name",
    [
        "conv same",
        "conv groups",
        "conv strides",
        "max same",
        "average",
        "depthwise more",
        "separable more",
        "transpose same",
    ],
)
def test_channels_first_is_the_transpose(name):
    x = np.random.default_rng(0).standard_normal((BATCH, TIME, FEATURES), dtype=np.float32)
    layer = MAKERS[name](layers)
    expected, pull = layer.vjp(x)
    first = type(layer).from_config({**layer.get_config(), "data_format": "channels_first"})
    first.build((BATCH, FEATURES, TIME))
    first.set_weights(layer.get_weights())
    outputs, pullback = first.vjp(x.transpose(0, 2, 1))
    np.testing.assert_array_equal(outputs, expected.transpose(0, 2, 1))
    dx, dw = pull(expected)
    d_inputs, d_weights = pullback(outputs)
    np.testing.assert_array_equal(d_inputs, dx.transpose(0, 2, 1))
    for mine, other in zip(d_weights, dw, strict=True):
        np.testing.assert_array_equal(mine, other)
    if layer.weights:
        with pytest.raises(ValueError, match="`inputs`"):
            first(np.zeros((BATCH, FEATURES + 1, TIME)))


def test_layer_normalization_over_another_axis():
    x = np.random.default_rng(0).standard_normal((BATCH, TIME, FEATURES))
    last, other = (layers.LayerNormalization(axis=axis, dtype="float64") for axis in (-1, 1))
    expected, pull = last.vjp(x.transpose(0, 2, 1))
    weights = [w + k for k, w in enumerate(last.get_weights())]
    for layer, y in ((last, x.transpose(0, 2, 1)), (other, x)):
        layer.build(y.shape)
        layer.set_weights(weights)
    expected, pull = last.vjp(x.transpose(0, 2, 1))
    outputs, pullback = other.vjp(x)
    np.testing.assert_allclose(outputs, expected.transpose(0, 2, 1), atol=1e-13)
    pairs = zip(pullback(outputs)[1], pull(expected)[1], strict=True)
    for mine, theirs in pairs:
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_global_average_of_steps_that_count():
    x = np.random.default_rng(0).standard_normal((3, 5, 2), dtype=np.float32)
    mask = np.array([[1, 1, 0, 0, 0], [0, 1, 1, 0, 1], [1, 1, 1, 1, 1]], bool)
    x[0, 3] = np.nan
    ours, theirs = layers.GlobalAveragePooling1D(), keras.layers.GlobalAveragePooling1D()
    outputs, pullback = ours.vjp(x, mask=mask)
    tensor = torch.tensor(x, requires_grad=True)
    expected = theirs(tensor, mask=torch.tensor(mask))
    assert_close(outputs, expected.detach().numpy(), 8)
    expected.sum().backward()
    assert_close(pullback(np.ones_like(outputs))[0], tensor.grad.numpy(), 8)
    np.testing.assert_array_equal(ours(x[:1], mask=np.zeros((1, 5), bool)), np.zeros((1, 2)))


def test_spatial_dropout_drops_whole_features():
    x = np.ones((8, TIME, 40), np.float32)
    y, pullback = layers.SpatialDropout1D(0.25, seed=3).vjp(x, training=True)
    np.testing.assert_array_equal(y, np.repeat(y[:, :1], TIME, axis=1))
    assert set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    assert 0.6 < (y > 0).mean() < 0.9
    np.testing.assert_array_equal(pullback(x)[0], y)


def test_noise_is_normal_and_has_the_gradient_of_the_inputs():
    x = np.zeros((100, 1000), np.float32)
    y, pullback = layers.GaussianNoise(0.5, seed=3).vjp(x, training=True)
    assert abs(y.mean()) < 0.01
    assert abs(y.std() - 0.5) < 0.01
    np.testing.assert_array_equal(pullback(y)[0], y)


@pytest.mark.parametrize("axis", [-1, 1, (1, 2)])
@pytest.mark.parametrize("whole", [False, True])
def test_softmax_of_what_a_mask_leaves(axis, whole):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 5, 4), dtype=np.float32)
    mask = rng.random((3, 5, 4) if whole else (5, 1)) > 0.4
    mask[0] = False
    d = rng.standard_normal(x.shape, dtype=np.float32)
    outputs, pullback = layers.Softmax(axis).vjp(x, mask=mask)
    given = torch.tensor(mask)
    expected, (expected_dx,), _ = differentiate(keras.layers.Softmax(axis), [x], [d], mask=given)
    assert_close(outputs, expected[0], 20)
    assert_close(pullback(d)[0], expected_dx, 20, backward=True)
    np.testing.assert_array_equal(layers.Softmax(axis)(x, mask=mask.astype(float)), outputs)
    with pytest.raises(ValueError, match="`mask`"):
        layers.Softmax(axis)(x, mask=mask[:2])


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(0).standard_normal((1000, 100), dtype=np.float32)
    y, pullback = layers.AlphaDropout(0.3, seed=1).vjp(x, training=True)
    assert abs(y.mean()) < 0.02
    assert abs(y.std() - 1) < 0.02
    d_inputs = pullback(np.ones_like(x))[0]
    dropped = d_inputs == 0
    assert abs(dropped.mean() - 0.3) < 0.01
    assert len(np.unique(y[dropped])) == 1
    zeros = np.zeros((1, 100), np.float32)
    pair = [k.layers.AlphaDropout(0.3, seed=1)(zeros, training=True) for k in (fastrnn, keras)]
    assert_close(np.unique(pair[0]), np.unique(pair[1].numpy()), 4)  # dropped, and kept
    rows = layers.AlphaDropout(0.5, noise_shape=(None, 1), seed=1)(x, training=True)
    assert {len(np.unique(row)) == 1 for row in rows} == {True, False}


def test_gaussian_dropout_multiplies():
    x = np.random.default_rng(0).standard_normal((1000, 100), dtype=np.float32)
    y, pullback = layers.GaussianDropout(0.2, seed=1).vjp(x, training=True)
    noise = pullback(np.ones_like(x))[0]
    np.testing.assert_allclose(y, noise * x, rtol=1e-6)
    assert abs(noise.mean() - 1) < 0.01
    assert abs(noise.std() - 0.5) < 0.01
    with pytest.raises(ValueError, match="`rate`"):
        layers.GaussianDropout(1)(x, training=True)


@pytest.mark.parametrize("inner", ["Dense", "Conv1D"])
def test_spectral_normalization_trains_as_in_keras(inner):
    rng = np.random.default_rng(0)
    models = []
    for k in (fastrnn, keras):
        k.utils.clear_session()
        options = {"kernel_size": 3} if inner == "Conv1D" else {"activation": "tanh"}
        wrapped = getattr(k.layers, inner)(4, **options)
        inputs = k.Input((6, 3))
        x = k.layers.SpectralNormalization(wrapped, power_iterations=2)(inputs)
        models.append(k.Model(inputs, k.layers.Dense(1)(k.layers.GRU(3)(x))))
    ours, theirs = models
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    x = rng.standard_normal((5, 6, 3)).astype("float32")
    y = rng.standard_normal((5, 1)).astype("float32")
    for model in models:
        model.compile("sgd", "mse")
    for _ in range(3):
        losses = [float(model.train_on_batch(x, y)) for model in models]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(mine, other, 256, 7, backward=True)
    again = type(ours.layers[1]).from_config(ours.layers[1].get_config())
    assert again.layer.get_config() == ours.layers[1].layer.get_config()
    assert again.power_iterations == 2


def test_spectral_normalization_of_embeddings():
    embedding = layers.Embedding(9, 4, mask_zero=True)
    layer = layers.SpectralNormalization(embedding, power_iterations=50)
    words = np.array([[1, 2, 0]])
    np.testing.assert_array_equal(layer.compute_mask(words), [[True, True, False]])
    assert layer(words).shape == (1, 3, 4)
    before = embedding.get_weights()[0]
    layer(words, training=True)
    expected = before / np.linalg.svd(before)[1].max()
    np.testing.assert_allclose(embedding.get_weights()[0], expected, rtol=1e-4, atol=1e-6)
    embedding.set_weights([np.zeros((9, 4))])
    np.testing.assert_array_equal(layer(words, training=True), 0)
    layer.trainable = False
    assert layer.trainable_weights == layer.vjp(words)[1](np.ones((1, 3, 4)))[1] == []


def test_leaky_relu_knows_the_old_name_of_its_slope():
    with pytest.warns(UserWarning, match="negative_slope"):
        layer = layers.LeakyReLU(alpha=0.1)
    assert layer.get_config()["negative_slope"] == 0.1


def calls_with(layer, *shapes):
    for shape in shapes:
        layer(np.zeros(shape))


BAD = {
    "max_value": lambda: layers.ReLU(-1),
    "negative_slope": lambda: layers.ReLU(negative_slope=None),
    "threshold": lambda: layers.ReLU(threshold=-0.1),
    "shared_axes": lambda: layers.PReLU(shared_axes=[0])(np.zeros((2, 3, 4))),
    "padding pair": lambda: layers.ZeroPadding1D((1, 2, 3)),
    "cropping": lambda: layers.Cropping1D(-1),
    "inputs cropped": lambda: layers.Cropping1D(3)(np.zeros((2, 6, 1))),
    "inputs of softmax": lambda: layers.Softmax(2)(np.zeros((2, 3))),
    "inputs of prelu": lambda: calls_with(layers.PReLU(shared_axes=[1]), (2, 3, 4), (2, 3, 5)),
    "input_shape of prelu": lambda: layers.PReLU().build((None, None, 3)),
    "variance": lambda: layers.Normalization(mean=1.0),
    "mean": lambda: layers.Normalization(variance=1.0),
    "variance shape": lambda: layers.Normalization(mean=[1.0, 2.0], variance=[1.0]),
    "mean axes": lambda: layers.Normalization(None, mean=[1.0], variance=[1.0]),
    "mean length": lambda: layers.Normalization(mean=[1, 2], variance=[1, 2])(np.zeros((2, 3))),
    "input_shape of normalization": lambda: layers.Normalization(3)(np.zeros((2, 3))),
    "data": lambda: layers.Normalization().adapt([]),
    "data of another rank": lambda: layers.Normalization().adapt([np.ones((2, 3)), np.ones(3)]),
    "padding": lambda: layers.Conv1D(2, 3, padding="reflect"),
    "filters": lambda: layers.Conv1D(0, 3),
    "kernel_size": lambda: layers.Conv1D(2, (3, 3)),
    "dilation_rate": lambda: layers.Conv1D(2, 3, strides=2, dilation_rate=2),
    "groups": lambda: layers.Conv1D(3, 3, groups=2),
    "input_shape": lambda: layers.Conv1D(4, 3, groups=4)(np.zeros((1, 5, 6))),
    "inputs": lambda: layers.Conv1D(4, 6)(np.zeros((1, 5, 6))),
    "depth_multiplier": lambda: layers.DepthwiseConv1D(3, depth_multiplier=0),
    "kernel_size of separable": lambda: layers.SeparableConv1D(3, (3, 3)),
    "padding of separable": lambda: layers.SeparableConv1D(3, 3, padding="causal"),
    "output_padding": lambda: layers.Conv1DTranspose(3, 3, 2, output_padding=2),
    "dilation_rate of transpose": lambda: layers.Conv1DTranspose(3, 3, 2, dilation_rate=2),
    "inputs of depthwise": lambda: calls_with(layers.DepthwiseConv1D(2), (1, 5, 3), (1, 5, 4)),
    "input_shape of transpose": lambda: layers.Conv1DTranspose(3, 3).build((None, 5, None)),
    "inputs of transpose": lambda: (
        layers.Conv1DTranspose(1, 6, 2, "same", 0)(np.ones((1, 1, 1)))
        and layers.Conv1DTranspose(1, 5, 2, "same", 0)(np.ones((1, 2)))
    ),
    "groups of norm": lambda: layers.GroupNormalization(0),
    "input_shape of norm": lambda: layers.GroupNormalization(4)(np.zeros((2, 5, 6))),
    "axis of rms": lambda: layers.RMSNormalization(3)(np.zeros((2, 3))),
    "inputs of rms": lambda: calls_with(layers.RMSNormalization(), (2, 3), (2, 4)),
    "layer": lambda: layers.SpectralNormalization(layers.ReLU())(np.zeros((2, 3))),
    "power_iterations": lambda: layers.SpectralNormalization(layers.Dense(2), 0),
    "output_size": lambda: layers.AdaptiveMaxPooling1D(0),
    "pool_size": lambda: layers.MaxPooling1D(0),
    "data_format": lambda: layers.GlobalMaxPooling1D("last"),
    "axis": lambda: layers.LayerNormalization(axis=3)(np.zeros((2, 3))),
    "target_shape": lambda: layers.Reshape((-1, -1)),
    "dims": lambda: layers.Permute((1, 3)),
    "rate": lambda: layers.SpatialDropout1D(2),
    "scale": lambda: layers.Rescaling("large"),
    "stddev": lambda: layers.GaussianNoise(-1),
}


@pytest.mark.parametrize("argument", BAD)
def test_bad_arguments_say_why(argument):
    with pytest.raises(ValueError, match=f"`{argument.split()[0]}`"):
        BAD[argument]()
    with pytest.raises(ValueError, match="target_shape"):
        layers.Reshape((4,))(np.zeros((2, 3)))
