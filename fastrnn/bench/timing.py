"""Times of fastrnn's own cases, after a check of what they compute."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastrnn.bench.cases import (
    LEARNING_RATE,
    Array,
    Case,
    build_model,
    random_batch,
    random_weights,
)

LEAST_RUNS = 5


@contextmanager
def engine_in_force(name: str) -> Iterator[None]:
    """Force an engine in a ``with`` block."""
    from fastrnn import config

    before = config.engine()
    config.set_engine(name)
    try:
        yield
    finally:
        config.set_engine(before)


def expected_results(case: Case) -> dict[str, list[Array]]:
    """Return what the reference engine computes in float64.

    The last outputs (``"forward"``), and the gradient of every weight in the first training step
    (``"training"``; empty for a single step).
    """
    import fastrnn

    x, y = (array.astype(np.float64) for array in random_batch(case))
    with engine_in_force("reference"):
        model = build_model(fastrnn, case, dtype="float64")
        model.set_weights(random_weights(case))
        results = {"forward": [np.asarray(model.layers[0](x))], "training": []}
        if "training" in case.work:
            before = model.get_weights()
            model.train_on_batch(x, y)
            results["training"] = gradients(before, model.get_weights())
    return results


def gradients(before: Sequence[Array], after: Sequence[Array]) -> list[Array]:
    """Return the gradients that one step of SGD has used."""
    return [
        (old.astype(np.float64) - new) / LEARNING_RATE
        for old, new in zip(before, after, strict=True)
    ]


def check_outputs(outputs: Array, expected: Sequence[Array]) -> None:
    """Raise ``ValueError`` if the outputs are not those expected."""
    _check("outputs", outputs, expected[0], tolerance=1e-4)


def check_training(
    before: Sequence[Array], after: Sequence[Array], expected: Sequence[Array]
) -> None:
    """Raise ``ValueError`` if a step of SGD has not used the gradients expected."""
    for index, found in enumerate(gradients(before, after)):
        # A gradient that is read off float32 weights bears their rounding.
        rounding = np.spacing(np.abs(before[index]).max()) / LEARNING_RATE
        tolerance = 1e-3 * float(np.abs(expected[index]).max()) + float(rounding)
        _check(f"gradient of weight {index}", found, expected[index], tolerance)


def _check(what: str, found: Array, expected: Array, tolerance: float) -> None:
    if found.shape != expected.shape:
        raise ValueError(f"{what}: shape {found.shape} instead of {expected.shape}")
    error = float(np.abs(found - expected).max())
    if not error <= tolerance:  # NaN is no pass
        raise ValueError(f"{what}: off by {error:.2g}, more than {tolerance:.2g}")


def checked_calls(case: Case) -> dict[str, Callable[[], Any]]:
    """Return fastrnn's calls for each work of ``case``, their results compared.

    Raises:
        ValueError: a result is not the reference engine's.
    """
    import fastrnn

    expected = expected_results(case)
    model = build_model(fastrnn, case)
    weights = random_weights(case)
    model.set_weights(weights)
    layer = model.layers[0]
    x, y = random_batch(case)
    try:
        check_outputs(np.asarray(layer(x)), expected["forward"])
        if "training" in case.work:
            model.train_on_batch(x, y)
            check_training(weights, model.get_weights(), expected["training"])
    except ValueError as error:
        raise ValueError(f"{case.id}, wrong results: {error}") from error
    calls = {"forward": lambda: layer(x), "training": lambda: model.train_on_batch(x, y)}
    return {work: calls[work] for work in case.work}


def times_of(call: Callable[[], Any], seconds: float, least: int = LEAST_RUNS) -> list[float]:
    """Return the seconds of each of many calls, for about ``seconds`` in all."""
    call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def percentile(times: Sequence[float], percent: float) -> float:
    """Return the time that ``percent`` % of the times do not exceed."""
    return sorted(times)[max(0, math.ceil(percent / 100 * len(times)) - 1)]
