"""Values of a call: arrays, tensors, shapes and masks of its arguments, and gradients of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastrnn.core.nest import flatten, is_node, is_shape, unflatten
from fastrnn.layers.base.symbolic import SymbolicTensor
from fastrnn.typing import Nest


def bools(mask: Nest) -> Any:
    """Return masks as arrays of bools."""
    return unflatten(mask, [m if m is None else np.asarray(m, bool) for m in flatten(mask)])


def numbers_as_arrays(value: Nest) -> Any:
    """Return nested lists of numbers as an array."""
    if not isinstance(value, (list, tuple)) or not value:
        return value
    numbers = all(isinstance(leaf, (int, float, np.number)) for leaf in flatten(value))
    return np.asarray(value) if numbers else value


def shapes_in_call(value: Nest) -> Any:
    """Return the shapes of arrays or tensors in their structure."""
    shapes = [None if leaf is None else tuple(leaf.shape) for leaf in flatten(value)]
    return unflatten(value, shapes)


def tensors_for(shapes: Nest, dtype: str) -> Any:
    """Return symbolic tensors of shapes, in their structure."""
    tensors = [SymbolicTensor(tuple(s), dtype, "input") for s in flatten(shapes, is_shape)]
    return unflatten(shapes, tensors, is_shape)


def arrays_and_masks(
    inputs: Nest,
    options: dict[str, Any],
    mask: Nest,
    masks: dict[str, Any],
    with_inputs: Nest,
    others: dict[str, Any],
) -> tuple[list[Any], list[Any]]:
    """Return the arrays among the arguments in the order of the traced inputs, and their masks."""
    known = mask_for(inputs, with_inputs)
    for name, value in options.items():
        known += mask_for(value, others.get(name))
    leaves = flatten([inputs, list(options.values()), mask, masks])
    pairs = zip(leaves, known + [None] * (len(leaves) - len(known)), strict=True)
    found = [(leaf, m) for leaf, m in pairs if isinstance(leaf, np.ndarray)]
    return [leaf for leaf, _ in found], [m for _, m in found]


def mask_for(value: Nest, mask: Nest) -> list[Any]:
    """Return a mask, or ``None``, for each leaf of an argument."""
    leaves = flatten(value)
    if is_node(mask) and len(flatten(mask)) == len(leaves):
        return flatten(mask)
    return [mask] * len(leaves) if len(leaves) == 1 else [None] * len(leaves)


# ---- results ----


def in_structure(gradients: Sequence[Any], inputs: Nest, options: dict[str, Any]) -> Any:
    """Return gradients in the structure of the inputs, those of the options behind them."""
    stream = iter(gradients)

    def each(value: Nest) -> list[Any]:
        return [next(stream) if isinstance(x, np.ndarray) else None for x in flatten(value)]

    d_inputs = unflatten(inputs, each(inputs))
    others = [v for v in options.values() if any(isinstance(x, np.ndarray) for x in flatten(v))]
    return [d_inputs, *(unflatten(v, each(v)) for v in others)] if others else d_inputs


def with_masks(out_mask: Nest, result: Nest, computed: Nest) -> Any:
    """Return the masks that the outputs have from ``call``, else those of ``compute_mask``."""
    found = flatten(out_mask)
    if computed is None or all(m is not None for m in found):
        return out_mask
    given = flatten(computed) if is_node(computed) else [computed] * min(1, len(found))
    given += [None] * (len(found) - len(given))
    return unflatten(
        result, [a if a is not None else b for a, b in zip(found, given, strict=False)]
    )
