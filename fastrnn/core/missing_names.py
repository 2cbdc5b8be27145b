"""Names of Keras and TensorFlow that a program asked for and that are not there.

They are kept for ``fastrnn run``, which says at a program's end what it lacked: many programs catch
the error of an import and go on without.
"""

from __future__ import annotations

_noted: dict[str, None] = {}


def note(name: str) -> None:
    """Keep ``name``, the path that was asked for, e.g. ``"keras.layers.Conv2D"``."""
    _noted[name] = None


def noted() -> list[str]:
    """Return the names kept so far, each once, in the order in which they were asked for."""
    return list(_noted)


def forget() -> None:
    """Forget the names kept so far."""
    _noted.clear()
