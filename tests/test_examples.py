"""The examples run as a user runs them, with real data where they are there, and without."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py") if path.name != "common.py")
# Where a larger figure is the better one.
ACCURACY = {"sentiment.py", "tagging.py"}


@pytest.mark.parametrize("with_data", [True, False], ids=["data", "made-up"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_example_beats_its_baseline(script, with_data, tmp_path):
    environment = dict(os.environ)
    if not with_data:
        environment["FASTRNN_DATA"] = str(tmp_path)
    result = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    last = result.stdout.strip().splitlines()[-1]
    figure, baseline = (float(number) for number in re.findall(r"\d+\.\d+", last))
    if script in ACCURACY:
        assert figure > baseline + 0.1, last
    else:
        assert figure < 0.95 * baseline, last
