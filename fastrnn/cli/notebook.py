"""Notebooks: their code cells, run in order like a script.

What speaks to Jupyter instead of Python is left out: lines that begin with ``%``, ``!`` or
``?``, and cells of another language. Nothing is shown that the code does not print.
"""

from __future__ import annotations

import json
import linecache
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_MAGIC_LINE = re.compile(r"^(\s*)(%{1,2}[a-zA-Z].*|[!?].*|[\w.]+\?{1,2}\s*)$")
# Magics above a cell that leave it Python.
_PYTHON_CELLS = ("%%time", "%%timeit", "%%capture", "%%prun")


def run_cells(path: str, namespace: dict[str, Any]) -> None:
    """Run the code cells of the notebook at ``path`` in ``namespace``.

    Raises:
        ValueError: the file is no notebook.
    """
    namespace.setdefault("display", print)
    for number, source in enumerate(_code_cells(path), 1):
        name = f"{path}, cell {number}"
        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
        exec(compile(source, name, "exec"), namespace)


def _code_cells(path: str) -> list[str]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        sheets = content.get("worksheets", [content])  # which notebooks of version 3 have
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        sources = [cell.get("source", cell.get("input")) for cell in cells if _is_code(cell)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path!r} is no notebook: {error!r}.") from error
    return [_python("".join(source)) for source in sources]


def _is_code(cell: dict[str, Any]) -> bool:
    return bool(cell["cell_type"] == "code")


def _python(source: str) -> str:
    """Return the cell without what is no Python; line numbers stay."""
    indent = re.match(
        r"\s*?([ \t]*)\S", source
    )  # which Jupyter takes off the first line and others
    if indent and indent[1]:
        source = re.sub(f"^{indent[1]}", "", source, flags=re.MULTILINE)
    first = source.lstrip().split("\n", 1)[0]
    if first.startswith("%%") and not first.startswith(_PYTHON_CELLS):
        return ""
    try:
        compile(source, "cell", "exec")
    except SyntaxError:
        return "\n".join(_without_magics(source.split("\n")))
    return source


def _without_magics(lines: list[str]) -> Iterator[str]:
    """Give the lines, ``pass`` for each magic one; those that it goes on in are empty."""
    goes_on = False
    for line in lines:
        magic = _MAGIC_LINE.match(line)
        yield "" if goes_on else f"{magic[1]}pass" if magic else line
        goes_on = (goes_on or magic is not None) and line.rstrip().endswith("\\")
