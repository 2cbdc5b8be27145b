"""Global settings: the default float type and the engine that computes recurrent layers.

Environment variables, read once at import:

- ``FASTRNN_ENGINE``: ``auto`` (default), ``reference`` or ``blas``.
"""

from __future__ import annotations

import os

from fastrnn import errors

FLOAT_TYPES = ("float32", "float64")
ENGINES = ("auto", "reference", "blas")

_floatx = "float32"
_epsilon = 1e-7
_engine = "auto"


def floatx() -> str:
    """Return the default float type of layers, ``"float32"`` unless changed.

    >>> import fastrnn
    >>> fastrnn.config.floatx()
    'float32'
    """
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float type of layers that are made from now on.

    Args:
        value: ``"float32"`` or ``"float64"``.

    Raises:
        ValueError: ``value`` is another type.
    """
    global _floatx
    _floatx = standard_float_type("value", value)


def standard_float_type(argument: str, value: object) -> str:
    """Return ``value`` as ``"float32"`` or ``"float64"``, or raise ``ValueError``."""
    name = getattr(value, "name", None) or getattr(value, "__name__", value)
    if name not in FLOAT_TYPES:
        raise ValueError(errors.not_one_of(argument, value, FLOAT_TYPES))
    return str(name)


def epsilon() -> float:
    """Return the fuzz factor that guards divisions and logarithms, ``1e-7`` unless changed."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the fuzz factor that losses and metrics use from now on."""
    global _epsilon
    _epsilon = float(value)


def engine() -> str:
    """Return the engine in force: ``"auto"``, or the one that was forced."""
    return _engine


def set_engine(name: str) -> None:
    """Choose the engine that computes recurrent layers.

    Args:
        name: ``"auto"`` lets each call use the fastest engine that can compute it.
            ``"reference"`` and ``"blas"`` force one; a call that the forced engine cannot
            compute then raises ``ValueError`` instead of falling back.

    Raises:
        ValueError: no engine has this name.
    """
    global _engine
    if name not in ENGINES:
        raise ValueError(errors.not_one_of("name", name, ENGINES))
    _engine = name


if "FASTRNN_ENGINE" in os.environ:
    set_engine(os.environ["FASTRNN_ENGINE"])
