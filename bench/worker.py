"""The process of one library: it prepares a case when asked, and times it when it is its turn."""

from __future__ import annotations

import importlib
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from peers import MODULES, Unsupported, Work

from fastrnn.bench.cases import Case, random_batch, random_weights
from fastrnn.bench.timing import check_outputs, check_training

WARM_UP_RUNS = 2


def serve(connection: Connection, peer: str, options: dict[str, Any]) -> None:
    """Answer requests until ``None`` comes. Between them the process waits in the kernel.

    Requests are ``("prepare", case, expected results)`` and ``("time", work, seconds)``; answers
    are ``("done", value)``, ``("missing", text)`` or ``("error", text)``.
    """
    try:
        adapter = importlib.import_module(MODULES[peer])
        connection.send(("done", adapter.start(**options)))
    except ImportError as error:
        connection.send(("missing", str(error)))
        return
    calls: dict[str, Callable[[], Any]] = {}
    while (request := connection.recv()) is not None:
        try:
            kind, *arguments = request
            if kind == "prepare":
                calls = {}  # free what the last case held
                calls = prepare(adapter, *arguments)
                connection.send(("done", {work: estimate(call) for work, call in calls.items()}))
            else:
                work, seconds = arguments
                connection.send(("done", times_of_turn(calls[work], seconds)))
        except Unsupported as reason:
            connection.send(("missing", str(reason)))
        except Exception:
            connection.send(("error", traceback.format_exc()))


def prepare(adapter: Any, case: Case, expected: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return the fastest call for each work, after a check of every way."""
    weights = random_weights(case)
    x, y = random_batch(case)
    work: Work = adapter.prepare(case, [w.copy() for w in weights], x, y)
    for way in work.forward:
        check_outputs(work.read(way()), expected["forward"])
    calls = {"forward": min(work.forward, key=estimate)}
    if "training" in case.work and work.training:
        for way in work.training:
            way.step()
            check_training(weights, way.weights(), expected["training"])
        calls["training"] = min((way.step for way in work.training), key=estimate)
    return calls


def estimate(call: Callable[[], Any], runs: int = 3) -> float:
    """Return the best seconds of a few warm runs."""
    for _ in range(WARM_UP_RUNS):
        call()
    return min(timed(call) for _ in range(runs))


def timed(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def times_of_turn(call: Callable[[], Any], seconds: float) -> list[float]:
    """Return the seconds of each run in a turn; the other processes have had the caches."""
    call()
    times = [timed(call)]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        times.append(timed(call))
    return times
