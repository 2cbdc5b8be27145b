"""Benchmark fixtures: the peak to measure against."""

from __future__ import annotations

import pytest

import fastrnn
from fastrnn.bench.machine import fma_peak as measure_fma_peak


@pytest.fixture(scope="session")
def fma_peak() -> float:
    """GFLOP/s of multiply-adds in registers, on as many threads as the engines use."""
    return measure_fma_peak(fastrnn.config.num_threads())
