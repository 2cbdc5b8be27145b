"""Compare fastrnn with Keras on this machine: ``python bench/compare.py``.

Needs an installed Keras with its backend (``KERAS_BACKEND``, TensorFlow by default). Same weights,
same batches; results are compared before anything is timed. The two take turns, call by call, and
the ratio of the medians is what counts. Cases that fastrnn loses are shown like the others.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from models import build_model, random_batch
from shapes import SHAPES, Shape

import fastrnn


def interleaved_medians(
    calls: dict[str, Callable[[], Any]], seconds: float, least: int = 20
) -> dict[str, float]:
    """Return the median seconds of each call, the calls taking turns for about ``seconds``."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(3):
            call()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(times.values()))) < least:
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def forward_calls(ours: Any, theirs: Any, x: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return calls of both models on one batch, after comparing their outputs."""
    np.testing.assert_allclose(
        ours.predict_on_batch(x), theirs.predict_on_batch(x), rtol=1e-3, atol=1e-4
    )
    return {
        "fastrnn": lambda: ours.predict_on_batch(x),
        "keras": lambda: theirs.predict_on_batch(x),
    }


def training_calls(
    ours: Any, theirs: Any, x: np.ndarray, y: np.ndarray
) -> dict[str, Callable[[], Any]]:
    """Return training steps of both models on one batch, after comparing the weights of one."""
    ours.train_on_batch(x, y)
    theirs.train_on_batch(x, y)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-3, atol=1e-4)
    return {
        "fastrnn": lambda: ours.train_on_batch(x, y),
        "keras": lambda: theirs.train_on_batch(x, y),
    }


def measure(keras: Any, shape: Shape, seconds: float) -> list[dict[str, Any]]:
    """Return one row for the forward pass and one for the training step."""
    theirs, ours = build_model(keras, shape), build_model(fastrnn, shape)
    ours.set_weights(theirs.get_weights())
    x, y = random_batch(shape)
    work = {
        "forward": (lambda: forward_calls(ours, theirs, x), shape.forward_flop),
        "training step": (lambda: training_calls(ours, theirs, x, y), shape.training_flop),
    }
    rows = []
    for name, (prepare, flop) in work.items():
        medians = interleaved_medians(prepare(), seconds)
        rows.append(
            {
                "case": shape.id,
                "work": name,
                "fastrnn_ms": medians["fastrnn"] * 1e3,
                "keras_ms": medians["keras"] * 1e3,
                "ratio": medians["keras"] / medians["fastrnn"],
                "fastrnn_gflops": flop / medians["fastrnn"] / 1e9,
            }
        )
    return rows


def main() -> int:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--seconds", type=float, default=3.0, help="time for each row")
    arguments = parser.parse_args()
    import keras

    rows = [row for shape in SHAPES for row in measure(keras, shape, arguments.seconds)]
    if arguments.json:
        print(json.dumps({"backend": keras.backend.backend(), "rows": rows}, indent=1))
        return 0
    print(f"Keras {keras.__version__} on {keras.backend.backend()}; milliseconds, medians")
    print(f"{'case':34} {'work':14} {'fastrnn':>9} {'keras':>9} {'ratio':>7} {'GFLOP/s':>8}")
    for row in rows:
        print(
            f"{row['case']:34} {row['work']:14} {row['fastrnn_ms']:9.3f} {row['keras_ms']:9.3f}"
            f" {row['ratio']:6.1f}x {row['fastrnn_gflops']:8.0f}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
