"""TensorFlow's names beside its operations: types, files, text, settings, sessions, refusals."""

import importlib
import inspect
import pickle
import re

import numpy as np
import pytest

import fastrnn
import fastrnn.compat.tensorflow as tf
from fastrnn.compat.tensorflow.refused import REFUSED
from fastrnn.core import missing_names
from fastrnn.core.tensor_array import TensorArray

MODULES = [
    *("math", "nn", "linalg", "random", "data", "io", "strings", "config", "test"),
    *("debugging", "distribute", "dtypes"),
]


def test_every_name_is_there_and_explained():
    for path in ("", *MODULES):
        module = importlib.import_module(f"fastrnn.compat.tensorflow.{path}".rstrip("."))
        assert module is (getattr(tf, path) if path else tf)
        for name in module.__dir__() if hasattr(module, "__dir__") else ():
            value = getattr(module, name)
            if inspect.isroutine(value) or inspect.isclass(value):
                assert value.__doc__, name


def test_keras_is_fastrnn():
    assert tf.keras.layers is fastrnn.layers and tf.keras.Sequential is fastrnn.Sequential
    assert tf.compat.v1.keras is tf.keras and tf.compat.v2 is tf
    assert importlib.import_module("fastrnn.compat.tensorflow.compat.v1") is tf
    assert tf.initializers is fastrnn.initializers and tf.optimizers is fastrnn.optimizers


@pytest.mark.parametrize("name", ["float32", "float64", "int32", "int64", "bool", "uint8"])
def test_dtypes(name):
    dtype = getattr(tf, name)
    assert dtype is getattr(tf.dtypes, name) and dtype == name == dtype.name
    assert np.zeros(2, dtype).dtype == dtype and dtype.as_numpy_dtype is np.dtype(name).type
    assert dtype.size == np.dtype(name).itemsize and tf.as_dtype(np.dtype(name)) == dtype
    assert dtype.is_floating == name.startswith("f") and dtype.is_bool == (name == "bool")
    assert pickle.loads(pickle.dumps(dtype)) == dtype


def test_limits_of_dtypes():
    assert tf.int8.min == -128 and tf.float32.max == np.finfo("float32").max
    assert tf.string.as_numpy_dtype is object and tf.as_dtype("<U3") is tf.string


@pytest.mark.parametrize("name", ["no_such_name", "math.nothing", "nn.nothing", *REFUSED])
def test_what_is_not_there_is_named_and_noted(name):
    missing_names.forget()
    *folders, last = name.split(".")
    module = tf
    for folder in folders:
        if not hasattr(module, folder):
            return  # the folder is refused as a whole
        module = getattr(module, folder)
    text = f"has no `tf.{name}`. {REFUSED.get(name, '')}".strip()
    with pytest.raises(AttributeError, match=re.escape(text)):
        getattr(module, last)
    assert missing_names.noted()[-1] == f"tf.{name}"


def test_functions_stand_as_they_are():
    @tf.function
    def double(x):
        return 2 * x

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)], jit_compile=True)
    def triple(x):
        return 3 * x

    assert double(2) == 4 and triple(2) == 6
    assert tf.autograph.experimental.do_not_convert(double) is double


def test_settings_without_a_meaning():
    for config in (tf.config, tf.config.experimental):
        assert config.list_physical_devices("GPU") == []
    assert [d.device_type for d in tf.config.list_physical_devices()] == ["CPU"]
    tf.config.experimental.set_memory_growth("gpu", True)
    tf.config.run_functions_eagerly(True)
    tf.compat.v1.disable_eager_execution()
    tf.get_logger().setLevel("ERROR")
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    assert not tf.test.is_gpu_available() and tf.test.gpu_device_name() == ""
    assert tf.executing_eagerly() and tf.newaxis is None and tf.__version__ > "2"
    with tf.device("/cpu:0"), tf.name_scope("part"):
        pass


def test_threads():
    before = fastrnn.config.num_threads()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        assert fastrnn.config.num_threads() == 1
    finally:
        fastrnn.config.set_num_threads(before)


def test_the_session_that_shares_a_gpu():
    config = tf.compat.v1.ConfigProto(gpu_options=tf.compat.v1.GPUOptions())
    config.gpu_options.allow_growth = True
    with tf.compat.v1.Session(config=config) as session:
        session.run(tf.compat.v1.global_variables_initializer())
        assert session.run([1, 2]) == [1, 2]
        with session.graph.as_default(), pytest.raises(NotImplementedError, match="graphs"):
            session.run(1, feed_dict={"x": 1})
    session.close()


def test_strategies_compute_here():
    strategy = tf.distribute.MirroredStrategy()
    with strategy.scope():
        model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    assert (
        strategy.num_replicas_in_sync == 1 and model.predict(np.ones((2, 1)), verbose=0).size == 2
    )
    assert strategy.run(lambda x: x + 1, args=(2,)) == 3
    with pytest.raises(ValueError, match="no TPU"):
        tf.distribute.cluster_resolver.TPUClusterResolver()


def test_files(tmp_path):
    path = str(tmp_path / "folder" / "a.txt")
    tf.io.gfile.makedirs(str(tmp_path / "folder"))
    with tf.io.gfile.GFile(path, "w") as file:
        file.write("one\ntwo\n")
    assert tf.io.gfile.exists(path) and tf.gfile.Exists(path)
    assert [line.strip() for line in tf.io.gfile.GFile(path)] == ["one", "two"]
    assert tf.io.read_file(path).numpy() == b"one\ntwo\n"
    tf.io.write_file(path, tf.constant("three"))
    assert tf.io.gfile.GFile(path, "rb").read() == b"three"
    assert tf.io.gfile.glob(str(tmp_path / "folder" / "*")) == [path]


@pytest.mark.parametrize(
    "call, expected",
    [
        (lambda s: s.lower(["A b", "C"]), ["a b", "c"]),
        (lambda s: s.regex_replace(s.lower(b"A<br />B"), "<br />", " "), "a b"),
        (lambda s: s.regex_replace("aXbX", "X", "-", replace_global=False), "a-bX"),
        (lambda s: s.strip([" a "]), ["a"]),
        (lambda s: s.split("a b  c"), ["a", "b", "c"]),
        (lambda s: s.unicode_split("aé", "UTF-8"), ["a", "é"]),
        (lambda s: s.join([["a", "b"], "!"], separator=" "), ["a !", "b !"]),
        (lambda s: s.reduce_join([["a", "b"], ["c", "d"]], axis=-1, separator="-"), ["a-b", "c-d"]),
        (lambda s: s.reduce_join(["a", "b"]), "ab"),
        (lambda s: s.length(["é", "ab"]), [2, 2]),
        (lambda s: s.length(["é", "ab"], unit="UTF8_CHAR"), [1, 2]),
        (lambda s: s.to_number(["1.5"]), [1.5]),
        (lambda s: s.substr(["abcd"], 1, 2), ["bc"]),
        (lambda s: s.as_string([1, 2]), ["1", "2"]),
        (lambda s: s.regex_full_match(["ab", "abc"], "a."), [True, False]),
    ],
)
def test_strings(call, expected):
    result = call(tf.strings)
    assert isinstance(result, TensorArray) and result.tolist() == expected
