"""The race of two builds: what it prints, not what it measures."""

import json
import subprocess
import sys

import pytest
from repository import REPOSITORY


def race(*options):
    command = [sys.executable, REPOSITORY / "bench" / "race.py", sys.executable, sys.executable]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False)


def test_a_build_races_itself():
    result = race("--repeat", "2", "--seconds", "0", "--case", "SimpleRNN-7x", "--json")
    assert result.returncode in (0, 1), result.stderr
    printed = json.loads(result.stdout)
    rows = {row["work"]: row for row in printed["rows"]}
    assert list(rows) == ["forward", "training"]
    for row in rows.values():
        assert row["ratio"] == pytest.approx(row["base_ms"] / row["new_ms"])
    least = min(row["ratio"] for row in rows.values())
    assert printed["summary"]["all"]["least"] == least <= printed["summary"]["all"]["mean"]
    slower = least < 0.95 or printed["summary"]["all"]["mean"] < 0.98
    assert result.returncode == int(slower)


def test_a_case_that_is_not_there():
    result = race("--case", "none")
    assert result.returncode == 1
    assert result.stderr.startswith("race.py: no case with 'none'")
