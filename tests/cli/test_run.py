"""``fastrnn run``: scripts, modules and notebooks for Keras."""

import json
import subprocess
import sys

import pytest

from fastrnn.cli import main

SCRIPT = """
import sys
import numpy as np
from tensorflow.keras.layers import LSTM, Dense
from keras.models import Sequential

model = Sequential([LSTM(2), Dense(1)])
model.compile("adam", "mse")
model.fit(np.zeros((4, 3, 1)), np.zeros((4, 1)), verbose=0)
assert __name__ == "__main__"
print(type(model).__module__.split(".")[0], *sys.argv)
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, name="script.py"):
        (tmp_path / name).write_text(text)
        return name

    return write


def notebook(*sources):
    cells = [{"cell_type": "code", "source": source.splitlines(True)} for source in sources]
    cells.insert(1, {"cell_type": "markdown", "source": ["no code"]})
    return json.dumps({"cells": cells, "nbformat": 4})


def test_a_script(write, capsys):
    before = sys.argv, list(sys.path), sys.modules["__main__"], sys.modules["keras"]
    assert main(["run", write(SCRIPT), "--epochs", "3", "-m"]) == 0
    assert capsys.readouterr().out == "fastrnn script.py --epochs 3 -m\n"
    assert (sys.argv, list(sys.path), sys.modules["__main__"], sys.modules["keras"]) == before


def test_a_script_finds_the_modules_beside_it(write, capsys, tmp_path, monkeypatch):
    write("word = 'found'", "beside_the_script.py")
    script = tmp_path / write("import beside_the_script; print(beside_the_script.word)")
    monkeypatch.chdir("/")
    assert main(["run", str(script)]) == 0
    assert capsys.readouterr().out == "found\n"


def test_a_module(write, capsys):
    write(SCRIPT, "module_to_run.py")
    assert main(["run", "-m", "module_to_run", "x"]) == 0
    assert capsys.readouterr().out.endswith("module_to_run.py x\n")


def test_a_notebook(write, capsys):
    cells = [
        "%matplotlib inline\n!pip install \\\n    x \\\n   y\nif 1:\n    !ls\nimport keras",
        "%%bash\nls -l",
    ]
    cells += ["%%time\nshow = '%d' \\\n  % 3\ndisplay(show, keras.__version__[0])\nkeras.Model?"]
    assert main(["run", write(notebook(*cells), "some.ipynb")]) == 0
    assert capsys.readouterr().out == "3 3\n"


def test_an_error_in_a_notebook_names_the_cell(write, capsys):
    assert main(["run", write(notebook("x = 1", "\nraise KeyError('why')"), "some.ipynb")]) == 1
    error = capsys.readouterr().err
    assert 'File "some.ipynb, cell 2", line 2' in error and "raise KeyError('why')" in error
    assert main(["run", write("[]", "none.ipynb")]) == 1
    assert "'none.ipynb' is no notebook" in capsys.readouterr().err


@pytest.mark.parametrize(
    "end, code",
    [("raise SystemExit(3)", 3), ("exit()", 0), ("import sys; sys.exit('bad')", 1), ("1/0", 1)],
)
def test_the_exit_code_is_that_of_the_script(end, code, write, capsys):
    assert main(["run", write(end)]) == code
    error = capsys.readouterr().err
    assert ("bad" in error) == ("bad" in end)
    assert ('Traceback (most recent call last):\n  File "script.py"' in error) == (end == "1/0")


@pytest.mark.parametrize(
    "line, name",
    [
        ("from keras.layers import Nothing", "keras.layers.Nothing"),
        ("import keras; keras.layers.Nothing(3)", "keras.layers.Nothing"),
        ("import keras; keras.Nothing", "keras.Nothing"),
        ("from keras.layers import Conv2D\nConv2D(3, 3)", "keras.layers.Conv2D"),
        ("import tensorflow as tf; tf.keras.losses.nothing", "keras.losses.nothing"),
        ("try:\n    import keras.nothing\nexcept ImportError: pass", "keras.nothing"),
    ],
)
def test_what_is_not_there_is_said_at_the_end(line, name, write, capsys):
    main(["run", write(line)])
    assert capsys.readouterr().err.endswith(f"not there, but asked for: {name}\n")


def test_a_layer_for_images_may_be_imported(write, capsys):
    assert main(["run", write("from keras.layers import LSTM, Conv2D, ConvLSTM2D")]) == 0
    assert capsys.readouterr().err == ""


def test_nothing_is_said_where_nothing_is_missing(write, capsys):
    assert main(["run", write("import keras")]) == 0
    assert capsys.readouterr().err == ""


def test_a_file_that_is_not_there(capsys, write):
    assert main(["run", "nothing.py"]) == 1
    assert "there is no file 'nothing.py'" in capsys.readouterr().err


def test_plots_do_not_wait_for_a_display(write):
    pytest.importorskip("matplotlib")
    text = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nprint('on')"
    command = [sys.executable, "-m", "fastrnn", "run", write(text)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": "."}
    result = subprocess.run(
        command, env=environment, timeout=60, capture_output=True, text=True, check=True
    )
    assert result.stdout == "on\n"
