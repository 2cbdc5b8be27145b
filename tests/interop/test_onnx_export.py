"""Models written as ONNX: ONNX Runtime predicts the same, and so does the model read back."""

import numpy as np
import pytest

import fastrnn
from fastrnn import Input, Model, Sequential, layers
from fastrnn.interop.onnx.operators import ACTIVATIONS, CELL_ACTIVATIONS

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def set_random_weights(model, seed=0):
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.1, 0.9, w.shape).astype(w.dtype) for w in model.weights])
    for layer in model.layers:  # recurrent ones that neither die nor saturate
        if not isinstance(layer, layers.BatchNormalization):
            layer.set_weights([w - 0.5 for w in layer.get_weights()])


def run(path, *inputs):
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


def check(model, tmp_path, *inputs, tolerance=1e-5):
    """Export, check, and compare; return the file's graph."""
    set_random_weights(model)
    path = tmp_path / "a.onnx"
    model.export(path, format="onnx")
    onnx.checker.check_model(str(path), full_check=True)
    results = run(path, *inputs)
    expected = model(inputs[0] if len(inputs) == 1 else list(inputs))
    expected = expected if isinstance(expected, (list, tuple)) else [expected]
    assert len(results) == len(expected)
    for result, own in zip(results, expected, strict=True):
        assert result.dtype == own.dtype and result.shape == own.shape
        scale = max(1.0, float(np.abs(own).max()))
        np.testing.assert_allclose(result, own, rtol=0, atol=tolerance * scale)
        assert np.ptp(own) > 1e-3
    # And back.
    read = Model.from_onnx(path)(inputs[0] if len(inputs) == 1 else list(inputs))
    read = read if isinstance(read, (list, tuple)) else [read]
    for again, own in zip(read, expected, strict=True):
        scale = max(1.0, float(np.abs(own).max()))
        np.testing.assert_allclose(again, own, rtol=0, atol=1e-6 * scale)
    return onnx.load(path).graph


def draw(*shape):
    return np.random.default_rng(1).standard_normal(shape).astype("float32")


RECURRENT = {
    "SimpleRNN": layers.SimpleRNN, "LSTM": layers.LSTM, "GRU": layers.GRU,
    "PeepholeLSTM": layers.PeepholeLSTM,
    "GRU reset before": lambda *args, **kw: layers.GRU(*args, reset_after=False, **kw),
}  # fmt: skip
X = draw(3, 6, 4)


def make(layer, shape=(None, 4)):
    return Sequential([Input(shape), layer])


def two(forward, backward):
    return layers.Bidirectional(forward, backward_layer=backward)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("kind", RECURRENT)
def test_recurrent(kind, return_sequences, go_backwards, use_bias, tmp_path):
    options = {"go_backwards": go_backwards, "use_bias": use_bias}
    layer = RECURRENT[kind](5, return_sequences=return_sequences, **options)
    graph = check(make(layer), tmp_path, X)
    assert len([node for node in graph.node if node.op_type in ("RNN", "LSTM", "GRU")]) == 1


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("kind", RECURRENT)
def test_bidirectional(kind, return_sequences, merge_mode, tmp_path):
    layer = RECURRENT[kind](5, return_sequences=return_sequences)
    check(make(layers.Bidirectional(layer, merge_mode=merge_mode)), tmp_path, X)


@pytest.mark.parametrize("kind", RECURRENT)
def test_a_stack(kind, tmp_path):
    layer = RECURRENT[kind]
    model = Sequential(
        [
            Input((None, 4)),
            layers.Bidirectional(layer(5, return_sequences=True)),
            layers.Dropout(0.5),
            layer(6, return_sequences=True),
            layer(3),
            layers.Dense(2),
        ]
    )
    check(model, tmp_path, X)


def test_cells_in_a_layer(tmp_path):
    layer = layers.RNN(layers.LSTMCell(5), return_sequences=True, go_backwards=True)
    check(make(layer), tmp_path, X)
    x = Input((None, 4))
    outputs, *states = layers.RNN(layers.LSTMCell(5), return_state=True)(x)
    check(Model(x, [outputs, *states]), tmp_path, X)


@pytest.mark.parametrize("activation", CELL_ACTIVATIONS)
@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_activations_of_cells(kind, activation, tmp_path):
    options = {"activation": activation}
    if kind != "SimpleRNN":
        options["recurrent_activation"] = "hard_sigmoid"
    check(make(RECURRENT[kind](5, **options)), tmp_path, X)
    if kind != "SimpleRNN":
        check(make(RECURRENT[kind](5, recurrent_activation=activation)), tmp_path, X)


def test_two_directions_with_activations_of_their_own(tmp_path):
    backward = layers.LSTM(
        5, activation="relu", recurrent_activation="hard_sigmoid", go_backwards=True
    )
    layer = layers.Bidirectional(layers.LSTM(5), backward_layer=backward)
    check(make(layer), tmp_path, X)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation, tmp_path):
    model = Sequential(
        [Input((4,)), layers.Dense(5, activation), layers.Dense(6), layers.Activation(activation)]
    )
    check(model, tmp_path, draw(7, 4))


def test_text(tmp_path):
    model = Sequential(
        [
            Input((None,), dtype="int32"),
            layers.Embedding(20, 5),
            layers.LayerNormalization(),
            layers.LSTM(4, return_sequences=True),
            layers.BatchNormalization(),
            layers.TimeDistributed(layers.Dense(3, "softmax")),
        ]
    )
    ids = np.random.default_rng(0).integers(0, 20, (3, 6)).astype("int32")
    graph = check(model, tmp_path, ids)
    assert [value.name for value in graph.input] == model.inputs[0].name.split()
    # Keras's habit: integers in an input of floats.
    check(Sequential([Input((6,)), layers.Embedding(20, 5)]), tmp_path, ids.astype("float32"))


@pytest.mark.parametrize("options", [{}, {"center": False}, {"scale": False}], ids=str)
@pytest.mark.parametrize("shape", [(4,), (6, 4)], ids=str)
def test_normalization(options, shape, tmp_path):
    for kind in (layers.BatchNormalization, layers.LayerNormalization):
        model = Sequential([Input(shape), kind(epsilon=0.01, **options), layers.Dense(3)])
        check(model, tmp_path, draw(3, *shape))
    model = Sequential([Input((6, 4)), layers.LayerNormalization(axis=[1, 2])])
    check(model, tmp_path, X)
    model = Sequential([Input((6, 4)), layers.BatchNormalization(axis=1)])
    check(model, tmp_path, X)


def encoder_decoder():
    x, y = Input((None, 4), name="x"), Input((None, 3), name="y")
    encoder = layers.Bidirectional(layers.LSTM(5, return_state=True))
    _, *states = encoder(x)
    decoder = layers.Bidirectional(
        layers.LSTM(5, return_sequences=True, return_state=True), merge_mode=None
    )
    first, second, *final = decoder(y, initial_state=states)
    total = layers.Add()([first, second]) * layers.Multiply()([first, second])
    both = layers.Concatenate()([total, 1 - first / 2])
    return Model([x, y], [layers.Dense(2)(both), both[:, -1], both[..., 1:3], *final])


def test_states_and_operators(tmp_path):
    check(encoder_decoder(), tmp_path, X, draw(3, 5, 3))
    x = Input((6, 4))
    outputs, state = layers.GRU(5, return_sequences=True, return_state=True)(x)
    again = layers.SimpleRNN(5)(outputs, initial_state=[state])
    model = Model({"a": x}, {"first": again, "second": outputs[:, ::-2, 1]})
    path = tmp_path / "b.onnx"
    set_random_weights(model)
    model.export(path)
    expected = model({"a": X})
    for key, result in zip(("first", "second"), run(path, X), strict=True):
        np.testing.assert_allclose(result, expected[key], atol=1e-5)
    assert [value.name for value in onnx.load(path).graph.output] == ["first", "second"]


def test_autoencoders_and_pooling(tmp_path):
    model = Sequential(
        [
            Input((6, 4)),
            layers.LSTM(5),
            layers.RepeatVector(6),
            layers.LSTM(5, return_sequences=True),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    check(model, tmp_path, X)
    x = Input((None, 4))
    y = layers.GRU(5, return_sequences=True)(x)
    mean, most = layers.GlobalAveragePooling1D()(y), layers.GlobalMaxPooling1D()(y)
    merged = [
        kind()([mean, most])
        for kind in (layers.Subtract, layers.Average, layers.Maximum, layers.Minimum)
    ]
    check(Model(x, [layers.Add()(merged), *merged]), tmp_path, X)


def test_what_keras_broadcasts_in_another_way(tmp_path):
    x = Input((3, 4))
    model = Model(x, layers.Add()([x, layers.GlobalMaxPooling1D()(x)]))
    with pytest.raises(ValueError, match="equal ranks"):
        model.export(tmp_path / "a.onnx")


def test_models_inside_and_shared_layers(tmp_path):
    inner = Sequential([Input((None, 4)), layers.GRU(4, return_sequences=True)])
    dense = layers.Dense(4)
    x = Input((None, 4))
    model = Model(x, [dense(inner(dense(x))), x])
    graph = check(model, tmp_path, X)
    assert len([t for t in graph.initializer if t.dims == [4, 4]]) == 1


def test_double_precision_in_the_reference_of_onnx(tmp_path):
    model = Sequential(
        [
            Input((6, 4), dtype="float64"),
            layers.Bidirectional(layers.GRU(5, dtype="float64"), dtype="float64"),
        ]
    )
    set_random_weights(model)
    path = tmp_path / "a.onnx"
    model.export(path)
    x = X.astype("float64")
    from onnx.reference import ReferenceEvaluator

    (result,) = ReferenceEvaluator(str(path)).run(None, {model.inputs[0].name: x})
    np.testing.assert_allclose(result, model(x), atol=1e-12)


CANNOT = {
    "mask_zero": [Input((6,)), layers.Embedding(5, 3, mask_zero=True), layers.LSTM(3)],
    "masks": [Input((6, 4)), layers.Masking(), layers.LSTM(3)],
    "stateful": [Input(batch_shape=(2, 6, 4)), layers.LSTM(3, stateful=True)],
    "'mish'": [Input((6, 4)), layers.Dense(3, "mish")],
    "'gelu'": [Input((6, 4)), layers.GRU(3, activation="gelu")],
    "built-in cells": [Input((6, 4)), layers.RNN([layers.GRUCell(3), layers.GRUCell(3)])],
    "'ProjectedLSTMCell'": [Input((6, 4)), layers.ProjectedLSTM(3, 2)],
    "'LayerNormLSTMCell'": [Input((6, 4)), layers.LayerNormLSTM(3)],
    "'LayerNormGRUCell'": [Input((6, 4)), layers.Bidirectional(layers.LayerNormGRU(3))],
    "zoneout": [Input((6, 4)), layers.LSTM(3, cell_zoneout=0.1)],
    "Conv1D": [Input((6, 4)), layers.Conv1D(3, 2)],
    "GroupNormalization": [Input((6, 4)), layers.GroupNormalization(2)],
    "axis=1": [Input((6, 4)), layers.LayerNormalization(axis=1)],
    "inside": [Input((6, 4, 3)), layers.TimeDistributed(layers.LSTM(4))],
    "the other order": [Input((6, 4)), two(layers.LSTM(3, go_backwards=True), layers.LSTM(3))],
    "one kind and size": [Input((6, 4)), two(layers.LSTM(3), layers.LSTM(4, go_backwards=True))],
    "use_bias": [
        Input((6, 4)), two(layers.LSTM(3), layers.LSTM(3, use_bias=False, go_backwards=True)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("message", CANNOT)
def test_what_onnx_has_not(message, tmp_path):
    with pytest.raises(ValueError, match=f"(?s)layer .*{message}"):
        Sequential(CANNOT[message]).export(tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_other_models_and_arguments(tmp_path):
    path = tmp_path / "a.onnx"
    model = make(layers.LSTM(3))

    class Own(Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ValueError, match="a Sequential or functional model"):
        Own().export(path)
    with pytest.raises(ValueError, match="no shapes yet"):
        Sequential([layers.LSTM(3)]).export(path)
    x = Input((3,))
    with pytest.raises(ValueError, match="training"):
        Model(x, layers.Dropout(0.5)(x, training=True)).export(path)
    for argument, value in {
        "format": "tf_saved_model", "input_signature": [x], "opset_version": 5, "other": 1,
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=argument):
            model.export(path, **{argument: value})
    for name in ("a.pb", 3):
        with pytest.raises(ValueError, match="`filepath`"):
            model.export(name)
    assert not path.exists()


def test_a_crash_leaves_the_old_file(tmp_path, capsys):
    path = tmp_path / "a.onnx"
    model = make(layers.LSTM(3))
    model.export(path, verbose=True)
    assert str(path) in capsys.readouterr().out
    before = path.read_bytes()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr("os.fsync", lambda number: (_ for _ in ()).throw(OSError("full")))
        model.export(path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
    fastrnn.utils.clear_session()
