"""Device: the place that a script names for its computations."""

from __future__ import annotations

from contextlib import nullcontext

from fastrnn.core.user_warnings import warn


def device(device_name: str | None) -> nullcontext[None]:
    """Compute what is inside on the CPU, whatever the script names.

    Args:
        device_name: such as ``"cpu:0"``; one that is no CPU warns.

    >>> import fastrnn
    >>> with fastrnn.device("cpu:0"):
    ...     layer = fastrnn.layers.Dense(2)
    """
    if device_name is not None and "cpu" not in device_name.lower():
        warn(f"fastrnn computes on the CPU; there is no {device_name!r}.")
    return nullcontext()
