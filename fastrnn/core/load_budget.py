"""Load budget: what layers may make for a file, which is no more than the file is worth.

Whoever builds a model from a file does it ``within`` a budget, which every layer asks before it
makes weights or states, so that a small file cannot ask for large arrays.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator, Sequence

# The states that stateful layers keep are as large as the batch, and a file says its size only.
MOST_STATES = 1 << 22


class RefusedConfig(ValueError):
    """A description was refused.

    Args:
        reason: the rule that it breaks, a short fixed code.
        message: what was found, and what is expected.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class _Budget:
    """The numbers that all layers of one model may have, while it is built from a file."""

    def __init__(self, scalars: int) -> None:
        self.scalars_left, self.states_left = scalars, MOST_STATES


class _Scope(threading.local):
    """The budget in force: constructors make weights too, and take no budget as an argument."""

    budget: _Budget | None = None


_scope = _Scope()


@contextlib.contextmanager
def within(scalars: int) -> Iterator[None]:
    """Let all layers that are made and built inside be those of one file.

    Args:
        scalars: how many numbers the file has for the weights.

    >>> with within(20):
    ...     take_weight((4, 5), "kernel")
    ...     take_weight((1,), "bias")
    Traceback (most recent call last):
    fastrnn.core.load_budget.RefusedConfig: The weights of the described model, 'bias' of shape \
(1,) among them, have more numbers than the file.
    """
    before = _scope.budget
    _scope.budget = _Budget(scalars)
    try:
        yield
    finally:
        _scope.budget = before


def take_weight(shape: Sequence[int], name: str) -> bool:
    """Take the numbers of a weight; return whether a file has its values.

    Raises:
        RefusedConfig: the weights need more numbers than the file has.
    """
    budget = _scope.budget
    if budget is None:
        return False
    budget.scalars_left -= math.prod(shape)
    if budget.scalars_left < 0:
        message = (
            f"The weights of the described model, {name!r} of shape {tuple(shape)} among them, "
            "have more numbers than the file."
        )
        raise RefusedConfig("size_mismatch", message)
    return True


def take_states(numbers: int) -> None:
    """Take the numbers of states that a layer will keep, if it is built from a file.

    Raises:
        RefusedConfig: all kept states together have too many.
    """
    budget = _scope.budget
    if budget is None:
        return
    budget.states_left -= numbers
    if budget.states_left < 0:
        message = f"The states that stateful layers keep have more than {MOST_STATES} numbers."
        raise RefusedConfig("kept_states", message)
