"""Files of a good model that have been changed: descriptions, arrays, in both formats."""

import functools
import json
import tempfile
from pathlib import Path

import h5py
import numpy as np
from hostile_hdf5 import hdf5
from hostile_zip import Entry, npy, zip_of

import fastrnn


@functools.cache
def _members(kind):
    """The members of a good file: a stack of two recurrent layers."""
    layers = fastrnn.layers
    model = fastrnn.Sequential(
        [
            fastrnn.Input((5, 3)),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.GRU(2, name="gru"),
        ],
        name="model",
    )
    model.compile("adam", "mse")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{kind}"
        model.save(path)
        with fastrnn.formats.containers.zip_archive.open_archive(path) as archive:
            return {name: archive.read(name) for name in archive.names}


def file_of(change=None, kind="fastrnn", **members):
    """A good file after ``change`` of its description, with other members where given."""
    content = dict(_members(kind))
    config = json.loads(content["config.json"])
    if change is not None:
        change(config)
    content["config.json"] = json.dumps(config).encode()
    for name, data in members.items():
        content[name.replace("__", "/").replace("_json", ".json").replace("_npy", ".npy")] = data
    return zip_of(*(Entry(name, data) for name, data in content.items()))


def layers_of(config):
    return config["config"]["layers"]


def described(class_name, module=None, registered_name=None, **config):
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": registered_name,
    }


def adding(*layers):
    """A file with more layers at its end."""
    return lambda kind="fastrnn": file_of(lambda c: layers_of(c).extend(layers), kind)


def setting(layer=2, **options):
    """A file with other options of a layer: 1 is Bidirectional, 2 a GRU."""
    return lambda: file_of(lambda c: layers_of(c)[layer]["config"].update(options))


def replacing(key, value):
    return lambda: file_of(lambda c: layers_of(c)[2].update({key: value}))


def nested(depth):
    layer = described("LSTM", "keras.layers", units=1)
    for _ in range(depth):
        layer = described("Bidirectional", "keras.layers", layer=layer)
    return layer


CODE = {"class_name": "__lambda__", "config": {"value": "4wAAAA==", "defaults": None}}
LAMBDA = described("Lambda", "keras.layers", function=CODE, name="f")
UNSAFE = {
    "module": "keras.config",
    "class_name": "function",
    "config": "enable_unsafe_deserialization",
    "registered_name": "function",
}
OUTSIDE = [
    ("os", "system"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("subprocess", "Popen"),
    ("keras.utils", "get_file"),
    ("keras.src.utils.file_utils", "get_file"),
    ("keras.src.saving.saving_lib", "load_model"),
    ("keras.saving", "load_model"),
    ("numpy", "load"),
    ("fastrnn.saving", "load_model"),
    ("fastrnn.layers.base.layer", "Layer"),
    ("keras.layers", "__class__"),
    ("keras.layers", "ConvLSTM2D"),
    ("keras.layers", "RandomCrop"),
    (None, "Evil"),
    (7, "Dense"),
    (["os"], "system"),
]
PAYLOADS = ["TFSMLayer", "TorchModuleWrapper", "FlaxLayer", "JaxLayer"]


def stateful(batch, flag=True):
    def change(config):
        layers_of(config)[0]["config"]["batch_shape"] = [batch, 5, 3]
        layers_of(config)[2]["config"]["stateful"] = flag

    return lambda: file_of(change)


def many_states(count):
    """Layers whose few weights the file has, and whose states are as large as the batch."""
    stack = described("InputLayer", "keras.layers", batch_shape=[16_384, 2, 1])
    options = {"units": 1, "stateful": True, "return_sequences": True, "use_bias": False}
    one = described("SimpleRNN", "keras.layers", **options)
    model = described("Sequential", "keras.models", layers=[stack, *[one] * count])
    array = Entry("a.npy", npy(np.zeros(2 * count, "f4")))
    metadata = Entry("metadata.json", b'{"format_version": 1}')
    return zip_of(metadata, Entry("config.json", json.dumps(model).encode()), array)


GRU = "layers__gru__cell__vars__"
CHANGES = {
    "1 Lambda": ("forbidden_class", adding(LAMBDA)),
    "1 Lambda in a wrapper": (
        "forbidden_class",
        adding(described("TimeDistributed", "keras.layers", layer=LAMBDA)),
    ),
    **{
        f"3 {module} {name}": ("unknown_class", adding(described(name, module)))
        for module, name in OUTSIDE
    },
    "3 function as a layer": ("unknown_function", adding({**UNSAFE, "config": "eval"})),
    "3 model of another module": (
        "unknown_class",
        lambda: file_of(lambda c: c.update({"module": "os", "class_name": "Sequential"})),
    ),
    "4 other registered name": ("conflicting_names", replacing("registered_name", "os>GRU")),
    "5 unsafe": ("unknown_function", setting(activation=UNSAFE)),
    "5 unsafe, as a name": ("bad_config", setting(activation="enable_unsafe_deserialization")),
    "6 code as activation": ("bad_config", setting(activation=CODE)),
    "6 code as initializer": ("forbidden_class", setting(kernel_initializer=CODE)),
    "6 activation": ("bad_config", setting(activation=described("system", "os"))),
    **{
        f"6 {option}": ("unknown_class", setting(**{option: described("system", "os")}))
        for option in ("kernel_initializer", "kernel_regularizer", "bias_constraint")
    },
    "6 name of a function": ("bad_config", setting(kernel_initializer="os.system")),
    "6 kind of another table": (
        "unknown_class",
        setting(kernel_initializer=described("L2", "keras.regularizers")),
    ),
    **{
        f"7 {name}": ("forbidden_class", adding(described(name, "keras.layers")))
        for name in PAYLOADS
    },
    "8 vocabulary": (
        "bad_config",
        adding(described("StringLookup", "keras.layers", vocabulary="hf://a/b")),
    ),
    "8 path as an option": ("bad_config", setting(weights="gs://a/b")),
    "11 unknown option": ("bad_config", setting(evil=1)),
    "11 dunder option": ("json_key", setting(__class__=1)),
    "12 no description": ("member_missing", lambda: zip_of(Entry("metadata.json", b"{}"))),
    "21 larger than its file": ("size_mismatch", setting(units=2**20)),
    "21 other shape": (
        "unexpected_shape",
        lambda: file_of(**{GRU + "0_npy": npy(np.zeros((8, 9)))}),
    ),
    "21 no array": ("size_mismatch", adding(described("Dense", "keras.layers", units=1))),
    "21 one more array": ("unexpected_weights", lambda: file_of(**{GRU + "9_npy": npy()})),
    "21 pickled array": ("npy_dtype", lambda: file_of(**{GRU + "0_npy": npy(np.array([{}]))})),
    "21 complex array": (
        "npy_dtype",
        lambda: file_of(**{GRU + "0_npy": npy(np.zeros((8, 6), "c8"))}),
    ),
    **{
        f"30 units {units!r}": ("bad_config", setting(units=units))
        for units in (0, -1, 2.5, True, "3", None, [4], {"a": 1})
    },
    "30 units 2**31": ("size_mismatch", setting(units=2**31)),
    "30 units 2**62": ("size_mismatch", setting(units=2**62)),
    "30 repeated": (
        "size_mismatch",
        adding(
            described("RepeatVector", "keras.layers", n=5),
            *[described("LSTM", "keras.layers", units=99)] * 9,
        ),
    ),
    "32 nested": ("bad_config", adding(nested(3))),
    "32 deeply nested": ("json_depth", adding(nested(40))),
    "32 same names": (
        "bad_config",
        adding(described("Dense", "keras.layers", name="gru", units=2)),
    ),
    "32 newline": ("bad_name", setting(name="a\nINFO: all is well")),
    "32 escape": ("bad_name", setting(name="a\x1b[2J")),
    "32 direction": ("bad_name", setting(name="a\u202eb")),
    "33 states": ("kept_states", stateful(2**40)),
    "33 fewer states": ("kept_states", stateful(2**22)),
    "33 states by another truth value": ("kept_states", stateful(2**22, flag=1)),
    "33 states of many layers": ("kept_states", lambda: many_states(3000)),
    "34 format": (
        "bad_metadata",
        lambda: file_of(metadata_json=b'{"format_version": 2}'),
    ),
    "34 generators": (
        "bad_metadata",
        lambda: file_of(metadata_json=b'{"generators": [1]}'),
    ),
}


def keras_file(fill):
    return lambda: file_of(kind="keras", **{"model.weights.h5": hdf5(fill)})


KERAS_FILES = {
    "1 Lambda": ("forbidden_class", lambda: adding(LAMBDA)("keras")),
    "16 nested zip": (
        "not_hdf5",
        lambda: file_of(kind="keras", **{"model.weights.h5": zip_of(Entry())}),
    ),
    "21 no weights": ("size_mismatch", keras_file(lambda root: root.create_group("layers"))),
    "18 weights elsewhere": (
        "hdf5_link",
        keras_file(lambda root: root.__setitem__("layers", h5py.SoftLink("/a"))),
    ),
}
