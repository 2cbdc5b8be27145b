"""Structure of the sources: imports and their circles, cells named, sizes, types, call depth.

Whatever counts here takes the root of a checkout, so that any commit can be measured.
"""

import ast
import contextlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION = 400, 60
CYTHON_SUFFIXES = {".pyx", ".pxd", ".pxi"}


# ---- imports -----------------------------------------------------------------------------------


def sources(root):
    """Return the package's Python files."""
    return sorted((root / "fastrnn").rglob("*.py"))


def cython_sources(root):
    return sorted(p for p in (root / "fastrnn").rglob("*") if p.suffix in CYTHON_SUFFIXES)


def module_of(path, root):
    parts = list(path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(node):
    """Return the full names that an import statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def python_imports(path):
    """Return (name, whether it is imported together with the module) of all imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inside = {node for function in functions for node in ast.walk(function)}
    return [(name, node not in inside) for node in ast.walk(tree) for name in imported_names(node)]


def cython_imports(path):
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\s*from ([\w.]+) c?import (.*)", line):
            found += [(f"{match[1]}.{name.strip(' ()')}", True) for name in match[2].split(",")]
        elif match := re.match(r"\s*c?import ([\w.]+)", line):
            found.append((match[1], True))
    return found


def imports_of(root):
    """Return the imports of each file, Python's and Cython's."""
    found = {path: python_imports(path) for path in sources(root)}
    return found | {path: cython_imports(path) for path in cython_sources(root)}


def import_graph(root):
    """Return which modules each module names in any import statement.

    Imports in functions and under ``TYPE_CHECKING`` count like those at the top of a file. A name
    that is no module stands in the module before its last dot.
    """
    imports = imports_of(root)
    graph = {module_of(path, root): set() for path in imports}
    for path, names in imports.items():
        importer = module_of(path, root)
        for name, _ in names:
            while name and name not in graph:
                name = name.rpartition(".")[0]
            if name and name != importer:
                graph[importer].add(name)
    return graph


def circles(graph):
    """Return the strongly connected parts of two modules and more, the largest first."""
    reach = {module: reachable(graph, module) for module in graph}
    found = {frozenset(m for m in reach[module] if module in reach[m]) for module in graph}
    return sorted((sorted(part) for part in found if len(part) > 1), key=len, reverse=True)


def reachable(graph, start):
    """Return what a way of one step or more leads to."""
    found, waiting = set(), [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


# ---- cells in C and Cython --------------------------------------------------------------------

CELL_NAME = re.compile(r"\b(?:FR_)?(?:SIMPLE_RNN|LSTM|GRU)(?:_[A-Z]+)*\b")
CELL_COMPARED = re.compile(r"\bcell\s*[!=]=|switch \(.*\bcell\)")
# A row of a table that gives a fact for each cell, or a member of an enumeration.
TABLE_ROW = re.compile(
    r"""^\s*(?:\[FR_\w+\]\s*=|"\w+":\s*\w+,?$|\w+\s*(?:=\s*\d+)?,?$|(?:typedef )?enum\b|X\()"""
)


def cells_named(root):
    """Return (file, line, text) wherever C or Cython asks which cell it is, or names one.

    The cells' own files, in folders or under names of ``cells``, and rows of tables may.
    """
    found = []
    files = [path for path in (root / "src_c").rglob("*") if path.suffix in (".c", ".h")]
    for path in sorted(files) + cython_sources(root):
        if any(part.split(".")[0].split("_")[-1] == "cells" for part in path.parts):
            continue
        text = re.sub(r"/\*.*?\*/", blanked, path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for number, line in enumerate(text.splitlines(), 1):
            code = re.sub(r"(//|#(?!\s*(define|include|if))).*", "", line)
            names = CELL_NAME.search(code) and not TABLE_ROW.match(code)
            if names or CELL_COMPARED.search(code):
                found.append((path.relative_to(root).as_posix(), number, line.strip()))
    return found


def blanked(match):
    return "\n" * match[0].count("\n")


def headers_alone(root, compiler="cc"):
    """Return the headers of src_c, and those of them that do not compile alone."""
    headers = sorted((root / "src_c").rglob("*.h"))
    command = [compiler, "-std=c11", "-fsyntax-only", "-x", "c", f"-I{root / 'src_c'}"]
    failed = [h for h in headers if subprocess.run([*command, h], capture_output=True).returncode]
    return headers, failed


# ---- sizes and types ---------------------------------------------------------------------------


def lines_of(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def package_lines(root):
    """Return the lines of all Python files of the package, blank ones and comments too."""
    return sum(map(lines_of, sources(root)))


def functions_of(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def long_files(root):
    return [
        (path.relative_to(root).as_posix(), lines_of(path))
        for path in sources(root)
        if lines_of(path) > MOST_LINES_OF_A_FILE
    ]


def long_functions(root):
    return [
        (path.relative_to(root).as_posix(), node.name, node.end_lineno - node.lineno + 1)
        for path in sources(root)
        for node in functions_of(path)
        if node.end_lineno - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    ]


def parameters(root):
    """Return (file, function, parameter, annotation) but for self, cls, ``*`` and ``**``."""
    return [
        (path.relative_to(root).as_posix(), node.name, p.arg, p.annotation)
        for path in sources(root)
        for node in functions_of(path)
        for p in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        if p.arg not in ("self", "cls")
    ]


def typed_any(root):
    """Return (how many parameters are typed exactly ``Any``, of how many)."""
    found = [annotation for *_, annotation in parameters(root)]
    return sum(isinstance(a, ast.Name) and a.id == "Any" for a in found), len(found)


# ---- calls -------------------------------------------------------------------------------------


class Recorder:
    """Keeps the package's frames on the stack whenever the fused engine is entered."""

    def __init__(self):
        self.stacks = []

    def note(self):
        frame, stack = sys._getframe(2), []
        while frame:
            if "fastrnn" in Path(frame.f_code.co_filename).parts:
                stack.append(frame.f_code.co_qualname)
            frame = frame.f_back
        self.stacks.append(stack[::-1])

    def wrap(self, function):
        def entered(*arguments):
            self.note()
            return function(*arguments)

        return entered

    def wrap_class(self, cls):
        """Wrap the calls of what ``cls`` makes."""
        return lambda *arguments: self.wrap(cls(*arguments))


@contextlib.contextmanager
def recorded_entries():
    """Give a ``Recorder`` of all passes that the fused engine runs in the ``with`` block."""
    import fastrnn.engines.fused.engine as engine

    recorder = Recorder()
    before = {name: getattr(engine, name) for name in ("forward", "forward_concurrently")}
    wrapped = {name: recorder.wrap(function) for name, function in before.items()}
    before["Inference"] = engine.Inference
    wrapped["Inference"] = recorder.wrap_class(engine.Inference)
    try:
        for name, value in wrapped.items():
            setattr(engine, name, value)
        yield recorder
    finally:
        for name, value in before.items():
            setattr(engine, name, value)


def call_depths():
    """Return the names of the frames on the longest way to the engine, for each kind of call.

    ``fit`` and ``predict`` do not count themselves; a layer's ``__call__`` does.
    """
    import numpy as np

    import fastrnn

    layers = fastrnn.layers
    x, y = np.zeros((8, 5, 3), "f4"), np.zeros((8, 1), "f4")
    inputs = fastrnn.Input((5, 3))
    models = {
        "Sequential": fastrnn.Sequential([inputs, layers.LSTM(4), layers.Dense(1)]),
        "functional": fastrnn.Model(inputs, layers.Dense(1)(layers.LSTM(4)(inputs))),
    }
    engine = fastrnn.config.engine()
    fastrnn.config.set_engine("fused")
    depths = {}
    try:
        for name, model in models.items():
            model.compile("adam", "mse")
            calls = {"fit": (x, y), "predict": (x,)}
            for method, arguments in calls.items():
                with recorded_entries() as recorder:
                    getattr(model, method)(*arguments, verbose=0)
                depths[f"{method}, {name}"] = max(recorder.stacks, key=len)[1:]
        for options in ({}, {"return_state": True}):
            layer = layers.LSTM(4, **options)
            with recorded_entries() as recorder:
                layer(x)
                layer(x)
            told = ", return_state" if options else ""
            depths[f"layer(x){told}"] = max(recorder.stacks, key=len)
    finally:
        fastrnn.config.set_engine(engine)
    return depths


def classes_between():
    """Return the classes between ``Sequential`` and ``Layer`` in the order of lookup."""
    import fastrnn

    order = fastrnn.Sequential.__mro__
    return [cls.__name__ for cls in order[1 : order.index(fastrnn.layers.Layer)]]


@contextlib.contextmanager
def checkout(root, commit):
    """Give the sources of a commit in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "-C", root, "archive", commit], capture_output=True, check=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        yield Path(folder)
