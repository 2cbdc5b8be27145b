"""``fastrnn selftest``: checks in seconds what is installed, without its tests."""

from __future__ import annotations

import argparse
import dataclasses

from fastrnn.cli import info


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to ``commands``."""
    text = "Check this installation in seconds: engines, gradients, threads, training, saving."
    parser = commands.add_parser("selftest", help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the result of each check; return 1 if one failed."""
    from fastrnn import selftest

    results = []
    for result in selftest.run_all():
        results.append(result)
        if not arguments.json:
            mark = "ok" if result.passed else "FAILED"
            print(f"{result.name:37} {mark:6} {result.seconds:5.2f} s  {result.detail}")
    failed = sum(not result.passed for result in results)
    if arguments.json:
        import json

        found = [dataclasses.asdict(result) for result in results]
        print(json.dumps({"failed": failed, "checks": found, "environment": info.collect()}))
        return min(failed, 1)
    print(f"{len(results) - failed} passed, {failed} failed")
    if failed:
        print("\nPlease report this, together with what stands above:\n")
        info.show(info.collect())
    return min(failed, 1)
