"""Logging of TensorFlow, which scripts turn down: fastrnn does not log."""

from __future__ import annotations

import logging as python_logging
from types import SimpleNamespace

from fastrnn.compat.tensorflow.control import no_op


def get_logger() -> python_logging.Logger:
    """Return a logger to which nothing is written."""
    return python_logging.getLogger("tensorflow")


logging = SimpleNamespace(
    **{name: getattr(python_logging, name) for name in ("DEBUG", "INFO", "ERROR", "FATAL")},
    WARN=python_logging.WARNING,
    set_verbosity=no_op,
    get_verbosity=lambda: python_logging.WARNING,
    **{name: getattr(get_logger(), name) for name in ("debug", "info", "warning", "error")},
    warn=get_logger().warning,
)
autograph = SimpleNamespace(
    set_verbosity=no_op,
    experimental=SimpleNamespace(do_not_convert=lambda func=None, **options: func or (lambda f: f)),
)
