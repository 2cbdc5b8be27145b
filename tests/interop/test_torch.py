"""State dicts of live torch modules: outputs, states and gradients are torch's, and back again."""

import re

import numpy as np
import pytest
from live_keras import to_numpy, torch
from repository import REPOSITORY
from tolerance import assert_close

import fastrnn
from fastrnn import Input, Model, Sequential, layers
from fastrnn.saving import ModelFileError, write_safetensors

nn = torch.nn
# torch says which of its own implementations it takes.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")


def projected(hidden_size, **options):
    return nn.LSTM(hidden_size=hidden_size + 1, proj_size=1 + hidden_size // 2, **options)


KINDS = {
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
    "rnn": (nn.RNN, {}),
    "relu": (nn.RNN, {"nonlinearity": "relu"}),
    "projected": (projected, {}),
}


def make_module(kind, seed=0, **options):
    torch.manual_seed(seed)
    module, more = KINDS[kind]
    return module(batch_first=True, **more, **options)


def from_torch(module, **options):
    return Model.from_torch(
        module.state_dict(), nonlinearity=getattr(module, "nonlinearity", "tanh"), **options
    )


def draw(seed, *shape, dtype="float32"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def random_options(seed):
    rng = np.random.default_rng(seed)
    return {
        "input_size": int(rng.integers(1, 9)),
        "hidden_size": int(rng.integers(1, 20)),
        "num_layers": int(rng.integers(1, 4)),
        "bidirectional": bool(rng.integers(2)),
        "bias": bool(rng.integers(4)),
    }


def differentiate(module, x, d_outputs):
    """Return outputs, states in our order, and the gradients of inputs and tensors, from torch."""
    x = torch.tensor(x, requires_grad=True)
    outputs, states = module(x)
    states = states if isinstance(states, tuple) else (states,)
    found = [outputs, *(state[k] for k in range(len(states[0])) for state in states)]
    sum((y * torch.tensor(d)).sum() for y, d in zip(found, d_outputs, strict=True)).backward()
    gradients = {name: to_numpy(p.grad) for name, p in module.named_parameters()}
    return [to_numpy(y) for y in found], to_numpy(x.grad), gradients


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_states_and_gradients(kind, seed, dtype):
    options = random_options(seed)
    module = make_module(kind, seed, **options).to(getattr(torch, dtype))
    model = from_torch(module, return_state=True)
    assert model.dtype == "float32" and model.layers[1].dtype == dtype
    x = draw(seed, 3, 6, options["input_size"], dtype=dtype)
    results, pullback = model.vjp(x)
    d_outputs = [draw(k, *y.shape, dtype=dtype) for k, y in enumerate(results)]
    expected, dx, gradients = differentiate(module, x, d_outputs)
    d_inputs, d_weights = pullback(d_outputs)
    size = {"n_accumulated": 200, "timesteps": 6 * options["num_layers"]}
    for y, t in zip(results, expected, strict=True):
        assert_close(y, t, **size)
    assert_close(d_inputs, dx, **size, backward=True)
    # The gradients, as weights of a model, have torch's names and order: all but the second bias
    # of a cell with one, whose gradient is that of the first.
    model.set_weights(d_weights)
    for name, d in model.to_torch().items():
        twin = name.replace("bias_hh", "bias_ih") if kind != "gru" else name
        actual = model.to_torch()[twin]
        assert d.shape == gradients[name].shape
        assert_close(actual, gradients[name], **size, backward=True, name=name)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind, seed):
    """The bits of a GRU and of every weight matrix; two biases that torch adds become one."""
    options = random_options(seed)
    module = make_module(kind, seed, **options)
    given = {name: to_numpy(tensor) for name, tensor in module.state_dict().items()}
    model = from_torch(module)
    back = model.to_torch()
    assert list(back) == list(given)
    for name, tensor in given.items():
        if name.startswith("weight") or kind == "gru":
            np.testing.assert_array_equal(back[name], tensor)
        elif name.startswith("bias_ih"):
            total = tensor + given[name.replace("ih", "hh")]
            np.testing.assert_array_equal(back[name], total)
        else:
            assert not back[name].any()
    again = Model.from_torch(back, nonlinearity=getattr(module, "nonlinearity", "tanh"))
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # What was written gives torch the same function.
    other = make_module(kind, seed + 1, **options)
    other.load_state_dict({name: torch.from_numpy(array) for name, array in back.items()})
    x = draw(1, 2, 5, options["input_size"])
    with torch.no_grad():
        assert_close(again(x), to_numpy(other(torch.tensor(x))[0]), 200, 5)


def test_the_last_step_alone():
    module = make_module("lstm", input_size=3, hidden_size=4, num_layers=2)
    x = draw(0, 2, 5, 3)
    model = from_torch(module, return_sequences=False)
    assert isinstance(model, Sequential) and model.output_shape == (None, 4)
    with torch.no_grad():
        assert_close(model(x), to_numpy(module(torch.tensor(x))[0])[:, -1], 100, 5)


def test_cells_and_narrow_types():
    cell = nn.LSTMCell(3, 4)
    x = draw(0, 2, 1, 3)
    with torch.no_grad():
        expected = to_numpy(cell(torch.tensor(x[:, 0]))[0])
    assert_close(Model.from_torch(cell.state_dict())(x)[:, 0], expected, 20)
    # Parameters that want gradients, and bfloat16, which NumPy has not.
    module = make_module("gru", input_size=3, hidden_size=4).to(torch.bfloat16)
    model = Model.from_torch(dict(module.named_parameters()))
    wide = module.float().state_dict()
    for name, tensor in model.to_torch().items():
        np.testing.assert_array_equal(tensor, to_numpy(wide[name]))


class Net(nn.Module):
    """Text in, classes out: a module with all kinds of parts."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 6)
        self.norm = nn.LayerNorm(6)
        self.rnn = nn.LSTM(6, 5, num_layers=2, bidirectional=True, batch_first=True)
        self.bn = nn.BatchNorm1d(10)
        self.fc = nn.Linear(10, 3)

    def forward(self, ids):
        outputs, _ = self.rnn(self.norm(self.embed(ids)))
        return self.fc(self.bn(outputs.transpose(1, 2)).transpose(1, 2))


def make_net():
    torch.manual_seed(3)
    net = Net().eval()
    with torch.no_grad():
        net.bn.running_mean.normal_()
        net.bn.running_var.uniform_(0.5, 2)
        for module in (net.norm, net.bn):
            module.weight.normal_()
            module.bias.normal_()
    return net


def make_model():
    return Sequential(
        [
            Input((7,), dtype="int32"),
            layers.Embedding(20, 6),
            layers.Dropout(0.1),
            layers.LayerNormalization(epsilon=1e-5),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True), name="first"),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True), name="second"),
            layers.BatchNormalization(epsilon=1e-5),
            layers.TimeDistributed(layers.Dense(3, name="dense")),
        ]
    )


NAMES = {
    "embedding": "embed", "layer_normalization": "norm", "first": "rnn", "second": "rnn",
    "batch_normalization": "bn", "dense": "fc",
}  # fmt: skip


@pytest.mark.parametrize("names", [None, NAMES], ids=["by order", "by name"])
def test_a_whole_module(names):
    fastrnn.utils.clear_session()
    net, model = make_net(), make_model()
    state = net.state_dict()
    if names:
        state = dict(reversed(state.items()))
    model.load_torch_state_dict(state, names)
    ids = np.random.default_rng(0).integers(0, 20, (3, 7))
    with torch.no_grad():
        assert_close(model(ids), to_numpy(net(torch.tensor(ids))), 100, 7)
    back = model.to_torch(NAMES)
    other = make_net()
    other.load_state_dict({name: torch.from_numpy(array) for name, array in back.items()})
    with torch.no_grad():
        assert_close(model(ids), to_numpy(other(torch.tensor(ids))), 100, 7)
    assert {name.split(".")[0] for name in model.to_torch()} == set(NAMES)
    assert np.shares_memory(back["fc.weight"], model.weights[-2].value) is False
    # The recurrent part alone, from the whole.
    part = Model.from_torch(net.state_dict(), prefix="rnn")
    x = draw(0, 2, 4, 6)
    with torch.no_grad():
        assert_close(part(x), to_numpy(net.rnn(torch.tensor(x))[0]), 100, 4)


def test_cells_in_a_layer():
    module = make_module("lstm", input_size=3, hidden_size=4)
    model = Sequential([Input((5, 3)), layers.RNN(layers.LSTMCell(4))])
    model.load_torch_state_dict(module.state_dict())
    for a, b in zip(model.get_weights(), from_torch(module).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert list(model.to_torch()) == list(module.state_dict())
    stack = Sequential([Input((5, 3)), layers.RNN([layers.LSTMCell(4), layers.LSTMCell(4)])])
    with pytest.raises(ValueError, match="one of"):
        stack.to_torch()


def test_nested_modules_and_models():
    net = make_net()
    state = {f"model.encoder.{name}": tensor for name, tensor in net.state_dict().items()}
    part = Model.from_torch(state, prefix="model.encoder.rnn.")
    assert len(part.layers) == 2
    inner = Sequential([Input((6,)), layers.Dense(3)])
    model = Sequential([Input((6,)), inner])
    model.load_torch_state_dict({"a.b.weight": np.ones((3, 6)), "a.b.bias": np.zeros(3)})
    np.testing.assert_array_equal(model(np.ones((1, 6))), [[6, 6, 6]])


def test_files_of_torch(tmp_path):
    save_file = pytest.importorskip("safetensors.torch").save_file
    module = make_module("gru", input_size=3, hidden_size=4, num_layers=2, bidirectional=True)
    path = tmp_path / "a.safetensors"
    save_file(module.state_dict(), path)
    read = Model.from_torch(path)
    for a, b in zip(read.get_weights(), from_torch(module).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    write_safetensors(path, from_torch(module).to_torch())
    again = make_module("gru", 1, input_size=3, hidden_size=4, num_layers=2, bidirectional=True)
    again.load_state_dict(pytest.importorskip("safetensors.torch").load_file(path))
    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, module.state_dict()[name])


def state(**changes):
    """The state dict of a small LSTM, with changes; ``None`` leaves a tensor out."""
    module = make_module("lstm", input_size=3, hidden_size=4, num_layers=2)
    tensors = {name: to_numpy(tensor) for name, tensor in module.state_dict().items()} | changes
    return {name: tensor for name, tensor in tensors.items() if tensor is not None}


BAD_STATES = {
    "a projection of another size": (state(weight_hr_l0=np.zeros((3, 4))), "weight_h"),
    "no mapping": ([1, 2], "module.state_dict"),
    "nothing": ({}, "one nn.RNN"),
    "not recurrent": ({"fc.weight": np.zeros((2, 3))}, "one nn.RNN"),
    "another part": (state(fc=np.zeros(3)), "leave them out"),
    "a level missing": (
        {name.replace("l1", "l2"): tensor for name, tensor in state().items()},
        "weight_ih_l1",
    ),
    "a bias missing": (state(bias_hh_l1=None), "bias_hh_l1"),
    "one direction of two": (state(weight_ih_l0_reverse=np.zeros((16, 3))), "l0_reverse"),
    "gates": (state(weight_hh_l0=np.zeros((20, 4))), "weight_hh_l0"),
    "no gates": (state(weight_hh_l0=np.zeros((0, 0))), "weight_hh_l0"),
    "no matrix": (state(weight_hh_l0=np.zeros(16)), "weight_hh_l0"),
    "features": (state(weight_ih_l1=np.zeros((16, 5))), "weight_ih_l1"),
    "no features": (state(weight_ih_l0=np.zeros((16,))), "weight_ih_l0"),
    "bias": (state(bias_ih_l1=np.zeros(4)), "bias_ih_l1"),
    "units": (
        state(
            weight_ih_l1=np.zeros((8, 4)), weight_hh_l1=np.zeros((8, 2)),
            bias_ih_l1=np.zeros(8), bias_hh_l1=np.zeros(8),
        ),
        "one kind and size",
    ),
    "integers": (state(bias_ih_l1=np.zeros(16, int)), "floats"),
    "objects": (state(bias_ih_l1=np.full(16, None)), "floats"),
    "names": ({3: np.zeros(3)}, "floats"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_STATES)
def test_bad_state_dicts(case):
    given, message = BAD_STATES[case]
    with pytest.raises(ValueError, match=message):
        Model.from_torch(given)


def test_bad_prefix_and_nonlinearity():
    with pytest.raises(ValueError, match="'rnn'"):
        Model.from_torch(make_net().state_dict(), prefix="lstm")
    two = {f"{name}.{key}": t for name in ("a", "b") for key, t in state().items()}
    with pytest.raises(ValueError, match=r"prefix= one of \['a.', 'b.'\]"):
        Model.from_torch(two)
    with pytest.raises(ValueError, match="`nonlinearity`"):
        Model.from_torch(state(), nonlinearity="sigmoid")


def lstm_of(units=4, **options):
    return Sequential([Input((5, 3)), layers.LSTM(units, name="a", **options)])


BAD_LOADS = {
    "GRU": Sequential([Input((5, 3)), layers.GRU(4)]),
    "one level of two": lstm_of(),
    "units": lstm_of(5),
    "bidirectional": Sequential([Input((5, 3)), layers.Bidirectional(layers.LSTM(4))]),
    "no recurrent layer": Sequential([Input((3,)), layers.Dense(4)]),
    "no bias": lstm_of(use_bias=False),
}


@pytest.mark.parametrize("case", BAD_LOADS)
def test_weights_that_do_not_fit_change_nothing(case):
    model = BAD_LOADS[case]
    before = model.get_weights()
    one_level = {name: t for name, t in state().items() if "l0" in name}
    with pytest.raises(ValueError, match="`state_dict`"):
        model.load_torch_state_dict(state() if case == "one level of two" else one_level)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_gru_that_resets_before_is_refused():
    model = Sequential([Input((5, 3)), layers.GRU(4, reset_after=False)])
    module = make_module("gru", input_size=3, hidden_size=4)
    with pytest.raises(ValueError, match="reset_after=True"):
        model.load_torch_state_dict(module.state_dict())


NOT_IN_TORCH = {
    "PeepholeLSTMCell": layers.PeepholeLSTM(4),
    "LayerNormLSTMCell": layers.LayerNormLSTM(4),
    "LayerNormGRUCell": layers.LayerNormGRU(4),
    "zoneout": layers.ProjectedLSTM(4, 2, zoneout=0.1),
    "reset_after": layers.GRU(4, reset_after=False),
    "activation": layers.LSTM(4, activation="relu"),
    "activations": layers.GRU(4, recurrent_activation="hard_sigmoid"),
    "tanh or relu": layers.SimpleRNN(4, activation="linear"),
    "go_backwards": layers.LSTM(4, go_backwards=True),
    "merge_mode": layers.Bidirectional(layers.LSTM(4), merge_mode="sum"),
    "one of": layers.Conv1D(4, 2),
}


@pytest.mark.parametrize("message", NOT_IN_TORCH)
def test_layers_that_torch_has_not(message):
    model = Sequential([Input((5, 3)), NOT_IN_TORCH[message]])
    with pytest.raises(ValueError, match=message):
        model.to_torch()


def test_bad_names():
    model = Sequential(
        [Input((5, 3)), layers.LSTM(4, return_sequences=True, name="a"), layers.LSTM(3, name="b")]
    )
    with pytest.raises(ValueError, match="one kind and size"):
        model.to_torch()
    assert list(model.to_torch({"a": "x", "b": "y"}))[4] == "y.weight_ih_l0"
    for names in ({"a": "x"}, {"a": "x", "b": "y", "c": "z"}, ["x", "y"]):
        with pytest.raises(ValueError, match="`names`"):
            model.to_torch(names)
    with pytest.raises(ValueError, match="`state_dict`"):
        model.load_torch_state_dict(state(), {"a": "x", "b": "y"})
    with pytest.raises(ValueError, match="no weights yet"):
        Sequential([layers.LSTM(4)]).to_torch()


@pytest.mark.parametrize("ending", ["pt", "pth", "bin", "pkl"])
def test_pickles_are_refused(ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    torch.save(state(), path)
    for read in (Model.from_torch, lstm_of().load_torch_state_dict, lstm_of().load_weights):
        with pytest.raises(ModelFileError, match=r"safetensors\.torch\.save_file") as caught:
            read(path)
        assert caught.value.reason == "pickle"


def test_the_code_of_the_page_runs():
    page = REPOSITORY / "docs" / "interop.md"
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 2
    fastrnn.utils.clear_session()
    names = {}
    exec(compile(blocks[0], page.name, "exec"), names)
    assert names["model"](np.zeros((2, 5, 3))).shape == (2, 5, 16)
    assert names["again"].keys() == names["state_dict"].keys()
    exec(compile(blocks[1], page.name, "exec"), names)
    assert {name.split(".")[0] for name in names["state_dict"]} == {"embed", "rnn", "norm", "fc"}
