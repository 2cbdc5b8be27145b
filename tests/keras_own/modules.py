"""Modules of Keras's source, as its tests import them, standing for fastrnn.

A test of Keras's says ``from keras.src.layers.rnn.lstm import LSTM``. Here every such module is one
without code, whose names are looked up in the package of fastrnn that has them. What fastrnn lacks
is an object that says so once it is used, since a test file is more than the one test that uses it.
Three kinds of modules are taken from Keras itself: test files that others import, the base class
of its tests, and its functions on nested structures, which are how the tests speak.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
import scope

# Keras's modules, and where their names are in fastrnn; all others have the same name there.
PLACES = {
    "": ["fastrnn"],
    "backend": ["stand_ins.backend", "fastrnn.config"],
    "backend.common.dtypes": ["stand_ins.backend"],
    "backend.random": ["fastrnn.random"],
    "backend.numpy": ["fastrnn.ops"],
    "backend.config": ["stand_ins.backend", "fastrnn.config"],
    "ops": ["fastrnn.ops"],
    "random.seed_generator": ["fastrnn.random"],
    "api_export": ["stand_ins.backend"],
    "utils": ["fastrnn.utils", "stand_ins.backend"],
    "utils.module_utils": ["stand_ins.backend"],
    "utils.traceback_utils": ["stand_ins.backend"],
    "utils.file_utils": ["os.path"],
    "saving.object_registration": ["fastrnn.saving", "stand_ins.backend"],
    "dtype_policies.dtype_policy": ["fastrnn.config", "fastrnn.dtype_policies"],
    "utils.io_utils": ["fastrnn.utils.io_utils"],
    "utils.rng_utils": ["fastrnn.utils"],
    "optimizers.schedules": ["fastrnn.optimizers.schedules"],
    "trainers.data_adapters": ["fastrnn.utils"],
    "losses.loss": ["fastrnn.losses", "fastrnn"],
    "layers.input_spec": ["fastrnn.layers", "fastrnn"],
    "legacy.saving.legacy_h5_format": ["stand_ins.backend"],
}
OUTSIDE = ("tensorflow", "jax", "grain", "ml_dtypes")
FROM_KERAS = ("testing", "tree", "backend.common.backend_utils")


class Missing:
    """A name that fastrnn does not have."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Missing:
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(f"{self._name}.{name}")

    def __call__(self, *args: Any, **options: Any) -> Any:
        reason = scope.no_aim(self._name)
        if reason is not None:
            pytest.skip(reason)
        raise NotImplementedError(f"fastrnn has no {self._name}")

    def __instancecheck__(self, thing: object) -> bool:
        return False

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return ()

    def __bool__(self) -> bool:
        return False

    __iter__ = __enter__ = __exit__ = __getitem__ = __call__


class Outside(Missing):
    """A package that Keras's tests may use and that is not installed."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        pytest.skip(f"needs {self._name}")

    def __getattr__(self, name: str) -> Outside:
        if name.startswith("__"):
            raise AttributeError(name)
        return Outside(f"{self._name}.{name}")

    __iter__ = __enter__ = __exit__ = __call__


class OutsideModule(ModuleType):
    """The module of such a package."""

    __path__: ClassVar[list[str]] = []

    def __getattr__(self, name: str) -> Outside:
        if name.startswith("__"):
            raise AttributeError(name)
        return Outside(f"{self.__name__}.{name}")


class Face(ModuleType):
    """A module of Keras's whose names are found in fastrnn."""

    def __init__(self, name: str, source: Path) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self._source = source

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._is_keras_module(name):
            return importlib.import_module(f"{self.__name__}.{name}")
        for place in self._places():
            try:
                return getattr(importlib.import_module(place), name)
            except (ImportError, AttributeError):
                continue
        return Missing(f"{self.__name__}.{name}")

    def _is_keras_module(self, name: str) -> bool:
        here = self._source.joinpath(*self.__name__.split(".")[1:])
        if f"{self.__name__}.{name}".removeprefix("keras.src.") in PLACES:
            return True
        return (here / name).is_dir() or (here / f"{name}.py").is_file()

    def _places(self) -> list[str]:
        path = self.__name__.removeprefix("keras").removeprefix(".src").removeprefix(".")
        while path and path not in PLACES:
            above = path.rpartition(".")[0]
            if not above:
                return [f"fastrnn.{path}"]
            path = above
        return PLACES[path]


class Finder(MetaPathFinder, Loader):
    """Finds ``keras`` and all below it, and the ``conftest`` of Keras's tests.

    Args:
        source: the folder ``keras`` of a checkout or installation of Keras.
    """

    def __init__(self, source: Path) -> None:
        self.source = source

    def install(self) -> None:
        """Take over ``keras`` in this process."""
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: Any = None
    ) -> ModuleSpec | None:
        if fullname == "conftest":
            return importlib.util.spec_from_loader(fullname, self)
        if fullname.partition(".")[0] in OUTSIDE:
            return ModuleSpec(fullname, self, is_package=True)
        if fullname != "keras" and not fullname.startswith("keras."):
            return None
        file = self._file_of_keras(fullname)
        if file is None:
            return ModuleSpec(fullname, self, is_package=True)
        folders = [str(file.parent)] if file.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            fullname, file, submodule_search_locations=folders
        )

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        if spec.name == "conftest":
            return importlib.import_module("stand_ins.conftest")
        if spec.name.partition(".")[0] in OUTSIDE:
            return OutsideModule(spec.name)
        return Face(spec.name, self.source)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run: names are looked up when they are asked for."""

    def _file_of_keras(self, name: str) -> Path | None:
        parts = name.split(".")[1:]
        if parts[:1] != ["src"] or len(parts) < 2:
            return None
        path = ".".join(parts[1:])
        if not (path.startswith(FROM_KERAS) or parts[-1].endswith("_test")):
            return None
        place = self.source.joinpath(*parts)
        return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
