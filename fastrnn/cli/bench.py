"""``fastrnn bench``: this machine's limits, and how near the recurrent layers come to them."""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from fastrnn.config import MAX_THREADS

PEERS_HINT = (
    "To compare with other libraries, in a checkout of the repository: "
    "fastrnn bench --peers, or python bench/compare.py --help"
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to ``commands``."""
    text = (
        "Measure this machine's peak of multiply-adds and its memory bandwidth, then time forward"
        " passes and training steps. Every result is compared with the reference engine first."
    )
    parser = commands.add_parser("bench", help="measure speed on this machine", description=text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--seconds", type=_seconds, default=1.0, help="time for each row (default: 1)"
    )
    parser.add_argument("--case", metavar="TEXT", help="only cases with TEXT in their name")
    parser.add_argument("--more", action="store_true", help="more cases: odd, large and long ones")
    parser.add_argument("--threads", type=_threads, help="threads (default: the usable CPUs)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the speeds into FILE")
    parser.add_argument(
        "--stream",
        action="store_true",
        help="time single steps of streams instead; with --peers, beside ONNX Runtime",
    )
    parser.add_argument(
        "--peers",
        action="store_true",
        help="compare with the other libraries that are installed, by bench/compare.py of a"
        " checkout: the one that the package was installed from in place, or the current folder",
    )
    parser.set_defaults(run=run)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text!r}")
    return seconds


def _threads(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_THREADS:
        raise argparse.ArgumentTypeError(
            f"expected an integer from 1 to {MAX_THREADS}, got {text!r}"
        )
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; with ``--peers``, hand over to ``bench/compare.py``."""
    from fastrnn import config
    from fastrnn.bench.cases import select

    if arguments.stream:
        return _run_streams(arguments)
    cases = select(arguments.case, arguments.more)
    if arguments.peers:
        if arguments.plot:
            raise ValueError("--plot draws this machine's limits: use it without --peers")
        return _compare(arguments)
    if arguments.plot:
        _matplotlib()  # missing, it is missed before anything is timed
    # The process ends after this command; a caller of main keeps its setting all the same.
    before = config.num_threads()
    try:
        if arguments.threads:
            config.set_num_threads(arguments.threads)
        limits = measure_machine(config.num_threads(), arguments.seconds)
        rows = [row for case in cases for row in measure(case, arguments.seconds, limits)]
    finally:
        config.set_num_threads(before)
    if arguments.json:
        import json

        print(json.dumps({"machine": limits, "rows": rows}, indent=1))
    else:
        print_machine(limits)
        print_rows(rows)
        print(PEERS_HINT)
    if arguments.plot:
        plot(arguments.plot, rows, limits)
    return 0


def _run_streams(arguments: argparse.Namespace) -> int:
    """Time single steps, with one thread and with two where there are two."""
    from fastrnn import config
    from fastrnn.bench import streams

    cases = streams.select(arguments.case)
    if arguments.plot or arguments.more:
        raise ValueError("--stream has neither --plot nor --more")
    if arguments.peers:
        return _compare(arguments, "stream.py")
    most = arguments.threads or config.default_num_threads()
    rows = [
        streams.measure(case, arguments.seconds, threads)
        for case in cases
        for threads in streams.thread_counts(case, most)
    ]
    if arguments.json:
        import json

        print(json.dumps(rows, indent=1))
    else:
        streams.print_rows(rows)
    return 0


def measure_machine(threads: int, seconds: float) -> dict[str, Any]:
    """Return the limits of this machine, as plain data."""
    from fastrnn.bench.machine import copy_bandwidth, fma_peak
    from fastrnn.engines import dispatch

    seconds = min(seconds, 0.5)
    return {
        "threads": threads,
        "instruction set": dispatch.instruction_set(),
        "fma peak, one thread, GFLOP/s": fma_peak(1, seconds),
        "fma peak, all threads, GFLOP/s": fma_peak(threads, seconds),
        "copy, all threads, GB/s": copy_bandwidth(threads, seconds),
    }


def measure(case: Any, seconds: float, limits: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row for each work of ``case``; times in milliseconds."""
    from fastrnn.bench.timing import checked_calls, percentile, times_of

    rows = []
    for work, call in checked_calls(case).items():
        times = times_of(call, seconds)
        median = statistics.median(times)
        speed = case.work[work] / median / 1e9
        rows.append(
            {
                "case": case.id,
                "work": work,
                "runs": len(times),
                "p50_ms": median * 1e3,
                "p99_ms": percentile(times, 99) * 1e3,
                "gflops": speed,
                "share_of_peak": speed / limits["fma peak, all threads, GFLOP/s"],
                "single_step": case.is_single_step,
            }
        )
    return rows


def print_machine(limits: dict[str, Any]) -> None:
    """Print the limits, one a line."""
    for name, value in limits.items():
        print(f"{name + ':':32} {value:.1f}" if isinstance(value, float) else f"{name}: {value}")


def print_rows(rows: list[dict[str, Any]]) -> None:
    """Print the table: medians, and the 99th percentile of single steps."""
    print(f"\n{'case':34} {'work':9} {'ms (p50)':>10} {'GFLOP/s':>8} {'of peak':>8}  {'p99':>10}")
    for row in rows:
        last = f"{row['p99_ms']:7.4f} ms" if row["single_step"] else ""
        print(
            f"{row['case']:34} {row['work']:9} {row['p50_ms']:10.4f} {row['gflops']:8.1f}"
            f" {row['share_of_peak']:8.1%}  {last:>10}"
        )


def _compare(arguments: argparse.Namespace, script: str = "compare.py") -> int:
    """Run a script of ``bench`` with the same options and return its exit code."""
    options = ["--seconds", str(arguments.seconds)]
    for name in ("json", "more"):
        options += [f"--{name}"] if getattr(arguments, name) else []
    for name in ("case", "threads"):
        value = getattr(arguments, name)
        options += [f"--{name}={value}"] if value else []
    command = [sys.executable, str(find_comparison().with_name(script)), *options]
    return subprocess.run(command, check=False).returncode


def find_comparison() -> Path:
    """Return the path of ``bench/compare.py``.

    Raises:
        ValueError: neither the package nor the current folder lies in a checkout.
    """
    for folder in (Path(__file__).resolve().parents[2], Path.cwd()):
        path = folder / "bench" / "compare.py"
        if path.is_file() and (path.parent / "peers").is_dir():
            return path
    raise ValueError(
        "bench/compare.py is not here: --peers needs a checkout of the repository."
        " Call the command in its folder."
    )


def _matplotlib() -> tuple[Any, Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ValueError(
            "--plot needs matplotlib, which is not installed (pip install 'fastrnn[plot]')"
        ) from error
    return FigureCanvasAgg, Figure


def plot(path: Path, rows: list[dict[str, Any]], limits: dict[str, Any]) -> None:
    """Draw a bar for each row, and the peak as a line."""
    canvas, figure_class = _matplotlib()
    figure = figure_class(figsize=(9, 1.5 + 0.35 * len(rows)), layout="constrained")
    canvas(figure)
    axes = figure.add_subplot()
    labels = [f"{row['case']} {row['work']}" for row in rows]
    axes.barh(labels, [row["gflops"] for row in rows], color="tab:blue")
    peak = limits["fma peak, all threads, GFLOP/s"]
    axes.axvline(peak, color="black", linestyle="--", label=f"peak of {limits['threads']} threads")
    axes.invert_yaxis()
    axes.set(xlabel="GFLOP/s (more is better)", title="fastrnn, float32")
    axes.legend()
    figure.savefig(path, dpi=120)
    print(f"plot: {path}", file=sys.stderr)
