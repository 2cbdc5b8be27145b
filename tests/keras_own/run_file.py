"""Runs one file of Keras's tests on fastrnn and writes what became of each test, as JSON.

python run_file.py KERAS FILE OUT
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from modules import Finder
from stand_ins import insides

SECONDS = 60


class Record:
    """A plugin of pytest that keeps the outcome of each test, and the first line of its error."""

    def __init__(self) -> None:
        self.tests: dict[str, tuple[str, str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Any:
        signal.signal(signal.SIGALRM, self._too_long)
        signal.alarm(SECONDS)
        try:
            return (yield)
        finally:
            signal.alarm(0)

    @staticmethod
    def _too_long(*_: Any) -> None:
        raise TimeoutError(f"longer than {SECONDS} seconds")

    def pytest_runtest_logreport(self, report: Any) -> None:
        name = report.nodeid.partition("::")[2]
        if report.failed or report.when == "call" or report.skipped:
            if report.when == "teardown":
                return
            self.tests[name] = (report.outcome, _message(report))

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.tests["(import)"] = ("failed", _message(report))


def _message(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return str(crash.message)
    lines = [line for line in str(report.longrepr or "").splitlines() if line.startswith("E ")]
    return lines[-1][1:].strip() if lines else str(report.longrepr or "")[-300:]


def prepare(keras: Path) -> None:
    """Let ``keras`` be fastrnn in this process, and load what all tests need."""
    Finder(keras).install()
    insides.install()


def main(keras: Path, file: str, out: Path) -> None:
    """Run the file and write the outcomes."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nothing, stream.fileno())
    record = Record()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, file.replace("/", "__"))
        shutil.copy(keras / "src" / file, copy)
        Path(folder, "pytest.ini").write_text("[pytest]\n")
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:benchmark",
                   "--tb=short", "-W", "ignore", "--import-mode=importlib",
                   f"--rootdir={folder}", "-c", f"{folder}/pytest.ini"]  # fmt: skip
        os.chdir(folder)
        pytest.main([*options, str(copy)], plugins=[record])
    out.write_text(json.dumps(record.tests))
