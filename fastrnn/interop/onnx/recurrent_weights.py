"""The weights of one direction of an ONNX recurrent node, W, R and B, and ours."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn.interop.gates import ONNX, from_ours, to_ours
from fastrnn.typing import Array


def to_onnx(cell: Any) -> tuple[Array, Array, Array | None]:
    """Return W (gates·units, features), R (gates·units, units), B (2·gates·units,) or ``None``.

    B has a bias for each product. Where we have one for both, the second is zero.
    """
    name = cell.spec.name
    kernel, recurrent_kernel = (
        np.ascontiguousarray(from_ours(weight.value, name, ONNX).T)
        for weight in (cell.kernel, cell.recurrent_kernel)
    )
    if cell.bias is None:
        return kernel, recurrent_kernel, None
    bias = from_ours(cell.bias.value, name, ONNX)
    rows = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
    return kernel, recurrent_kernel, rows.ravel()


def to_onnx_peephole(peephole: Array) -> Array:
    """Return P (3·units,), in the order i o f, for ours (3, units), i f o."""
    return peephole[[0, 2, 1]].ravel()


def from_onnx_peephole(p: Array) -> Array:
    """Return our peepholes (3, units) for P (3·units,)."""
    return p.reshape(3, -1)[[0, 2, 1]]


def from_onnx(cell: str, w: Array, r: Array, b: Array | None) -> list[Array]:
    """Return kernel, recurrent kernel and, unless there is none, bias; see ``to_onnx``."""
    weights = [to_ours(weight.T, cell, ONNX) for weight in (w, r)]
    if b is not None:
        rows = to_ours(b.reshape(2, -1), cell, ONNX)
        weights.append(rows if cell == "gru_reset_after" else rows[0] + rows[1])
    return weights
