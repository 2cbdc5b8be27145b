"""The ``conftest`` that tests of Keras import from."""

from collections.abc import Callable
from typing import Any


def skip_if_backend(backend: str, reason: str) -> Callable[[Any], Any]:
    """Return the test as it is: fastrnn is none of the backends that Keras leaves one out for."""
    return lambda test: test
