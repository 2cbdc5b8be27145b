"""``fastrnn selftest``: a sound installation passes, and what is broken is found and named."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from fastrnn import config, selftest
from fastrnn.cli import main
from fastrnn.engines import blas, dispatch, fused
from fastrnn.engines.cells import CELLS

rnn_forward, rnn_backward = dispatch.rnn_forward, dispatch.rnn_backward


@pytest.fixture(autouse=True)
def default_settings():
    yield
    config.set_num_threads(None)


def failures(names=None):
    """Return the details of the checks that fail, by name; of those named, or of all."""
    return {
        result.name: result.detail
        for result in selftest.run_all()
        if not result.passed and (names is None or result.name in names)
    }


def only(monkeypatch, *names):
    """Leave the checks of these names alone: the others cost time."""
    chosen = {name: check for name, check in selftest.checks().items() if name in names}
    assert len(chosen) == len(names)
    monkeypatch.setattr(selftest, "checks", lambda: chosen)


def test_a_sound_installation_passes(tmp_path):
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "fastrnn", "selftest", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    found = json.loads(result.stdout)
    assert found["failed"] == 0
    names = [check["name"] for check in found["checks"]]
    for isa in dispatch.usable_instruction_sets():
        for cell in CELLS:
            assert f"gradients of {cell}" in names
            for dtype in ("float32", "float64"):
                assert (f"{cell} {dtype} fused {isa}" in names) == (cell in fused.CELLS)
                assert (f"{cell} {dtype} blas" in names) == (cell in blas.CELLS)
    assert {"threads", "fork", "training", "saving"} <= set(names)
    assert all(check["passed"] and check["detail"] for check in found["checks"])
    assert found["environment"]["engines"] == ["fused", "blas", "reference"]
    assert not list(tmp_path.iterdir())


def test_the_table_of_a_sound_installation(monkeypatch, capsys):
    only(monkeypatch, "lstm float32 blas", "saving")
    assert main(["selftest"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["lstm", "saving", "2"]
    assert lines[-1] == "2 passed, 0 failed"


@pytest.mark.parametrize("part", [0, 1], ids=["outputs", "states"])
def test_a_broken_engine_is_found_and_named(monkeypatch, capsys, part):
    isa = dispatch.usable_instruction_sets()[-1]
    broken, sound = f"gru float32 fused {isa}", "gru float32 blas"
    only(monkeypatch, broken, sound)

    def forward(call):
        results = rnn_forward(call)
        if config.isa() == isa:
            array = results[part] if part == 0 else results[part][0]
            array.flat[0] += 1e-3
        return results

    monkeypatch.setattr(dispatch, "rnn_forward", forward)
    assert main(["selftest"]) == 1
    output = capsys.readouterr().out
    assert "1 passed, 1 failed" in output
    line = next(line for line in output.splitlines() if line.startswith(broken))
    assert "FAILED" in line
    assert ("outputs" if part == 0 else "state 0") in line
    # What a report needs.
    for text in ("Please report", "instruction sets:", "blas of scipy:", "threads:"):
        assert text in output


@pytest.mark.parametrize("name", ["x", "kernel", "recurrent_kernel", "bias"])
def test_broken_gradients_are_found(monkeypatch, name):
    only(monkeypatch, "gradients of lstm", "lstm float64 blas")

    def backward(workspace, *gradients):
        found = rnn_backward(workspace, *gradients)
        factor = 1 if config.engine() == "blas" else 1 + 1e-3
        if name == "x":
            return found._replace(dx=found.dx * factor)
        return found._replace(d_weights={**found.d_weights, name: found.d_weights[name] * factor})

    monkeypatch.setattr(dispatch, "rnn_backward", backward)
    found = failures()
    assert set(found) == {"gradients of lstm", "lstm float64 blas"}
    assert name in found["gradients of lstm"]
    assert f"gradient of {name} " in found["lstm float64 blas"]


def test_numbers_that_are_none_are_found(monkeypatch):
    only(monkeypatch, "lstm float32 blas")

    def forward(call):
        outputs, states, workspace = rnn_forward(call)
        return outputs * np.nan if config.engine() == "blas" else outputs, states, workspace

    monkeypatch.setattr(dispatch, "rnn_forward", forward)
    assert "nan" in failures()["lstm float32 blas"]


def test_an_engine_that_raises_is_found(monkeypatch, capsys):
    only(monkeypatch, "lstm float32 blas")

    def forward(call):
        raise OSError("cannot load the engine")

    monkeypatch.setattr(dispatch, "rnn_forward", forward)
    assert main(["selftest", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["failed"] == 1
    assert found["checks"][0]["detail"] == "OSError: cannot load the engine"
    assert config.engine() == "auto" and config.isa() == "auto"


def test_bits_that_depend_on_the_threads_are_found(monkeypatch):
    only(monkeypatch, "threads")
    monkeypatch.setattr(selftest, "train", lambda threads: [np.array([1.0, threads])])
    assert "2 threads" in failures()["threads"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("fault", ["other bits", "an error"])
def test_a_child_that_fails_is_found(monkeypatch, fault):
    only(monkeypatch, "fork")
    parent = os.getpid()

    def layer(x):
        if os.getpid() != parent and fault == "an error":
            raise OSError("a child that fails")
        return np.array([os.getpid()])

    monkeypatch.setattr(selftest, "LSTM", lambda *_, **__: layer)
    assert "the child" in failures()["fork"]


def test_a_child_that_hangs_is_found(monkeypatch):
    only(monkeypatch, "fork")
    parent = os.getpid()

    def layer(x):
        while os.getpid() != parent:
            pass
        return np.zeros(1)

    monkeypatch.setattr(selftest, "LSTM", lambda *_, **__: layer)
    monkeypatch.setattr(selftest, "CHILD_SECONDS", 0.2)
    assert "0.2 s" in failures()["fork"]


def test_a_system_without_fork_leaves_it_out(monkeypatch):
    only(monkeypatch, "fork")
    monkeypatch.delattr(os, "fork", raising=False)
    (result,) = selftest.run_all()
    assert result.passed and "left out" in result.detail


def test_a_model_that_does_not_learn_is_found(monkeypatch):
    only(monkeypatch, "training")
    adam = selftest.Adam
    monkeypatch.setattr(selftest, "Adam", lambda _: adam(1e-6))
    assert "loss" in failures()["training"]


def test_weights_that_are_not_loaded_are_found(monkeypatch):
    only(monkeypatch, "saving")
    monkeypatch.setattr(selftest.Sequential, "load_weights", lambda self, path: None)
    assert "loaded model" in failures()["saving"]


def test_an_installation_without_the_fused_engine_checks_the_others(monkeypatch):
    monkeypatch.setattr(selftest.importlib.util, "find_spec", lambda name: None)
    assert selftest.engines() == [("blas", None)]
    assert not any("fused" in name for name in selftest.checks())
