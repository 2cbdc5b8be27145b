"""Files of Keras 1 and 2, and of Keras 3 in the older form."""

import json

import h5py
import numpy as np
import pytest
from layer_table import FEATURES, GRAPHS, LAYERS, TIME, batch_for
from live_keras import keras
from model_checks import assert_same

import fastrnn
from fastrnn import Input, Sequential, layers
from fastrnn.saving import ModelFileError, load_model

MODELS = {**LAYERS, **GRAPHS}
pytestmark = pytest.mark.filterwarnings(
    "ignore:Layer .* does not support masking", "ignore:[\\s\\S]*using a softmax over axis"
)


@pytest.mark.parametrize("name", MODELS)
def test_keras_3(name, tmp_path):
    model = MODELS[name](keras)
    model.save(tmp_path / "a.h5")
    other = load_model(tmp_path / "a.h5")
    assert_same(model, other, batch_for(other), exact=False)
    weights = MODELS[name](fastrnn)
    if weights.weights:
        weights.load_weights(tmp_path / "a.h5")
        assert_same(other, weights, batch_for(other), exact=True)


def test_how_a_model_of_keras_3_is_trained(tmp_path):
    model = keras.Sequential([keras.Input((4, 3)), keras.layers.LSTM(2), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    x, y = np.ones((3, 4, 3), "float32"), np.ones((3, 1), "float32")
    model.train_on_batch(x, y)
    model.save(tmp_path / "a.h5")
    other = load_model(tmp_path / "a.h5")
    assert len(other.optimizer.variables) == len(model.optimizer.variables)
    losses = [m.train_on_batch(x, y) for m in (model, other, model, other)]
    np.testing.assert_allclose(losses[:3:2], losses[1::2], rtol=1e-5)
    assert not load_model(tmp_path / "a.h5", compile=False).compiled


# ---- files as older versions wrote them --------------------------------------------------------


def write(path, config, weights, version="2.2.4", training=None):
    """A file in the older form; ``weights`` are lists of arrays by the names of layers."""
    with h5py.File(path, "w") as file:
        if version is not None:
            file.attrs["keras_version"] = version.encode()
        file.attrs["model_config"] = json.dumps(config).encode()
        if training:
            file.attrs["training_config"] = json.dumps(training).encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = np.array([name.encode() for name in weights])
        for name, arrays in weights.items():
            own = group.create_group(name)
            names = [f"{name}/w{k}:0" for k in range(len(arrays))]
            own.attrs["weight_names"] = np.array([n.encode() for n in names])
            for n, array in zip(names, arrays, strict=True):
                own[n] = array
    return path


def arrays(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype("float32") * 0.5 for shape in shapes]


def chain(*entries, version=2):
    return {"class_name": "Sequential", "config": list(entries) if version == 1 else {
        "name": "sequential_1", "layers": list(entries)}}  # fmt: skip


def entry(class_name, **config):
    return {"class_name": class_name, "config": config}


def sequences():
    return batch_for(Sequential([Input((TIME, FEATURES)), layers.Flatten()]))


OLD_INITIALIZER = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None},
}


def old_hard_sigmoid(x):
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def recurrent(name, **options):
    return entry(
        name, name="rnn", trainable=True, batch_input_shape=[None, TIME, FEATURES], dtype="float32",
        return_sequences=True, return_state=False, go_backwards=False, stateful=False,
        unroll=False, units=4, activation="tanh", use_bias=True, implementation=1,
        kernel_initializer=OLD_INITIALIZER, kernel_regularizer=None, dropout=0.0,
        recurrent_initializer={"class_name": "Orthogonal", "config": {"gain": 1.0, "seed": None}},
        bias_initializer={"class_name": "Zeros", "config": {}}, time_major=False, **options,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "reset_after"), [("LSTM", None), ("GRU", None), ("GRU", False), ("GRU", True)]
)
@pytest.mark.parametrize("gate", ["hard_sigmoid", "sigmoid"])
def test_keras_2_recurrent_layers(name, gate, reset_after, tmp_path):
    """Its GRU has `reset_after=False` where nothing is said; its hard_sigmoid is steeper."""
    gates = 4 if name == "LSTM" else 3
    options = {} if reset_after is None else {"reset_after": reset_after}
    bias = (2, 4 * gates) if reset_after else (4 * gates,)
    weights = arrays((FEATURES, 4 * gates), (4, 4 * gates), bias)
    config = chain(recurrent(name, recurrent_activation=gate, **options))
    path = write(tmp_path / "a.h5", config, {"rnn": weights})
    extra = {"reset_after": bool(reset_after)} if name == "GRU" else {}
    function = old_hard_sigmoid if gate == "hard_sigmoid" else gate
    layer = getattr(keras.layers, name)(
        4, recurrent_activation=function, return_sequences=True, **extra
    )
    x = sequences()
    layer.build(x.shape)
    layer.set_weights(weights)
    model = load_model(path)
    np.testing.assert_allclose(model(x), layer(x).detach().numpy(), rtol=1e-5, atol=1e-6)
    load_model(path).save(tmp_path / "b.keras")
    theirs = keras.models.load_model(tmp_path / "b.keras")
    np.testing.assert_allclose(model(x), theirs.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


def from_cudnn(x, weights, name):
    """cuDNN's own definition, with each gate's matrices as it keeps them: (units, features)."""
    kernel, recurrent, bias = weights
    gates = 4 if name == "LSTM" else 3
    units = recurrent.shape[0]
    w = [k.reshape(-1).reshape(units, -1) for k in np.split(kernel, gates, axis=1)]
    r = [k.reshape(units, units) for k in np.split(recurrent, gates, axis=1)]
    b, c = (np.split(part, gates) for part in np.split(bias, 2))
    h = np.zeros((len(x), units))
    state = np.zeros_like(h)

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    for t in range(x.shape[1]):
        inner = [x[:, t] @ w[k].T + b[k] for k in range(gates)]
        again = [h @ r[k].T + c[k] for k in range(gates)]
        if name == "LSTM":
            i, f, g, o = (p + q for p, q in zip(inner, again, strict=True))
            state = sigmoid(f) * state + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(state)
        else:
            z, r_gate = (sigmoid(inner[k] + again[k]) for k in (0, 1))
            h = z * h + (1 - z) * np.tanh(inner[2] + r_gate * again[2])
    return h


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_cudnn_layers(name, tmp_path):
    gates = 4 if name == "LSTM" else 3
    weights = arrays((FEATURES, 4 * gates), (4, 4 * gates), (2 * 4 * gates,))
    layer = entry(
        f"CuDNN{name}", name="rnn", trainable=True, units=4, return_sequences=False,
        return_state=False, go_backwards=False, stateful=False,
        batch_input_shape=[None, TIME, FEATURES], kernel_initializer=OLD_INITIALIZER,
        bias_constraint=None,
    )  # fmt: skip
    path = write(tmp_path / "a.h5", chain(layer), {"rnn": weights})
    x = sequences()
    np.testing.assert_allclose(load_model(path)(x), from_cudnn(x, weights, name), atol=1e-5)
    plain = Sequential([Input((TIME, FEATURES)), getattr(layers, name)(4)])
    plain.load_weights(path)  # weights of cuDNN for a plain layer
    np.testing.assert_allclose(plain(x), from_cudnn(x, weights, name), atol=1e-5)


def test_keras_2_functional_model(tmp_path):
    """States between layers, a layer called twice, a model inside; calls in the older form."""
    inner = chain(
        entry("Dense", name="d1", trainable=True, units=4, activation="relu", use_bias=True,
              batch_input_shape=[None, 4]),
    )  # fmt: skip
    inner["config"]["name"] = "inner"
    state = {**recurrent("LSTM", recurrent_activation="sigmoid")["config"], "name": "encoder"}
    state |= {"return_state": True, "return_sequences": False}
    decoder = {**recurrent("LSTM", recurrent_activation="sigmoid")["config"], "name": "decoder"}
    entries = [
        {"name": "x", "class_name": "InputLayer", "inbound_nodes": [],
         "config": {"batch_input_shape": [None, TIME, FEATURES], "dtype": "float32",
                    "sparse": False, "name": "x"}},
        {"name": "encoder", "class_name": "LSTM", "config": state,
         "inbound_nodes": [[["x", 0, 0, {}]]]},
        {"name": "decoder", "class_name": "LSTM", "config": decoder,
         "inbound_nodes": [[["x", 0, 0, {}], ["encoder", 0, 1, {}], ["encoder", 0, 2, {}]]]},
        {"name": "inner", "class_name": "Sequential", "config": inner["config"],
         "inbound_nodes": [[["encoder", 0, 0, {}]], [["inner", 1, 0, {}]]]},
        {"name": "add", "class_name": "Add", "config": {"name": "add", "trainable": True},
         "inbound_nodes": [[["inner", 1, 0, {}], ["inner", 2, 0, {}]]]},
    ]  # fmt: skip
    config = {
        "name": "model_1", "layers": entries, "input_layers": [["x", 0, 0]],
        "output_layers": [["add", 0, 0], ["decoder", 0, 0], ["inner", 2, 0]],
    }  # fmt: skip
    weights = {
        "x": [], "encoder": arrays((FEATURES, 16), (4, 16), (16,)),
        "decoder": arrays((FEATURES, 16), (4, 16), (16,), seed=1),
        "inner": arrays((4, 4), (4,), seed=2), "add": [],
    }  # fmt: skip
    path = write(tmp_path / "a.h5", {"class_name": "Model", "config": config}, weights)
    k, x = keras, keras.Input((TIME, FEATURES))
    encoded, *states = k.layers.LSTM(4, return_state=True, name="encoder")(x)
    dense = k.Sequential([k.Input((4,)), k.layers.Dense(4, "relu")], name="inner")
    once = dense(encoded)
    again = dense(once)
    decoded = k.layers.LSTM(4, return_sequences=True, name="decoder")(x, initial_state=states)
    theirs = k.Model(x, [once + again, decoded, again])
    for name in ("encoder", "decoder", "inner"):
        theirs.get_layer(name).set_weights(weights[name])
    assert_same(theirs, load_model(path), sequences(), exact=False)


def test_keras_2_layers_around_and_beside(tmp_path):
    """Bidirectional's order, BatchNormalization's axis in a list, how the model is compiled."""
    inner = recurrent("LSTM", recurrent_activation="sigmoid")
    inner["config"] = {**inner["config"], "name": "lstm_1"}
    config = chain(
        entry("Embedding", name="e", trainable=True, batch_input_shape=[None, TIME], input_dim=7,
              output_dim=FEATURES, mask_zero=True, input_length=TIME, dtype="float32",
              embeddings_initializer={"class_name": "RandomUniform", "config": {
                  "minval": -0.05, "maxval": 0.05, "seed": None, "dtype": "float32"}}),
        entry("Bidirectional", name="b", trainable=True, layer=inner, merge_mode="concat"),
        entry("BatchNormalization", name="n", trainable=True, axis=[2], momentum=0.9, epsilon=0.01,
              center=True, scale=True, dtype={"class_name": "Policy", "config": {
                  "name": "float32"}}),
        entry("TimeDistributed", name="t", trainable=True, layer=entry(
            "Dense", name="d", trainable=True, units=2, activation="hard_sigmoid")),
    )  # fmt: skip
    weights = {
        "e": arrays((7, FEATURES)),
        "b": arrays((FEATURES, 16), (4, 16), (16,), (FEATURES, 16), (4, 16), (16,)),
        "n": [abs(a) + 0.5 for a in arrays((8,), (8,), (8,), (8,), seed=3)],
        "t": arrays((8, 2), (2,), seed=4),
    }
    training = {
        "optimizer_config": entry("Adam", lr=0.25, beta_1=0.9, beta_2=0.999, decay=0.0,
                                  epsilon=1e-7, amsgrad=False),
        "loss": "categorical_crossentropy", "sample_weight_mode": None, "loss_weights": None,
        "metrics": ["accuracy", entry("MeanMetricWrapper", name="mse", dtype="float32",
                                      fn="mean_squared_error")],
    }  # fmt: skip
    path = write(tmp_path / "a.h5", config, weights, "2.4.0", training)
    model = load_model(path)
    assert float(model.optimizer.learning_rate) == 0.25
    assert model.loss == "categorical_crossentropy"
    x = np.array([[1, 2, 0, 0, 0], [3, 4, 5, 6, 0]])
    k = keras
    theirs = k.Sequential(
        [
            k.Input((TIME,)), k.layers.Embedding(7, FEATURES, mask_zero=True),
            k.layers.Bidirectional(k.layers.LSTM(4, return_sequences=True)),
            k.layers.BatchNormalization(momentum=0.9, epsilon=0.01),
            k.layers.TimeDistributed(k.layers.Dense(2, old_hard_sigmoid)),
        ]
    )  # fmt: skip
    theirs.set_weights([array for own in weights.values() for array in own])
    expected = theirs.predict(x, verbose=0)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_keras_1(name, tmp_path):
    """Three arrays for each gate, options under other names, no version."""
    gates = ("i", "c", "f", "o") if name == "LSTM" else ("z", "r", "h")
    config = chain(
        entry(name, name="rnn", trainable=True, batch_input_shape=[None, TIME, FEATURES],
              input_dtype="float32", return_sequences=False, go_backwards=False, stateful=False,
              unroll=False, consume_less="cpu", output_dim=4, init="glorot_uniform",
              inner_init="orthogonal", activation="tanh", inner_activation="hard_sigmoid",
              W_regularizer=None, U_regularizer=None, b_regularizer=None, dropout_W=0.0,
              dropout_U=0.0, input_dim=FEATURES, input_length=None),
        entry("Dropout", name="drop", trainable=True, p=0.5),
        entry("Dense", name="d", trainable=True, output_dim=2, init="glorot_uniform",
              activation="linear", W_regularizer=None, b_regularizer=None, W_constraint=None,
              activity_regularizer=None, b_constraint=None, bias=True, input_dim=None),
        version=1,
    )  # fmt: skip
    of_gates = {gate: arrays((FEATURES, 4), (4, 4), (4,), seed=k) for k, gate in enumerate(gates)}
    dense = arrays((4, 2), (2,), seed=9)
    weights = {"rnn": [a for own in of_gates.values() for a in own], "drop": [], "d": dense}
    path = write(tmp_path / "a.h5", config, weights, version=None)
    today = "ifco" if name == "LSTM" else "zrh"
    joined = [np.concatenate([of_gates[g][kind] for g in today], axis=-1) for kind in range(3)]
    extra = {} if name == "LSTM" else {"reset_after": False}
    layer = getattr(keras.layers, name)(4, recurrent_activation=old_hard_sigmoid, **extra)
    x = sequences()
    layer.build(x.shape)
    layer.set_weights(joined)
    expected = layer(x).detach().numpy() @ dense[0] + dense[1]
    np.testing.assert_allclose(load_model(path)(x), expected, rtol=1e-5, atol=1e-6)


def test_descriptions_without_weights(tmp_path):
    config = chain(recurrent("GRU", recurrent_activation="hard_sigmoid"))
    weights = arrays((FEATURES, 12), (4, 12), (12,))
    path = write(tmp_path / "a.h5", config, {"rnn": weights})
    text = json.dumps({**config, "keras_version": "2.2.4", "backend": "tensorflow"})
    model = fastrnn.models.model_from_json(text)
    model.load_weights(path)
    x = sequences()
    np.testing.assert_array_equal(model(x), load_model(path)(x))


def refused(path):
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    return caught.value.reason


def places(value, path=()):
    """All places in a description, by the keys that lead to them."""
    yield path
    if isinstance(value, (dict, list)):
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(entry, (*path, key))


VALUES = [
    None,
    -1,
    0,
    1.5,
    2**40,
    True,
    "a",
    "LSTM",
    [],
    {},
    [[]],
    ["x", 0, 0],
    {"class_name": "x"},
]


@pytest.mark.filterwarnings("ignore")
def test_changed_descriptions_are_read_or_refused(tmp_path):
    """One entry of a good description is another one: nothing but ModelFileError may come of it."""
    rng = np.random.default_rng(0)
    model = GRAPHS["handover"](keras)
    model.compile("adam", "mse")
    model.save(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        texts = {name: file.attrs[name] for name in ("model_config", "training_config")}
    refusals = 0
    for k in range(200):
        name = "training_config" if k % 8 == 0 else "model_config"
        version = ("1.2", "2.4", "3.1")[k % 3]
        data = [json.loads(texts[name])]
        *path, last = list(places(data))[int(rng.integers(1, len(list(places(data)))))]
        target = data
        for key in path:
            target = target[key]
        target[last] = VALUES[int(rng.integers(len(VALUES)))]
        with h5py.File(tmp_path / "a.h5", "a") as file:
            file.attrs.update(texts)
            file.attrs[name] = json.dumps(data[0])
            file.attrs["keras_version"] = version
        try:
            load_model(tmp_path / "a.h5")
        except ModelFileError:
            refusals += 1
    assert 25 < refusals < 195


def test_older_files_are_held_to_the_same_rules(tmp_path):
    dense = {"name": "d", "units": 2, "batch_input_shape": [None, 3]}
    weights = {"d": arrays((3, 2), (2,))}

    def reason(*entries, stored=weights):
        return refused(write(tmp_path / "a.h5", chain(*entries), stored))

    assert reason(entry("Lambda", function=["4w", None, None])) == "forbidden_class"
    assert reason(entry("Dense", **dense), entry("Popen", args=1)) == "unknown_class"
    assert reason(entry("Dense", **dense | {"units": 10**6})) == "size_mismatch"
    assert reason(recurrent("LSTM", recurrent_activation="tanh") | {"config": {
        **recurrent("LSTM")["config"], "time_major": True}}) == "bad_config"  # fmt: skip
    unfit = {"d": arrays((3, 2), (2,)), "e": arrays((3,))}
    assert reason(entry("Dense", **dense), stored=unfit) == "unexpected_weights"
    assert reason(entry("Dense", **dense), stored={"d": arrays((2, 3), (2,))}) == "unexpected_shape"
    old = entry("Dense", **dense), entry("Activation", name="a", activation="hard_sigmoid")
    assert reason(*old) == "bad_config"
    (tmp_path / "b.h5").write_bytes(b"no HDF5")
    assert refused(tmp_path / "b.h5") == "not_hdf5"
