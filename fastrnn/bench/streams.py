"""Times of single steps of streams, after a check of what they compute.

A step is called from Python, and timed with the call. Its speed is also told as other libraries for
sound tell theirs: how many times faster than real time a step for each sample at 48 kHz is.
"""

from __future__ import annotations

import functools
import statistics
from typing import Any

import numpy as np

from fastrnn.bench.cases import Array, Case, build_layer, random_weights
from fastrnn.bench.timing import engine_in_force, percentile, times_of

SAMPLES_PER_SECOND = 48000
CHECKED_STEPS = 50
# Of a step that a second thread of the stream takes part in.
SHARED_FLOP = 2**19
CASES = (
    Case("LSTM", 1, 1, 16, 32),
    Case("LSTM", 1, 1, 32, 32),
    Case("GRU", 1, 1, 16, 64),
    Case("GRU", 1, 1, 64, 64),
    Case("LSTM", 1, 1, 16, 256),
    Case("LSTM", 1, 1, 64, 256),
)


def select(text: str | None) -> list[Case]:
    """Return the cases whose name contains ``text``.

    Raises:
        ValueError: there are none.
    """
    found = [case for case in CASES if (text or "").lower() in case.id.lower()]
    if not found:
        names = ", ".join(case.id for case in CASES)
        raise ValueError(f"no case has {text!r} in its name; the cases are {names}")
    return found


def thread_counts(case: Case, most: int) -> list[int]:
    """Return the numbers of threads to measure: also two where they change anything."""
    return [1, 2] if most > 1 and case.forward_flop >= SHARED_FLOP else [1]


def layer_of(case: Case, dtype: str = "float32") -> Any:
    """Return the recurrent layer of ``case``, with its weights."""
    import fastrnn

    layer = build_layer(fastrnn, case, dtype)
    layer.build((None, None, case.features))
    layer.set_weights(random_weights(case)[:-2])
    return layer


def steps_of(case: Case) -> Array:
    """Return inputs of the steps that are checked, (steps, 1, features), float32."""
    shape = (CHECKED_STEPS, case.batch, case.features)
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def expected_outputs(case: Case) -> Array:
    """Return what the reference engine computes in float64 at each step."""
    with engine_in_force("reference"):
        stream = layer_of(case, "float64").stream()
        return np.stack([stream(x) for x in steps_of(case)])


def check(case: Case, outputs: Array) -> None:
    """Raise ``ValueError`` if the outputs are not those expected."""
    error = float(np.abs(outputs - expected_outputs(case)).max())
    if not error <= 1e-4:  # NaN is no pass
        raise ValueError(f"{case.id}, wrong results: off by {error:.2g}")


def measure(case: Case, seconds: float, threads: int) -> dict[str, Any]:
    """Return the row of a case; times in microseconds."""
    stream = layer_of(case).stream(threads=threads)
    check(case, np.stack([stream(x) for x in steps_of(case)]))
    x, out = steps_of(case)[0], np.empty((case.batch, case.units), np.float32)
    return row("fastrnn", case, times_of(functools.partial(stream, x, out), seconds), threads)


def row(library: str, case: Case, times: list[float], threads: int = 1) -> dict[str, Any]:
    """Return what is printed of the times of a case, in seconds."""
    median = statistics.median(times)
    return {
        "library": library,
        "case": case.id,
        "threads": threads,
        "steps": len(times),
        "p50_us": median * 1e6,
        "p99_us": percentile(times, 99) * 1e6,
        "real_time_factor": 1 / (SAMPLES_PER_SECOND * median),
    }


def print_rows(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    print(f"{'case':20} {'library':14} {'threads':>7} {'us (p50)':>9} {'us (p99)':>9}  at 48 kHz")
    for entry in rows:
        last = "" if entry["p99_us"] is None else f"{entry['p99_us']:.2f}"
        print(
            f"{entry['case']:20} {entry['library']:14} {entry['threads']:7}"
            f" {entry['p50_us']:9.2f} {last:>9}"
            f"  {entry['real_time_factor']:.1f}x real time"
        )
