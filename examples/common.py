"""Where the examples find data."""

import argparse
import os
from pathlib import Path

NEIGHBOUR = Path(__file__).resolve().parents[2] / "shared" / "data"


def find(name, given=None):
    """Return the data file that is given, or else found, or None where there is none.

    It is looked for in the folder that FASTRNN_DATA names, or in shared/data beside the repository.
    """
    if given is not None:
        if not Path(given).is_file():
            raise SystemExit(f"--data: there is no file {given}")
        return Path(given)
    path = Path(os.environ.get("FASTRNN_DATA", NEIGHBOUR)) / name
    return path if path.is_file() else None


def parse(description, default_file):
    """Return the command line's arguments: the data file and the number of epochs."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", help=f"the file {default_file}")
    parser.add_argument("--epochs", type=int, help="passes over the data")
    return parser.parse_args()
