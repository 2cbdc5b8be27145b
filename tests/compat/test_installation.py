"""fastrnn in the place of keras and tensorflow."""

import importlib
import sys

import keras as real_keras
import pytest

import fastrnn
from fastrnn.core import missing_names


def here():
    return {name for name in sys.modules if name.split(".")[0] in ("keras", "tensorflow")}


def test_imports_give_fastrnn_and_are_given_back():
    before, finders = {name: sys.modules[name] for name in here()}, list(sys.meta_path)
    assert "keras.layers" in before
    with fastrnn.install_as_keras():
        import keras
        import keras.layers as layers
        import tensorflow as tf
        from keras import optimizers
        from tensorflow.keras.layers import LSTM
        from tensorflow.python.keras.models import Sequential

        assert layers is fastrnn.layers is keras.layers is tf.keras.layers
        assert LSTM is fastrnn.layers.LSTM and Sequential is fastrnn.Sequential
        assert optimizers is fastrnn.optimizers
        assert keras.__version__ > "3.1" and keras.Sequential is Sequential
    assert {name: sys.modules[name] for name in here()} == before
    assert [finder for finder in sys.meta_path if finder not in finders] in ([], sys.meta_path[:1])
    assert importlib.import_module("keras") is real_keras


def test_without_a_block():
    installation = fastrnn.install_as_keras()
    try:
        assert importlib.import_module("keras.layers") is fastrnn.layers
    finally:
        installation.undo()
    installation.undo()
    assert importlib.import_module("keras.layers").LSTM is real_keras.layers.LSTM


def test_one_in_the_other():
    with fastrnn.install_as_keras():
        with fastrnn.install_as_keras():
            assert importlib.import_module("keras.layers") is fastrnn.layers
        assert importlib.import_module("keras.layers") is fastrnn.layers
    assert importlib.import_module("keras") is real_keras


def test_modules_stay_as_they_are():
    specs = fastrnn.layers.__spec__, fastrnn.layers.__name__
    with fastrnn.install_as_keras():
        importlib.import_module("tensorflow.keras.layers")
    assert (fastrnn.layers.__spec__, fastrnn.layers.__name__) == specs


def test_all_names():
    names = {}
    with fastrnn.install_as_keras():
        exec("from keras import *", names)
        exec("from keras.layers import *", names)
    assert names["Sequential"] is fastrnn.Sequential and names["GRU"] is fastrnn.layers.GRU


@pytest.mark.parametrize("name", ["keras.nothing", "keras.layers.nothing", "tensorflow.x"])
def test_what_is_not_there_is_named_and_noted(name):
    missing_names.forget()
    with (
        fastrnn.install_as_keras(),
        pytest.raises(ModuleNotFoundError, match=f"no module for `{name}`"),
    ):
        importlib.import_module(name)
    assert missing_names.noted() == [name]


def test_what_is_refused_is_noted():
    missing_names.forget()
    with fastrnn.install_as_keras(), pytest.raises(ImportError, match="insides of Keras"):
        importlib.import_module("keras.src.layers")
    assert missing_names.noted() == ["keras.src"]


def test_names_of_the_root_are_noted():
    missing_names.forget()
    with fastrnn.install_as_keras(), pytest.raises(ImportError, match="Nothing"):
        exec("from keras import Nothing")
    assert "keras.Nothing" in missing_names.noted()


def test_submodules_of_compat_tensorflow():
    from fastrnn.compat.tensorflow.keras import layers
    from fastrnn.compat.tensorflow.keras.models import Sequential

    assert layers is fastrnn.layers and Sequential is fastrnn.Sequential
