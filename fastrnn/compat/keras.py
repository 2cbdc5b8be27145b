"""fastrnn as ``keras``: its names, under the version of Keras that it follows.

Programs compare ``keras.__version__`` to choose between forms; fastrnn's own would send them to
those of Keras 0.
"""

from __future__ import annotations

import importlib
from typing import Any

from fastrnn.core import missing_names

__version__ = "3.15.1"
__path__: list[str] = []  # submodules are found as fastrnn's: see `aliases`


def __getattr__(name: str) -> Any:
    fastrnn = importlib.import_module("fastrnn")
    try:
        return getattr(fastrnn, name)
    except AttributeError:
        if not name.startswith("__"):
            missing_names.note(f"keras.{name}")
        raise AttributeError(f"fastrnn has no `keras.{name}`.", name=name, obj=fastrnn) from None


def __dir__() -> list[str]:
    return dir(importlib.import_module("fastrnn"))
