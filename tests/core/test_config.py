"""Settings that the environment has: wrong ones are refused where they are used, not at import."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import numpy as np
import fastrnn
layer = fastrnn.layers.LSTM(2)
inputs = np.zeros((1, 2, 3), "float32")
try:
    layer(inputs)
except ValueError as error:
    print(error)
fastrnn.config.set_{setting}({value!r})
print(layer(inputs).shape)
"""


@pytest.mark.parametrize(
    ("variable", "wrong", "value", "expected"),
    [
        ("ENGINE", "cuda", "auto", "'auto', 'reference', 'blas', 'fused'"),
        ("ISA", "sse", "auto", "'auto', 'generic', 'avx2', 'avx512', 'neon'"),
        ("NUM_THREADS", "many", None, "an integer from 1 to 256"),
        ("NUM_THREADS", "0", None, "an integer from 1 to 256"),
    ],
)
def test_a_wrong_variable_is_refused_by_name_until_it_is_set(variable, wrong, value, expected):
    environment = {**os.environ, f"FASTRNN_{variable}": wrong}
    script = SCRIPT.format(setting=variable.lower(), value=value)
    result = subprocess.run(
        [sys.executable, "-P", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    refused, shape = result.stdout.splitlines()
    assert refused.startswith(f"Invalid value for argument `FASTRNN_{variable}`: expected")
    assert expected in refused
    assert f"config.set_{variable.lower()}" in refused
    assert shape == "(1, 2)"


def test_the_command_says_it_without_a_traceback():
    environment = {**os.environ, "FASTRNN_ENGINE": "cuda"}
    result = subprocess.run(
        [sys.executable, "-P", "-m", "fastrnn", "info"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("fastrnn info: Invalid value for argument `FASTRNN_ENGINE`")
    assert len(result.stderr.splitlines()) == 1
