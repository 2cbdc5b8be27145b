"""Hostile files of other systems: refused with a reason, in under a second and little memory."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repository import HELPERS

pytest.importorskip("onnx")

from hostile_interop import KINDS, lstm, model, safetensors, tensor

import fastrnn
from fastrnn.formats.error_codes import ERROR_CODES
from fastrnn.saving import ModelFileError, read_safetensors

CASES = {
    f"{kind}-{number}": (name, *case)
    for kind, table in KINDS.items()
    for number, (name, case) in enumerate(table.items())
}


def file_name(key):
    """The ending matters, of pickles: it stands in the case's name."""
    name = CASES[key][0]
    return key + (name[name.rindex(".") :] if "." in name and key[0] in "tw" else "")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """How a process of its own refused each file."""
    folder = tmp_path_factory.mktemp("hostile")
    for key, (_, _, build) in CASES.items():
        (folder / file_name(key)).write_bytes(build())
    command = [sys.executable, str(HELPERS / "hostile_interop_run.py"), str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "pickle has run" not in run.stdout
    return json.loads(run.stdout)


@pytest.mark.parametrize("key", CASES, ids=lambda key: f"{key.split('-')[0]}: {CASES[key][0]}")
def test_it_is_refused(key, results):
    found = results[file_name(key)]
    assert found["reason"] == CASES[key][1]
    assert found["seconds"] < 1  # a promise about safety, not about speed
    assert found["more_bytes"] < 64 << 20


def test_every_reason_is_the_reason_of_a_file():
    own = {r for r in ERROR_CODES if r.startswith(("onnx", "safetensors", "pickle"))}
    assert own <= {reason for _, reason, _ in CASES.values()}


def test_what_the_cases_change_is_read():
    """The files are refused for what they change alone."""
    read = read_safetensors(safetensors({"a": tensor(), "__metadata__": {"a": "b"}}, bytes(8)))
    np.testing.assert_array_equal(read["a"], [0, 0])
    assert fastrnn.Model.from_onnx(model()()).count_params() == 4 * (3 * 2 + 2 * 2 + 2)
    assert lstm().graph.node[0].op_type == "LSTM"


def test_messages_say_what_to_do(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(KINDS["onnx"]["28 external data"][1]())
    with pytest.raises(ModelFileError, match="external_data=False"):
        fastrnn.Model.from_onnx(path)
    with pytest.raises(ModelFileError, match=r"safetensors\.torch\.save_file"):
        fastrnn.Model.from_torch("model.pt")
    path.write_bytes(KINDS["onnx"]["32 control codes in a name"][1]())
    with pytest.raises(ModelFileError) as caught:
        fastrnn.Model.from_onnx(path)
    assert "\x1b" not in str(caught.value) and len(str(caught.value)) < 1000


def damaged(data, whole):
    """``whole`` with a few bytes changed, cut out or put in."""
    result = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(result) - 1))
        kind = data.draw(st.sampled_from(["change", "cut", "put"]))
        if kind == "change":
            result[place] = data.draw(st.integers(0, 255))
        elif kind == "cut" and len(result) > 10:
            del result[place : place + data.draw(st.integers(1, 8))]
        else:
            result[place:place] = data.draw(st.binary(min_size=1, max_size=8))
    return bytes(result)


def read_or_refuse(read, content):
    try:
        read(content)
    except ModelFileError as error:
        assert error.reason in ERROR_CODES


SAFETENSORS = safetensors({"a": tensor(), "b": tensor(8, 12, "BF16", (2, 1))}, bytes(12))
ONNX = lstm().SerializeToString()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_safetensors(data):
    read_or_refuse(read_safetensors, damaged(data, SAFETENSORS))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_onnx(data):
    read_or_refuse(fastrnn.Model.from_onnx, damaged(data, ONNX))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(content):
    read_or_refuse(read_safetensors, content)
    read_or_refuse(fastrnn.Model.from_onnx, content)
