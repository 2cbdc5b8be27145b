"""Where the examples find data."""

import argparse
import os
from pathlib import Path

NEIGHBOUR = Path(__file__).resolve().parents[2] / "shared" / "data"


def find(name, given=None):
    """Return the data file, or None where there is none.

    It is looked for as given, in the folder that FASTRNN_DATA names, and in shared/data beside the
    repository.
    """
    folder = Path(os.environ.get("FASTRNN_DATA", NEIGHBOUR))
    path = folder / name if given is None else Path(given)
    return path if path.is_file() else None


def parse(description, default_file):
    """Return the command line's arguments: the data file and the number of epochs."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", help=f"the file {default_file}")
    parser.add_argument("--epochs", type=int, help="passes over the data")
    return parser.parse_args()
