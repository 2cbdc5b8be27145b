"""Hostile descriptions of models, in files of fastrnn's own format, with the rule each breaks."""

import copy
import json

import numpy as np
from hostile_zip import Entry, npy, zip_of

OUTSIDE = (
    "os",
    "builtins",
    "subprocess",
    "keras.utils",
    "keras.config",
    "keras.src.utils.file_utils",
)
CODE_LAYERS = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "FlaxLayer", "JaxLayer")


def layer(class_name, module="keras.layers", registered=None, **config):
    described = {"module": module, "class_name": class_name, "config": config}
    return {**described, "registered_name": registered}


def tensor(name, place=0):
    config = {"shape": [None, 3], "dtype": "float32", "keras_history": [name, place, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def call(*args, **kwargs):
    return {"args": list(args), "kwargs": kwargs}


def node(data, name, *calls):
    data["config"]["name"] = name
    return {**data, "name": name, "inbound_nodes": list(calls)}


INPUT = layer("InputLayer", batch_shape=[None, 3], dtype="float32", name="x")
DENSE = layer("Dense", units=1, name="d")
ARRAYS = {"layers/dense/vars/0": (3, 1), "layers/dense/vars/1": (1,)}


def file(config, metadata=None, arrays=ARRAYS):
    metadata = {"format_version": 1, "generators": {}} if metadata is None else metadata
    entries = [
        Entry("metadata.json", json.dumps(metadata).encode()),
        Entry("config.json", json.dumps(config).encode()),
    ]
    made = {f"{path}.npy": npy(np.zeros(shape, "f4")) for path, shape in arrays.items()}
    return zip_of(*entries, *(Entry(name, data) for name, data in made.items()))


def chain_of(*layers):
    return layer("Sequential", "keras", name="s", layers=list(layers))


def sequential(*layers):
    return lambda: file(chain_of(INPUT, *layers))


def graph(*nodes, outputs=("d", 0, 0)):
    entries = [node(copy.deepcopy(INPUT), "x"), *nodes]
    config = {"name": "f", "layers": entries, "input_layers": ["x", 0, 0]}
    config["output_layers"] = list(outputs)
    return layer("Functional", "keras.src.models.functional", "Functional", **config)


def functional(*nodes, outputs=("d", 0, 0)):
    return lambda: file(graph(*nodes, outputs=outputs))


def dense(**config):
    return {**DENSE, "config": {**DENSE["config"], **config}}


def function(name, module="builtins"):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def chain(length):
    return sequential(*(layer("Dropout", rate=0.1, name=f"d{k}") for k in range(length)))


def activation(name, *calls):
    return node(layer("Activation", activation="relu"), name, *calls)


def models_in_models(depth, calls=10):
    """Each model calls the one in it several times: as many calls as the product of all."""
    model = graph(activation("d", call(tensor("x"))))
    for _ in range(depth):
        nodes = [call(tensor("d", k - 1) if k else tensor("x")) for k in range(calls)]
        model = graph(node(model, "d", *nodes), outputs=("d", calls, 0))
    return file(model)


def many_masks(count):
    """Each of many layers has a mask that comes from many operations."""
    both = layer("LogicalAnd", "keras.src.ops.numpy", "LogicalAnd")
    first = node(layer("NotEqual", "keras.src.ops.numpy", "NotEqual"), "m0", call(tensor("x"), 0))
    masks = [
        node(copy.deepcopy(both), f"m{k}", call(tensor(f"m{k - 1}"), tensor(f"m{k - 1}")))
        for k in range(1, count)
    ]
    last = tensor(f"m{count - 1}")
    source = node(layer("Masking", mask_value=0), "d0", call(tensor("x")))
    layers = [activation(f"d{k}", call(tensor(f"d{k - 1}"), mask=last)) for k in range(1, count)]
    return functional(source, first, *masks, *layers, outputs=(f"d{count - 1}", 0, 0))


SEQUENTIAL = chain_of(INPUT, DENSE)
D = node(copy.deepcopy(DENSE), "d", call(tensor("x")))
MASK = node(layer("NotEqual", "keras.src.ops.numpy", "NotEqual"), "m", call(tensor("x"), 0))
LSTM = layer("LSTM", units=1, stateful=True, name="l")
BIG_BATCH = layer("InputLayer", batch_shape=[2**30, 5, 3], dtype="float32", name="x")

MODELS = {
    "nothing unusual, but no model": ("not_a_model", lambda: file(DENSE)),
    "a list": ("not_a_model", lambda: file([])),
    **{f"1, 7 {name}": ("forbidden_class", sequential(layer(name))) for name in CODE_LAYERS},
    "1 marshalled code": (
        "forbidden_class",
        sequential(dense(kernel_initializer=layer("__lambda__", value="4w"))),
    ),
    **{
        f"3 {module}": ("unknown_class", sequential(layer("get_file", module, url="http://a")))
        for module in OUTSIDE
    },
    "3 a module outside with a known name": (
        "unknown_class", sequential({**DENSE, "module": "os"}),
    ),
    "3 class that is no text": ("unknown_class", sequential({**DENSE, "class_name": 3})),
    "3 unknown layer": ("unknown_class", sequential(layer("RandomCrop", height=2))),
    "3 an operation": (
        "unknown_class",
        functional(node(layer("Kron", "keras.src.ops.numpy", "Kron"), "d", call(tensor("x")))),
    ),
    "4 registered name": ("conflicting_names", sequential({**DENSE, "registered_name": "a>b"})),
    "5 a function of Keras": (
        "unknown_function",
        sequential(dense(activation=function("enable_unsafe_deserialization", "keras.config"))),
    ),
    "6 a function in code": (
        "unknown_function", sequential(dense(kernel_initializer=function("system", "os"))),
    ),
    "6 an unknown function": ("bad_config", sequential(dense(activation=function("eval")))),
    "6 a function as regularizer": (
        "bad_config", sequential(dense(kernel_regularizer=function("print"))),
    ),
    "8 a path": ("bad_config", sequential(dense(vocabulary="/etc/passwd"))),
    "11 unknown keys": ("bad_config", sequential(dense(lost=1))),
    "30 no units": ("bad_config", sequential(dense(units=0))),
    "30 units as text": ("bad_config", sequential(dense(units="1"))),
    "30 units as bool": ("bad_config", sequential(dense(units=True))),
    "30 more units than the file has": ("size_mismatch", sequential(dense(units=2**31))),
    "30 many units": ("size_mismatch", sequential(dense(units=1000))),
    "30 a long array as an initial value": (
        "bad_config",
        sequential(
            dense(kernel_initializer=layer("Constant", "keras.initializers", value={
                "class_name": "__numpy__", "config": {"value": 0, "dtype": "S1000000000"},
            }))
        ),
    ),
    "32 many layers": ("too_many_objects", chain(12_000)),
    "32 models in models": ("too_many_calls", lambda: models_in_models(7)),
    "32 a model called often": ("too_many_calls", lambda: models_in_models(1, 10_000)),
    "32 many masks": ("too_many_calls", many_masks(2000)),
    "32 a cycle": (
        "bad_graph", functional(node(copy.deepcopy(DENSE), "d", call(tensor("d")))),
    ),
    "32 a call of nothing": (
        "bad_graph", functional(D, node(layer("Add"), "a", call(tensor("b")))),
    ),
    "32 the same name twice": ("bad_graph", functional(D, D)),
    "32 an output of nothing": ("bad_config", functional(D, outputs=("e", 0, 0))),
    "32 a name with control codes": ("bad_name", sequential(dense(name="a\x1b[2J"))),
    "32 wrapped in itself": (
        "bad_config",
        sequential(layer("Bidirectional", layer=layer("Bidirectional", layer=LSTM))),
    ),
    "32 a mask from elsewhere": (
        "given_mask",
        functional(
            MASK,
            node(layer("Reshape", target_shape=[3, 1]), "r", call(tensor("x"))),
            node(layer("LSTM", units=1), "d", call(tensor("r"), mask=tensor("m"))),
        ),
    ),
    "33 a huge batch": (
        "kept_states",
        lambda: file(chain_of(BIG_BATCH, LSTM), arrays={"a": (99,)}),
    ),
    "34 another version": (
        "bad_metadata",
        lambda: file(SEQUENTIAL, {"format_version": 2}),
    ),
    "34 metadata of another kind": (
        "bad_metadata",
        lambda: file(SEQUENTIAL, []),
    ),
    "34 state of no generator": (
        "bad_metadata",
        lambda: file(
            chain_of(INPUT, layer("Dropout", rate=0.5), DENSE),
            {"generators": {"layers/dropout": {"bit_generator": "MT19937"}}},
        ),
    ),
    "21 another shape": (
        "unexpected_shape",
        lambda: file(
            SEQUENTIAL,
            arrays={**ARRAYS, "layers/dense/vars/0": (1, 3)},
        ),
    ),
    "21 no weights": (
        "size_mismatch",
        lambda: file(SEQUENTIAL, arrays={}),
    ),
    "21 another layer's weights": (
        "unexpected_weights",
        lambda: file(
            SEQUENTIAL,
            arrays={path.replace("dense", "lstm"): shape for path, shape in ARRAYS.items()},
        ),
    ),
}  # fmt: skip
