"""What all tests share: live Keras on the torch backend, BLAS in one thread, numbers of their own.

The products of the tests are small: threads of BLAS do not make them faster, and on a busy machine
they wait for each other many times as long as the product takes.
"""

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def numbers_of_its_own(request, monkeypatch):
    """Start a module's ``RNG`` anew: a test draws the same numbers alone and in any order."""
    if hasattr(request.module, "RNG"):
        import numpy as np

        monkeypatch.setattr(request.module, "RNG", np.random.default_rng(0))
