"""Load budget: what layers may make for a file, which is no more than the file is worth.

Whoever builds a model from a file hands one budget to every layer that the description makes, so
that a small file cannot ask for large arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

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


class LoadBudget:
    """The numbers that all layers of one model may have, while it is built from a file.

    Args:
        scalars: how many numbers the file has for the weights.

    >>> budget = LoadBudget(20)
    >>> budget.take_weight((4, 5), "kernel")
    >>> budget.take_weight((1,), "bias")
    Traceback (most recent call last):
    fastrnn.core.load_budget.RefusedConfig: The weights of the described model, 'bias' of shape \
(1,) among them, have more numbers than the file.
    """

    def __init__(self, scalars: int) -> None:
        self._scalars_left, self._states_left = scalars, MOST_STATES

    def take_weight(self, shape: Sequence[int], name: str) -> None:
        """Take the numbers of a weight.

        Raises:
            RefusedConfig: the weights need more numbers than the file has.
        """
        self._scalars_left -= math.prod(shape)
        if self._scalars_left < 0:
            message = (
                f"The weights of the described model, {name!r} of shape {tuple(shape)} among them, "
                "have more numbers than the file."
            )
            raise RefusedConfig("size_mismatch", message)

    def take_states(self, numbers: int) -> None:
        """Take the numbers of kept states.

        Raises:
            RefusedConfig: all kept states together have too many.
        """
        self._states_left -= numbers
        if self._states_left < 0:
            message = f"The states that stateful layers keep have more than {MOST_STATES} numbers."
            raise RefusedConfig("kept_states", message)
