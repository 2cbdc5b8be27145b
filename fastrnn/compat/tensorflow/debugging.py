"""`tf.debugging`: checks of values; those of symbolic tensors pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastrnn import ops
from fastrnn.compat.tensorflow.control import no_op
from fastrnn.compat.tensorflow.names import attributes


def _check(holds: Callable[[Any, Any], Any], relation: str) -> Callable[..., None]:
    def check(
        x: Any, y: Any = 0, message: Any = None, summarize: Any = None, name: Any = None
    ) -> None:
        if _known(x, y) and not np.all(holds(np.asarray(x), np.asarray(y))):
            raise ValueError(f"{message or 'A check failed'}: {x!r} is not {relation} {y!r}.")

    check.__doc__ = f"Raise ValueError unless all of ``x`` is {relation} ``y``."
    return check


def _known(*values: Any) -> bool:
    return all(isinstance(value, np.ndarray) or not ops.is_tensor(value) for value in values)


assert_equal = _check(np.equal, "equal to")
assert_none_equal = _check(np.not_equal, "other than")
assert_greater = _check(np.greater, "above")
assert_greater_equal = _check(np.greater_equal, "at least")
assert_less = _check(np.less, "below")
assert_less_equal = _check(np.less_equal, "at most")
assert_positive, assert_non_negative = assert_greater, assert_greater_equal
assert_negative, assert_non_positive = assert_less, assert_less_equal


def assert_near(
    x: Any,
    y: Any,
    rtol: float | None = None,
    atol: float | None = None,
    message: Any = None,
    **_: Any,
) -> None:
    """Raise ValueError unless ``x`` and ``y`` are equal but for rounding."""
    relative, absolute = 1e-5 if rtol is None else rtol, 1e-5 if atol is None else atol
    if _known(x, y) and not np.allclose(x, y, relative, absolute):
        raise ValueError(f"{message or 'A check failed'}: {x!r} is not near {y!r}.")


def assert_rank(x: Any, rank: int, message: Any = None, **_: Any) -> None:
    """Raise ValueError unless ``x`` has ``rank`` axes."""
    if len(ops.shape(x)) != int(rank):
        raise ValueError(f"{message or 'A check failed'}: {ops.shape(x)} has not {rank} axes.")


def assert_shapes(shapes: Any, message: Any = None, **_: Any) -> None:
    """Raise ValueError unless tensors have their shapes; equal letters are equal lengths."""
    pairs = shapes.items() if isinstance(shapes, dict) else shapes
    letters: dict[Any, int] = {}
    for x, shape in pairs:
        found = tuple(ops.shape(x))
        wanted = tuple(
            letters.setdefault(n, m) if isinstance(n, str) else n
            for n, m in zip(shape, found, strict=False)
        )
        fits = len(found) == len(shape) and all(
            n in (m, None) for n, m in zip(wanted, found, strict=True)
        )
        if not fits:
            raise ValueError(f"{message or 'A check failed'}: {found} is not of the form {shape}.")


def check_numerics(tensor: Any, message: str, name: Any = None) -> Any:
    """Return ``tensor``, or raise ValueError where it is an array with NaN or infinity."""
    if _known(tensor) and not np.all(np.isfinite(tensor)):
        raise ValueError(f"{message}: a value is not finite.")
    return tensor


set_log_device_placement = enable_check_numerics = disable_check_numerics = no_op
__getattr__, __dir__ = attributes("debugging", {}, {})
