"""Warnings that point at the user's own line."""

from __future__ import annotations

import sys
import warnings
from types import FrameType


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, in the name of the first line on the way here that is not fastrnn's."""
    frame, depth = sys._getframe(1), 2
    while frame.f_back and (_is_own(frame) or _is_of_an_import(frame)):
        frame = frame.f_back
        # `warnings` does not count these frames.
        depth += "_bootstrap" not in frame.f_code.co_filename
    warnings.warn(message, category, stacklevel=depth)


def _is_own(frame: FrameType) -> bool:
    return f"{frame.f_globals.get('__name__')}.".startswith("fastrnn.")


def _is_of_an_import(frame: FrameType) -> bool:
    return f"{frame.f_globals.get('__name__')}.".startswith(("importlib.", "_frozen_importlib"))


def deprecated(old: str, new: str) -> None:
    """Warn that a form of Keras 1 or 2 was taken, and name today's.

    Args:
        old: the form as the user wrote it, in code: ``"Dense(output_dim=…)"``.
        new: today's form, likewise.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     deprecated("Dense(output_dim=…)", "Dense(units=…)")
    >>> print(caught[0].message)
    `Dense(output_dim=…)` is a form of an earlier Keras. Today's is `Dense(units=…)`.
    """
    message = f"`{old}` is a form of an earlier Keras. Today's is `{new}`."
    warn(message, DeprecationWarning)
