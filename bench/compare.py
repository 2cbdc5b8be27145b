"""Compare fastrnn with every library that is installed here: ``python bench/compare.py``.

The same weights and batches for all. Each library's results are compared with the reference engine
in float64 before it is timed. A library whose results differ is named and not timed in that case;
if it is fastrnn, the comparison ends. Each library runs in a process of its own; they take turns,
and the ratio of the medians is what counts. Cases that fastrnn loses are shown like the others.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

from peers import MODULES
from worker import serve

from fastrnn.bench.cases import Case, select
from fastrnn.bench.machine import fma_peak
from fastrnn.bench.timing import expected_results, percentile
from fastrnn.config import ENGINES, default_num_threads

TURNS = 10
# Pools spin for a while before they sleep: the next one shall not feel it.
SECONDS_BETWEEN_TURNS = 0.02


class WrongResult(Exception):
    """A library's result is not the reference engine's, or it has failed."""


class Peer:
    """A library in its process, seen from here."""

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self.name = name
        self._connection, theirs = context.Pipe()
        arguments = (theirs, name, options)
        self._process = context.Process(target=serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        self.version = self.receive("start")

    def ask(self, *request: Any) -> Any:
        """Send a request and return the answer; ``None`` if the library has no such thing."""
        self._connection.send(request)
        subject = getattr(request[1], "id", request[1])
        return self.receive(f"{request[0]} {subject}")

    def receive(self, subject: str) -> Any:
        try:
            state, value = self._connection.recv()
        except EOFError:
            state, value = "error", "its process has ended"
        if state == "error":
            raise WrongResult(f"{self.name}, {subject}: {value}")
        return None if state == "missing" else value

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.send(None)
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.kill()


def set_environment(threads: int) -> None:
    """Prepare the environment of the processes to come."""
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)


@contextlib.contextmanager
def started_peers(names: list[str], threads: int, engine: str) -> Iterator[list[Peer]]:
    """Start the libraries that are installed, fastrnn first."""
    peers: list[Peer] = []
    try:
        for name in names:
            options = {"threads": threads} | ({"engine": engine} if name == "fastrnn" else {})
            peer = Peer(name, options)
            peers.append(peer)
            if peer.version is None:
                print(f"{name} is not installed", file=sys.stderr)
                peers.remove(peer)
                peer.close()
        yield peers
    finally:
        for peer in peers:
            peer.close()


def compare(peers: list[Peer], case: Case, seconds: float) -> list[dict[str, Any]]:
    """Return one row for each work of ``case``; times in milliseconds."""
    expected = expected_results(case)
    able = {peer: prepare(peer, case, expected) for peer in peers}
    rows = []
    for work, flop in case.work.items():
        times = take_turns([peer for peer in peers if work in able[peer]], work, seconds)
        rows.append(row_of(case, work, flop, times))
    return rows


def prepare(peer: Peer, case: Case, expected: dict[str, Any]) -> dict[str, float]:
    """Return what ``peer`` can be timed at in this case; nothing if its results are wrong."""
    try:
        return peer.ask("prepare", case, expected) or {}
    except WrongResult as error:
        if peer.name == "fastrnn":
            raise
        print(str(error).splitlines()[-1], f"({peer.name}, {case.id}: left out)", file=sys.stderr)
        return {}


def take_turns(peers: list[Peer], work: str, seconds: float) -> dict[str, list[float]]:
    """Return the times of each library, ``seconds`` of work for each in ``TURNS`` turns."""
    times: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for _ in range(TURNS):
        for peer in peers:
            times[peer.name] += peer.ask("time", work, seconds / TURNS)
            time.sleep(SECONDS_BETWEEN_TURNS)
    return times


def row_of(case: Case, work: str, flop: int, times: dict[str, list[float]]) -> dict[str, Any]:
    """Return the figures of one case and work."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    others = {name: value for name, value in medians.items() if name != "fastrnn"}
    best = min(others, key=others.__getitem__, default=None)
    return {
        "case": case.id,
        "work": work,
        "ms": {name: value * 1e3 for name, value in medians.items()},
        "p99_ms": {name: percentile(values, 99) * 1e3 for name, values in times.items()},
        "best_peer": best,
        "ratio": others[best] / medians["fastrnn"] if best else None,
        "gflops": flop / medians["fastrnn"] / 1e9,
    }


def print_row(row: dict[str, Any], names: list[str]) -> None:
    """Print a line of the table."""
    cells = [f"{row['ms'][name]:11.4f}" if name in row["ms"] else f"{'-':>11}" for name in names]
    lost = "  LOST" if row["ratio"] is not None and row["ratio"] < 1 else ""
    ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2f}x"
    print(
        f"{row['case']:32} {row['work']:8} {' '.join(cells)}  {row['best_peer'] or '-':11}"
        f" {ratio:>7} {row['share_of_peak']:7.1%}{lost}",
        flush=True,
    )


def print_summary(rows: list[dict[str, Any]]) -> None:
    """Print the mean and the least ratio for each work, and what is lost."""
    for work in ("forward", "training"):
        ratios = [row["ratio"] for row in rows if row["work"] == work and row["ratio"]]
        if ratios:
            mean = math.exp(statistics.fmean(map(math.log, ratios)))
            lost = sum(ratio < 1 for ratio in ratios)
            print(
                f"{work}: {mean:.2f}x the best peer (geometric mean of {len(ratios)}),"
                f" least {min(ratios):.2f}x, lost {lost}"
            )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="time for each library and row (default: 2)"
    )
    parser.add_argument("--case", metavar="TEXT", help="only cases with TEXT in their name")
    parser.add_argument("--more", action="store_true", help="more cases: odd, large and long ones")
    parser.add_argument(
        "--threads", type=int, default=default_num_threads(), help="threads of each library"
    )
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="fastrnn's engine")
    parser.add_argument(
        "--peer",
        action="append",
        choices=list(MODULES)[1:],
        help="only this library; may be given more than once",
    )
    return parser.parse_args()


def main() -> int:
    """Print the table, or JSON."""
    arguments = parse_arguments()
    try:
        cases = select(arguments.case, arguments.more)
    except ValueError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 1
    set_environment(arguments.threads)
    peak = fma_peak(arguments.threads)
    names = ["fastrnn", *(arguments.peer or list(MODULES)[1:])]
    rows = []
    try:
        with started_peers(names, arguments.threads, arguments.engine) as peers:
            versions = {peer.name: peer.version for peer in peers}
            if not arguments.json:
                print_head(versions, arguments, peak)
            for case in cases:
                for row in compare(peers, case, arguments.seconds):
                    row["share_of_peak"] = row["gflops"] / peak
                    rows.append(row)
                    if not arguments.json:
                        print_row(row, list(versions))
    except WrongResult as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        settings = {"threads": arguments.threads, "engine": arguments.engine, "fma_gflops": peak}
        print(json.dumps({**settings, "versions": versions, "rows": rows}, indent=1))
    else:
        print_summary(rows)
    return 0


def print_head(versions: dict[str, str], arguments: argparse.Namespace, peak: float) -> None:
    """Print what is compared, and the head of the table."""
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    print(
        f"float32, {arguments.threads} threads, engine {arguments.engine},"
        f" FMA peak {peak:.0f} GFLOP/s; milliseconds, medians\n"
    )
    names = " ".join(f"{name:>11}" for name in versions)
    print(
        f"{'case':32} {'work':8} {names}  {'best peer':11} {'ratio':>7} {'of peak':>7}", flush=True
    )


if __name__ == "__main__":
    raise SystemExit(main())
