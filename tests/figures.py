"""Prints the figures of the package's structure: ``python tests/figures.py [COMMIT]``.

Each is counted as its function in ``helpers/structure.py`` says. With a commit, what can be counted
in its sources without building them.
"""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests" / "helpers"))

import structure  # noqa: E402  where it is has just been said


def print_sources(root):
    """Print what is counted in the sources."""
    circles = structure.circles(structure.import_graph(root))
    print(f"import circles: {len(circles)}", *(f"of {len(circle)}" for circle in circles))
    print(f"places that ask for a cell in C and Cython: {len(structure.cells_named(root))}")
    headers, failed = structure.headers_alone(root)
    print(f"headers that compile alone: {len(headers) - len(failed)} of {len(headers)}")
    print(f"lines of Python without tests: {structure.package_lines(root)}")
    typed, parameters = structure.typed_any(root)
    print(f"parameters typed Any: {typed} of {parameters}, {typed / parameters:.1%}")
    for name, size in structure.long_files(root):
        print(f"over {structure.MOST_LINES_OF_A_FILE} lines: {name}, {size}")
    for name, function, size in structure.long_functions(root):
        print(f"over {structure.MOST_LINES_OF_A_FUNCTION} lines: {function} in {name}, {size}")


def print_calls():
    """Print what is seen when the package runs."""
    for call, frames in structure.call_depths().items():
        print(f"Python frames from {call} to the engine: {len(frames)} ({' > '.join(frames)})")
    between = structure.classes_between()
    print(f"classes between Sequential and Layer: {len(between)} ({', '.join(between)})")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with structure.checkout(REPOSITORY, sys.argv[1]) as root:
            print_sources(root)
    else:
        print_calls()
        print_sources(REPOSITORY)
