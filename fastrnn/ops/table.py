"""The table: all operations by their names, those of Keras."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from fastrnn.ops import (
    arithmetic,
    comparisons,
    control_flow,
    core,
    creation,
    cumulative,
    functions,
    indexing,
    linalg,
    math,
    products,
    reductions,
    reshaping,
    sorting,
    statistics,
)
from fastrnn.ops.nn import activation, convolution, crossentropy, encoding, normalization

# By the parts of ``keras.ops`` that also go by names of their own.
PARTS: dict[str, tuple[ModuleType, ...]] = {
    "core": (core, control_flow),
    "linalg": (linalg,),
    "math": (math,),
    "nn": (activation, convolution, crossentropy, encoding, normalization),
    "numpy": (
        arithmetic, comparisons, creation, cumulative, functions, indexing, products, reductions,
        reshaping, sorting, statistics,
    ),
}  # fmt: skip


def _public(module: ModuleType) -> dict[str, Any]:
    """Return the operations and functions that a module defines."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
    }


BY_PART: dict[str, dict[str, Any]] = {
    part: {name: value for module in modules for name, value in _public(module).items()}
    for part, modules in PARTS.items()
}
NAMES: dict[str, Any] = {name: value for part in BY_PART.values() for name, value in part.items()}
# Of Keras's operations, those that are not there, by the reason.
LEFT_OUT = {
    "fastrnn computes with real numbers": (
        "angle", "eig", "fft", "fft2", "ifft2", "imag", "irfft", "istft", "polar", "rfft", "stft",
        "view", "view_as_complex", "view_as_real",
    ),
    "fastrnn has sequences, no images": (
        "adaptive_average_pool", "adaptive_max_pool", "depth_to_space", "fold", "image", "psnr",
        "space_to_depth", "unfold",
    ),
    "no recurrent model needs it": (
        "cdist", "corrcoef", "correlate", "jvp", "kron", "ldexp", "lu_factor", "nanmedian",
        "nanpercentile", "nanquantile", "nextafter",
        "rearrange", "vander",
    ),
    "use layers.Conv1DTranspose": ("conv_transpose",),
    "use losses.CTC": ("ctc_decode", "ctc_loss"),
}  # fmt: skip


def find(name: str) -> Any:
    """Return the function of this name.

    Raises:
        AttributeError: there is none.
    """
    if name in NAMES:
        return NAMES[name]
    reasons = [reason for reason, names in LEFT_OUT.items() if name in names]
    known = f" ({reasons[0]})" if reasons else ""
    raise AttributeError(f"fastrnn.ops has no operation {name!r}{known}.")
