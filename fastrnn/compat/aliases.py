"""Module names that stand for others: ``keras.layers`` for ``fastrnn.layers``.

The module under an alias is the other one itself, not a copy: classes are the same, and state is
shared.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
from collections.abc import Mapping, Sequence
from types import ModuleType

from fastrnn.core import missing_names

# Each root, and what stands for it: the module itself, and where its submodules are.
Roots = Mapping[str, tuple[str, str]]
KERAS = ("fastrnn.compat.keras", "fastrnn")
TENSORFLOW = ("fastrnn.compat.tensorflow", "fastrnn.compat.tensorflow")


class AliasFinder(importlib.abc.MetaPathFinder):
    """Finds modules below the roots, and says of every other one below them that there is none.

    Args:
        roots: the longest one that fits a name decides.
    """

    def __init__(self, roots: Roots) -> None:
        self.roots = dict(sorted(roots.items(), key=lambda root: -len(root[0])))

    def covers(self, name: str) -> bool:
        """Return whether ``name`` is a root, or below one."""
        return self.target(name) is not None

    def target(self, name: str) -> str | None:
        """Return the name of the module that ``name`` stands for, None where it is no alias."""
        for root, (module, folder) in self.roots.items():
            if name == root:
                return module
            if name.startswith(f"{root}."):
                return folder + name[len(root) :]
        return None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec that loads the module that ``fullname`` stands for.

        Raises:
            ModuleNotFoundError: ``fullname`` is below a root, and fastrnn has no such module.
        """
        real = self.target(fullname)
        if real is None or real == fullname:
            return None
        return importlib.util.spec_from_loader(fullname, _AliasLoader(real), is_package=True)


class _AliasLoader(importlib.abc.Loader):
    """Gives a module under another name, and leaves it as it is."""

    def __init__(self, real: str) -> None:
        self.real = real
        self.spec: importlib.machinery.ModuleSpec | None = None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        try:
            module = importlib.import_module(self.real)
        except ImportError as error:
            if error.name is None or not f"{self.real}.".startswith(f"{error.name}."):
                raise  # a package that the module itself needs
            missing_names.note(spec.name)
            if not isinstance(error, ModuleNotFoundError):
                raise  # it says why there is none
            text = f"fastrnn has no module for `{spec.name}`."
            raise ModuleNotFoundError(text, name=spec.name) from None
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # which the import system has replaced
