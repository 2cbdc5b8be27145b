"""Race two builds of fastrnn: ``python bench/race.py BASE_PYTHON NEW_PYTHON [--repeat N]``.

Each argument is the interpreter of an environment in which one build is installed. Every case of
``fastrnn bench --more``, forward and training, is timed in both; the two take turns, and each turn
begins with the other one. The ratio is that of the medians, base by new: above 1, the new build is
the faster. The exit code says whether the new build keeps pace: 1 if it does not.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from worker import estimate, times_of_turn

LEAST_MEAN, LEAST_RATIO = 0.98, 0.95
# Pools spin for a while before they sleep: the next one shall not feel it.
SECONDS_BETWEEN_TURNS = 0.02


class Build:
    """A build in a process of its own, which answers requests line by line."""

    def __init__(self, name: str, python: str, threads: int | None) -> None:
        self.name = name
        command = [python, __file__, "--serve"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.start: dict[str, Any] = self.ask("start", threads=threads)

    def ask(self, request: str, **arguments: Any) -> Any:
        """Send a request and return the answer; ``RuntimeError`` if there is none."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"request": request, **arguments}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} has ended at {request!r}: see above")
        return json.loads(answer)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


def serve() -> None:
    """Answer requests from the standard input until it ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what is printed meanwhile is no answer
    calls: dict[str, Callable[[], Any]] = {}
    for line in sys.stdin:
        arguments = json.loads(line)
        request = arguments.pop("request")
        if request == "start":
            answer: Any = start(**arguments)
        elif request == "prepare":
            calls.clear()  # free what the last case held
            calls.update(prepare(**arguments))
            answer = {work: estimate(call) for work, call in calls.items()}
        else:
            answer = times_of_turn(calls[arguments["work"]], arguments["seconds"])
        print(json.dumps(answer), file=answers, flush=True)


def start(threads: int | None) -> dict[str, Any]:
    """Return what this build is, and the names of its cases."""
    from peers import fastrnn_layers

    import fastrnn
    from fastrnn.bench.cases import select

    fastrnn_layers.start(threads or fastrnn.config.default_num_threads())
    return {
        "version": fastrnn.__version__,
        "folder": str(fastrnn.__path__[0]),
        "threads": fastrnn.config.num_threads(),
        "cases": [case.id for case in select(None, True)],
    }


def prepare(case: str) -> dict[str, Callable[[], Any]]:
    """Return the forward pass and the training step of a case."""
    from peers import fastrnn_layers

    from fastrnn.bench.cases import random_batch, random_weights, select

    (found,) = (one for one in select(None, True) if one.id == case)
    work = fastrnn_layers.prepare(found, random_weights(found), *random_batch(found))
    calls: dict[str, Callable[[], Any]] = {"forward": work.forward[0]}
    if "training" in found.work:
        calls["training"] = work.training[0].step
    return calls


@contextmanager
def builds(pythons: list[str], threads: int | None) -> Iterator[list[Build]]:
    """Start both builds; end them."""
    started: list[Build] = []
    try:
        for name, python in zip(("base", "new"), pythons, strict=True):
            started.append(Build(name, python, threads))
        yield started
    finally:
        for build in started:
            build.close()


def race(pair: list[Build], case: str, repeat: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Give a row for each work of a case; times are medians, in milliseconds."""
    able = [build.ask("prepare", case=case) for build in pair]
    for work in able[0]:
        times: dict[str, list[float]] = {build.name: [] for build in pair}
        for turn in range(repeat):
            for build in pair[:: -1 if turn % 2 else 1]:
                times[build.name] += build.ask("time", work=work, seconds=seconds / repeat)
                time.sleep(SECONDS_BETWEEN_TURNS)
        base, new = (statistics.median(values) * 1e3 for values in times.values())
        yield {"case": case, "work": work, "base_ms": base, "new_ms": new, "ratio": base / new}


def summary(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the geometric mean and the least of the ratios, of each work and of all."""
    kinds = {work: [row["ratio"] for row in rows if row["work"] == work] for work in works(rows)}
    kinds["all"] = [row["ratio"] for row in rows]
    return {
        kind: {
            "cases": len(ratios),
            "mean": math.exp(statistics.fmean(map(math.log, ratios))),
            "least": min(ratios),
        }
        for kind, ratios in kinds.items()
    }


def works(rows: list[dict[str, Any]]) -> list[str]:
    """Return the kinds of work, in the order in which they came."""
    return list(dict.fromkeys(row["work"] for row in rows))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("pythons", nargs=2, metavar="PYTHON", help="of the base and of the new")
    parser.add_argument("--repeat", type=int, default=10, help="turns of each (default: 10)")
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="time for each build and row (default: 2)"
    )
    parser.add_argument("--case", metavar="TEXT", default="", help="only cases with TEXT in them")
    parser.add_argument("--threads", type=int, help="threads of each build (default: its own)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


def main() -> int:
    """Print the table, or JSON; return 1 if the new build is slower than it may be."""
    arguments = parse_arguments()
    rows = []
    with builds(arguments.pythons, arguments.threads) as pair:
        theirs = set(pair[0].start["cases"])
        cases = [c for c in pair[1].start["cases"] if c in theirs and arguments.case in c]
        if not cases:
            print(f"race.py: no case with {arguments.case!r} is in both builds", file=sys.stderr)
            return 1
        if not arguments.json:
            for build in pair:
                print(f"{build.name}: {build.start['version']}, {build.start['folder']}")
            print(f"\n{'case':32} {'work':8} {'base ms':>11} {'new ms':>11} {'ratio':>6}")
        for case in cases:
            for row in race(pair, case, max(1, arguments.repeat), arguments.seconds):
                rows.append(row)
                if not arguments.json:
                    print(
                        "{case:32} {work:8} {base_ms:11.4f} {new_ms:11.4f} {ratio:6.2f}".format(
                            **row
                        ),
                        flush=True,
                    )
    found = summary(rows)
    if arguments.json:
        print(json.dumps({"rows": rows, "summary": found}, indent=1))
    else:
        print()
        for kind, figures in found.items():
            print(
                f"{kind}: {figures['mean']:.3f} in the geometric mean of {figures['cases']},"
                f" least {figures['least']:.3f}"
            )
    total = found["all"]
    return int(total["mean"] < LEAST_MEAN or total["least"] < LEAST_RATIO)


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        raise SystemExit(main())
