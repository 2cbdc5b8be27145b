"""Benchmark fixtures: the peak to measure against."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.linalg.blas import sgemm


def measure_sgemm_peak(size: int = 2048, repeats: int = 10) -> float:
    """Return the GFLOP/s of the best of several large float32 matrix products."""
    a = np.asfortranarray(np.random.default_rng(0).random((size, size), dtype=np.float32))
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        sgemm(1.0, a, a)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


@pytest.fixture(scope="session")
def sgemm_peak() -> float:
    """GFLOP/s that BLAS reaches here on a large product: the bound for the blas engine."""
    return measure_sgemm_peak()
