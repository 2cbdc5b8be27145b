"""Runs one file of Keras's tests on fastrnn and writes what became of each test, as JSON.

python run_file.py KERAS FILE OUT
"""

from __future__ import annotations

import json
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


def main(keras: str, file: str, out: str) -> None:
    """Run the file and write the outcomes."""
    Finder(Path(keras)).install()
    insides.install()
    record = Record()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, file.replace("/", "__"))
        shutil.copy(Path(keras, "src", file), copy)
        Path(folder, "pytest.ini").write_text("[pytest]\n")
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:benchmark",
                   "--tb=short", "-W", "ignore", "--import-mode=importlib",
                   f"--rootdir={folder}", "-c", f"{folder}/pytest.ini"]  # fmt: skip
        pytest.main([*options, *sys.argv[4:], str(copy)], plugins=[record])
    Path(out).write_text(json.dumps(record.tests))


if __name__ == "__main__":
    main(*sys.argv[1:4])
