"""The floors of the package: who may import whom, and what a plain import loads."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy
import pytest
import structure
from repository import REPOSITORY

import fastrnn

# From the ground up: each may import its own floor and those below, in a function and for types
# too. A module belongs where its longest prefix stands.
FLOORS = {
    "core": ("fastrnn.typing", "fastrnn._version", "fastrnn.core", "fastrnn.config"),
    "data": ("fastrnn.data",),
    "functions": (
        "fastrnn.activations",
        "fastrnn.initializers",
        "fastrnn.regularizers",
        "fastrnn.constraints",
    ),
    "contract": ("fastrnn.engines.contract", "fastrnn.engines.cells", "fastrnn.engines.quantize"),
    "engines": ("fastrnn.engines.reference", "fastrnn.engines.blas", "fastrnn.engines.fused"),
    "dispatch": ("fastrnn.engines",),
    "operations": ("fastrnn.ops", "fastrnn.random"),
    "layers": ("fastrnn.layers",),
    "objectives": ("fastrnn.losses", "fastrnn.metrics", "fastrnn.optimizers"),
    "files": ("fastrnn.formats", "fastrnn.interop"),
    "callbacks": ("fastrnn.callbacks",),
    "models": ("fastrnn.models",),
    "faces": (
        "fastrnn.saving",
        "fastrnn.streaming",
        "fastrnn.preprocessing",
        "fastrnn.utils",
        "fastrnn.datasets",
        "fastrnn.wrappers",
        "fastrnn.backend",
        "fastrnn.diagnostics",
    ),
    "commands": (
        "fastrnn.bench",
        "fastrnn.compat",
        "fastrnn.selftest",
        "fastrnn.cli",
        "fastrnn.__main__",
        "fastrnn",
    ),
}
ORDER = list(FLOORS)
ABOVE_LAYERS = ("objectives", "files", "callbacks", "models", "faces")
KNOW_GATES = "fastrnn.interop.gates"  # their orders in other systems' files
# The packages beyond NumPy, and the files and folders that may import them; none: all.
PLACES_OF_PACKAGES = {
    "scipy": (),
    "matplotlib": ("cli", "diagnostics.py", "history_drawing.py", "model_drawing.py"),
    "sklearn": ("wrappers",),
    "h5py": ("containers", "keras", "formats"),
    "onnx": ("onnx", "reader", "writer"),
    "google": ("onnx",),  # protobuf, which onnx brings
}


def floor_of(name):
    prefixes = [
        (len(prefix), floor)
        for floor, members in FLOORS.items()
        for prefix in members
        if f"{name}.".startswith(f"{prefix}.")
    ]
    return max(prefixes)[1]


SOURCES = structure.sources(REPOSITORY)
IMPORTS = structure.imports_of(REPOSITORY)
EDGES = sorted(
    (structure.module_of(path, REPOSITORY), name)
    for path, imports in IMPORTS.items()
    for name, _ in imports
    if name.split(".")[0] == "fastrnn"
)


def test_imports_are_found():
    edges = set(EDGES)
    assert ("fastrnn.engines.blas.engine", "fastrnn.engines.contract.check_call") in edges
    assert ("fastrnn.layers.rnn.base", "fastrnn.engines.dispatch.rnn_forward") in edges
    assert ("fastrnn.cli.demo", "fastrnn") in edges
    assert len(edges) > 100


@pytest.mark.parametrize("module", sorted({module for module, _ in EDGES}))
def test_imports_go_down(module):
    for importer, name in EDGES:
        if importer != module:
            continue
        floor, below = floor_of(importer), floor_of(name)
        assert ORDER.index(below) <= ORDER.index(floor), f"{importer} imports {name}"


def test_there_is_no_import_circle():
    """Late imports and those for types count: none is hidden in a function."""
    assert structure.circles(structure.import_graph(REPOSITORY)) == []


def test_circles_are_found():
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert structure.circles(graph) == [["a", "b", "c"], ["d", "e"]]


def test_dispatch_is_the_only_way_to_the_engines():
    """``dispatch`` asks its engines, and imports their modules on first use."""
    for importer, name in EDGES:
        if floor_of(name) == "engines":
            assert floor_of(importer) in ("engines", "dispatch"), f"{importer} imports {name}"
    for engine in fastrnn.engines.dispatch.ENGINES.values():
        assert floor_of(engine.module) == "engines"


def test_training_knows_layers_but_no_gates():
    for importer, name in EDGES:
        if floor_of(importer) in ABOVE_LAYERS and importer != KNOW_GATES:
            gates = name.startswith(("fastrnn.engines.dispatch", "fastrnn.engines.cells"))
            assert not gates or name == "fastrnn.engines.dispatch.adam", (importer, name)


def test_the_reference_engine_needs_numpy_alone():
    standard = sys.stdlib_module_names | {"numpy", "fastrnn"}
    files = [path for path in SOURCES if "reference" in path.parts]
    assert files
    for path in files:
        for name, _ in IMPORTS[path]:
            assert name.split(".")[0] in standard, f"{path.name} imports {name}"
            assert not name.startswith("fastrnn.engines.blas.engine")


def test_scipy_and_extras_are_imported_where_they_are_used():
    """Never together with the module: ``import fastrnn`` stays as fast as NumPy's."""
    for path in SOURCES:
        for name, at_once in IMPORTS[path]:
            package = name.split(".")[0]
            if package in sys.stdlib_module_names | {"numpy", "fastrnn"}:
                continue
            assert not at_once, f"{path.name} imports {name} at its top"
            places = PLACES_OF_PACKAGES[package]
            assert path.parent.name in places or path.name in places or not places


def test_import_loads_numpy_and_nothing_else_that_is_installed():
    code = """if True:
        import sys, numpy
        before = set(sys.modules)
        import fastrnn
        new = {name.split(".")[0] for name in set(sys.modules) - before}
        print(*sorted(new - sys.stdlib_module_names))
    """
    result = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(result.stdout.split()) - {"numpy"} == {"fastrnn"}


def test_import_loads_nothing_slow_of_the_standard_library():
    code = "import sys, numpy, fastrnn; print(*sys.modules)"
    command = [sys.executable, "-P", "-S", "-c", code]
    paths = [str(Path(fastrnn.__file__).parents[1]), str(Path(numpy.__file__).parents[1])]
    result = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=True,
    )
    slow = {"asyncio", "http.client", "multiprocessing", "ssl", "unittest", "urllib.request", "xml"}
    assert not slow & set(result.stdout.split())


def test_run_time_requirements_are_numpy_and_scipy():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    installed = [r for r in importlib.metadata.requires("fastrnn") if "extra ==" not in r]
    for requirements in (project["dependencies"], installed):
        assert sorted(re.match(r"\w+", r)[0] for r in requirements) == ["numpy", "scipy"]


def test_c_sources_know_neither_python_nor_numpy():
    files = [path for path in (REPOSITORY / "src_c").rglob("*") if path.suffix in (".c", ".h")]
    assert files
    own = {path.name for path in files}
    for path in files:
        text = path.read_text(encoding="utf-8")
        for quote, name in re.findall(r'^\s*#\s*include\s*([<"])([^>"]+)', text, re.MULTILINE):
            assert quote == "<" or Path(name).name in own, f"{path.name} includes {name}"
            assert not re.match("Python.h|numpy/", name), f"{path.name} includes {name}"


def test_public_names_are_there_and_explained():
    assert len(fastrnn.__all__) == len(set(fastrnn.__all__))
    for name in fastrnn.__all__:
        value = getattr(fastrnn, name)
        assert value.__doc__, f"fastrnn.{name} has no docstring"
        for member in getattr(value, "__all__", ()):
            assert getattr(value, member).__doc__, f"fastrnn.{name}.{member} has no docstring"
