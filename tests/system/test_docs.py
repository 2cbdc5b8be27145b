"""The documentation does what it says: examples in docstrings, the README's code, links."""

import contextlib
import doctest
import importlib
import importlib.metadata
import io
import pkgutil
import re

import numpy as np
import pytest
from repository import REPOSITORY

import fastrnn

PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
MODULES = ["fastrnn"] + [
    module.name
    for module in pkgutil.walk_packages(fastrnn.__path__, "fastrnn.")
    if module.name != "fastrnn.__main__"  # importing it runs the command
]


def examples_of(name):
    tests = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name))
    return [test for test in tests if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    for test in examples_of(name):
        fastrnn.utils.clear_session()
        report = io.StringIO()
        result = doctest.DocTestRunner(verbose=False).run(test, out=report.write)
        assert result.failed == 0, report.getvalue()
        assert result.attempted == len(test.examples)


def test_docstring_examples_are_found():
    names = {test.name for module in MODULES for test in examples_of(module)}
    assert {"fastrnn", "fastrnn.losses", "fastrnn.utils.sequences.pad_sequences"} <= names


def code_blocks(page, language):
    pattern = rf"^```{language}\n(.*?)^```"
    return re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_readme_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # it writes a file
    blocks = code_blocks(REPOSITORY / "README.md", "python")
    assert len(blocks) >= 2
    names = {}
    with contextlib.redirect_stdout(io.StringIO()) as output:
        for block in blocks:
            exec(compile(block, "README.md", "exec"), names)
    losses = names["history"].history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    assert names["next_value"].shape == (1, 1)
    assert "Epoch 5/5" in output.getvalue()
    # What the comment beside the pullback says: gradients of outputs.sum().
    layer, sequences = names["layer"], names["sequences"]
    step = 1e-2 * np.ones_like(sequences)
    difference = layer(sequences + step).sum() - layer(sequences - step).sum()
    expected = (2 * step * names["d_inputs"]).sum()
    np.testing.assert_allclose(difference, expected, rtol=1e-2)


def test_the_code_about_streams_runs():
    (block,) = code_blocks(REPOSITORY / "docs" / "streaming.md", "python")
    names = {}
    exec(compile(block, "streaming.md", "exec"), names)
    assert names["y"].shape == (1, 1) and names["steps"].shape == (1, 100, 1)


def test_the_code_about_own_layers_runs():
    names = {}
    for block in code_blocks(REPOSITORY / "docs" / "own_layers.md", "python"):
        exec(compile(block, "own_layers.md", "exec"), names)
    assert list(names["history"].history) == ["loss", "mae"]
    assert names["pullback"](np.ones((2, 3)))[0].tolist() == [[2.0] * 3] * 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert link.startswith("https://") or (page.parent / link).exists(), link


def test_the_readme_installs_extras_that_exist():
    extras = importlib.metadata.metadata("fastrnn").get_all("Provides-Extra")
    commands = "".join(code_blocks(REPOSITORY / "README.md", "sh"))
    named = re.findall(r"\.\[(\w+)\]", commands)
    assert {"plot", "test"} == set(named)
    assert set(named) <= set(extras)


def test_the_words_of_the_glossary_are_those_of_the_code():
    page = (REPOSITORY / "docs" / "GLOSSARY.md").read_text(encoding="utf-8")
    folders = (REPOSITORY / "fastrnn", REPOSITORY / "src_c")
    kinds = (".py", ".pyx", ".pxd", ".h", ".c")
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in kinds]
    words = set(re.findall(r"\w+", "".join(path.read_text(encoding="utf-8") for path in files)))
    known = words | {path.name for path in files}
    named = re.findall(r"`([^`]+)` \|$", page, re.MULTILINE)
    assert len(named) > 20
    assert [name for name in named if name not in known and not (REPOSITORY / name).exists()] == []
