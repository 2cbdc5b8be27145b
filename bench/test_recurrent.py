"""Time and GFLOP/s of forward passes and training steps: ``pytest bench --benchmark-only``.

Every case is compared with the reference engine before it is timed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from models import build_model, random_batch
from shapes import SHAPES, Shape

import fastrnn

pytest.importorskip("pytest_benchmark")


@pytest.fixture(params=["blas"])
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Force an engine, so that a lost fast path is an error and not a slow figure."""
    before = fastrnn.config.engine()
    fastrnn.config.set_engine(request.param)
    yield request.param
    fastrnn.config.set_engine(before)


def reference_outputs(model: fastrnn.Sequential, x: np.ndarray) -> np.ndarray:
    before = fastrnn.config.engine()
    fastrnn.config.set_engine("reference")
    try:
        return model(x)
    finally:
        fastrnn.config.set_engine(before)


def report(benchmark, flop: int, peak: float) -> None:
    rate = flop / benchmark.stats.stats.median / 1e9
    benchmark.extra_info["GFLOP/s"] = round(rate, 1)
    benchmark.extra_info["share of sgemm peak"] = round(rate / peak, 3)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.id)
def test_forward(benchmark, engine: str, shape: Shape, sgemm_peak: float) -> None:
    model = build_model(fastrnn, shape)
    x, _ = random_batch(shape)
    np.testing.assert_allclose(model(x), reference_outputs(model, x), rtol=1e-4, atol=1e-5)
    benchmark(model, x)
    report(benchmark, shape.forward_flop, sgemm_peak)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.id)
def test_training_step(benchmark, engine: str, shape: Shape, sgemm_peak: float) -> None:
    model = build_model(fastrnn, shape)
    x, y = random_batch(shape)
    np.testing.assert_allclose(model(x), reference_outputs(model, x), rtol=1e-4, atol=1e-5)
    benchmark(model.train_on_batch, x, y)
    report(benchmark, shape.training_flop, sgemm_peak)
