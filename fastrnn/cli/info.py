"""``fastrnn info``: version, engines, instruction sets, CPU features, threads, BLAS."""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
from typing import Any

_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to ``commands``."""
    text = "Print version, engines, instruction sets, CPU features, threads and BLAS."
    parser = commands.add_parser("info", help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what ``collect`` finds."""
    found = collect()
    if arguments.json:
        import json

        print(json.dumps(found, indent=1))
    else:
        show(found)
    return 0


def show(found: dict[str, Any]) -> None:
    """Print what ``collect`` returns, a line for each name."""
    for name, value in found.items():
        if isinstance(value, dict):
            value = ", ".join(f"{k}={v}" for k, v in value.items()) or "none set"
        elif isinstance(value, list):
            value = " ".join(value) or "none"
        print(f"{name + ':':18} {value}")


def collect() -> dict[str, Any]:
    """Return what the command prints, as plain data."""
    import numpy as np
    import scipy

    from fastrnn import config
    from fastrnn._version import __version__
    from fastrnn.engines import dispatch

    numpy_config: Any = np.show_config(mode="dicts")
    scipy_config: Any = scipy.show_config(mode="dicts")
    simd = numpy_config.get("SIMD Extensions", {})
    engines = [
        name
        for name, engine in dispatch.ENGINES.items()
        if importlib.util.find_spec(engine.module) is not None
    ]
    fused = "fused" in engines
    return {
        "fastrnn": __version__,
        "engines": engines,
        "engine in force": config.engine(),
        "instruction set": dispatch.instruction_set() if fused else "none",
        "instruction sets": dispatch.usable_instruction_sets() if fused else [],
        "threads": config.num_threads(),
        "float type": config.floatx(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "cpu features": [*simd.get("baseline", []), *simd.get("found", [])],
        "cpus": _usable_cpus(),
        "thread variables": {k: os.environ[k] for k in _THREAD_VARIABLES if k in os.environ},
        "blas of scipy": _blas(scipy_config),
        "blas of numpy": _blas(numpy_config),
    }


def _blas(configuration: dict[str, Any]) -> str:
    blas = configuration.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
