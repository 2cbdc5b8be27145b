"""The ``conftest`` that tests of Keras import from."""

from collections.abc import Callable
from typing import Any

import pytest


def skip_if_backend(backend: str, reason: str) -> Callable[[Any], Any]:
    """Leave a test out where another backend is at work; fastrnn is none of them."""
    return pytest.mark.skipif(False, reason=reason)
