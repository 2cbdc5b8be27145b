"""Arrays in tuples, lists and dicts: the inputs and outputs of layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastrnn import errors
from fastrnn.checks import to_float_array, to_shape
from fastrnn.layers import symbolic


def flatten(outputs: Any) -> list[Any]:
    """Return the outputs of a layer as a list."""
    return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]


def unshared(results: Any, sources: Any) -> Any:
    """Return ``results``, copied where they are ``sources`` handed through: both may be changed."""
    if isinstance(results, dict):
        return {key: unshared(result, sources) for key, result in results.items()}
    if isinstance(results, (tuple, list)):
        return type(results)(unshared(result, sources) for result in results)
    arrays = [source for source in flatten(sources) if isinstance(source, np.ndarray)]
    shared = results is not None and any(np.may_share_memory(results, a) for a in arrays)
    return results.copy() if shared else results


def to_shapes(input_shape: Any) -> Any:
    """Check a shape, or each of several."""
    if isinstance(input_shape, (list, tuple)) and symbolic.holds_shapes(input_shape):
        return [to_shape("input_shape", shape) for shape in input_shape]
    return to_shape("input_shape", input_shape)


def shape_of(inputs: Any) -> Any:
    """Return the shape of an array, or those of each array in a list."""
    return inputs.shape if isinstance(inputs, np.ndarray) else [x.shape for x in inputs]


def check_gradients(d_outputs: Any, outputs: Any) -> Any:
    """Return gradients of the outputs as arrays of their dtypes, in their structure.

    Raises:
        ValueError: there are too few or too many, or one has another shape.
    """
    if isinstance(outputs, dict):
        given = d_outputs if isinstance(d_outputs, dict) else {}
        unknown = [key for key in given if key not in outputs]
        if unknown or (d_outputs is not None and not isinstance(d_outputs, dict)):
            expected = f"a dict with keys among {[*outputs]}"
            raise ValueError(errors.bad_argument("d_outputs", d_outputs, expected))
        values = check_gradients([given.get(key) for key in outputs], [*outputs.values()])
        return dict(zip(outputs, values, strict=True))
    return _check_list(d_outputs, outputs)


def _check_list(d_outputs: Any, outputs: Any) -> Any:
    expected = flatten(outputs)
    if d_outputs is None:
        d_outputs = tuple(np.zeros_like(y) for y in expected)
    given = flatten(d_outputs)
    if len(given) != len(expected):
        raise ValueError(
            errors.bad_argument("d_outputs", f"{len(given)} arrays", f"{len(expected)} arrays")
        )
    checked = []
    for gradient, output in zip(given, expected, strict=True):
        if gradient is not None:
            gradient = to_float_array("d_outputs", gradient, output.dtype.name)
            if gradient.shape != output.shape:
                raise ValueError(
                    errors.bad_shape("d_outputs", gradient.shape, f"{output.shape}, as the outputs")
                )
        checked.append(gradient)
    return type(outputs)(checked) if isinstance(outputs, (tuple, list)) else checked[0]
