"""The command ``fastrnn``: one file for each subcommand.

Exit codes: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from fastrnn._version import __version__
from fastrnn.cli import bench, demo, info, inspect, run, selftest


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        argv: arguments without the program's name; those of the process unless given.
    """
    parser = argparse.ArgumentParser(
        prog="fastrnn", description="Fast recurrent networks on the CPU, with Keras's semantics."
    )
    parser.add_argument("--version", action="version", version=f"fastrnn {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (run, demo, info, bench, inspect, selftest):
        module.add_parser(commands)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # argparse has printed help (0) or what is wrong (2)
        return stop.code if isinstance(stop.code, int) else 2
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"fastrnn {arguments.command}: {error}", file=sys.stderr)
        return 1
