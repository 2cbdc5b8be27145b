"""Keras's own tests, run on fastrnn.

    python tests/keras_own/run.py [--keras FOLDER] [--failures] [FILE …]

FOLDER is ``keras`` of a checkout of its source, by default the installed package, whose wheel has
its tests. FILEs are below ``keras/src``; without any, those of ``scope.py`` are run. None of
Keras's code is kept here.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import multiprocessing.connection
import tempfile
from collections import Counter
from pathlib import Path

import run_file
import scope

Outcomes = dict[str, tuple[str, str]]


def files_of(keras: Path) -> list[str]:
    """Return the files of tests that count, as paths below ``keras/src``."""
    found = [
        path.relative_to(keras / "src").as_posix()
        for folder in scope.FOLDERS
        for path in sorted((keras / "src" / folder).glob("*_test.py"))
    ]
    return [file for file in found + scope.FILES if scope.left_out(file, "") is None]


def outcomes_of(keras: Path, files: list[str], processes: int) -> dict[str, Outcomes]:
    """Run each file in a process of its own, which begins with all that they import."""
    run_file.prepare(keras)
    with tempfile.TemporaryDirectory() as folder:
        waiting, running = dict(enumerate(files)), {}
        while waiting or running:
            while waiting and len(running) < processes:
                number = next(iter(waiting))
                arguments = (keras, waiting.pop(number), Path(folder, str(number)))
                process = multiprocessing.get_context("fork").Process(
                    target=run_file.main, args=arguments
                )
                process.start()
                running[process.sentinel] = process
            for sentinel in multiprocessing.connection.wait(list(running)):
                running.pop(sentinel).join()
        written = {file: Path(folder, str(number)) for number, file in enumerate(files)}
        return {file: _read(path) for file, path in written.items()}


def _read(path: Path) -> Outcomes:
    if not path.is_file():
        return {"(crash)": ("failed", "the process died")}
    return json.loads(path.read_text())


def main() -> None:
    """Run the tests and print the numbers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*")
    parser.add_argument("--keras", type=Path)
    parser.add_argument("--failures", action="store_true", help="print the errors, too")
    parser.add_argument("--json", type=Path, help="write all outcomes there")
    parser.add_argument("-j", type=int, default=2, help="processes at a time")
    options = parser.parse_args()
    keras = options.keras or Path(importlib.util.find_spec("keras").origin).parent
    files = options.files or files_of(keras)
    every = outcomes_of(keras, files, options.j)
    if options.json:
        options.json.write_text(json.dumps(every, indent=1))
    report(every, options.failures)


def skipped(message: str) -> str:
    """Return why a test was skipped while it ran."""
    for reason in scope.NO_AIMS:
        if reason in message:
            return reason
    return "left out by Keras itself, for its backend or what is installed"


def report(every: dict[str, Outcomes], failures: bool) -> None:
    """Print passed and counted tests by file, then why others do not count."""
    passed, counted, reworded, reasons = 0, 0, 0, Counter()
    for file, outcomes in every.items():
        why = {name: scope.left_out(file, name) for name in outcomes}
        for name, (outcome, message) in outcomes.items():
            if why[name] is None and outcome == "skipped":
                why[name] = skipped(message)
            if why[name] is None and outcome == "failed" and scope.PRIVATE.search(message):
                why[name] = "insides of Keras"
            if why[name] is None and scope.REFUSED in message:
                why[name] = "images and volumes"
        reasons.update(reason for reason in why.values() if reason)
        counts = {name: outcomes[name] for name in outcomes if why[name] is None}
        good = sum(outcome == "passed" for outcome, _ in counts.values())
        passed, counted = passed + good, counted + len(counts)
        reworded += sum(' does not match "' in message for _, message in counts.values())
        if counts:
            print(f"{good:5} of {len(counts):4}  {file}")
        if failures:
            for name, (outcome, message) in counts.items():
                if outcome != "passed":
                    print(f"        {name}: {' '.join(message.split())[:160]}")
    print(f"{passed} of {counted} passed; {reworded} failed by the words of an error alone")
    for reason, number in reasons.most_common():
        print(f"{number:5} not counted: {reason}")


if __name__ == "__main__":
    main()
