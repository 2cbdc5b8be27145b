"""Arrays in tuples, lists and dicts: the inputs and outputs of layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastrnn.core import errors
from fastrnn.core.checks import to_float_array, to_shape
from fastrnn.core.nest import flatten, flatten_up_to, holds_shapes, is_node, unflatten
from fastrnn.typing import Array, Nest


def as_list(outputs: Nest) -> list[Any]:
    """Return the outputs of a layer as a list."""
    return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]


def copy_if_aliased(results: Any, sources: Nest) -> Any:
    """Return ``results``, copied where they are ``sources`` handed through: both may be changed."""
    if is_node(results):
        return unflatten(results, [copy_if_aliased(result, sources) for result in flatten(results)])
    arrays = [source for source in flatten(sources) if isinstance(source, np.ndarray)]
    shared = results is not None and any(np.may_share_memory(results, a) for a in arrays)
    return results.copy() if shared else results


def to_shapes(input_shape: Nest) -> Any:
    """Check a shape, or each of several."""
    if isinstance(input_shape, dict):
        return {key: to_shapes(shape) for key, shape in input_shape.items()}
    if isinstance(input_shape, (list, tuple)) and holds_shapes(input_shape):
        return [to_shapes(shape) for shape in input_shape]
    return to_shape("input_shape", input_shape)


def fixed(shape: Iterable[int | None]) -> tuple[int, ...]:
    """Return lengths that are all known, as such."""
    return tuple(n for n in shape if n is not None)


def shape_of(inputs: Nest) -> Any:
    """Return the shape of an array, or those of the arrays in a structure."""
    return unflatten(inputs, [x.shape for x in flatten(inputs)])


def check_gradients(d_outputs: Nest, outputs: Nest) -> Any:
    """Return gradients of the outputs as arrays of their dtypes, in their structure.

    ``None`` in the place of an output, or of a structure of them, means that it does not matter;
    so do keys of a dict that are not there. ``None`` alone means zeros.

    Raises:
        ValueError: there are too few or too many, or one has another shape.
    """
    arrays = flatten(outputs)
    if d_outputs is None:
        return unflatten(outputs, [np.zeros_like(y) for y in arrays])
    given = flatten_up_to(outputs, _filled(d_outputs, outputs))
    if given is None:
        expected = f"gradients in the structure of the outputs, {len(arrays)} arrays"
        raise ValueError(errors.bad_argument("d_outputs", _received(d_outputs), expected))
    return unflatten(outputs, [_checked(d, y) for d, y in zip(given, arrays, strict=True)])


def _filled(d_outputs: Any, outputs: Any) -> Any:
    """Return gradients with ``None`` for each output below one, and for keys that are missing."""
    if not is_node(outputs):
        return d_outputs[0] if _is_list(d_outputs, 1) else d_outputs
    if d_outputs is None:
        return unflatten(outputs, [None] * len(flatten(outputs)))
    if isinstance(outputs, dict) and isinstance(d_outputs, dict):
        if any(key not in outputs for key in d_outputs):
            expected = f"a dict with keys among {[*outputs]}"
            raise ValueError(errors.bad_argument("d_outputs", [*d_outputs], expected))
        return {key: _filled(d_outputs.get(key), part) for key, part in outputs.items()}
    if isinstance(outputs, dict):
        return d_outputs
    if len(outputs) == 1 and not isinstance(d_outputs, (list, tuple)):
        d_outputs = [d_outputs]
    if not _is_list(d_outputs, len(outputs)):
        return d_outputs
    return [_filled(d, part) for d, part in zip(d_outputs, outputs, strict=True)]


def _is_list(value: Nest, length: int) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == length


def _received(d_outputs: Nest) -> str:
    return f"{len(flatten(d_outputs))} arrays" if is_node(d_outputs) else type(d_outputs).__name__


def _checked(gradient: Array | None, output: Array) -> Any:
    if gradient is None:
        return None
    gradient = to_float_array("d_outputs", gradient, output.dtype.name)
    if gradient.shape != output.shape:
        expected = f"{output.shape}, as the outputs"
        raise ValueError(errors.bad_shape("d_outputs", gradient.shape, expected))
    return gradient
