"""``fastrnn run``: a script, module or notebook for Keras, on fastrnn, unchanged."""

from __future__ import annotations

import argparse
import os
import re
import runpy
import sys
import traceback
from pathlib import Path
from types import ModuleType

from fastrnn.core import missing_names

_NOT_IMPORTED = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to ``commands``."""
    text = "Run a script, module or notebook written for Keras or TensorFlow, unchanged."
    note = "`keras` and `tensorflow` are fastrnn in it. The exit code is the script's."
    parser = commands.add_parser("run", help=text, description=f"{text} {note}")
    parser.add_argument("-m", action="store_true", dest="is_module", help="TARGET is a module")
    parser.add_argument("target", metavar="TARGET", help="a file, .py or .ipynb; or a module")
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, metavar="...", help="arguments of the script"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the target, and say on standard error which names it asked for in vain."""
    from fastrnn.compat import install_as_keras

    target = arguments.target
    if not arguments.is_module and not Path(target).is_file():
        raise ValueError(f"there is no file {target!r} to run.")
    missing_names.forget()
    before = sys.argv, list(sys.path), sys.modules["__main__"]
    sys.argv = [target, *arguments.arguments]
    sys.path.insert(0, os.getcwd() if arguments.is_module else str(Path(target).resolve().parent))
    try:
        with install_as_keras():
            _execute(target, arguments.is_module)
    except SystemExit as stop:
        code = _exit_code(stop)
    except Exception as error:
        _note_what_is_missing(error)
        _print_traceback(error)
        code = 1
    else:
        code = 0
    finally:
        sys.argv, sys.path[:], sys.modules["__main__"] = before
    sys.stdout.flush()
    if names := missing_names.noted():
        print(f"fastrnn run: not there, but asked for: {', '.join(names)}", file=sys.stderr)
    return code


def _execute(target: str, is_module: bool) -> None:
    if is_module:
        runpy.run_module(target, run_name="__main__", alter_sys=True)
    elif target.endswith(".ipynb"):
        from fastrnn.cli import notebook

        main = ModuleType("__main__")
        main.__dict__["__file__"] = target
        sys.modules["__main__"] = main
        notebook.run_cells(target, main.__dict__)
    else:
        runpy.run_path(target, run_name="__main__")


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    print(stop.code, file=sys.stderr)
    return 1


def _note_what_is_missing(error: Exception) -> None:
    """Keep the name of fastrnn's that an uncaught error is about, if it is about one."""
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        _note(error.obj.__name__, str(error.name))
    elif isinstance(error, ImportError) and (found := _NOT_IMPORTED.match(str(error))):
        _note(found[2], found[1])


def _note(module: str, name: str) -> None:
    root, _, rest = module.partition(".")
    if root == "fastrnn" and not rest.startswith("compat"):  # which has noted it itself
        missing_names.note(".".join(filter(None, ("keras", rest, name))))


def _print_traceback(error: Exception) -> None:
    """Print the traceback of the script's own lines and what is below them."""
    step = error.__traceback__
    while step and step.tb_next and step.tb_frame.f_code.co_filename in _OWN_FILES:
        step = step.tb_next
    traceback.print_exception(type(error), error, step)


_OWN_FILES = (__file__, str(Path(__file__).with_name("notebook.py")), "<frozen runpy>")
