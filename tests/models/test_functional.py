"""Functional models and models with a ``call`` of their own, against live Keras."""

import numpy as np
import pytest
from live_keras import keras
from tolerance import assert_close, tolerance

import fastrnn
from fastrnn import Input, Model, Sequential, layers
from fastrnn.layers.operations.operation_layer import OperationLayer

BATCH, TIME, FEATURES = 6, 5, 3
STEPS = 4


def translator(k):
    """Encoder and decoder with teacher forcing; masks travel, states are handed over."""
    L = k.layers
    source = k.Input((None,), dtype="int32", name="source")
    target = k.Input((None,), dtype="int32", name="target")
    _, h, c = L.LSTM(6, return_state=True)(L.Embedding(9, 4, mask_zero=True)(source))
    decoder = L.LSTM(6, return_sequences=True, return_state=True)
    outputs, _, _ = decoder(L.Embedding(8, 4)(target), initial_state=[h, c])
    return k.Model([source, target], L.Dense(8, activation="softmax")(outputs))


def shared(k):
    """One layer called three times, and operators between."""
    L = k.layers
    a, b = k.Input((TIME, FEATURES), name="a"), k.Input((TIME, FEATURES), name="b")
    gru = L.GRU(5)
    x, y = gru(a), gru(b)
    z = gru(a + 0.5 * b)
    return k.Model([a, b], L.Dense(2)((x - y) * 2 - z / 3 + 1 / (2 + x * x)))


def branches(k):
    """One input, an output from the states, one from a part of the sequence."""
    L = k.layers
    x = k.Input((TIME, FEATURES))
    y, h = L.SimpleRNN(4, return_sequences=True, return_state=True)(x)
    return k.Model(x, [L.Dense(2, name="last")(h), L.Dense(1, name="late")(y[:, 2:])])


def nested(k):
    """Models as layers, one of them twice; batch statistics inside."""
    L = k.layers
    inner = k.Sequential([k.Input((TIME, FEATURES)), L.LSTM(4), L.BatchNormalization()])
    h = k.Input((4,))
    head = k.Model(h, L.Dense(3, activation="relu")(h))
    x = k.Input((TIME, FEATURES))
    y = inner(x)
    return k.Model(x, L.Dense(2)(head(y) + head(-y)))


def bidirectional_states(k):
    L = k.layers
    x = k.Input((TIME, FEATURES))
    y, *states = L.Bidirectional(L.GRU(4, return_sequences=True, return_state=True))(x)
    return k.Model(x, L.Bidirectional(L.GRU(4))(y, initial_state=states))


def masked_steps(k):
    L = k.layers
    x = k.Input((TIME, FEATURES))
    y = L.LSTM(4, return_sequences=True)(L.Masking()(x))
    return k.Model(x, L.TimeDistributed(L.Dense(2))(y))


def penalized(k):
    L = k.layers
    x = k.Input((TIME, FEATURES))
    y = L.GRU(4, kernel_regularizer="l2", activity_regularizer=k.regularizers.L2(0.1))(x)
    return k.Model(x, L.Dense(1)(y))


MODELS = {f.__name__: f for f in (
    translator, shared, branches, nested, bidirectional_states, masked_steps, penalized
)}  # fmt: skip


def batch_for(model, seed=0):
    rng = np.random.default_rng(seed)
    arrays = []
    for tensor in model.inputs:
        shape = [BATCH, *[TIME if n is None else n for n in tensor.shape[1:]]]
        if tensor.dtype == "int32":
            arrays.append(rng.integers(0, 8, shape))
        else:
            x = rng.standard_normal(shape, dtype=np.float32)
            x[2, 3:] = 0  # steps that Masking marks
            arrays.append(x)
    return arrays if len(arrays) > 1 else arrays[0]


def labels_for(outputs, seed=1):
    rng = np.random.default_rng(seed)
    several = isinstance(outputs, (list, tuple))
    labels = [
        rng.standard_normal(y.shape, dtype=np.float32) for y in (outputs if several else [outputs])
    ]
    return labels if several else labels[0]


def flat(values):
    return list(values) if isinstance(values, (list, tuple)) else [values]


def make_pair(build):
    fastrnn.utils.clear_session()
    keras.utils.clear_session()
    ours, theirs = build(fastrnn), build(keras)
    shapes = [[w.shape for w in model.weights] for model in (ours, theirs)]
    assert shapes[0] == [tuple(shape) for shape in shapes[1]]
    ours.set_weights(theirs.get_weights())
    return ours, theirs


@pytest.mark.parametrize("name", MODELS)
def test_outputs_and_training_are_keras_s(name):
    ours, theirs = make_pair(MODELS[name])
    x = batch_for(ours)
    expected = theirs.predict(x, verbose=0)
    for y, z in zip(flat(ours.predict(x, verbose=0)), flat(expected), strict=True):
        assert_close(y, z, 64, TIME)
    y = labels_for(expected)
    for model in (ours, theirs):
        model.compile("sgd", "mse", metrics=[["mae"]] * len(y) if isinstance(y, list) else ["mae"])
    for step in range(STEPS):
        losses = [model.train_on_batch(x, y, return_dict=True) for model in (ours, theirs)]
        assert losses[0].keys() == losses[1].keys()
        for key, value in losses[0].items():
            assert value == pytest.approx(float(losses[1][key]), rel=1e-5), (step, key)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(mine, other, 64 * STEPS, TIME, backward=True)


@pytest.mark.parametrize("name", MODELS)
def test_names_and_order_of_layers_are_keras_s(name):
    ours, theirs = make_pair(MODELS[name])
    # Operators and masks are operations of Keras's, not layers.
    mine = [layer.name for layer in ours.layers if not isinstance(layer, OperationLayer)]
    assert mine == [layer.name for layer in theirs.layers if isinstance(layer, keras.Layer)]
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]


@pytest.mark.parametrize("name", MODELS)
def test_configuration_makes_the_model_again(name):
    model = MODELS[name](fastrnn)
    again = type(model).from_config(model.get_config())
    assert again.get_config() == model.get_config()
    again.set_weights(model.get_weights())
    x = batch_for(model)
    for y, z in zip(flat(model(x)), flat(again(x)), strict=True):
        np.testing.assert_array_equal(y, z)


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_those_of_finite_differences(name):
    """In float64, for every input and some entries of every weight."""
    fastrnn.config.set_floatx("float64")
    try:
        model = MODELS[name](fastrnn)
    finally:
        fastrnn.config.set_floatx("float32")
    x = batch_for(model)
    arrays = [a.astype("float64") if a.dtype.kind == "f" else a for a in flat(x)]

    def run(values):
        return model.vjp(values if len(values) > 1 else values[0])

    outputs, pullback = run(arrays)
    rng = np.random.default_rng(2)
    d = [rng.standard_normal(y.shape) for y in flat(outputs)]
    d_inputs, d_weights = pullback(d if isinstance(outputs, list) else d[0])

    def loss():
        return sum(float((y * dy).sum()) for y, dy in zip(flat(run(arrays)[0]), d, strict=True))

    checked = [*zip(arrays, flat(d_inputs), strict=True)]
    checked += [(v.value, g) for v, g in zip(model.trainable_weights, d_weights, strict=True)]
    step = 1e-6
    for array, gradient in checked:
        if array.dtype.kind != "f":
            assert gradient is None
            continue
        for index in rng.integers(0, array.size, 4):
            at = np.unravel_index(index, array.shape)
            if array is arrays[0] and name == "masked_steps" and not array[at]:
                continue  # a step out of the sequence would come back into it
            kept = array[at]
            array[at] = kept + step
            above = loss()
            array[at] = kept - step
            below = loss()
            array[at] = kept
            assert (above - below) / (2 * step) == pytest.approx(gradient[at], rel=1e-5, abs=1e-7)


def two_outputs(k, as_dict):
    L = k.layers
    x = k.Input((FEATURES,))
    a, b = L.Dense(1, name="a")(x), L.Dense(3, activation="softmax", name="b")(x)
    return k.Model(x, {"p": a, "q": b} if as_dict else [a, b])


OPTIONS = {
    "lists": (False, {"loss": ["mse", "sparse_categorical_crossentropy"], "loss_weights": [1, 0.5],
                      "metrics": [["mae"], ["accuracy"]]}),
    "names": (False, {"loss": {"a": "mse", "b": "sparse_categorical_crossentropy"},
                      "weighted_metrics": {"b": "accuracy"}}),
    "keys": (True, {"loss": {"p": "mse", "q": "sparse_categorical_crossentropy"},
                    "metrics": {"q": ["accuracy", "sparse_categorical_crossentropy"]},
                    "loss_weights": {"p": 2.0, "q": 1.0}}),
    "one untrained": (False, {"loss": ["mse", None]}),
}  # fmt: skip


# Keras warns of an output without a loss.
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", OPTIONS)
def test_fit_with_several_outputs(name, weighted):
    as_dict, options = OPTIONS[name]
    ours, theirs = make_pair(lambda k: two_outputs(k, as_dict))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, FEATURES), dtype=np.float32)
    y = [rng.standard_normal((20, 1), dtype=np.float32), rng.integers(0, 3, 20)]
    weights = [rng.uniform(0.5, 2, 20), rng.uniform(0.5, 2, 20)] if weighted else None
    if as_dict:
        y = dict(zip("pq", y, strict=True))
        weights = dict(zip("pq", weights, strict=True)) if weighted else None
    histories = []
    for model in (ours, theirs):
        model.compile("sgd", **options)
        history = model.fit(
            x, y, batch_size=8, epochs=3, shuffle=False, verbose=0, sample_weight=weights,
            validation_data=(x, y, weights) if weighted else (x, y),
        )  # fmt: skip
        histories.append(history.history)
    assert set(histories[0]) == set(histories[1])
    for key, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][key], rtol=2e-5, err_msg=key)
    results = [model.evaluate(x, y, batch_size=8, verbose=0) for model in (ours, theirs)]
    np.testing.assert_allclose(*results, rtol=2e-5)


class Tagger(Model):
    """A model with its own ``call``."""

    def __init__(self, k_layers=layers):
        super().__init__()
        self.steps = [k_layers.GRU(4, return_sequences=True), k_layers.Dropout(0.5)]
        self.heads = {"out": k_layers.Dense(2)}

    def call(self, inputs, training=False):
        for step in self.steps:
            inputs = step(inputs)
        return self.heads["out"](inputs) if training else self.heads["out"](inputs) + 1


def test_subclass_trains_and_knows_training():
    model = Tagger()
    x = batch_for(masked_steps(fastrnn))
    assert model(x).shape == (BATCH, TIME, 2)
    model.steps[1].rate = 0.0
    np.testing.assert_allclose(model(x), model(x, training=True) + 1, rtol=1e-6)
    assert [w.path.split("/")[-1] for w in model.weights] == [
        "kernel", "recurrent_kernel", "bias", "kernel", "bias"
    ]  # fmt: skip
    model.compile("adam", "mse")
    y = np.zeros((BATCH, TIME, 2))
    losses = model.fit(x, y, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert model.predict(x[:, :3], verbose=0).shape == (BATCH, 3, 2)


class Pair(Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, inputs):
        a, b = inputs
        return {"sum": self.dense(a) + self.dense(b), "first": a * 1.0}


def test_subclass_with_several_inputs_and_outputs():
    model = Pair()
    a, b = np.random.default_rng(0).standard_normal((2, 4, 3))
    y = model([a, b])
    assert set(y) == {"sum", "first"}
    model.compile("sgd", {"sum": "mse", "first": None})
    zeros = {"sum": np.zeros((4, 2)), "first": np.zeros((4, 3))}
    first, *_, last = model.fit([a, b], zeros, epochs=9, verbose=0).history["loss"]
    assert last < first


def test_subclass_like_its_functional_model():
    tagger = Tagger()
    x = batch_for(masked_steps(fastrnn))
    tagger(x)
    tensor = Input((TIME, FEATURES))
    model = Model(tensor, tagger(tensor))
    np.testing.assert_array_equal(model(x), tagger(x))
    outputs, pullback = tagger.vjp(x)
    expected = model.vjp(x)[1](outputs)
    for mine, other in zip(pullback(outputs)[1], expected[1], strict=True):
        np.testing.assert_array_equal(mine, other)


def test_decoding_step_by_step_is_the_whole():
    """The usual second model over the same layers gives what teacher forcing gives."""
    model = translator(fastrnn)
    x = batch_for(model)
    embedding = next(e for e in model.layers[::-1] if isinstance(e, layers.Embedding))
    reader, decoder = (layer for layer in model.layers if isinstance(layer, layers.LSTM))
    dense = model.layers[-1]
    encoder = Model(model.inputs[0], reader.output[1:])
    token, h, c = Input((1,), dtype="int32"), Input((6,)), Input((6,))
    y, h2, c2 = decoder(embedding(token), initial_state=[h, c])
    step = Model([token, h, c], [dense(y), h2, c2])
    states = encoder(x[0])
    found = []
    for t in range(TIME):
        y, *states = step([x[1][:, t : t + 1], *states])
        found.append(y)
    expected = model(x)
    allowed = tolerance("float32", 64, TIME)
    np.testing.assert_allclose(np.concatenate(found, axis=1), expected, atol=allowed)


def test_a_functional_model_gives_the_bits_of_the_sequential_one():
    stack = [layers.LSTM(5, return_sequences=True), layers.GRU(4), layers.Dense(2)]
    x = tensor = Input((TIME, FEATURES))
    for layer in stack:
        x = layer(x)
    functional, sequential = Model(tensor, x), Sequential([Input((TIME, FEATURES)), *stack])
    data = batch_for(functional)
    np.testing.assert_array_equal(functional(data), sequential(data))
    y = np.ones((BATCH, 2))
    for model in (functional, sequential):
        d_inputs, d_weights = model.vjp(data)[1](y)
        if model is functional:
            kept = [d_inputs, *d_weights]
    for mine, other in zip(kept, [d_inputs, *d_weights], strict=True):
        np.testing.assert_array_equal(mine, other)


def bad_calls():
    x = Input((TIME, FEATURES))
    y = layers.GRU(4)(x)
    model = Model(x, y)
    both = Model([x, Input((2,), name="other")], y)
    data = np.zeros((4, TIME, FEATURES))
    return {
        "outputs need another input": (lambda: Model(Input((3,)), y), "`inputs`"),
        "no tensors": (lambda: Model(x, None), "`outputs`"),
        "one input twice": (lambda: Model([x, x], y), "once"),
        "equal names": (
            lambda: Model(x, [layers.Dense(n, name="d")(y) for n in (1, 2)]), "different names"
        ),
        "rank": (lambda: layers.GRU(4)(Input((3,))), "timesteps"),
        "features": (lambda: model.layers[1](Input((TIME, 9))), "features"),
        "shape of data": (lambda: model(data[:, :2]), "those of"),
        "one array of two": (lambda: both(data), "a list of 2"),
        "different samples": (lambda: both([data, np.zeros((5, 2))]), "as many samples"),
        "missing name": (lambda: both({"other": np.zeros((4, 2))}), "keys"),
        "arrays among tensors": (lambda: layers.GRU(4)([x, data]), "shape"),
        "index by a name": (lambda: x["name"], "`key`"),
        "shapes that do not broadcast": (lambda: x + Input((4, FEATURES)), "broadcast"),
        "unknown loss name": (lambda: model.compile("sgd", {"z": "mse", "y": "mse"}), "`loss`"),
    }  # fmt: skip


@pytest.mark.parametrize("name", bad_calls())
def test_bad_calls_say_why(name):
    call, words = bad_calls()[name]
    with pytest.raises((ValueError, TypeError), match=words):
        call()


def test_numbers_of_labels_must_fit():
    model = two_outputs(fastrnn, False)
    model.compile("sgd", "mse")
    before = model.get_weights()
    x = np.zeros((4, FEATURES))
    for y in (np.zeros((4, 1)), [np.zeros((4, 1))] * 3, {"a": np.zeros((4, 1)), "z": x}):
        with pytest.raises(ValueError, match="`y`"):
            model.fit(x, y, verbose=0)
    with pytest.raises(ValueError, match="`y`"):
        model.fit(x, {"a": np.zeros((4, 1))}, verbose=0)
    for mine, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


class Forgetful(Model):
    def call(self, inputs):
        return layers.Dense(1)(inputs)


class Numerical(Model):
    def call(self, inputs):
        return inputs if inputs[0, 0] > 0 else -inputs


def test_a_call_that_cannot_be_followed_says_why():
    with pytest.raises(ValueError, match="keep them on `self`"):
        Forgetful()(np.zeros((2, 3)))
    with pytest.raises(TypeError, match=r"no values"):
        Numerical()(np.zeros((2, 3)))
    with pytest.raises(NotImplementedError, match="`call`"):
        type("Empty", (Model,), {})()(np.zeros((2, 3)))
    with pytest.raises(TypeError, match="`inputs`"):
        Model()


def test_a_part_of_a_sequential_model():
    model = Sequential([Input((TIME, FEATURES)), layers.GRU(4), layers.Dense(3), layers.Dense(2)])
    part = Model(model.inputs, model.layers[1].output)
    x = batch_for(part)
    np.testing.assert_array_equal(part(x), model.layers[1](model.layers[0](x)))
    assert Model(model.input, model.output).output_shape == model.output_shape
    with pytest.raises(ValueError, match="0 times"):
        _ = layers.Dense(1).output


@pytest.mark.parametrize("name", MODELS)
def test_json_and_clones(name):
    model = MODELS[name](fastrnn)
    x = batch_for(model)
    again = fastrnn.models.model_from_json(model.to_json())
    clone = fastrnn.models.clone_model(model)
    renamed = fastrnn.models.clone_model(
        model, clone_function=lambda e: type(e).from_config({**e.get_config(), "name": None})
    )
    for other in (again, clone, renamed):
        other.set_weights(model.get_weights())
        for y, z in zip(flat(model(x)), flat(other(x)), strict=True):
            np.testing.assert_array_equal(y, z)
    assert clone.get_config() == model.get_config()


def test_a_clone_of_a_sequential_model():
    model = Sequential([Input((TIME, FEATURES)), layers.GRU(4), layers.Dense(2)])
    clone = fastrnn.models.clone_model(model, clone_function=lambda e: type(e)(e.units + 1))
    assert clone.output_shape == (None, 3)
    assert fastrnn.models.model_from_json(model.to_json()).get_config() == model.get_config()
    for text in ("{", "[]", 3, '{"class_name": "Dense", "config": {"units": 1}}'):
        with pytest.raises(ValueError, match=r"`json_string`|`layer`"):
            fastrnn.models.model_from_json(text)


def shared_alone(k):
    a, b = k.Input((FEATURES,), name="a"), k.Input((FEATURES,), name="b")
    dense = k.layers.Dense(2)
    return k.Model([a, b], k.layers.Concatenate()([dense(a), dense(b), a]))


@pytest.mark.parametrize("name", ["shared_alone", "branches", "bidirectional_states", "penalized"])
def test_summary_is_the_table_of_keras(name, monkeypatch):
    """But for masks, which are lines of their own in Keras."""
    monkeypatch.setenv("COLUMNS", "200")
    tables = []
    for k in (fastrnn, keras):
        k.utils.clear_session()
        model = (shared_alone if name == "shared_alone" else MODELS[name])(k)
        model.compile("sgd", "mse")
        lines = []
        for options in ({}, {"line_length": 140}, {"show_trainable": True, "line_length": 140}):
            model.summary(print_fn=lines.append, **options)
        tables.append("\n".join(lines))
    assert tables[0] == tables[1]


def test_automatic_names_are_keras_s():
    names = []
    for k in (fastrnn, keras):
        k.utils.clear_session()
        L, found = k.layers, []

        def make(k=k, L=L, found=found):
            x = k.Input((4,))
            found.append(k.Model(x, L.Dense(1)(x)).name)

        make()
        model = k.Sequential([k.Input((4,)), L.Dense(2), L.Dense(2)])
        make()
        model.add(L.Dense(3))
        make()
        late = k.Sequential([L.Dense(2)])
        make()
        late.build((None, 4))
        make()
        names.append([*found, model.name, late.name])
    assert names[0] == names[1]


def test_gradients_of_outputs_in_a_dict():
    model = two_outputs(fastrnn, True)
    x = np.random.default_rng(0).standard_normal((4, FEATURES))
    outputs, pullback = model.vjp(x)
    _, (kernel, bias, *rest) = pullback({"p": np.ones((4, 1))})
    np.testing.assert_allclose(kernel[:, 0], x.sum(axis=0), rtol=1e-5)
    assert bias == 4
    assert not any(d.any() for d in rest)
    for d in ({"z": outputs["p"]}, outputs["p"], {"p": outputs["q"]}):
        with pytest.raises(ValueError, match="`d_outputs`"):
            pullback(d)


def _chain(dense):
    return Sequential([Input((FEATURES,)), *dense])


def _graph(dense):
    x = Input((FEATURES,))
    return Model(x, dense[1](dense[0](x)))


@pytest.mark.parametrize("make", [_chain, _graph])
@pytest.mark.parametrize("by_step", [False, True])
def test_a_model_at_every_step_is_its_layers_at_every_step(make, by_step):
    dense = [layers.Dense(4, "tanh"), layers.Dense(2)]
    wrapped = layers.TimeDistributed(make(dense))
    if by_step:
        wrapped._needs_steps = lambda context: True
    x = np.random.default_rng(3).standard_normal((5, TIME, FEATURES)).astype("float32")
    outputs, pullback = wrapped.vjp(x)
    expected, expected_pullback = Sequential([layers.TimeDistributed(d) for d in dense]).vjp(x)
    np.testing.assert_allclose(outputs, expected, rtol=1e-6)
    np.testing.assert_allclose(wrapped(x), expected, rtol=1e-6)
    d = np.random.default_rng(4).standard_normal(outputs.shape).astype("float32")
    actual, wanted = pullback(d), expected_pullback(d)
    for one, other in zip([actual[0], *actual[1]], [wanted[0], *wanted[1]], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_shapes_have_what_scripts_ask_them():
    x = fastrnn.Input((4, 3))
    y = layers.LSTM(2, return_sequences=True)(x)
    assert y.shape.as_list() == [None, 4, 2] == y.get_shape().as_list()
    assert y.shape == (None, 4, 2) and int(y.shape[-1]) == 2 and x.shape.rank == 3


def test_the_layer_of_an_input_gives_it():
    for package in (fastrnn, keras):
        x = package.Input((4, 3))
        model = package.Model(x, package.layers.LSTM(2)(x))
        first = model.layers[0]
        assert first.output is x and tuple(first.output.shape) == (None, 4, 3)
