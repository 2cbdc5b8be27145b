"""Gradients scaled down or cut off, by one of three rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastrnn.core.checks import to_number

Array = npt.NDArray[Any]


class Clipping:
    """The rule that was given, if any: see ``Optimizer``.

    Raises:
        ValueError: a limit is not above 0, or more than one is given.
    """

    def __init__(
        self, clipnorm: float | None, clipvalue: float | None, global_clipnorm: float | None
    ) -> None:
        limits = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = {argument: limit for argument, limit in limits.items() if limit is not None}
        for argument, limit in given.items():
            to_number(argument, limit, 0, exclusive=True)
        if len(given) > 1:
            received = ", ".join(f"{argument}={limit!r}" for argument, limit in given.items())
            raise ValueError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be given. "
                f"Received: {received}."
            )
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm

    def __call__(self, gradients: Sequence[Array]) -> Sequence[Array]:
        """Return the gradients clipped, new arrays if they differ."""
        if self.clipnorm is not None:
            return [g * _shrink(norm([g]), self.clipnorm) for g in gradients]
        if self.global_clipnorm is not None:
            factor = _shrink(norm(gradients), self.global_clipnorm)
            return [g * factor for g in gradients]
        if self.clipvalue is not None:
            return [np.clip(g, -self.clipvalue, self.clipvalue) for g in gradients]
        return gradients


def norm(arrays: Sequence[Array]) -> float:
    """Return the norm of all arrays together."""
    return float(np.sqrt(sum(float(np.vdot(a, a)) for a in arrays)))


def _shrink(length: float, most: float) -> float:
    return most / length if length > most else (1.0 if np.isfinite(length) else float("nan"))
