"""What is printed where, at Keras's path."""

from __future__ import annotations

import logging

from fastrnn.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)

__all__ = [
    "disable_interactive_logging",
    "enable_interactive_logging",
    "is_interactive_logging_enabled",
    "print_msg",
]


def print_msg(message: object, line_break: bool = True) -> None:
    """Print a message, or log it where interactive logging is off.

    >>> print_msg("trained")
    trained
    """
    if is_interactive_logging_enabled():
        print(message, end="\n" if line_break else "", flush=True)
    else:
        logging.getLogger("fastrnn").info(str(message))
