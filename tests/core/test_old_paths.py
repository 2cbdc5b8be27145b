"""Modules at the paths of Keras 1 and 2."""

import importlib
import subprocess
import sys
import warnings

import pytest

import fastrnn
from fastrnn.core.old_paths import OLD_PATHS, old_names

REAL = ["core", "normalization", "pooling", "attention", "regularization", "reshaping"]
REAL = ["fastrnn.models", *(f"fastrnn.layers.{name}" for name in REAL)]
VIRTUAL = [path for path in OLD_PATHS if path not in REAL]
# Something that a script took from there.
TAKEN = {
    "fastrnn.layers.recurrent": "LSTM",
    "fastrnn.layers.core": "Dense",
    "fastrnn.layers.wrappers": "TimeDistributed",
    "fastrnn.layers.embeddings": "Embedding",
    "fastrnn.layers.normalization": "BatchNormalization",
    "fastrnn.layers.noise": "GaussianNoise",
    "fastrnn.layers.advanced_activations": "LeakyReLU",
    "fastrnn.layers.convolutional": "Conv1D",
    "fastrnn.layers.merge": "concatenate",
    "fastrnn.layers.experimental.preprocessing": "Rescaling",
    "fastrnn.engine.topology": "Layer",
    "fastrnn.engine.training": "Model",
    "fastrnn.models": "Input",
    "fastrnn.utils.np_utils": "to_categorical",
    "fastrnn.utils.vis_utils": "plot_model",
    "fastrnn.utils.data_utils": "Sequence",
    "fastrnn.utils.generic_utils": "CustomObjectScope",
    "fastrnn.optimizers.legacy": "Adam",
    "fastrnn.optimizer_v2.adam": "Adam",
    "fastrnn.initializations": "GlorotUniform",
    "fastrnn.objectives": "mean_squared_error",
    "fastrnn.api.layers": "GRU",
}


def test_the_real_packages_are_those_with_files():
    for path in OLD_PATHS:
        module = importlib.import_module(path)
        assert (getattr(module, "__file__", None) is not None) == (path in REAL)


@pytest.fixture
def anew(request):
    """Load a module as if it were for the first time."""
    sys.modules.pop(request.param, None)
    return importlib.import_module(request.param)


@pytest.mark.parametrize("anew", VIRTUAL, indirect=True)
def test_every_old_path_has_the_names_of_today(anew):
    modules = [importlib.import_module(home) for home in OLD_PATHS[anew.__name__]]
    with pytest.warns(DeprecationWarning, match=rf"from {anew.__name__} import \*") as told:
        names = anew.__all__
    assert [warning.filename for warning in told] == [__file__]
    for name in names:
        if name not in ("plot", "Container", "Network", "set_policy"):
            found = getattr(anew, name)
            assert any(found is getattr(module, name, None) for module in modules)
    assert not hasattr(anew, "not_a_name")


@pytest.mark.parametrize("path", REAL)
def test_packages_of_fastrnn_have_the_names_too(path):
    find = old_names(path)
    with pytest.warns(DeprecationWarning, match=f"from {path} import Layer"):
        assert find("Layer") is fastrnn.Layer
    assert {"LSTM", "Dense"} <= set(find("__all__"))
    with pytest.raises(AttributeError, match=path):
        find("__wrapped__")


@pytest.mark.parametrize(("path", "name"), TAKEN.items())
def test_a_name_is_that_of_today(path, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found = getattr(importlib.import_module(path), name)
    homes = [fastrnn.layers, fastrnn.utils, fastrnn.optimizers, fastrnn.losses, fastrnn]
    assert found in [getattr(home, name, None) for home in (*homes, fastrnn.initializers)]


def test_names_that_changed():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert importlib.import_module("fastrnn.utils.visualize_util").plot
        assert importlib.import_module("fastrnn.engine.topology").Container is fastrnn.Model


@pytest.mark.parametrize(
    "path", ["applications", "applications.vgg16", "preprocessing.image", "src.layers"]
)
def test_what_is_not_for_sequences_says_so(path):
    with pytest.raises(ImportError, match=f"There is no `fastrnn.{path.split('.vgg')[0][:3]}"):
        importlib.import_module(f"fastrnn.{path}")
    assert not hasattr(fastrnn, "applications")


def test_a_script_in_the_manner_of_keras_1():
    """Warnings are told once for each path, at the line that imports; nothing is loaded before."""
    script = """if True:
        import sys
        import fastrnn
        assert not [name for name in sys.modules if name.startswith("fastrnn.layers.rec")]
        from fastrnn.layers.core import Dense, Dropout
        from fastrnn.layers.recurrent import *
        from fastrnn.layers.recurrent import GRU
        from fastrnn.utils import np_utils
        assert LSTM is fastrnn.layers.LSTM
        fastrnn.layers.embeddings.Embedding(3, 2)
        np_utils.to_categorical([1, 0])
    """
    result = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True
    )
    assert [line.split(":")[1] for line in result.stderr.splitlines()] == ["5", "6", "10", "11"]
