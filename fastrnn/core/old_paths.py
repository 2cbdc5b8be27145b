"""Old paths: the modules of Keras 1 and 2, resolved when a script imports them.

An old module has the names of the modules that stand for it today, and ``import *`` gives them
all. The first name that is taken from it warns. Where the path is a package of fastrnn's own,
that package takes its ``__getattr__`` from here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from fastrnn.core.user_warnings import deprecated

ROOT = "fastrnn"

# Old modules by the modules of today that have their names; "" is the root.
_OLD_PATHS: dict[tuple[str, ...], str] = {
    ("layers",): """
        layers.activation layers.advanced_activations layers.attention layers.containers
        layers.convolutional layers.core layers.cudnn_recurrent layers.dense_attention
        layers.embeddings layers.experimental layers.experimental.preprocessing layers.kernelized
        layers.local layers.merge layers.multi_head_attention layers.noise layers.normalization
        layers.normalization_v2 layers.pooling layers.recurrent layers.recurrent_v2
        layers.regularization layers.reshaping layers.serialization layers.wrappers
    """,
    ("layers", ""): """
        engine engine.base_layer engine.functional engine.input_layer engine.input_spec
        engine.keras_tensor engine.network engine.sequential engine.topology engine.training
        legacy legacy.layers models
    """,
    ("utils",): """
        utils.all_utils utils.data_utils utils.generic_utils utils.layer_utils utils.np_utils
        utils.training_utils utils.vis_utils utils.visualize_util
    """,
    ("optimizers",): """
        optimizer_v1 optimizer_v2 optimizer_v2.adadelta optimizer_v2.adagrad optimizer_v2.adam
        optimizer_v2.adamax optimizer_v2.ftrl optimizer_v2.gradient_descent optimizer_v2.nadam
        optimizer_v2.rmsprop optimizers.adadelta_v2 optimizers.adagrad_v2 optimizers.adam_v2
        optimizers.adamax_v2 optimizers.experimental optimizers.ftrl_v2
        optimizers.gradient_descent_v2 optimizers.legacy optimizers.nadam_v2
        optimizers.optimizer_experimental optimizers.optimizer_v2 optimizers.rmsprop_v2
    """,
    ("optimizers.schedules", "layers"): "experimental optimizer_v2.learning_rate_schedule",
    ("initializers",): "initializations initializers.initializers_v1 initializers.initializers_v2",
    ("backend",): "backend.common backend.tensorflow_backend backend.theano_backend",
    ("losses",): "objectives",
    ("callbacks",): "callbacks.callbacks callbacks_v1",
    ("mixed_precision",): "mixed_precision.experimental",
    ("saving", ""): "saving.hdf5_format saving.save saving.saved_model",
}
# What Keras has below this path is what it has below the root.
_SAME = "api"
# Other names that things had there.
_OLD_NAMES = {
    "mixed_precision.experimental": {"set_policy": "set_global_policy"},
    "utils.visualize_util": {"plot": "plot_model"},
    "engine": {"Container": "Model"},
    "engine.topology": {"Container": "Model"},
    "engine.network": {"Network": "Model"},
}
# Modules that were functions once, and what they call.
_CALLED = {"layers.merge": "layers.legacy.merge:merge"}
# What fastrnn has not, and why.
_IMAGES = "fastrnn is for sequences, not for images"
_REFUSED = {
    "applications": _IMAGES,
    "layers.convolutional_recurrent": _IMAGES,
    "preprocessing.image": _IMAGES + "; read them with another package, and hand over arrays",
    "estimator": "estimators are TensorFlow's; train with `model.fit`",
    "distribution": "fastrnn computes on the CPU of one machine",
    "src": "these are the insides of Keras, which fastrnn has not",
}

OLD_PATHS = {
    f"{ROOT}.{path}": tuple(f"{ROOT}.{home}".rstrip(".") for home in homes)
    for homes, paths in _OLD_PATHS.items()
    for path in paths.split()
}


def _homes(module: str) -> tuple[str, ...]:
    """Return the modules of today that have the names of an old one; none for no old one."""
    first, _, rest = module.removeprefix(f"{ROOT}.").partition(".")
    if first != _SAME:
        return OLD_PATHS.get(module, ())
    home = f"{ROOT}.{rest}".rstrip(".")
    try:
        importlib.import_module(home)
    except ModuleNotFoundError:
        return ()
    return (home,)


def old_names(module: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module that stands at an old path: names of today's."""
    homes = _homes(module)
    renamed = _OLD_NAMES.get(module.removeprefix(f"{ROOT}."), {})
    told = False

    def __getattr__(name: str) -> Any:
        nonlocal told
        today = renamed.get(name, name)
        if name == "__all__":
            value: Any = [*renamed, *dict.fromkeys(n for home in homes for n in _public(home))]
            name = today = "*"
        else:
            value = _find(module, homes, today)
        if not told:
            told = True
            home = next((h for h in homes if today in _public(h)), homes[0])
            deprecated(f"from {module} import {name}", f"from {home} import {today}")
        return value

    return __getattr__


def _public(module: str) -> Sequence[str]:
    """Return the public names of a module of today."""
    found = importlib.import_module(module)
    names = getattr(found, "__all__", None) or dir(found)
    return [name for name in names if not name.startswith("_")]


def _find(module: str, homes: Sequence[str], name: str) -> Any:
    for home in () if name.startswith("__") else homes:
        try:
            return getattr(importlib.import_module(home), name)
        except AttributeError:
            continue
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


def old_modules(package: str) -> dict[str, str]:
    """Return the old modules right below a package, as ``lazy_attributes`` takes them."""
    names = (*OLD_PATHS, *(f"{ROOT}.{path}" for path in (_SAME, *_REFUSED)))
    parts = (name.rpartition(".") for name in names)
    return {name: f"{package}.{name}" for parent, _, name in parts if parent == package}


class _CallableModule(ModuleType):
    """A module that was a function in Keras 1."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        module, _, function = _CALLED[self.__name__.removeprefix(f"{ROOT}.")].partition(":")
        return getattr(importlib.import_module(f"{ROOT}.{module}"), function)(*args, **kwargs)


class OldPathFinder:
    """Finds modules at old paths, where fastrnn has none of its own; an entry of ``meta_path``."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return how the module of this name is made, ``None`` for those that are no old ones.

        Raises:
            ImportError: it is a module that fastrnn does not have, for a reason.
        """
        if not name.startswith(f"{ROOT}."):
            return None
        old = name.removeprefix(f"{ROOT}.")
        for refused, reason in _REFUSED.items():
            if f"{old}.".startswith(f"{refused}."):
                raise ImportError(f"There is no `{name}`: {reason}.", name=name)
        if not _homes(name):
            return None
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return a module that can be called, or leave it to Python to make one."""
        is_called = spec.name.removeprefix(f"{ROOT}.") in _CALLED
        return _CallableModule(spec.name) if is_called else None

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its names."""
        homes = " and ".join(f"``{home}``" for home in _homes(module.__name__))
        module.__doc__ = f"An older path of what stands in {homes}."
        vars(module)["__getattr__"] = old_names(module.__name__)


def install() -> None:
    """Let old paths be found, behind all that exists."""
    if not any(isinstance(finder, OldPathFinder) for finder in sys.meta_path):
        sys.meta_path.append(OldPathFinder())
