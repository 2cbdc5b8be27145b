"""Damages good files at random for as long as you like: only ``ModelFileError`` may come out.

    python tests/helpers/fuzz_files.py SECONDS [SEED]

Each run of a minute is a process of its own. A file that crashes it, that raises something else, or
that takes more than five seconds, is kept in the folder ``fuzz`` with what happened.
"""

import collections
import faulthandler
import functools
import random
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from hostile_changes import file_of
from hostile_hdf5 import hdf5, weights
from hostile_legacy_h5 import older
from hostile_run import READERS
from hostile_zip import DEFLATE, Entry, npy, zip_of

from fastrnn.formats.inspection import inspect_file
from fastrnn.saving import ModelFileError

FOLDER = Path("fuzz")
LIMIT = 5.0  # seconds for a file
SPECIAL = [0, 1, 0x7F, 0x80, 0xFE, 0xFF]


def rich(root):
    """A file of all that is read: chunks, shapes, attributes of all kinds."""
    weights(root)
    chunks = {"chunks": (30,), "compression": "gzip", "shuffle": True}
    root.create_dataset("chunks", data=np.arange(100.0), **chunks)
    root.attrs.update({"names": ["a", "bcd"], "numbers": np.arange(3), "text": np.bytes_(b"abc")})


@functools.cache
def seeds():
    """Good files, and which reader takes them."""
    array = npy(np.arange(6, dtype="f4").reshape(2, 3))
    members = Entry("a/b.npy", array), Entry("c", b"content " * 9, DEFLATE)
    return [
        ("zip", zip_of(*members)),
        ("npy", array),
        ("json", b'{"units": [4, -2.5e3, null], "name": "a\\u00e9\\ud83d\\ude00", "b": {}}'),
        ("hdf5", hdf5(weights)),
        ("hdf5", hdf5(rich)),
        ("hdf5", hdf5(rich, libver="latest")),
        ("model", file_of()),
        ("keras", file_of(kind="keras")),
        ("older", older()),
    ]


ENDINGS = {"model": ".fastrnn", "keras": ".keras", "older": ".h5"}


def read(kind, data, folder):
    """Read a file of this kind and look at its contents; return the reason or ``"read"``."""
    path = folder / f"a{ENDINGS.get(kind, '')}"
    path.write_bytes(data)
    reasons = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for reader in (READERS[kind], inspect_file):
            try:
                reader(path)
                reasons.append("read")
            except ModelFileError as error:
                reasons.append(error.reason)
    return reasons[0]


def damaged(data, choose):
    """Return ``data`` with one thing changed; ``choose(n)`` gives a number below ``n``."""
    data = bytearray(data)
    place = choose(len(data))
    how = choose(6)
    if how == 0:
        data[place] = choose(256)
    elif how == 1:
        data[place] ^= 1 << choose(8)
    elif how == 2:
        data[place] = SPECIAL[choose(len(SPECIAL))]
    elif how == 3:
        data[place : place + 8] = choose(len(data) + 1).to_bytes(8, "little")
    elif how == 4:
        other = choose(len(data))
        data[place : place + 16] = data[other : other + 16]
    else:
        del data[place : place + 1 + choose(16)]
    return bytes(data) or b"\0"


def fuzz(seconds, seed):
    """Damage files for some seconds, in this process."""
    FOLDER.mkdir(exist_ok=True)
    rng = random.Random(seed)
    kept = FOLDER / f"{seed}"
    counts = collections.Counter()
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as scratch:
        while time.monotonic() < end:
            kind, data = rng.choice(seeds())
            for _ in range(rng.choice([1, 1, 2, 4, 16])):
                reach = rng.choice([100, 1000, 10**9])
                data = damaged(data, lambda n, reach=reach: rng.randrange(min(n, reach)))
            kept.with_suffix(f".{kind}").write_bytes(data)
            faulthandler.dump_traceback_later(LIMIT, exit=True)
            counts[kind, read(kind, data, Path(scratch))] += 1
            faulthandler.cancel_dump_traceback_later()
            kept.with_suffix(f".{kind}").unlink()
    print(f"seed {seed}: {counts.total()} files,", end=" ")
    print(*(f"{kind} {reason} {n}," for (kind, reason), n in counts.most_common(12)))


def main(seconds, seed):
    """Run one process after the other; return how many failed."""
    failed = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        left = min(60.0, end - time.monotonic())
        command = [sys.executable, __file__, "--once", str(left), str(seed)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        print(result.stdout, end="", flush=True)
        if result.returncode != 0:
            failed += 1
            (FOLDER / f"{seed}.txt").write_text(result.stderr)
            print(f"seed {seed} failed, see {FOLDER / str(seed)}.*", flush=True)
        seed += 1
    return failed


if __name__ == "__main__":
    if sys.argv[1] == "--once":
        fuzz(float(sys.argv[2]), int(sys.argv[3]))
    else:
        sys.exit(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
