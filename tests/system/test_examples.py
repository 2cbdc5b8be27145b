"""The examples run as a user runs them, with real data where they are there, and without."""

import os
import re
import subprocess
import sys

import pytest
from repository import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py") if path.name != "common.py")
# Where a larger figure is the better one.
ACCURACY = {"autoencoder.py", "sentiment.py", "stream.py", "tagging.py", "translation.py"}


def run(script, *arguments, cwd, **variables):
    return subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / script), *arguments],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("with_data", [True, False], ids=["data", "made-up"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_example_beats_its_baseline(script, with_data, tmp_path):
    variables = {} if with_data else {"FASTRNN_DATA": str(tmp_path)}
    result = run(script, cwd=tmp_path, **variables)
    assert result.returncode == 0, result.stderr
    last = result.stdout.strip().splitlines()[-1]
    figure, baseline = (float(number) for number in re.findall(r"\d+\.\d+", last))
    if script in ACCURACY:
        assert figure > baseline + 0.1, last
    else:
        assert figure < 0.95 * baseline, last


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_data_file_that_is_not_there_is_an_error(script, tmp_path):
    result = run(script, "--data", "no-such-file", cwd=tmp_path)
    assert result.returncode == 1
    assert "--data: there is no file no-such-file" in result.stderr
