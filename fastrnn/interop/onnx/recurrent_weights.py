"""Recurrent weights: W, R, B and P of one direction of an ONNX node, and ours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastrnn.interop.gates import ONNX, from_ours, to_ours
from fastrnn.layers.rnn.recurrent_cell import RecurrentCell
from fastrnn.typing import Array

# Our rows of the peepholes are i, f and o; ONNX's are i, o and f, and the other way is the same.
_PEEPHOLES = [0, 2, 1]


class OnnxWeights(NamedTuple):
    """The weights of one direction; ``None`` for inputs that are left out.

    Attributes:
        w: (gates·units, features).
        r: (gates·units, units).
        b: (2·gates·units,), a bias for each product.
        p: (3·units,), the peepholes.
    """

    w: Array
    r: Array
    b: Array | None
    p: Array | None


def to_onnx(cell: RecurrentCell) -> OnnxWeights:
    """Return the weights of a cell. Where we have one bias for both products, B's second is 0."""
    weights = {k: v.value for k, v in cell.named_weights.items() if v is not None}
    kernel, recurrent_kernel = (
        np.ascontiguousarray(from_ours(weights[name], cell.spec.name, ONNX).T)
        for name in ("kernel", "recurrent_kernel")
    )
    biases = peepholes = None
    if "bias" in weights:
        bias = from_ours(weights["bias"], cell.spec.name, ONNX)
        rows = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
        biases = rows.ravel()
    if "peephole" in weights:
        peepholes = weights["peephole"][_PEEPHOLES].ravel()
    return OnnxWeights(kernel, recurrent_kernel, biases, peepholes)


def from_onnx(cell: str, given: OnnxWeights) -> list[Array]:
    """Return the weights of a cell in our order; see ``to_onnx``."""
    weights = [to_ours(weight.T, cell, ONNX) for weight in (given.w, given.r)]
    if given.b is not None:
        rows = to_ours(given.b.reshape(2, -1), cell, ONNX)
        weights.append(rows if cell == "gru_reset_after" else rows[0] + rows[1])
    if given.p is not None:
        weights.append(given.p.reshape(3, -1)[_PEEPHOLES])
    return weights
