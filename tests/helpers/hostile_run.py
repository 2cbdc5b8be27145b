"""Reads hostile files in a process of its own, and prints how each was refused, as JSON.

Usage: python hostile_run.py FOLDER; the part of a file's name before the first ``-`` is its kind.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

import fastrnn
from fastrnn.formats.containers.hdf5 import open_hdf5
from fastrnn.formats.containers.json_data import parse_json
from fastrnn.formats.containers.npy import read_npy
from fastrnn.formats.containers.zip_archive import open_archive
from fastrnn.formats.model_file_error import ModelFileError


def read_zip(path):
    with open_archive(path) as archive:
        for name in archive.names:
            archive.read(name)


def read_hdf5(path):
    with open_hdf5(path) as root:
        groups = [root]
        while groups:
            group = groups.pop()
            groups += group.groups.values()
            for item in (group, *group.datasets.values()):
                for name in item.attributes:
                    item.attribute(name)
            for dataset in group.datasets.values():
                dataset.read(dataset.shape)


def read_into_model(path):
    model = fastrnn.Sequential([fastrnn.Input((4, 3)), fastrnn.layers.GRU(4, name="gru")])
    model.load_weights(path)


READERS = {
    "zip": read_zip,
    "json": lambda path: parse_json(path.read_bytes(), path.name),
    "npy": lambda path: read_npy(path.read_bytes(), path.name),
    "hdf5": read_hdf5,
    "weights": read_into_model,
    "model": fastrnn.models.load_model,
    "keras": fastrnn.models.load_model,
    "older": fastrnn.models.load_model,
}


def peak_bytes():
    """The most memory that this process has had so far; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        return 0
    return int(status.split("VmHWM:")[1].split()[0]) << 10


def refuse(path):
    before = peak_bytes()
    begin = time.process_time()  # other programs do not count
    try:
        READERS[path.name.split("-")[0]](path)
        reason = "read"
    except ModelFileError as error:
        reason = error.reason
    seconds = time.process_time() - begin
    return {"reason": reason, "seconds": seconds, "more_bytes": peak_bytes() - before}


def main(folder):
    import h5py  # noqa: F401  it takes long, and belongs to no file

    np.random.default_rng(0)
    results = {path.name: refuse(path) for path in sorted(Path(folder).iterdir())}
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
