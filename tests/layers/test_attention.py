"""Attention against live Keras: outputs, scores, gradients, masks, models."""

import numpy as np
import pytest
from live_keras import keras, torch
from tolerance import assert_close

import fastrnn
from fastrnn import layers

MAKERS = {
    "dot": lambda L: L.Attention(),
    "scaled": lambda L: L.Attention(use_scale=True),
    "concat": lambda L: L.Attention(score_mode="concat"),
    "scaled concat": lambda L: L.Attention(True, "concat"),
    "additive": lambda L: L.AdditiveAttention(),
    "additive alike": lambda L: L.AdditiveAttention(use_scale=False),
}


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("masked", ["no", "value", "both"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", MAKERS)
def test_attention(name, count, masked, causal):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((3, n, 6), dtype=np.float32) for n in (4, 5, 5)[:count]]
    mask = None
    if masked != "no":
        mask = [np.arange(n) < np.array([[2], [3], [n]]) for n in (4, 5)]
        mask[0] = mask[0] if masked == "both" else None
    ours, theirs = MAKERS[name](layers), MAKERS[name](keras.layers)
    for layer in (ours, theirs):
        layer.build([a.shape for a in arrays])
    weights = [rng.standard_normal(w.shape).astype("float32") for w in ours.weights]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    options = {"return_attention_scores": True, "use_causal_mask": causal}
    outputs, pullback = ours.vjp(arrays, mask=mask, **options)
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    given = mask and [None if m is None else torch.tensor(m) for m in mask]
    expected = theirs(tensors, mask=given, **options)
    d = [rng.standard_normal(y.shape, dtype=np.float32) for y in outputs]
    sum((y * torch.tensor(dy)).sum() for y, dy in zip(expected, d, strict=True)).backward()
    d_inputs, d_weights = pullback(tuple(d))
    for mine, other in zip(outputs, expected, strict=True):
        assert_close(mine, other.detach().numpy(), 64)
    for mine, other in zip(d_inputs, tensors, strict=True):
        assert_close(mine, other.grad.numpy(), 64, backward=True)
    for mine, other in zip(d_weights, theirs.trainable_weights, strict=True):
        assert_close(mine, other.value.grad.numpy(), 64, 15, backward=True)
    again = type(ours).from_config(ours.get_config())
    again.build([a.shape for a in arrays])
    again.set_weights(weights)
    np.testing.assert_array_equal(again(arrays, mask=mask, use_causal_mask=causal), outputs[0])


def translator(k, attention):
    L = k.layers
    source = k.Input((None,), dtype="int32", name="source")
    target = k.Input((None,), dtype="int32", name="target")
    embedded = L.Embedding(9, 4, mask_zero=True)(source)
    states, h = L.GRU(6, return_sequences=True, return_state=True)(embedded)
    outputs = L.GRU(6, return_sequences=True)(L.Embedding(8, 4)(target), initial_state=h)
    context = MAKERS[attention](L)([outputs, states])
    return k.Model([source, target], L.Dense(8)(L.Concatenate()([outputs, context])))


@pytest.mark.parametrize("attention", MAKERS)
def test_a_translator_trains_as_in_keras(attention):
    models = []
    for k in (fastrnn, keras):
        k.utils.clear_session()
        models.append(translator(k, attention))
    ours, theirs = models
    ours.set_weights(theirs.get_weights())
    rng = np.random.default_rng(0)
    x = [rng.integers(1, 8, (5, 7)), rng.integers(0, 8, (5, 4))]
    x[0][1, 4:] = x[0][3, 2:] = 0
    y = rng.standard_normal((5, 4, 8)).astype("float32")
    for model in models:
        model.compile("sgd", "mse")
    for _ in range(4):
        losses = [float(model.train_on_batch(x, y)) for model in models]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(mine, other, 256, 7, backward=True)


def test_scores_in_a_model_and_dropout():
    q, v = fastrnn.Input((4, 6)), fastrnn.Input((5, 6))
    layer = layers.Attention(dropout=0.5, seed=1)
    outputs, scores = layer([q, v], return_attention_scores=True, use_causal_mask=True)
    model = fastrnn.Model([q, v], [outputs, scores])
    assert model.output_shape == [(None, 4, 6), (None, 4, 5)]
    x = list(np.random.default_rng(0).standard_normal((2, 3, 5, 6), dtype=np.float32))
    x[0] = x[0][:, :4]
    y, s = model(x)
    np.testing.assert_allclose(s.sum(axis=-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(s[:, 0, 1:], 0)
    _, dropped = model(x, training=True)
    kept = dropped > 0
    np.testing.assert_allclose(dropped[kept], 2 * s[kept], rtol=1e-6)
    assert 0.1 < kept.mean() < 0.4  # half of the half that the causal mask leaves
    np.testing.assert_array_equal(y, layer(x, use_causal_mask=True))


BAD = {
    "one input": (lambda: layers.Attention()([np.ones((1, 2, 3))]), "2 or more"),
    "rank": (lambda: layers.Attention()([np.ones((1, 3)), np.ones((1, 3))]), "timesteps"),
    "dim": (lambda: layers.Attention()([np.ones((1, 2, 3)), np.ones((1, 2, 4))]), "dim"),
    "mode": (lambda: layers.Attention(score_mode="sum"), "`score_mode`"),
    "dropout": (lambda: layers.AdditiveAttention(dropout=2), "`dropout`"),
    "mask": (
        lambda: layers.Attention()([np.ones((1, 2, 3))] * 2, mask=np.ones((1, 2))), "`mask`"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_inputs_say_why(name):
    call, words = BAD[name]
    with pytest.raises(ValueError, match=words):
        call()
