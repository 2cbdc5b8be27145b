"""``fastrnn inspect``: what a file of a model or of weights holds, without making it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to ``commands``."""
    text = "Print what a file of a model or of weights holds. Nothing of it is executed or made."
    parser = commands.add_parser("inspect", help=text, description=text)
    parser.add_argument(
        "file", metavar="FILE", help=".keras, .fastrnn, .h5, .weights.npz, .safetensors or .onnx"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the contents; return 1 if the file is refused, or ``load_model`` would refuse it."""
    from fastrnn.formats.inspection import inspect_file
    from fastrnn.formats.model_file_error import ModelFileError

    try:
        found = inspect_file(arguments.file)
    except ModelFileError as error:
        if arguments.json:
            print(json.dumps({"refused": [error.reason], "message": str(error)}, indent=1))
        print(f"refused: {escaped(error)}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(found, indent=1))
    else:
        for line in lines_of(found):
            print(escaped(line))
    if found.get("refused"):
        print(f"refused: {escaped(', '.join(found['refused']))} [forbidden_class]", file=sys.stderr)
        return 1
    return 0


def escaped(value: object) -> str:
    """Return a value as a line of text in which nothing controls the terminal.

    >>> print(escaped("a\\x1b[2Jb"))
    a\\x1b[2Jb
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(value))


def lines_of(found: dict[str, Any]) -> Iterator[str]:
    """Give the lines of the text form."""
    yield f"{'file:':12} {found['file']}, {found['bytes']} bytes"
    yield f"{'format:':12} {found['format']}"
    for key, value in found.get("versions", {}).items():
        yield f"{key.replace('_', ' ') + ':':12} {_short(value)}"
    if "model" in found:
        yield f"{'model:':12} {_short(found['model']['class'])} {_short(found['model']['name'])}"
        for key, value in found["compiled"].items():
            yield f"{key + ':':12} {_short(value)}"
        yield "layers:"
        for layer in found["layers"]:
            options = ", ".join(f"{k}={_short(v)}" for k, v in layer["options"].items())
            name = f"  {'  ' * layer['depth']}{_short(layer['name'])}"
            yield f"{name:30} {_short(layer['class'])}({options})"
    yield "weights:"
    for entry in found["weights"]:
        shape = str(tuple(entry["shape"]))
        yield f"  {entry['path']:56} {shape:16} {entry['dtype']:8} {entry['bytes']} bytes"
    if found["optimizer"]:
        size = sum(entry["bytes"] for entry in found["optimizer"])
        yield f"state of the optimizer: {len(found['optimizer'])} arrays, {size} bytes"
    yield f"{'parameters:':12} {found['parameters']}"
    if found["not_finite"]:
        yield f"NaN or infinity in: {', '.join(found['not_finite'][:20])}"
    yield "checked: structure, sizes, checksums, descriptions"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 100 else f"{text[:100]}…"
