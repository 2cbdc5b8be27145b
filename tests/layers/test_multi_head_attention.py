"""EinsumDense and MultiHeadAttention against live Keras: outputs, gradients, masks, models."""

import numpy as np
import pytest
from live_keras import differentiate, keras, torch
from tolerance import assert_close

import fastrnn
from fastrnn import layers

RNG = np.random.default_rng(0)

# Equation, output_shape, bias_axes, shape of the inputs.
EQUATIONS = {
    "dense": ("ab,bc->ac", 4, "c", (3, 5)),
    "no bias": ("ab,bc->ac", 4, None, (3, 5)),
    "heads": ("abc,cde->abde", (None, 2, 4), "de", (3, 6, 5)),
    "a part of the bias": ("abc,cde->abde", (None, 2, 4), "d", (3, 6, 5)),
    "bias of the steps": ("abc,cd->abd", (6, 4), "bd", (3, 6, 5)),
    "join heads": ("abcd,cde->abe", (None, 7), "e", (3, 6, 2, 4)),
    "steps mixed": ("abc,bd->adc", (4, None), "d", (3, 6, 5)),
    "left": ("...x,xy->...y", 4, "y", (3, 6, 5)),
    "left, two axes": ("...xy,yz->...xz", (None, 4), "z", (3, 6, 5)),
    "right": ("ab...,bc->ac...", 4, "c", (3, 5, 6)),
    "kernel of each step": ("abc,bcd->abd", (6, 4), "d", (3, 6, 5)),
}


@pytest.mark.parametrize("activation", [None, "tanh"])
@pytest.mark.parametrize("name", EQUATIONS)
def test_einsum_dense(name, activation):
    equation, output_shape, bias_axes, shape = EQUATIONS[name]
    x = RNG.standard_normal(shape, dtype=np.float32)
    ours, theirs = (
        k.layers.EinsumDense(equation, output_shape, activation, bias_axes, name="e")
        for k in (fastrnn, keras)
    )
    for layer in (ours, theirs):
        layer.build(shape)
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    weights = [RNG.standard_normal(w.shape, dtype=np.float32) for w in ours.weights]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    outputs, pullback = ours.vjp(x)
    assert ours.compute_output_shape(shape) == outputs.shape
    d = RNG.standard_normal(outputs.shape, dtype=np.float32)
    expected, (expected_dx,), expected_dw = differentiate(theirs, [x], [d])
    d_inputs, d_weights = pullback(d)
    assert_close(outputs, expected[0], 16)
    assert_close(d_inputs, expected_dx, 32, backward=True)
    for mine, other in zip(d_weights, expected_dw, strict=True):
        assert_close(mine, other, 32, backward=True)
    config = ours.get_config()
    for key, value in theirs.get_config().items():
        if key not in ("dtype", "quantization_config"):
            assert config[key] == value, key
    again = layers.EinsumDense.from_config(config)
    again.build(shape)
    again.set_weights(weights)
    inputs = fastrnn.Input(shape[1:])
    np.testing.assert_array_equal(fastrnn.Model(inputs, again(inputs))(x), outputs)


def test_einsum_dense_scales_its_kernel_as_keras_does():
    for initializer in ("glorot_uniform", "he_normal"):
        stds = []
        for k in (fastrnn, keras):
            layer = k.layers.EinsumDense(
                "abcd,cde->abe", (None, 700), kernel_initializer=initializer
            )
            layer.build((None, 3, 20, 30))
            stds.append(np.std(layer.get_weights()[0]))
        assert stds[0] == pytest.approx(stds[1], rel=0.01)


@pytest.mark.parametrize(
    ("equation", "output_shape", "shape", "words"),
    [
        ("ab->ac", 3, (2, 3), "equation"),
        ("ab,bc->ad", 3, (2, 3), "equation"),
        ("ab,cd->ac", 3, (2, 3), "equation"),
        ("aa,ab->ab", 3, (2, 2), "equation"),
        ("ab,bc->ac", (3, 4), (2, 3), "output_shape"),
        ("ab,bc->ac", 3, (2, 3, 4), "inputs"),
        ("abc,cd->abd", (5, 3), (2, 3, 4), "inputs"),
        ("abc,cd->abd", (None, 3), (2, 3, None), "input_shape"),
    ],
)
def test_einsum_dense_errors(equation, output_shape, shape, words):
    with pytest.raises(ValueError, match=f"`{words}`"):
        layers.EinsumDense(equation, output_shape).build(shape)


def test_einsum_dense_checks_its_inputs():
    layer = layers.EinsumDense("abc,cd->abd", (None, 3))
    layer.build((None, 4, 5))
    with pytest.raises(ValueError, match="`inputs`"):
        layer(np.zeros((2, 4, 6)))
    with pytest.raises(ValueError, match="`bias_axes`"):
        layers.EinsumDense("ab,bc->ac", 3, bias_axes="b")


OPTIONS = {
    "plain": {},
    "value dim": {"value_dim": 5, "output_shape": 7},
    "no bias": {"use_bias": False, "attention_axes": 1},
    "gate": {"use_gate": True},
    "window": {"sliding_window": 2},
}


def make_pair(options, shapes):
    pair = [
        k.layers.MultiHeadAttention(2, 3, **options, name="attention") for k in (fastrnn, keras)
    ]
    pair[0].build(shapes)
    pair[1].build(*shapes)
    weights = [RNG.standard_normal(w.shape).astype("float32") for w in pair[0].weights]
    for layer in pair:
        layer.set_weights(weights)
    return pair


def visible(masks, causal, window, attention_mask=True):
    """Which of 4 queries see any of 5 values, and count themselves."""
    rows, columns = np.arange(4)[:, None], np.arange(5)
    keep = (np.abs(rows - columns) < window) & ((rows >= columns) | (not causal))
    keep = np.broadcast_to(keep & attention_mask, (3, 4, 5))
    for k, mask in enumerate(masks):
        if mask is not None:
            keep = keep & (mask[:, :, None] if k == 0 else mask[:, None])
    return keep.any(axis=-1)


@pytest.mark.parametrize("scores", [False, True])
@pytest.mark.parametrize("masked", ["no", "value", "all", "given"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("name", OPTIONS)
def test_multi_head_attention(name, count, causal, masked, scores):
    arrays = [RNG.standard_normal((3, n, 6), dtype=np.float32) for n in (4, 5, 5)[:count]]
    ours, theirs = make_pair(OPTIONS[name], [a.shape for a in arrays])
    options = {"use_causal_mask": causal, "return_attention_scores": scores}
    masks = [np.arange(n) < np.array([[2], [3], [n]]) for n in (4, 5, 5)[:count]]
    if masked != "all":
        masks = [None, masks[1] if masked == "value" else None, None][:count]
    given = {}
    if masked == "given":
        given["attention_mask"] = RNG.random((3, 4, 5)) < 0.7
        given["attention_mask"][..., 0] = True
    outputs, pullback = ours.vjp(arrays, mask=masks, **options, **given)
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    for tensor, mask in zip(tensors, masks, strict=True):
        if mask is not None:
            keras.src.backend.set_keras_mask(tensor, torch.tensor(mask))
    expected = theirs(*tensors, **options, **{k: torch.tensor(v) for k, v in given.items()})
    outputs, expected = (list(y) if scores else [y] for y in (outputs, expected))
    d = [RNG.standard_normal(y.shape, dtype=np.float32) for y in outputs]
    # Of queries that see nothing, backends make different things where no scores are wanted.
    sees = visible(masks, causal, OPTIONS[name].get("sliding_window", 9), **given)
    sees = np.ones_like(sees) if scores and masked != "all" else sees
    d = [dy * sees.reshape(3, *((4, 1) if dy.ndim == 3 else (1, 4, 1))) for dy in d]
    sum((y * torch.tensor(dy)).sum() for y, dy in zip(expected, d, strict=True)).backward()
    d_inputs, d_weights = pullback(tuple(d) if scores else d[0])
    for mine, other in zip(outputs, expected, strict=True):
        other = other.detach().numpy()
        whole = mine.ndim == 4  # the scores
        assert_close(mine if whole else mine[sees], other if whole else other[sees], 64)
    for mine, other in zip(d_inputs, tensors, strict=True):
        assert_close(mine, other.grad.numpy(), 128, 5, backward=True)
    for mine, other in zip(d_weights, theirs.trainable_weights, strict=True):
        assert_close(mine, other.value.grad.numpy(), 512, 15, backward=True)


@pytest.mark.parametrize("name", OPTIONS)
def test_weights_configuration_and_calls(name):
    arrays = [RNG.standard_normal((3, n, 6), dtype=np.float32) for n in (4, 5)]
    ours, theirs = make_pair(OPTIONS[name], [a.shape for a in arrays])
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    config, expected = ours.get_config(), theirs.get_config()
    for key in set(expected) - {"dtype"}:
        assert config[key] == expected[key], key
    assert ours.get_build_config() == theirs.get_build_config()
    again = layers.MultiHeadAttention.from_config(config)
    assert again.get_build_config() is None
    outputs = ours(*arrays)
    again.build_from_config(ours.get_build_config())
    again.set_weights(ours.get_weights())
    np.testing.assert_array_equal(again(arrays), outputs)
    np.testing.assert_array_equal(ours(*arrays, arrays[1]), outputs)
    mask = np.arange(5) < np.array([[2], [3], [5]])
    np.testing.assert_array_equal(
        ours(*arrays, value_mask=mask), ours(*arrays, attention_mask=mask[:, None])
    )
    np.testing.assert_array_equal(
        ours(*arrays, attention_mask=np.tri(4, 5)), ours(*arrays, use_causal_mask=True)
    )


def encoder(k, options):
    """A part of a transformer over embedded words."""
    L = k.layers
    words = k.Input((None,), dtype="int32")
    x = L.Embedding(9, 6, mask_zero=True)(words)
    attended = L.MultiHeadAttention(2, 3, **options)(x, x, use_causal_mask=True)
    x = L.LayerNormalization()(L.Add()([x, attended]))
    return k.Model(words, L.Dense(2)(L.GRU(4)(x)))


# Outputs of another length cannot be added to the inputs.
@pytest.mark.parametrize("name", [n for n in OPTIONS if "output_shape" not in OPTIONS[n]])
def test_an_encoder_trains_as_in_keras(name):
    models = []
    for k in (fastrnn, keras):
        k.utils.clear_session()
        models.append(encoder(k, OPTIONS[name]))
    ours, theirs = models
    ours.set_weights(theirs.get_weights())
    words = RNG.integers(1, 9, (5, 7))
    words[1, 4:] = words[3, 2:] = 0
    y = RNG.standard_normal((5, 2)).astype("float32")
    for model in models:
        model.compile("sgd", "mse")
    for _ in range(4):
        losses = [float(model.train_on_batch(words, y)) for model in models]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(mine, other, 256, 7, backward=True)
    again = fastrnn.models.model_from_json(ours.to_json())
    again.set_weights(ours.get_weights())
    np.testing.assert_array_equal(again(words), ours(words))


def test_dropout_scores_and_a_frozen_layer():
    q, v = fastrnn.Input((4, 6)), fastrnn.Input((5, 6))
    layer = layers.MultiHeadAttention(3, 2, dropout=0.5, seed=1)
    outputs, scores = layer(q, v, return_attention_scores=True)
    model = fastrnn.Model([q, v], [outputs, scores])
    assert model.output_shape == [(None, 4, 6), (None, 3, 4, 5)]
    x = [RNG.standard_normal((2, n, 6), dtype=np.float32) for n in (4, 5)]
    y, s = model(x)
    np.testing.assert_allclose(s.sum(axis=-1), 1, rtol=1e-5)
    dropped, same = model(x, training=True)
    np.testing.assert_array_equal(same, s)  # the scores are those before dropout
    assert not np.array_equal(dropped, y)
    layer.trainable = False
    assert layer.trainable_weights == [] == layer.vjp(x)[1](y)[1]
    regularized = layers.MultiHeadAttention(2, 3, activity_regularizer="l2")
    context = layers.base.layer.CallContext(penalties=[])
    regularized.run(regularized.accept(x), context)
    assert len(context.penalties) == 4


BAD = {
    "num_heads": lambda: layers.MultiHeadAttention(0, 2),
    "key_dim": lambda: layers.MultiHeadAttention(2, 2.5),
    "value_dim": lambda: layers.MultiHeadAttention(2, 2, 0),
    "dropout": lambda: layers.MultiHeadAttention(2, 2, dropout=2),
    "output_shape": lambda: layers.MultiHeadAttention(2, 2, output_shape=(3, 4)),
    "attention_axes": lambda: layers.MultiHeadAttention(2, 2, attention_axes=2),
    "sliding_window": lambda: layers.MultiHeadAttention(2, 2, sliding_window=0),
    "inputs": lambda: layers.MultiHeadAttention(2, 2)(np.ones((1, 2)), np.ones((1, 2))),
    "inputs ": lambda: layers.MultiHeadAttention(2, 2)([np.ones((1, 2, 3))]),
    "inputs  ": lambda: layers.MultiHeadAttention(2, 2)(*[np.ones((1, n, 3)) for n in (2, 3, 4)]),
    "mask": lambda: attend(value_mask=np.ones((1, 2))),
    "attention_mask": lambda: attend(attention_mask=np.ones((2, 2))),
}


def attend(**options):
    return layers.MultiHeadAttention(2, 2)(np.ones((1, 2, 3)), np.ones((1, 4, 3)), **options)


@pytest.mark.parametrize("argument", BAD)
def test_bad_arguments_say_why(argument):
    with pytest.raises(ValueError, match=f"`{argument.strip()}`"):
        BAD[argument]()
    with pytest.raises(TypeError, match="other_mask"):
        attend(other_mask=None)
