"""The table: all operations by their names, those of Keras."""

from __future__ import annotations

from typing import Any

from fastrnn.ops import creation, elementwise, nn, products, reductions, shaping
from fastrnn.ops.operation import OPERATIONS

# Functions that are no operations of their own.
_FUNCTIONS = (
    creation.shape, creation.convert_to_numpy, creation.convert_to_tensor, creation.is_tensor,
    creation.zeros, creation.ones,
)  # fmt: skip
_MODULES = (creation, elementwise, nn, products, reductions, shaping)
NAMES: dict[str, Any] = {
    **{
        name: getattr(module, name)
        for module in _MODULES
        for name in OPERATIONS
        if hasattr(module, name)
    },
    **{function.__name__: function for function in _FUNCTIONS},
}


def find(name: str) -> Any:
    """Return the function of this name.

    Raises:
        AttributeError: there is none.
    """
    if name not in NAMES:
        raise AttributeError(f"fastrnn.ops has no {name!r}.")
    return NAMES[name]
