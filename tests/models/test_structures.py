"""Dicts and nested structures of inputs and outputs, and models inside models, against Keras."""

import numpy as np
import pytest
from live_keras import keras

import fastrnn
from fastrnn import Input, Model, layers
from fastrnn.core import nest

RNG = np.random.default_rng(0)
X, Z = (RNG.standard_normal((8, 5, 3)).astype("float32") for _ in range(2))
TOKENS = np.array([[1, 2, 3, 0, 0], [4, 0, 0, 0, 0], [1, 1, 1, 1, 1], [2, 3, 0, 0, 0]] * 2)
ONE, TWO, THREE = (RNG.standard_normal((8, n)).astype("float32") for n in (1, 2, 3))


def inner(k, structure):
    L = k.layers
    a, b = k.Input((5, 3), name="a"), k.Input((5, 3), name="b")
    h = L.GRU(4)(L.Add()([a, 2 * b]))
    inputs = {"dict": {"a": a, "b": b}, "list": [a, b]}[structure]
    return k.Model(inputs, {"u": L.Dense(2)(h), "v": L.Dense(1)(h)})


def dict_in_dict(k):
    p, q = k.Input((5, 3), name="p"), k.Input((5, 3), name="q")
    out = inner(k, "dict")({"b": q, "a": p})
    joined = k.layers.Concatenate()([out["u"], out["v"]])
    outputs = {"one": out["v"], "three": joined}
    return k.Model({"p": p, "q": q}, outputs), {"p": X, "q": Z}, {"one": ONE, "three": THREE}


def dict_in_list(k):
    p, q = k.Input((5, 3)), k.Input((5, 3))
    out = inner(k, "list")([p, q])
    # Of two outputs of one layer, Keras logs one loss under the name of both.
    outputs = [k.layers.Identity(name=name)(out[name]) for name in ("u", "v")]
    return k.Model([p, q], outputs), [X, Z], [TWO, ONE]


def called_twice(k):
    p, q = k.Input((5, 3)), k.Input((5, 3))
    model = inner(k, "dict")
    first, second = model({"a": p, "b": q}), model({"b": p, "a": q})
    return k.Model([p, q], first["u"] - second["u"] * second["v"]), [X, Z], TWO


def one_output_used(k):
    p = k.Input((5, 3))
    out = inner(k, "dict")({"a": p, "b": p})
    return k.Model(p, out["v"] + 0 * out["u"][:, :1]), X, ONE


def masked(k):
    L = k.layers
    tokens = k.Input((5,), dtype="int32")
    x = k.Input((5, 3))
    side = {"seq": L.Dense(4)(x), "last": L.GRU(2)(x)}
    out = k.Model(x, side)(L.Embedding(7, 3)(tokens))
    return k.Model(tokens, [L.GRU(3)(out["seq"]), out["last"]]), TOKENS, [THREE, TWO]


def nested(k):
    L = k.layers
    p, q = k.Input((5, 3), name="p"), k.Input((5, 3), name="q")
    outputs = {"o": [L.Dense(1, name="d")(L.GRU(2)(p)), {"z": L.GRU(2)(q)}]}
    y = {"o": [ONE, {"z": TWO}]}
    return k.Model({"x": [p, {"y": q}]}, outputs), {"x": [X, {"y": Z}]}, y


def subclass(k):
    L = k.layers

    class Own(k.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = L.GRU(2), L.Dense(3)

        def call(self, inputs):
            return {"u": self.first(inputs["a"]), "v": self.second(inputs["b"][:, -1])}

    model = Own()
    model({"a": X, "b": Z})
    return model, {"a": X, "b": Z}, {"u": TWO, "v": THREE}


BUILDERS = [dict_in_dict, dict_in_list, called_twice, one_output_used, masked, nested, subclass]


def arrays(value):
    return [np.asarray(keras.ops.convert_to_numpy(leaf)) for leaf in nest.flatten(value)]


def assert_near(ours, theirs):
    for actual, expected in zip(arrays(ours), arrays(theirs), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("build", BUILDERS)
def test_computes_and_trains_as_in_keras(build):
    for k in (fastrnn, keras):
        k.utils.clear_session()
    (ours, x, y), (theirs, _, _) = (build(k) for k in (fastrnn, keras))
    ours.set_weights(theirs.get_weights())
    mine, other = ours(x), theirs(x)
    if isinstance(mine, dict):
        assert list(mine) == list(other)
    if build is not subclass:
        assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
        names = [layer.name for layer in theirs.layers]  # without operators
        assert [layer.name for layer in ours.layers if layer.name in names] == names
        assert ours.output_names == theirs.output_names
    assert_near(mine, other)
    for model, k in ((ours, fastrnn), (theirs, keras)):
        model.compile(k.optimizers.SGD(0.1), "mse")
    options = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0}
    histories = [model.fit(x, y, **options).history for model in (ours, theirs)]
    assert list(histories[0]) == list(histories[1])
    for name, losses in histories[1].items():
        np.testing.assert_allclose(histories[0][name], losses, rtol=1e-4)
    assert_near(ours.get_weights(), theirs.get_weights())
    assert_near(ours.predict(x, batch_size=3, verbose=0), theirs.predict(x, verbose=0))


@pytest.mark.parametrize("build", [b for b in BUILDERS if b is not subclass])
def test_is_described_and_made_again(build):
    model, x, _ = build(fastrnn)
    again = fastrnn.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    for a, b in zip(arrays(model(x)), arrays(again(x)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.names_of_outputs == model.names_of_outputs


@pytest.mark.parametrize("build", BUILDERS)
def test_gradients_have_the_structure_of_the_inputs(build):
    model, x, _ = build(fastrnn)
    outputs, pullback = model.vjp(x)
    ones = [np.ones_like(y) for y in nest.flatten(outputs)]
    d_inputs, _ = pullback(nest.unflatten(outputs, ones))
    if build is masked:
        return  # integers have no gradient
    assert nest.flatten_up_to(x, d_inputs) is not None
    step = 1e-2
    for k, array in enumerate(nest.flatten(x)):
        moved = []
        for sign in (1, -1):
            parts = [a + sign * step * (j == k) for j, a in enumerate(nest.flatten(x))]
            moved.append(sum(y.sum() for y in nest.flatten(model(nest.unflatten(x, parts)))))
        expected = (moved[0] - moved[1]) / (2 * step)
        assert nest.flatten(d_inputs)[k].shape == array.shape
        np.testing.assert_allclose(nest.flatten(d_inputs)[k].sum(), expected, rtol=2e-2, atol=2e-2)


def test_inputs_in_other_structures():
    model = inner(fastrnn, "dict")
    expected = arrays(model({"a": X, "b": Z}))
    for given in ([X, Z], (X, Z), {"b": Z, "a": X, "more": "ignored"}):
        for actual, wanted in zip(arrays(model(given)), expected, strict=True):
            np.testing.assert_array_equal(actual, wanted)
    for given in ({"a": X}, [X], [X, Z, X], {"a": [X], "b": Z}, X):
        with pytest.raises(ValueError, match="`inputs"):
            model(given)
    p = Input((5, 3))
    with pytest.raises(ValueError, match="`inputs`"):
        model({"a": p})
    with pytest.raises(ValueError, match="`inputs`"):
        model({"a": p, "b": X})
    assert model.compute_output_shape({"a": (7, 5, 3), "b": (7, 5, 3)}) == {
        "u": (7, 2),
        "v": (7, 1),
    }


def test_gradients_of_outputs_that_do_not_matter():
    model, x, _ = nested(fastrnn)
    _, pullback = model.vjp(x)
    one, two = np.ones((8, 1), "float32"), np.ones((8, 2), "float32")
    whole = pullback({"o": [one, {"z": None}]})[1]
    for given in ({"o": [one, None]}, {"o": (one, {})}):
        for a, b in zip(whole, pullback(given)[1], strict=True):
            np.testing.assert_array_equal(a, b)
    for given in ({"p": one}, {"o": [one]}, {"o": [one, two]}, {"o": [two, {"z": two}]}, one):
        with pytest.raises(ValueError, match="`d_outputs`"):
            pullback(given)


def test_structures_that_are_no_tensors():
    p = Input((5, 3))
    for outputs in ({"u": [p, 3]}, {}, {"u": None}):
        with pytest.raises(ValueError, match="`outputs`"):
            Model(p, outputs)
    model = Model(p, {"u": layers.Dense(2)(p)})
    assert model.names_of_outputs == ["u"]
    assert model(X)["u"].shape == (8, 5, 2)
