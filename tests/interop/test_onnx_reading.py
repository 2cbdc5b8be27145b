"""ONNX files of others: what torch's exporters write, and the forms of Keras's converters."""

import warnings

import numpy as np
import pytest
from live_keras import to_numpy, torch

import fastrnn
from fastrnn import Model, Sequential
from fastrnn.formats.inspection import inspect_file
from fastrnn.saving import ModelFileError

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")  # torch's newer exporter needs it
helper, numpy_helper, nn = onnx.helper, onnx.numpy_helper, torch.nn

T, B, F, H = 6, 3, 4, 5
RNG = np.random.default_rng(0)


def draw(*shape):
    return RNG.standard_normal(shape).astype("float32")


def check(path, inputs, expected, tolerance=1e-5):
    """Read a file; return the model, whose outputs must be as expected."""
    model = Model.from_onnx(path)
    results = model(inputs[0] if len(inputs) == 1 else list(inputs))
    results = results if isinstance(results, (list, tuple)) else [results]
    assert len(results) == len(expected)
    for result, own in zip(results, expected, strict=True):
        assert result.shape == own.shape
        np.testing.assert_allclose(result, own, rtol=0, atol=tolerance)
        assert np.ptp(own) > 1e-3
    return model


# ---- torch ----


class Tagger(nn.Module):
    """A class for each word."""

    def __init__(self, kind=nn.LSTM, **options):
        super().__init__()
        self.embed = nn.Embedding(20, F)
        self.rnn = kind(F, H, batch_first=True, bidirectional=True, num_layers=2, **options)
        self.norm = nn.LayerNorm(2 * H)
        self.fc = nn.Linear(2 * H, 3)

    def forward(self, ids):
        return torch.softmax(self.fc(self.norm(self.rnn(self.embed(ids))[0])), -1)


class Classifier(nn.Module):
    """A class for each sequence, from its last step."""

    def __init__(self, kind=nn.LSTM, **options):
        super().__init__()
        self.rnn = kind(F, H, batch_first=True, **options)
        self.drop = nn.Dropout(0.5)
        self.bn = nn.BatchNorm1d(H)
        self.fc = nn.Linear(H, 2)

    def forward(self, x):
        return torch.tanh(self.fc(self.drop(self.bn(self.rnn(x)[0][:, -1]))))


class FromStates(nn.Module):
    """The final states of both directions, and all steps."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(F, H, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * H, 2)

    def forward(self, x):
        y, h = self.rnn(x)
        return self.fc(torch.cat([h[-2], h[-1]], 1)), self.fc(y)


class TimeMajor(nn.Module):
    """Timesteps first, all along."""

    def __init__(self, kind=nn.GRU):
        super().__init__()
        self.rnn = kind(F, H, num_layers=2)
        self.fc = nn.Linear(H, 2)

    def forward(self, x):
        return self.fc(self.rnn(x)[0])


class WithStates(nn.Module):
    """States as inputs and outputs: two layers, so two of each kind."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(F, H, batch_first=True, num_layers=2)

    def forward(self, x, h, c):
        y, (h, c) = self.rnn(x, (h, c))
        return y, h, c


MODULES = {
    "tagger": lambda: Tagger(),
    "tagger of GRUs": lambda: Tagger(nn.GRU),
    "tagger of RNNs": lambda: Tagger(nn.RNN, nonlinearity="relu"),
    "classifier": lambda: Classifier(),
    "classifier without bias": lambda: Classifier(nn.GRU, bias=False),
    "from states": FromStates,
    "timesteps first": TimeMajor,
    "LSTM, timesteps first": lambda: TimeMajor(nn.LSTM),
    "RNN, timesteps first": lambda: TimeMajor(nn.RNN),
    "with states": WithStates,
}


def make_module(name):
    torch.manual_seed(1)
    module = MODULES[name]().eval()
    with torch.no_grad():
        for normal in module.modules():
            if isinstance(normal, (nn.BatchNorm1d, nn.LayerNorm)):
                normal.weight.normal_()
                normal.bias.normal_()
            if isinstance(normal, nn.BatchNorm1d):
                normal.running_mean.normal_()
                normal.running_var.uniform_(0.5, 2)
    return module


def inputs_of(name):
    if name.startswith("tagger"):
        return [torch.tensor(RNG.integers(0, 20, (B, T)))]
    if name == "with states":
        return [torch.tensor(draw(*shape)) for shape in ((B, T, F), (2, B, H), (2, B, H))]
    return [torch.tensor(draw(*((T, B, F) if name.endswith("first") else (B, T, F))))]


def export(module, inputs, path, dynamo, free_lengths):
    names = ["x", "h", "c"][: len(inputs)]
    axes = {"x": {0: "b", 1: "t"}, "h": {1: "b"}, "c": {1: "b"}}
    options = {"external_data": False, "verbose": False} if dynamo else {}
    if free_lengths:
        options["dynamic_axes"] = {name: axes[name] for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters warn of themselves
        torch.onnx.export(module, tuple(inputs), path, input_names=names, dynamo=dynamo, **options)


# Lengths that are fixed or free, and the newer exporter, which takes a while.
EXPORTS = [(name, "older, free lengths") for name in MODULES]
EXPORTS += [(name, "older") for name in ("tagger", "from states", "timesteps first", "with states")]
EXPORTS += [(name, "newer") for name in ("tagger", "classifier", "from states", "with states")]


@pytest.mark.parametrize(("name", "exporter"), EXPORTS)
def test_torch(name, exporter, tmp_path):
    module, inputs, path = make_module(name), inputs_of(name), tmp_path / "a.onnx"
    export(module, inputs, path, exporter == "newer", exporter == "older, free lengths")
    if exporter != "older":  # the file's batch has no meaning for the model
        inputs = [torch.cat([x, x], 1 if x.shape[0] == 2 else 0) for x in inputs]
    if name.endswith("first"):
        inputs = inputs_of(name)
    with torch.no_grad():
        outputs = module(*inputs)
    outputs = [to_numpy(y) for y in (outputs if isinstance(outputs, tuple) else (outputs,))]
    given = [x.numpy() for x in inputs]
    if name.endswith("first"):  # batches come first in every model of ours
        given, outputs = ([np.swapaxes(a, 0, 1) for a in arrays] for arrays in (given, outputs))
    if name == "with states":  # one array for each state
        given, outputs = ([arrays[0], *arrays[1], *arrays[2]] for arrays in (given, outputs))
    model = check(path, given, outputs)
    if name.startswith(("tagger", "classifier", "timesteps")):
        assert isinstance(model, Sequential)
    # What was read can be written and read again.
    model.export(path)
    check(path, given, outputs)


# ---- graphs by hand ----


class Graph:
    """A graph in the making."""

    def __init__(self, opset=17):
        self.opset, self.nodes, self.constants = opset, [], []
        self.rng = np.random.default_rng(5)

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, operator, inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def to_model(self, inputs, outputs):
        """Inputs are shapes by name."""
        kind = onnx.TensorProto.FLOAT
        infos = [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()]
        results = [helper.make_tensor_value_info(name, kind, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "graph", infos, results, self.constants)
        opsets = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        model = onnx.shape_inference.infer_shapes(model)  # gives the outputs their shapes
        for output in model.graph.output:
            if not output.type.tensor_type.HasField("shape"):
                output.CopyFrom(helper.make_tensor_value_info(output.name, kind, ["?", "?", "?"]))
        return model

    def save(self, path, inputs, outputs):
        model = self.to_model(inputs, outputs)
        onnx.save(model, path)
        return path

    def rnn(self, operator, inputs, directions=1, features=F, extra=(), bias=True, **attributes):
        gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[operator] * H
        weights = [
            self.rng.uniform(-0.5, 0.5, (directions, *shape)).astype("float32")
            for shape in ((gates, features), (gates, H), (2 * gates,))
        ]
        names = [self.constant(w) for w in (weights if bias else weights[:2])]
        names += [] if bias or not extra else [""]
        return self.node(
            operator,
            [inputs, *names, *extra],
            3 if operator == "LSTM" else 2,
            hidden_size=H,
            direction={1: attributes.pop("direction", "forward"), 2: "bidirectional"}[directions],
            **attributes,
        )


def run(path, inputs):
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


X = draw(B, T, F)
X_SHAPE = {"x": ["b", "t", F]}
OPTIONS = {
    "LSTM": {},
    "LSTM relu": {"activations": ["Sigmoid", "Relu", "Relu"]},
    "LSTM hard": {
        "activations": ["HardSigmoid", "Tanh", "Tanh"],
        "activation_alpha": [1 / 6],
        "activation_beta": [0.5],
    },
    "GRU": {"linear_before_reset": 0},
    "GRU after": {"linear_before_reset": 1},
    "GRU default": {},
    "RNN": {},
    "RNN relu": {"activations": ["Relu"]},
    "RNN linear": {
        "activations": ["Affine"], "activation_alpha": [1.0], "activation_beta": [0.0],
    },
}  # fmt: skip


def for_directions(options, directions):
    return {k: v * directions if isinstance(v, list) else v for k, v in options.items()}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("kind", OPTIONS)
def test_recurrent_nodes(kind, direction, bias, tmp_path):
    """All outputs: steps, and the states."""
    operator, directions = kind.split()[0], 2 if direction == "bidirectional" else 1
    graph = Graph()
    x = graph.node("Transpose", ["x"], perm=[1, 0, 2])
    options = for_directions(OPTIONS[kind], directions)
    if directions == 1:
        options["direction"] = direction
    y, *states = graph.rnn(operator, x, directions, bias=bias, **options)
    y = graph.node("Transpose", [y], perm=[2, 0, 1, 3])
    y = graph.node("Reshape", [y, graph.constant([0, 0, -1])])
    path = graph.save(tmp_path / "a.onnx", X_SHAPE, [y, *states])
    y, *states = run(path, {"x": X})
    check(path, [X], [y, *(part for state in states for part in state)])


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("operator", ["LSTM", "GRU", "RNN"])
def test_the_other_layout(operator, directions, tmp_path):
    """Runtimes seldom have it: its results are those of layout 0, which they have."""
    results = []
    for layout in (1, 0):
        graph = Graph()
        x = "x" if layout else graph.node("Transpose", ["x"], perm=[1, 0, 2])
        y, *states = graph.rnn(operator, x, directions, layout=layout)
        if layout == 0:
            y = graph.node("Transpose", [y], perm=[2, 0, 1, 3])
        steps = graph.node("Reshape", [y, graph.constant([0, 0, -1])])
        path = graph.save(tmp_path / f"{layout}.onnx", X_SHAPE, [steps, *states])
        results.append(Model.from_onnx(path)(X))
    y, *states = run(path, {"x": X})
    expected = [y, *(part for state in states for part in state)]
    for found in results:
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


def converter_last(graph, opset):
    """As Keras's converters write LSTM(H) and Dense(2)."""
    x = graph.node("Transpose", ["x"], perm=[1, 0, 2])
    shape = graph.node("Shape", ["x"])
    batch = graph.node("Slice", [shape, *map(graph.constant, ([0], [1], [0]))])
    zeros = graph.node("Expand", [
        graph.constant(np.zeros((1, 1, H), "float32")),
        graph.node("Concat", [graph.constant([1]), batch, graph.constant([H])], axis=0),
    ])  # fmt: skip
    _, h, _ = graph.rnn("LSTM", x, extra=["", zeros, zeros])
    if opset < 13:
        h = graph.node("Squeeze", [h], axes=[0])
    else:
        h = graph.node("Squeeze", [h, graph.constant([0])])
    y = graph.node("MatMul", [h, graph.constant(draw(H, 2))])
    return graph.node("Sigmoid", [graph.node("Add", [y, graph.constant(draw(2))])])


def converter_steps(graph, opset):
    """GRU with all steps, and a dense layer over folded steps."""
    x = graph.node("Transpose", ["x"], perm=[1, 0, 2])
    y, _ = graph.rnn("GRU", x)
    y = graph.node("Transpose", [graph.node("Squeeze", [y, graph.constant([1])])], perm=[1, 0, 2])
    shape = graph.node("Shape", [y])
    y = graph.node("Reshape", [y, graph.constant([-1, H])])
    y = graph.node("Gemm", [y, graph.constant(draw(H, 2)), graph.constant(draw(2))])
    parts = [
        graph.node("Slice", [shape, *map(graph.constant, ([0], [2]))]),
        graph.constant([2]),
    ]
    y = graph.node("Reshape", [y, graph.node("Concat", parts, axis=0)])
    return graph.node("Softmax", [y])


def converter_bidirectional(graph, opset):
    """The directions apart, and side by side again."""
    x = graph.node("Transpose", ["x"], perm=[1, 0, 2])
    y, _, _ = graph.rnn("LSTM", x, directions=2)
    halves = graph.node("Split", [y], 2, axis=1)
    parts = [
        graph.node(
            "Transpose", [graph.node("Squeeze", [half, graph.constant([1])])], perm=[1, 0, 2]
        )
        for half in halves
    ]
    return graph.node("Concat", parts, axis=-1)


def converter_bidirectional_last(graph, opset):
    x = graph.node("Transpose", ["x"], perm=[1, 0, 2])
    _, h = graph.rnn("GRU", x, directions=2, linear_before_reset=1)
    h = graph.node("Transpose", [h], perm=[1, 0, 2])
    return graph.node("Relu", [graph.node("Reshape", [h, graph.constant([-1, 2 * H])])])


def converter_stack(graph, opset):
    """Two layers without a move between them, pooling, and arithmetic."""
    x = graph.node("Transpose", ["x"], perm=[1, 0, 2])
    y, _ = graph.rnn("RNN", x)
    y, _ = graph.rnn("GRU", graph.node("Squeeze", [y, graph.constant([1])]), features=H)
    y = graph.node("Transpose", [graph.node("Squeeze", [y, graph.constant([1])])], perm=[1, 0, 2])
    mean = graph.node("ReduceMean", [y], axes=[1], keepdims=0)
    most = graph.node("ReduceMax", [y], axes=[1], keepdims=0)
    half = graph.node("Mul", [graph.constant(np.float32(0.5)), most])
    return graph.node("Div", [graph.node("Sub", [mean, half]), graph.constant(np.float32(2))])


CONVERTERS = {
    "last": (converter_last, 17),
    "last, old": (converter_last, 11),
    "steps": (converter_steps, 13),
    "bidirectional": (converter_bidirectional, 13),
    "bidirectional last": (converter_bidirectional_last, 14),
    "stack": (converter_stack, 17),
}


@pytest.mark.parametrize("name", CONVERTERS)
def test_converters(name, tmp_path):
    build, opset = CONVERTERS[name]
    graph = Graph(opset)
    path = graph.save(tmp_path / "a.onnx", X_SHAPE, [build(graph, opset)])
    model = check(path, [X], run(path, {"x": X}))
    if name in ("last", "steps", "bidirectional last"):
        assert isinstance(model, Sequential)
        assert [type(layer).__name__ for layer in model.layers] == {
            "last": ["LSTM", "Dense", "Activation"],
            "steps": ["GRU", "Dense", "Activation"],
            "bidirectional last": ["Bidirectional", "Activation"],
        }[name]


def test_flattened_steps(tmp_path):
    for flatten in (
        lambda g, y: g.node("Flatten", [y]),
        lambda g, y: g.node("Reshape", [y, g.constant([-1, T * H])]),
    ):
        graph = Graph()
        x = graph.node("Transpose", ["x"], perm=[1, 0, 2])
        y, _ = graph.rnn("GRU", x)
        y = graph.node(
            "Transpose", [graph.node("Squeeze", [y, graph.constant([1])])], perm=[1, 0, 2]
        )
        path = graph.save(tmp_path / "a.onnx", {"x": ["b", T, F]}, [flatten(graph, y)])
        check(path, [X], run(path, {"x": X}))


def test_files_of_all_kinds(tmp_path):
    graph = Graph()
    path = graph.save(tmp_path / "a.onnx", X_SHAPE, [converter_last(graph, 17)])
    expected = Model.from_onnx(path)(X)
    with path.open("rb") as file:
        for source in (str(path), path.read_bytes(), file):
            np.testing.assert_array_equal(Model.from_onnx(source)(X), expected)
    with pytest.raises(FileNotFoundError):
        Model.from_onnx(tmp_path / "none.onnx")


def test_inspection(tmp_path):
    graph = Graph()
    path = graph.save(tmp_path / "a.onnx", X_SHAPE, [converter_last(graph, 17)])
    found = inspect_file(path)
    assert (found["format"], found["versions"]["opset"]) == ("onnx", 17)
    lstm = next(node for node in found["layers"] if node["class"] == "LSTM")
    assert lstm["options"] == {"direction": "forward", "hidden_size": H}
    shapes = [entry["shape"] for entry in found["weights"]]
    assert [1, 4 * H, F] in shapes and found["not_finite"] == []
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ModelFileError):
        inspect_file(path)


def test_names_that_are_taken(tmp_path):
    graph = Graph()
    dense = graph.node("MatMul", ["dense", graph.constant(draw(F, 2))])
    path = graph.save(tmp_path / "a.onnx", {"dense": ["b", F]}, [dense, dense])
    fastrnn.utils.clear_session()
    with pytest.raises(ModelFileError, match="layers of different names"):
        Model.from_onnx(path)


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"fastrnn\[onnx\]"):
        Model.from_onnx(tmp_path / "a.onnx")


# ---- what is refused ----


def rnn_graph(operator="LSTM", extra=(), **attributes):
    graph = Graph()
    x = graph.node("Transpose", ["x"], perm=[1, 0, 2])
    names = [graph.constant(array) if np.ndim(array) else array for array in extra]
    return graph, graph.rnn(operator, x, extra=names, **attributes)[0]


@pytest.mark.parametrize("zero", [False, True])
def test_peepholes(zero, tmp_path):
    peepholes = np.zeros((1, 3 * H), "float32") if zero else draw(1, 3 * H)
    graph, y = rnn_graph(extra=["", "", "", peepholes])
    y = graph.node("Squeeze", [y, graph.constant([1])])
    y = graph.node("Transpose", [y], perm=[1, 0, 2])
    path = graph.save(tmp_path / "a.onnx", X_SHAPE, [y])
    model = check(path, [X], run(path, {"x": X}))
    assert [type(layer).__name__ for layer in model.layers] == ["LSTM" if zero else "PeepholeLSTM"]


def test_peepholes_of_another_size_are_refused(tmp_path):
    graph, y = rnn_graph(extra=["", "", "", draw(1, 2 * H)])
    path = graph.save(tmp_path / "a.onnx", X_SHAPE, [y])
    with pytest.raises(ModelFileError, match="W, R, B and P") as caught:
        Model.from_onnx(path)
    assert caught.value.reason == "onnx_shape"


UNSUPPORTED = {
    "clip": rnn_graph(clip=3.0),
    "input_forget": rnn_graph(input_forget=1),
    "sequence_lens": rnn_graph(extra=[np.full(B, T, "int32")]),
    "initial state|no array": rnn_graph(extra=["", draw(1, B, H), ""]),
    "of the cell state": rnn_graph(activations=["Sigmoid", "Tanh", "Relu"]),
    "ScaledTanh": rnn_graph(activations=["Sigmoid", "ScaledTanh", "ScaledTanh"]),
    "HardSigmoid": rnn_graph(activations=["HardSigmoid", "Tanh", "Tanh"]),
    "more numbers": rnn_graph(activation_alpha=[0.5]),
    "3 activations": rnn_graph("GRU", activations=["Sigmoid", "Tanh", "Tanh"]),
}  # fmt: skip


@pytest.mark.parametrize("message", UNSUPPORTED)
def test_recurrent_nodes_that_are_refused(message, tmp_path):
    graph, y = UNSUPPORTED[message]
    path = graph.save(tmp_path / "a.onnx", X_SHAPE, [y])
    with pytest.raises(ModelFileError, match=message) as caught:
        Model.from_onnx(path)
    assert caught.value.reason == "onnx_unsupported"


def refused(build, tmp_path, reason="onnx_unsupported", inputs=None, match=""):
    graph = Graph()
    path = graph.save(tmp_path / "a.onnx", inputs or X_SHAPE, [build(graph)])
    with pytest.raises(ModelFileError, match=match) as caught:
        Model.from_onnx(path)
    assert caught.value.reason == reason, str(caught.value)


def test_operators_that_are_refused(tmp_path):
    cases = {
        "not known": lambda g: g.node("Sin", ["x"]),
        "given the shape": lambda g: g.node("Reshape", ["x", g.constant([-1, 2])]),
        "has others": lambda g: g.node("LeakyRelu", ["x"]),
        "another axis": lambda g: g.node("Softmax", ["x"], axis=1),
        "no bias": lambda g: g.node("Add", ["x", g.constant(draw(F))]),
        "different orders": lambda g: g.node(
            "Add", ["x", g.node("Transpose", ["x"], perm=[1, 0, 2])]
        ),
        "single direction": lambda g: g.node("Squeeze", ["x", g.constant([1])]),
        "weights for 9": lambda g: g.node("MatMul", ["x", g.constant(draw(9, 2))]),
        "features must come last": lambda g: g.node(
            "MatMul", [g.node("Transpose", ["x"], perm=[0, 2, 1]), g.constant(draw(6, 2))]
        ),
        "no constant": lambda g: g.node("MatMul", ["x", "x"]),
        "joined along": lambda g: g.node("Concat", ["x", "x"], axis=1),
        "become int64": lambda g: g.node("Cast", ["x"], to=onnx.TensorProto.INT64),
    }  # fmt: skip
    for match, build in cases.items():
        reason = "onnx_shape" if match == "weights for 9" else "onnx_unsupported"
        refused(build, tmp_path, reason, match=match)


def test_lengths_as_an_input_are_refused_by_name(tmp_path):
    kinds = onnx.TensorProto
    weights = {"W": draw(1, 3 * H, F), "R": draw(1, 3 * H, H)}
    node = helper.make_node("GRU", ["X", "W", "R", "", "lens"], ["Y"], hidden_size=H)
    inputs = [
        helper.make_tensor_value_info("X", kinds.FLOAT, [T, B, F]),
        helper.make_tensor_value_info("lens", kinds.INT32, [B]),
    ]
    outputs = [helper.make_tensor_value_info("Y", kinds.FLOAT, [T, 1, B, H])]
    arrays = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph([node], "g", inputs, outputs, arrays)
    opset = helper.make_opsetid("", 14)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), tmp_path / "a.onnx")
    with pytest.raises(ModelFileError, match="sequence_lens"):
        Model.from_onnx(tmp_path / "a.onnx")
