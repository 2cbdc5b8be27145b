"""Scripts in the manner of Keras 1 and 2, with the import root changed."""

import random
import runpy
import warnings
from pathlib import Path

import pytest

import fastrnn

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_runs(script, tmp_path, monkeypatch, capsys):
    """Every warning is about an old form, and points at the script's own line."""
    monkeypatch.chdir(tmp_path)
    random.seed(1)
    fastrnn.utils.set_random_seed(1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        runpy.run_path(str(script), run_name="__main__")
    assert {warning.filename for warning in caught} <= {str(script)}
    for warning in caught:
        text = str(warning.message)
        assert "an earlier Keras" in text or "Do not pass `input_shape`" in text
