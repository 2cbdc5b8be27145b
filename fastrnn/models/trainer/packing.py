"""What a batch is made of: inputs, labels and sample weights."""

from __future__ import annotations

from typing import Any

from fastrnn.core import errors
from fastrnn.typing import Nest


def unpack_x_y_sample_weight(data: Nest) -> tuple[Any, Any, Any]:
    """Return x, y and sample_weight of a batch, ``None`` where it has none.

    Args:
        data: ``x``, or a tuple or list ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``.

    Raises:
        ValueError: it has another number of parts.

    >>> unpack_x_y_sample_weight(("x", "y"))
    ('x', 'y', None)
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        expected = "x, (x, y) or (x, y, sample_weight)"
        raise ValueError(errors.bad_argument("x", f"batches of {len(data)} parts", expected))
    x, y, sample_weight = [*data, None, None][:3]
    return x, y, sample_weight


def pack_x_y_sample_weight(x: Nest, y: Nest = None, sample_weight: Nest = None) -> Any:
    """Return a batch of those parts that are given: the opposite of ``unpack_x_y_sample_weight``.

    >>> pack_x_y_sample_weight("x", "y")
    ('x', 'y')
    """
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)
