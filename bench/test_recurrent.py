"""Time and GFLOP/s of forward passes and training steps: ``pytest bench --benchmark-only``.

Every case is compared with the reference engine in float64 before it is timed.
"""

from __future__ import annotations

import pytest

from fastrnn.bench.cases import CASES, Case
from fastrnn.bench.timing import checked_calls, engine_in_force

pytest.importorskip("pytest_benchmark")

WORK = [(case, work) for case in CASES for work in case.work]


@pytest.mark.parametrize("engine", ["blas", "fused"])
@pytest.mark.parametrize(("case", "work"), WORK, ids=lambda value: getattr(value, "id", value))
def test_speed(benchmark, engine: str, case: Case, work: str, fma_peak: float) -> None:
    # Forced, so that a lost fast path is an error and not a slow figure.
    with engine_in_force(engine):
        call = checked_calls(case)[work]
        benchmark(call)
    if benchmark.stats is None:  # --benchmark-disable
        return
    speed = case.work[work] / benchmark.stats.stats.median / 1e9
    benchmark.extra_info["GFLOP/s"] = round(speed, 1)
    benchmark.extra_info["share of FMA peak"] = round(speed / fma_peak, 3)
