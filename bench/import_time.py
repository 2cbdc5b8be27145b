"""How long ``import fastrnn`` takes beyond what ``import numpy`` takes, in new processes.

Run it with the interpreter whose installation is to be measured.
"""

import argparse
import statistics
import subprocess
import sys

CODE = """
from time import perf_counter
start = perf_counter()
import numpy
middle = perf_counter()
import fastrnn
print(1e3 * (middle - start), 1e3 * (perf_counter() - middle))
"""


def measure(runs):
    """Return the milliseconds of each run: (of numpy, of fastrnn beyond it)."""
    command = [sys.executable, "-P", "-c", CODE]
    outputs = [subprocess.check_output(command, text=True) for _ in range(runs + 1)]
    # The first run reads files that later ones find in the memory.
    return [tuple(float(number) for number in output.split()) for output in outputs[1:]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--most", type=float, help="fail if the quickest run takes more, in ms")
    arguments = parser.parse_args()
    numpy, fastrnn = zip(*measure(arguments.runs), strict=True)
    print(f"import numpy: median {statistics.median(numpy):.0f} ms")
    median, least = statistics.median(fastrnn), min(fastrnn)
    print(f"import fastrnn, beyond numpy: median {median:.0f} ms, least {least:.0f} ms")
    # What else the machine does adds to every run but the quickest.
    return int(arguments.most is not None and least > arguments.most)


if __name__ == "__main__":
    sys.exit(main())
