"""Operations under Keras's names: on arrays they compute, on symbolic tensors they become nodes.

>>> import numpy as np
>>> from fastrnn import ops
>>> ops.mean(np.array([[1.0, 3.0], [2.0, 4.0]]), axis=1)
array([2., 3.])
>>> from fastrnn import Input, Model
>>> x = Input((2,))
>>> Model(x, ops.tanh(x) * 2)(np.zeros((1, 2)))
array([[0., 0.]], dtype=float32)
"""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    """Load the table when something of it is first asked for."""
    if name.startswith("__"):
        raise AttributeError(name)
    table = importlib.import_module("fastrnn.ops.table")
    return table.find(name)


def __dir__() -> list[str]:
    """Return the names of the operations."""
    return sorted(importlib.import_module("fastrnn.ops.table").NAMES)
