"""This machine's limits: multiply-adds in registers, and copies in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

COPY_BYTES = 1 << 27  # well beyond any cache


def run_together(threads: int, work: Callable[[int], Any]) -> float:
    """Return the seconds that ``threads`` calls of ``work`` take side by side."""
    barrier = threading.Barrier(threads + 1)

    def run(index: int) -> None:
        barrier.wait()
        work(index)

    workers = [threading.Thread(target=run, args=(index,)) for index in range(threads)]
    for worker in workers:
        worker.start()
    barrier.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    return time.perf_counter() - start


def fma_peak(threads: int, seconds: float = 0.5, dtype: str = "float32") -> float:
    """Return the GFLOP/s of multiply-adds in registers alone, the best of several runs."""
    from fastrnn.engines.dispatch import fma_loop

    turns, start = 1000, time.perf_counter()
    operations = fma_loop(dtype, turns)
    # So many turns that one run takes about a fifth of the time, and no less than 5 ms.
    while time.perf_counter() - start < max(seconds / 5, 0.005):
        turns, start = 2 * turns, time.perf_counter()
        operations = fma_loop(dtype, turns)
    best = float("inf")
    end = time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < end:
        best = min(best, run_together(threads, lambda _: fma_loop(dtype, turns)))
    return threads * operations / best / 1e9


def copy_bandwidth(threads: int, seconds: float = 0.5, size: int = COPY_BYTES) -> float:
    """Return the GB/s, read and written, of copies of a large array, the best of several."""
    source, target = np.ones(size, np.uint8), np.ones(size, np.uint8)
    parts = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))

    def copy(index: int) -> None:
        part, copied = parts[index]
        np.copyto(copied, part)  # without the GIL

    best = float("inf")
    end = time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < end:
        best = min(best, run_together(threads, copy))
    return 2 * size / best / 1e9
