"""Output: on streams of any encoding, and where there is none."""

import io
import subprocess
import sys

import pytest

from fastrnn import Input, Sequential, layers
from fastrnn.core import progress, terminal
from fastrnn.core.progress import Progress


def encoded(encoding):
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")


def text_of(stream):
    stream.flush()
    return stream.buffer.getvalue().decode(stream.encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "ascii", "cp1252", "latin-1"])
def test_a_summary_prints_in_any_encoding(encoding, monkeypatch):
    model = Sequential([Input((5, 3)), layers.LSTM(4), layers.Dense(1)])
    wanted = []
    model.summary(print_fn=wanted.append)
    stream = encoded(encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    model.summary()
    lines, expected = text_of(stream).splitlines(), "".join(wanted).splitlines()
    assert [len(line) for line in lines] == [len(line) for line in expected]
    if encoding.startswith("utf"):
        assert lines == expected
    else:
        assert "?" not in "".join(lines)
        assert lines[1].strip("+=") == ""
        assert lines[2].replace("|", "┃") == expected[2]


def test_every_character_of_tables_and_bars_has_a_plain_one():
    drawn = set()
    model = Sequential([Input((5, 3)), Sequential([layers.Dense(2, name="x" * 90)])])
    model.summary(print_fn=drawn.update, expand_nested=True)
    stream = io.StringIO()
    Progress(2, live=True, stream=stream).finish(1, {})
    drawn.update(stream.getvalue())
    special = {character for character in drawn if not character.isascii()}
    assert {"┏", "│", "…", "━", "╌"} <= special
    for character in special:
        assert character.translate(terminal._PLAIN).isascii(), character


def test_a_bar_in_ascii(monkeypatch):
    stream = encoded("ascii")
    bar = Progress(4, "Epoch 1/1", live=True, stream=stream)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: bar.start + 10)
    bar.update(1, {"loss": 0.5})
    assert text_of(stream) == "Epoch 1/1\n\r1/4 =====............... 30s 10s/step - loss: 0.5000"


def test_other_characters_become_question_marks():
    stream = encoded("ascii")
    terminal.write("señal ━\n", stream)
    assert text_of(stream) == "se?al =\n"


def test_without_a_standard_output_nothing_happens(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    terminal.write("text")
    assert not progress.is_terminal()
    Progress(2, "Epoch 1/1").finish(2, {"loss": 1.0})
    Sequential([Input((5, 3)), layers.Dense(1)]).summary()


def test_the_command_runs_where_output_is_ascii(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    command = [sys.executable, "-m", "fastrnn", "demo", "--no-plot"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.isascii()
    assert "| lstm (LSTM)" in result.stdout
