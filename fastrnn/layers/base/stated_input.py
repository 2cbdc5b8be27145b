"""Stated input: the shape of the inputs that the first layer of a chain may say, as in Keras 2."""

from __future__ import annotations

from typing import Any

from fastrnn.core.checks import to_shape
from fastrnn.core.user_warnings import deprecated, warn
from fastrnn.typing import Shape


def take_stated_shape(kwargs: dict[str, Any], class_name: str, has_steps: bool) -> Shape | None:
    """Take what says the shape of the inputs out of the arguments of a layer.

    Args:
        kwargs: the arguments: ``input_shape``, without the batch, with or without ``batch_size``;
            ``batch_input_shape``; ``input_dim``, with or without ``input_length``.
        class_name: of the layer.
        has_steps: whether the layer takes sequences: then ``input_dim`` are their features.

    Returns:
        The shape, batch first; ``None`` where nothing says it.

    Raises:
        ValueError: it is no shape.
    """
    shape, dim = kwargs.pop("input_shape", None), kwargs.pop("input_dim", None)
    full = _take_old(kwargs, class_name, "batch_input_shape", "Input(batch_shape=…)")
    length = _take_old(kwargs, class_name, "input_length", "Input((length, features))")
    batch = _take_old(kwargs, class_name, "batch_size", "Input(shape, batch_size=…)")
    if full is not None:
        return to_shape("batch_input_shape", full)
    if shape is None and dim is None:
        return None
    warn(
        "Do not pass `input_shape` or `input_dim` to a layer: in a Sequential model, put an "
        "`Input(shape)` object first."
    )
    if shape is None:
        shape = (length, dim) if has_steps else (dim,)
    shape = (shape,) if isinstance(shape, int) else shape
    return (batch, *to_shape("input_shape", shape))


def _take_old(kwargs: dict[str, Any], class_name: str, name: str, new: str) -> Any:
    if name not in kwargs:
        return None
    deprecated(f"{class_name}({name}=…)", new)
    return kwargs.pop(name)
